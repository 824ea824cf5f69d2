//! Events to a store that is reached through a tunnel by bore alone: its server on one node, its client beside the store.
//!
//! bore's client is sent a heartbeat twice a second and does not miss it: when its server's machine loses power it hears
//! nothing and waits for ever (`--defect client-is-trusted`). So the store asks itself through the tunnel, and makes the
//! client anew when no answer comes.

use bore_cli::{client::Client as Tunnel, server::Server};
use squall::system::{
    Client, Cluster, Defect, Error, LocalFuture, Node, Promises, Role, State, System,
};
use squall_example_ported::{Asks, GROUP, Store, holds, promises, role};
use squall_probe::{
    net::{TcpListener, TcpStream},
    signal, stop_asked,
    tracing::ReplayLayer,
};
use std::{
    process::ExitCode,
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    time::{sleep, timeout},
};
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

const TUNNEL: &str = "tunnel-1";
const PUBLIC: u16 = 9000;
const LOCAL: (&str, u16) = ("127.0.0.1", 7000);
const TRUSTED: &str = "client-is-trusted";

const ROLES: &[Role] = &[
    role("tunnel", "tunnels", "bore's server"),
    Role {
        replica: true,
        ..role("store", "stores", "Stores events; bore's client runs beside it")
    },
    Role { client: true, ..role("producer", "producers", "Sends events to the tunnel") },
];

static DEFECTS: LazyLock<[Defect; 1]> = LazyLock::new(|| {
    [Defect {
        id: TRUSTED,
        about: "the store leaves it to bore's client to notice that the tunnel is gone",
        breaks: vec!["progress"],
    }]
});

struct Tunnelled;

impl System for Tunnelled {
    fn name(&self) -> &str {
        "bore"
    }
    fn version(&self) -> &str {
        "0.6.0"
    }
    fn roles(&self) -> &[Role] {
        ROLES
    }
    fn groups(&self) -> &[&'static str] {
        &[GROUP]
    }
    fn signals(&self) -> &[&'static str] {
        &["retried", "tunnel_made_again"]
    }
    fn meanings(&self) -> &[(&'static str, &'static str)] {
        &[
            ("retried", "a producer had no answer in time, and asks again"),
            ("tunnel_made_again", "the store's tunnel ended, or gave no answer"),
        ]
    }
    fn defects(&self) -> &[Defect] {
        DEFECTS.as_slice()
    }
    fn promises(&self) -> Promises {
        promises()
    }

    fn start(&self, node: Node, cluster: Cluster) -> LocalFuture<Result<(), Error>> {
        let trusted = cluster.defects.iter().any(|defect| defect == TRUSTED);
        Box::pin(async move {
            tokio::select! {
                biased;
                () = stop_asked() => Ok(()),
                ended = async {
                    if node.role == "tunnel" {
                        return Ok(Server::new(PUBLIC..=PUBLIC, None).listen().await?);
                    }
                    let store = Store::open(&node.name)?;
                    let listener = TcpListener::bind(LOCAL).await?;
                    tokio::try_join!(serve(listener, store.clone()), tunnel(trusted), store.tell())?;
                    Ok(())
                } => ended,
            }
        })
    }

    fn client(&self, _: Node, _: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
        Box::pin(async { Ok(Box::new(Asks(ask)) as Box<dyn Client>) })
    }

    fn inspect(&self, node: Node, _: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
        Box::pin(async { if node.role == "store" { holds(node).await } else { Ok(Vec::new()) } })
    }
}

/// A line with a number asks for that event to be stored; 0 asks for nothing but the answer.
async fn serve(listener: TcpListener, store: Store) -> Result<(), Error> {
    loop {
        let (stream, _) = listener.accept().await?;
        let store = store.clone();
        tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            if stream.read_line(&mut line).await.is_ok()
                && let Ok(event) = line.trim_end().parse()
                && (event == 0 || store.keep(event).is_ok())
            {
                // Who is gone does not hear it.
                let _ = stream.write_all(b"stored\n").await;
            }
        });
    }
}

/// Keeps the tunnel open.
async fn tunnel(trusted: bool) -> Result<(), Error> {
    loop {
        if let Ok(client) = Tunnel::new(LOCAL.0, LOCAL.1, TUNNEL, PUBLIC, None).await {
            tokio::select! {
                _ = client.listen() => {}
                () = unanswered(), if !trusted => {}
            }
        }
        signal("tunnel_made_again");
        sleep(Duration::from_millis(200)).await;
    }
}

/// Ends when nothing comes back through the tunnel.
async fn unanswered() {
    loop {
        sleep(Duration::from_secs(1)).await;
        if !matches!(timeout(Duration::from_secs(1), ask(0)).await, Ok(Ok(()))) {
            return;
        }
    }
}

async fn ask(event: u64) -> Result<(), Error> {
    let mut stream = BufReader::new(TcpStream::connect((TUNNEL, PUBLIC)).await?);
    stream.write_all(format!("{event}\n").as_bytes()).await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    if line == "stored\n" { Ok(()) } else { Err("the connection ended".into()) }
}

fn main() -> ExitCode {
    tracing_subscriber::registry().with(ReplayLayer).init();
    squall::main(Arc::new(Tunnelled))
}
