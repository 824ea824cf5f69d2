//! What clients of HTTP connect with.

use crate::net::TcpStream;
use http::Uri;
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
};

/// Connects to the host and the port of an address, 80 if it has none. There is no TLS: a connector that speaks it wraps
/// [`TcpConnector`].
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpConnector;

impl tower_service::Service<Uri> for HttpConnector {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        if address.scheme_str() == Some("https") {
            let message = format!("{address}: this connector has no TLS");
            return Box::pin(async { Err(io::Error::new(io::ErrorKind::Unsupported, message)) });
        }
        TcpConnector.call(address)
    }
}

/// As [`HttpConnector`], whatever the scheme, with port 443 for `https`: for connectors that speak TLS over what they wrap
/// (`hyper_rustls::HttpsConnectorBuilder::wrap_connector`).
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpConnector;

impl tower_service::Service<Uri> for TcpConnector {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let usual_port = if address.scheme_str() == Some("https") { 443 } else { 80 };
        Box::pin(async move {
            let host = address.host().ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidInput, format!("{address}: it has no host"))
            })?;
            let port = address.port_u16().unwrap_or(usual_port);
            // An address of IPv6 stands in brackets.
            let host = host.trim_start_matches('[').trim_end_matches(']');
            TcpStream::connect((host, port)).await.map(TokioIo::new)
        })
    }
}

impl Connection for TcpStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}
