//! Requests over `tokio_util::codec`: `Framed` is `squall_probe::codec::Framed`, so faults act on each frame by its kind.

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt as _, StreamExt as _};
use squall::system::Error;
use squall_example_glue::{Store, Transport};
use squall_probe::{
    codec::{Framed, LengthDelimitedCodec},
    net::{TcpListener, TcpStream},
};
use std::process::ExitCode;

#[derive(Default)]
struct Codec;

/// A length of four bytes, and a number.
fn framed(
    stream: TcpStream,
    kind: fn(&[u8]) -> &'static str,
) -> Framed<TcpStream, LengthDelimitedCodec> {
    Framed::new(stream, LengthDelimitedCodec::new()).with_kinds(kind)
}

fn number(frame: Option<Result<BytesMut, std::io::Error>>) -> Result<u64, Error> {
    let frame = frame.ok_or("the connection ended")??;
    Ok(u64::from_be_bytes(frame.as_ref().try_into()?))
}

impl Transport for Codec {
    const NAME: &'static str = "codec";
    const MESSAGES: &'static [&'static str] = &["store", "stored"];

    async fn serve(listener: TcpListener, store: Store) -> Result<(), Error> {
        loop {
            let (stream, _) = listener.accept().await?;
            let store = store.clone();
            tokio::spawn(async move {
                let mut frames = framed(stream, |_| "stored");
                while let Ok(event) = number(frames.next().await) {
                    let Ok(count) = store.keep(event) else { return };
                    let answer = Bytes::copy_from_slice(&count.to_be_bytes());
                    if frames.send(answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    }

    async fn ask(&self, event: u64) -> Result<u64, Error> {
        let mut frames = framed(TcpStream::connect("server-1:7000").await?, |_| "store");
        frames.send(Bytes::copy_from_slice(&event.to_be_bytes())).await?;
        number(frames.next().await)
    }
}

fn main() -> ExitCode {
    squall_example_glue::main::<Codec>()
}
