//! What every simulator runs, on madsim.

use bench_common::{Echo, Log};
use madsim::runtime::Runtime;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

const HOSTS: [&str; 5] = ["server", "client", "follower-1", "follower-2", "leader-1"];

mod net {
    use madsim::{
        net::{TcpListener, TcpStream},
        task::JoinHandle,
    };
    use std::future::Future;
    use tokio::io::AsyncWriteExt as _;

    pub async fn bind(port: u16) -> TcpListener {
        TcpListener::bind(("0.0.0.0", port)).await.expect("the port is free")
    }

    pub async fn accept(listener: &TcpListener) -> TcpStream {
        listener.accept().await.expect("it listens").0
    }

    pub async fn connect(host: &str, port: u16) -> TcpStream {
        TcpStream::connect((super::address(host), port)).await.expect("the host listens")
    }

    /// A stream of madsim's keeps what is written until it is flushed.
    pub async fn send(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
        stream.write_all(bytes).await?;
        stream.flush().await
    }

    pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        madsim::task::spawn(future)
    }
}

mod echo {
    use super::net;
    include!("../../shared/echo.rs");
}

mod log {
    use super::net;
    include!("../../shared/log.rs");
}

fn address(host: &str) -> std::net::IpAddr {
    let index = HOSTS.iter().position(|known| *known == host).expect("it is known");
    [10, 0, 0, index as u8 + 1].into()
}

struct World(Runtime);

impl World {
    fn new() -> Self {
        let mut config = madsim::Config::default();
        config.net.send_latency = Duration::from_millis(4)..Duration::from_millis(12);
        Self(Runtime::with_seed_and_config(1, config))
    }

    fn host(&self, name: &str, software: impl Future<Output = ()> + Send + 'static) {
        self.0.create_node().name(name).ip(address(name)).build().spawn(software);
    }

    fn go(&self, done: Arc<AtomicU64>, all: u64) -> u64 {
        self.0.block_on(async {
            while done.load(Ordering::Relaxed) < all {
                madsim::time::sleep(Duration::from_millis(100)).await;
            }
        });
        all
    }
}

/// Servers listen by then.
async fn later(client: impl Future<Output = ()>) {
    madsim::time::sleep(Duration::from_secs(1)).await;
    client.await;
}

pub fn echo(job: Echo) -> u64 {
    let world = World::new();
    let done = Arc::new(AtomicU64::new(0));
    world.host("server", echo::serve(job));
    world.host("client", later(echo::ask("server", job, done.clone())));
    world.go(done, u64::from(job.connections) * u64::from(job.messages))
}

pub fn log(job: Log) -> u64 {
    let world = World::new();
    let done = Arc::new(AtomicU64::new(0));
    world.host("follower-1", log::follow(job));
    world.host("follower-2", log::follow(job));
    let leader = async move {
        madsim::time::sleep(Duration::from_millis(500)).await;
        log::lead(["follower-1", "follower-2"], job).await;
    };
    world.host("leader-1", leader);
    world.host("client", later(log::append("leader-1", job, done.clone())));
    world.go(done, u64::from(job.entries))
}
