//! Requests over tonic: its server takes connections from `squall_probe::glue::Incoming`, its channel connects by
//! `squall_probe::glue::HttpConnector`. What a compiler of protocol files would write stands here by hand.

use hyper::{Request, Response, Uri, http::uri::PathAndQuery};
use squall::system::Error;
use squall_example_glue::{Store, Transport};
use squall_probe::{
    glue::{HttpConnector, Incoming},
    net::TcpListener,
};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    process::ExitCode,
    task::{Context, Poll},
};
use tonic::{
    Status,
    body::Body,
    client,
    server::{Grpc, NamedService, UnaryService},
    transport::{Endpoint, Server},
};
use tonic_prost::ProstCodec;

#[derive(Default)]
struct Tonic;

#[derive(Clone)]
struct Service(Store);

impl NamedService for Service {
    const NAME: &'static str = "glue.Store";
}

impl tower_service::Service<Request<Body>> for Service {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let keep = Keep(self.0.clone());
        Box::pin(async move { Ok(Grpc::new(ProstCodec::default()).unary(keep, request).await) })
    }
}

struct Keep(Store);

impl UnaryService<u64> for Keep {
    type Response = u64;
    type Future = Ready<Result<tonic::Response<u64>, Status>>;

    fn call(&mut self, request: tonic::Request<u64>) -> Self::Future {
        let kept = self.0.keep(request.into_inner());
        ready(kept.map(tonic::Response::new).map_err(|error| Status::internal(error.to_string())))
    }
}

impl Transport for Tonic {
    const NAME: &'static str = "tonic";
    const MESSAGES: &'static [&'static str] = &["DATA", "HEADERS"];

    async fn serve(listener: TcpListener, store: Store) -> Result<(), Error> {
        let incoming = Incoming::from(listener);
        Ok(Server::builder().add_service(Service(store)).serve_with_incoming(incoming).await?)
    }

    async fn ask(&self, event: u64) -> Result<u64, Error> {
        let endpoint = Endpoint::from(Uri::from_static("http://server-1:7000"));
        let channel = endpoint.connect_with_connector(HttpConnector).await?;
        let mut client = client::Grpc::new(channel);
        client.ready().await?;
        let path = PathAndQuery::from_static("/glue.Store/Keep");
        let codec = ProstCodec::<u64, u64>::default();
        Ok(client.unary(tonic::Request::new(event), path, codec).await?.into_inner())
    }
}

fn main() -> ExitCode {
    squall_example_glue::main::<Tonic>()
}
