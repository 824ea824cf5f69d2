//! The runner of the event-driven prototype.

use bench_common::{Echo, Job, Log, serve};
use event_world::World;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

mod net {
    use event_world::net::{TcpListener, TcpStream};
    use std::future::Future;
    use tokio::{
        io::AsyncWriteExt as _,
        task::{JoinHandle, spawn_local},
    };

    pub async fn bind(port: u16) -> TcpListener {
        TcpListener::bind(&format!("0.0.0.0:{port}")).await.expect("the port is free")
    }

    pub async fn accept(listener: &TcpListener) -> TcpStream {
        listener.accept().await.expect("it listens").0
    }

    pub async fn connect(host: &str, port: u16) -> TcpStream {
        TcpStream::connect(&format!("{host}:{port}")).await.expect("the host listens")
    }

    pub async fn send(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
        stream.write_all(bytes).await
    }

    pub fn spawn(future: impl Future<Output = ()> + 'static) -> JoinHandle<()> {
        spawn_local(future)
    }
}

mod echo {
    use super::net;
    include!("../../../shared/echo.rs");
}

mod log {
    use super::net;
    include!("../../../shared/log.rs");
}

mod system {
    use system_on_events as system;

    include!("../../../shared/software.rs");

    /// Runs it; how many publishes were acknowledged.
    pub fn run(job: &SystemJob) -> u64 {
        let latency = u64::from(job.latency_ms.0)..=u64::from(job.latency_ms.1);
        let world = super::world(job.seed, latency);
        let acknowledged = Rc::new(Cell::new(0));
        for software in Software::all(job, &acknowledged) {
            let name = software.node.name.clone();
            world.host(&name, software.run());
        }
        world.run_for(Duration::from_micros(job.lasts_us));
        acknowledged.get()
    }
}

/// With `--hooks` no host has a `LocalSet` of its own.
fn world(seed: u64, latency_ms: std::ops::RangeInclusive<u64>) -> World {
    if std::env::args().any(|argument| argument == "--hooks") {
        World::new(seed, latency_ms)
    } else {
        World::with_sets(seed, latency_ms)
    }
}

fn go(world: &World, done: &AtomicU64, all: u64) -> u64 {
    while done.load(Ordering::Relaxed) < all {
        world.run_for(Duration::from_millis(100));
    }
    all
}

fn echo(job: Echo) -> u64 {
    let world = world(1, 4..=12);
    let done = Arc::new(AtomicU64::new(0));
    world.host("server", echo::serve(job));
    world.host("client", echo::ask("server", job, done.clone()));
    go(&world, &done, u64::from(job.connections) * u64::from(job.messages))
}

fn log(job: Log) -> u64 {
    let world = world(1, 4..=12);
    let done = Arc::new(AtomicU64::new(0));
    world.host("follower-1", log::follow(job));
    world.host("follower-2", log::follow(job));
    world.host("leader-1", log::lead(["follower-1", "follower-2"], job));
    world.host("client", log::append("leader-1", job, done.clone()));
    go(&world, &done, job.entries.into())
}

/// Hosts that wait for timers of some minutes.
fn waits(hosts: u32, seconds: u64) -> u64 {
    let world = world(1, 4..=12);
    for index in 0..hosts {
        world.host(&format!("waiter-{index}"), async move {
            loop {
                tokio::time::sleep(Duration::from_secs(120 + 60 * u64::from(index))).await;
            }
        });
    }
    world.run_for(Duration::from_secs(seconds));
    seconds
}

fn main() {
    serve(|job| match job {
        Job::System(job) => system::run(&job),
        Job::Waits { hosts, seconds } => waits(hosts, seconds),
        Job::Echo(job) => echo(job),
        Job::Log(job) => log(job),
        Job::Steps { .. } => panic!("it has no steps"),
    });
}
