//! Small systems under squall: the workloads that every simulator runs, and one that only waits.

use bench_common::{Echo, Log};
use squall::system::{
    Client, Cluster, Error, Event, LocalFuture, Node, Outcome, Role, State, System,
};
use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

mod net {
    use squall_probe::{
        net::{TcpListener, TcpStream},
        task::JoinHandle,
    };
    use std::future::Future;
    use tokio::io::AsyncWriteExt as _;

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

    pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        squall_probe::task::spawn(future)
    }
}

mod echo {
    use super::net;
    include!("../shared/echo.rs");
}

mod log {
    use super::net;
    include!("../shared/log.rs");
}

/// What the small system does.
#[derive(Clone, Copy, Debug)]
pub enum Does {
    Echo(Echo),
    Log(Log),
    /// Every node waits for timers of some minutes.
    Waits,
}

pub struct Small {
    pub does: Does,
    pub done: Arc<AtomicU64>,
}

const fn role(name: &'static str, plural: &'static str, client: bool) -> Role {
    Role { name, plural, default: 1, min: 0, max: 60, client, replica: false, about: "" }
}

const ROLES: &[Role] = &[
    role("client", "clients", true),
    role("server", "servers", false),
    role("leader", "leaders", false),
    role("follower", "followers", false),
    role("waiter", "waiters", false),
];

impl System for Small {
    fn name(&self) -> &str {
        "small"
    }
    fn version(&self) -> &str {
        "1"
    }
    fn roles(&self) -> &[Role] {
        ROLES
    }

    fn waits_with_probe(&self) -> bool {
        true
    }

    fn start(&self, node: Node, _: Cluster) -> LocalFuture<Result<(), Error>> {
        let does = self.does;
        Box::pin(async move {
            match (does, node.role) {
                (Does::Echo(job), _) => echo::serve(job).await,
                (Does::Log(job), "leader") => log::lead(["follower-1", "follower-2"], job).await,
                (Does::Log(job), _) => log::follow(job).await,
                (Does::Waits, _) => loop {
                    squall_probe::time::sleep(Duration::from_secs(
                        120 + 60 * u64::from(node.index),
                    ))
                    .await;
                },
            }
            Ok(())
        })
    }

    fn client(&self, _: Node, _: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
        let client = SmallClient { does: self.does, done: self.done.clone() };
        Box::pin(async { Ok(Box::new(client) as Box<dyn Client>) })
    }

    fn inspect(&self, _: Node, _: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

struct SmallClient {
    does: Does,
    done: Arc<AtomicU64>,
}

impl Client for SmallClient {
    fn publish(&self, event: Event, _: Box<dyn FnOnce(String)>) -> LocalFuture<Outcome> {
        let (does, done) = (self.does, self.done.clone());
        Box::pin(async move {
            // The first asks for everything; those after the healing only show that publishing works.
            match does {
                Does::Echo(job) if event.id.0 == 1 => echo::ask("server-1", job, done).await,
                Does::Log(job) if event.id.0 == 1 => log::append("leader-1", job, done).await,
                _ => {}
            }
            Outcome::Ok(None)
        })
    }
}
