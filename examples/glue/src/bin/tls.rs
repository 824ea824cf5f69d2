//! Requests over hyper with TLS: rustls takes the streams of `squall_probe::net` at the server, and hyper-rustls connects by
//! `squall_probe::glue::TcpConnector`. What goes over the wire is encrypted, so faults act on bytes.
//!
//! Keys are drawn from the run's randomness, and a certificate is checked by the run's clock: both read std's, and scenarios
//! say `allow: [clock]`. The certificate, and its key, are for this example alone.

use http_body_util::{BodyExt as _, Empty, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioIo},
};
use squall::system::Error;
use squall_example_glue::{Store, Transport};
use squall_probe::{
    glue::TcpConnector,
    net::{TcpListener, TcpStream},
};
use std::{process::ExitCode, sync::Arc};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

const CERTIFICATE: &[u8] = include_bytes!("../tls/server-1.pem");
const KEY: &[u8] = include_bytes!("../tls/server-1.key.pem");

#[derive(Default)]
struct Tls;

fn certificate() -> Result<CertificateDer<'static>, Error> {
    Ok(CertificateDer::from_pem_slice(CERTIFICATE)?)
}

fn acceptor() -> Result<TlsAcceptor, Error> {
    let key = PrivateKeyDer::from_pem_slice(KEY)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate()?], key)?;
    Ok(Arc::new(config).into())
}

type Client = legacy::Client<HttpsConnector<TcpConnector>, Empty<Bytes>>;

fn client() -> Result<Client, Error> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()?)?;
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let https = HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http1();
    Ok(legacy::Client::builder(TokioExecutor::new()).build(https.wrap_connector(TcpConnector)))
}

impl Transport for Tls {
    const NAME: &'static str = "tls";
    const MESSAGES: &'static [&'static str] = &["bytes"];

    async fn serve(listener: TcpListener, store: Store) -> Result<(), Error> {
        let acceptor = acceptor()?;
        loop {
            let (stream, _) = listener.accept().await?;
            let (acceptor, store) = (acceptor.clone(), store.clone());
            tokio::spawn(async move {
                // Who breaks off in the middle of it will ask again.
                let _ = answer(acceptor, stream, store).await;
            });
        }
    }

    async fn ask(&self, event: u64) -> Result<u64, Error> {
        let request = Request::post(format!("https://server-1:7000/{event}")).body(Empty::new())?;
        let response = client()?.request(request).await?;
        let body = response.into_body().collect().await?.to_bytes();
        Ok(std::str::from_utf8(&body)?.parse()?)
    }
}

async fn answer(acceptor: TlsAcceptor, stream: TcpStream, store: Store) -> Result<(), Error> {
    let stream = acceptor.accept(stream).await?;
    let answer = service_fn(|request: Request<Incoming>| {
        let kept = store.keep_named(request.uri().path());
        async move { kept.map(|count| Response::new(Full::<Bytes>::from(count.to_string()))) }
    });
    http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await?;
    Ok(())
}

fn main() -> ExitCode {
    squall_example_glue::main::<Tls>()
}
