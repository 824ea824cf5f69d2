//! Requests over axum: `axum::serve` takes the listener of `squall_probe::net` as it takes tokio's. (It tells the time of day
//! in each response, which is std's clock: scenarios say `allow: [clock]`.) The client is hyper's, one connection a request.

use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use squall::system::Error;
use squall_example_glue::{Store, Transport};
use squall_probe::net::{TcpListener, TcpStream};
use std::process::ExitCode;

#[derive(Default)]
struct Axum;

async fn keep(State(store): State<Store>, Path(event): Path<u64>) -> Result<String, StatusCode> {
    let count = store.keep(event).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(count.to_string())
}

impl Transport for Axum {
    const NAME: &'static str = "axum";
    const MESSAGES: &'static [&'static str] = &["POST", "response"];

    async fn serve(listener: TcpListener, store: Store) -> Result<(), Error> {
        let app = Router::new().route("/{event}", post(keep)).with_state(store);
        axum::serve(listener, app).with_graceful_shutdown(squall_probe::stop_asked()).await?;
        Ok(())
    }

    async fn ask(&self, event: u64) -> Result<u64, Error> {
        let stream = TcpStream::connect("server-1:7000").await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::post(format!("/{event}")).header("host", "server-1");
        let response = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
        if response.status() != StatusCode::OK {
            return Err(response.status().to_string().into());
        }
        let body = response.into_body().collect().await?.to_bytes();
        Ok(std::str::from_utf8(&body)?.parse()?)
    }
}

fn main() -> ExitCode {
    squall_example_glue::main::<Axum>()
}
