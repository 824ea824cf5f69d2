//! What every simulator runs, on turmoil.

use bench_common::{Echo, Log};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

mod net {
    use std::future::Future;
    use tokio::{
        io::AsyncWriteExt as _,
        task::{JoinHandle, spawn_local},
    };
    use turmoil::net::{TcpListener, TcpStream};

    pub async fn bind(port: u16) -> TcpListener {
        TcpListener::bind(("0.0.0.0", port)).await.expect("the port is free")
    }

    pub async fn accept(listener: &TcpListener) -> TcpStream {
        listener.accept().await.expect("it listens").0
    }

    pub async fn connect(host: &str, port: u16) -> TcpStream {
        TcpStream::connect((host, port)).await.expect("the host listens")
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
    include!("../../shared/echo.rs");
}

mod log {
    use super::net;
    include!("../../shared/log.rs");
}

/// As squall sets it up for a plan with the default network.
fn simulation() -> turmoil::Sim<'static> {
    turmoil::Builder::new()
        .rng_seed(1)
        .enable_random_order()
        .tick_duration(Duration::from_millis(4))
        .simulation_duration(Duration::from_secs(u64::from(u32::MAX)))
        .min_message_latency(Duration::from_millis(4))
        .max_message_latency(Duration::from_millis(12))
        .tcp_capacity(4096)
        .build()
}

fn go(sim: &mut turmoil::Sim<'_>, done: &AtomicU64, all: u64) -> u64 {
    while done.load(Ordering::Relaxed) < all {
        sim.step().expect("nothing fails here");
    }
    all
}

pub fn echo(job: Echo) -> u64 {
    let mut sim = simulation();
    let done = Arc::new(AtomicU64::new(0));
    sim.host("server", move || async move {
        echo::serve(job).await;
        Ok(())
    });
    sim.client("client", {
        let done = done.clone();
        async move {
            echo::ask("server", job, done).await;
            Ok(())
        }
    });
    go(&mut sim, &done, u64::from(job.connections) * u64::from(job.messages))
}

pub fn log(job: Log) -> u64 {
    let mut sim = simulation();
    let done = Arc::new(AtomicU64::new(0));
    for follower in ["follower-1", "follower-2"] {
        sim.host(follower, move || async move {
            log::follow(job).await;
            Ok(())
        });
    }
    sim.host("leader-1", move || async move {
        log::lead(["follower-1", "follower-2"], job).await;
        Ok(())
    });
    sim.client("client", {
        let done = done.clone();
        async move {
            log::append("leader-1", job, done).await;
            Ok(())
        }
    });
    go(&mut sim, &done, u64::from(job.entries))
}
