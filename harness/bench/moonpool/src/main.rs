//! The runner of moonpool-sim.

use bench_common::{Echo, Job, Log, serve};
use moonpool_sim::{
    LatencyDistribution, NetworkConfiguration, SimWorld,
    executor::{Executor, yield_now},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

mod net {
    use moonpool_sim::{
        NetworkProvider, SimNetworkProvider, TcpListenerTrait as _,
        executor::{self, JoinHandle},
    };
    use std::{cell::RefCell, future::Future};
    use tokio::{
        io::AsyncWriteExt as _,
        sync::{Mutex, Notify},
    };
    use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt as _};

    type SimTcpListener = <SimNetworkProvider as NetworkProvider>::TcpListener;
    pub type Stream = Compat<<SimNetworkProvider as NetworkProvider>::TcpStream>;

    /// moonpool 0.8 keeps one connection that waits to be accepted for each address: of 64 that connect at once 63 would
    /// wait for ever, so they take turns.
    static CONNECTS: Mutex<()> = Mutex::const_new(());
    static ACCEPTED: Notify = Notify::const_new();

    const HOSTS: [&str; 4] = ["server", "follower-1", "follower-2", "leader-1"];

    thread_local! {
        static NETWORK: RefCell<Option<SimNetworkProvider>> = const { RefCell::new(None) };
        static HERE: RefCell<&'static str> = const { RefCell::new("") };
    }

    /// From now on this simulation's.
    pub fn provided(network: SimNetworkProvider) {
        NETWORK.set(Some(network));
    }

    fn network() -> SimNetworkProvider {
        NETWORK.with_borrow(|known| known.clone().expect("a simulation runs"))
    }

    fn address(host: &str, port: u16) -> String {
        let index = HOSTS.iter().position(|known| *known == host).expect("it is known");
        format!("10.0.1.{}:{port}", index + 1)
    }

    /// Whose listeners are bound next.
    pub fn on(host: &'static str) {
        HERE.set(host);
    }

    pub async fn bind(port: u16) -> SimTcpListener {
        let address = address(HERE.with_borrow(|host| *host), port);
        network().bind(&address).await.expect("the port is free")
    }

    pub async fn accept(listener: &SimTcpListener) -> Stream {
        let (stream, _) = listener.accept().await.expect("it listens");
        ACCEPTED.notify_one();
        stream.compat()
    }

    pub async fn connect(host: &str, port: u16) -> Stream {
        let _alone = CONNECTS.lock().await;
        let stream = network().connect(&address(host, port)).await.expect("the host listens");
        ACCEPTED.notified().await;
        stream.compat()
    }

    pub async fn send(stream: &mut Stream, bytes: &[u8]) -> std::io::Result<()> {
        stream.write_all(bytes).await
    }

    pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        executor::spawn("a task", future)
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

enum Asked {
    Echo(Echo),
    Log(Log),
}

/// Spawns a server.
fn start(host: &'static str, server: impl Future<Output = ()> + Send + 'static) {
    drop(net::spawn(async move {
        net::on(host);
        server.await;
    }));
}

/// The simulator's world and executor, as its own tests use them: its builder has chaos that is always on. A second of
/// polls lies between the servers and their clients.
fn run(asked: Asked, all: u64) -> u64 {
    let done = Arc::new(AtomicU64::new(0));
    Executor::new(1).block_on(async {
        let mut config = NetworkConfiguration::fast_local();
        let latency = LatencyDistribution::Uniform {
            start: Duration::from_millis(4),
            end: Duration::from_millis(12),
        };
        (config.write_latency, config.connect_latency) = (latency.clone(), latency);
        let mut world = SimWorld::new_with_network_config(config);
        net::provided(world.network_provider());
        let counts = done.clone();
        match asked {
            Asked::Echo(job) => {
                start("server", echo::serve(job));
                yield_now().await;
                drop(net::spawn(echo::ask("server", job, counts)));
            }
            Asked::Log(job) => {
                start("follower-1", log::follow(job));
                yield_now().await;
                start("follower-2", log::follow(job));
                yield_now().await;
                start("leader-1", log::lead(["follower-1", "follower-2"], job));
                yield_now().await;
                drop(net::spawn(log::append("leader-1", job, counts)));
            }
        }
        while done.load(Ordering::Relaxed) < all {
            yield_now().await;
            world.step();
        }
    });
    all
}

fn main() {
    serve(|job| match job {
        Job::Echo(job) => {
            run(Asked::Echo(job), u64::from(job.connections) * u64::from(job.messages))
        }
        Job::Log(job) => run(Asked::Log(job), job.entries.into()),
        other => panic!("it does not run {other:?}"),
    });
}
