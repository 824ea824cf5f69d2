//! Glue for libraries that take a socket by a trait of theirs, each behind the feature of its name.
//!
//! - `hyper`: `HttpConnector` connects `hyper_util`'s client, and whatever else takes a `tower` service from addresses to
//!   connections; `TcpConnector` is what a connector with TLS wraps. A server needs none: `hyper_util::rt::TokioIo` takes a [`TcpStream`](crate::net::TcpStream).
//! - `axum`: a [`TcpListener`](crate::net::TcpListener) is an `axum::serve::Listener`.
//! - `tonic`: a [`TcpStream`](crate::net::TcpStream) is `Connected`, and `Incoming` is what `serve_with_incoming` takes;
//!   a channel connects with `HttpConnector`.
//! - `codec`, too: `Incoming`, where a program takes a stream of connections.

#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "hyper")]
mod hyper;
#[cfg(any(feature = "codec", feature = "tonic"))]
mod incoming;
#[cfg(feature = "tonic")]
mod tonic;

#[cfg(feature = "hyper")]
pub use hyper::{HttpConnector, TcpConnector};
#[cfg(any(feature = "codec", feature = "tonic"))]
pub use incoming::Incoming;
