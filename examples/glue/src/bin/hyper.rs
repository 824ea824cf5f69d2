//! Requests over hyper: its server takes the streams of `squall_probe::net`, its client connects by
//! `squall_probe::glue::HttpConnector`. Faults on messages know requests and responses by themselves. (Both read std's clock,
//! for the date of a response and the age of an idle connection: scenarios say `allow: [clock]`.)

use http_body_util::{BodyExt as _, Empty, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioIo},
};
use squall::system::Error;
use squall_example_glue::{Store, Transport};
use squall_probe::{glue::HttpConnector, net::TcpListener};
use std::process::ExitCode;

struct Hyper(legacy::Client<HttpConnector, Empty<Bytes>>);

impl Default for Hyper {
    fn default() -> Self {
        Self(legacy::Client::builder(TokioExecutor::new()).build(HttpConnector))
    }
}

impl Transport for Hyper {
    const NAME: &'static str = "hyper";
    const MESSAGES: &'static [&'static str] = &["POST", "response"];

    async fn serve(listener: TcpListener, store: Store) -> Result<(), Error> {
        loop {
            let (stream, _) = listener.accept().await?;
            let store = store.clone();
            tokio::spawn(async move {
                let answer = service_fn(|request: Request<Incoming>| {
                    let kept = store.keep_named(request.uri().path());
                    async move {
                        kept.map(|count| Response::new(Full::<Bytes>::from(count.to_string())))
                    }
                });
                let server = http1::Builder::new();
                let _ = server.serve_connection(TokioIo::new(stream), answer).await;
            });
        }
    }

    async fn ask(&self, event: u64) -> Result<u64, Error> {
        let request = Request::post(format!("http://server-1:7000/{event}")).body(Empty::new())?;
        let response = self.0.request(request).await?;
        let body = response.into_body().collect().await?.to_bytes();
        Ok(std::str::from_utf8(&body)?.parse()?)
    }
}

fn main() -> ExitCode {
    squall_example_glue::main::<Hyper>()
}
