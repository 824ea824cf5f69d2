// Messages from one host to another and back. Included where `net` is a simulator's: `bind(port)`, `accept(&listener)`,
// `connect(host, port)`, `send(&mut stream, bytes)`, `spawn(future)`.

use bench_common::Echo;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use tokio::io::AsyncReadExt as _;

pub const PORT: u16 = 7000;

/// Sends back what it is sent, for ever.
pub async fn serve(job: Echo) {
    let listener = net::bind(PORT).await;
    loop {
        let mut stream = net::accept(&listener).await;
        net::spawn(async move {
            let mut message = vec![0; job.bytes];
            while stream.read_exact(&mut message).await.is_ok() {
                if net::send(&mut stream, &message).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Sends all messages; counts those that came back.
pub async fn ask(server: &'static str, job: Echo, done: Arc<AtomicU64>) {
    let connections = (0..job.connections).map(|_| {
        let done = done.clone();
        net::spawn(async move {
            let mut stream = net::connect(server, PORT).await;
            let mut message = vec![7; job.bytes];
            for _ in 0..job.messages {
                net::send(&mut stream, &message).await.expect("nothing fails here");
                stream.read_exact(&mut message).await.expect("nothing fails here");
                done.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    for connection in connections.collect::<Vec<_>>() {
        let _ = connection.await;
    }
}
