//! Events by way of mini-redis' channels: a producer publishes them, and a consumer that subscribed stores them.
//!
//! `PUBLISH` answers how many subscribers there are, not how many have the message: who believes that loses what was on its
//! way when a connection ended (`--defect count-is-believed`). So the consumer sets a key for each event that it has
//! stored, and the producer asks for that key, and publishes again until it is there.

use mini_redis::client::{self, Client as Redis};
use squall::system::{
    Client, Cluster, Defect, Error, LocalFuture, Node, Promises, Role, State, System,
};
use squall_example_ported::{Asks, GROUP, Store, holds, promises, role};
use squall_probe::{net::TcpListener, signal, stop_asked};
use std::{
    process::ExitCode,
    sync::{Arc, LazyLock},
    time::Duration,
};
use tokio::time::{sleep, timeout};

const CHANNEL: &str = "events";
const SERVER: (&str, u16) = ("server-1", 6379);
const BELIEVES: &str = "count-is-believed";

const ROLES: &[Role] = &[
    role("server", "servers", "mini-redis itself, which keeps all in memory"),
    Role { replica: true, ..role("consumer", "consumers", "Subscribes, and stores events") },
    Role { client: true, ..role("producer", "producers", "Publishes events") },
];

static DEFECTS: LazyLock<[Defect; 1]> = LazyLock::new(|| {
    [Defect {
        id: BELIEVES,
        about: "the producer takes an event for stored when PUBLISH counted a subscriber",
        breaks: vec!["no_loss"],
    }]
});

struct Events;

impl System for Events {
    fn name(&self) -> &str {
        "mini-redis"
    }
    fn version(&self) -> &str {
        "0.4.1"
    }
    fn roles(&self) -> &[Role] {
        ROLES
    }
    fn groups(&self) -> &[&'static str] {
        &[GROUP]
    }
    fn messages(&self) -> &[&'static str] {
        &["PUBLISH", "SET", "GET", "SUBSCRIBE", "command", "reply"]
    }
    fn signals(&self) -> &[&'static str] {
        &["retried", "subscribed_again"]
    }
    fn meanings(&self) -> &[(&'static str, &'static str)] {
        &[
            ("retried", "a producer was not told that its event is stored, and publishes again"),
            ("subscribed_again", "the consumer heard nothing, or lost its connection"),
        ]
    }
    fn defects(&self) -> &[Defect] {
        DEFECTS.as_slice()
    }
    fn promises(&self) -> Promises {
        promises()
    }

    fn start(&self, node: Node, _: Cluster) -> LocalFuture<Result<(), Error>> {
        Box::pin(async move {
            if node.role == "server" {
                let listener = TcpListener::bind(("0.0.0.0", SERVER.1)).await?;
                return mini_redis::server::run(listener, stop_asked()).await;
            }
            let store = Store::open(&node.name)?;
            tokio::select! {
                biased;
                // What is stored is durable: there is nothing to finish.
                () = stop_asked() => Ok(()),
                ended = store.clone().tell() => ended,
                () = async {
                    loop {
                        // However it ended: what the producers are not told of they publish again.
                        let _ = consume(&store).await;
                        signal("subscribed_again");
                        sleep(Duration::from_millis(100)).await;
                    }
                } => Ok(()),
            }
        })
    }

    fn client(&self, _: Node, cluster: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
        let believes = cluster.defects.iter().any(|defect| defect == BELIEVES);
        let ask = move |event| publish(event, believes);
        Box::pin(async move { Ok(Box::new(Asks(ask)) as Box<dyn Client>) })
    }

    fn inspect(&self, node: Node, _: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
        Box::pin(async { if node.role == "consumer" { holds(node).await } else { Ok(Vec::new()) } })
    }
}

async fn connect() -> Result<Redis, Error> {
    client::connect(SERVER).await
}

/// Stores what is published, until the connection ends or nothing came for so long that it may have.
async fn consume(store: &Store) -> Result<(), Error> {
    let mut done = connect().await?;
    let mut subscriber = connect().await?.subscribe(vec![CHANNEL.to_owned()]).await?;
    while let Some(message) = timeout(Duration::from_secs(1), subscriber.next_message()).await?? {
        let event = std::str::from_utf8(&message.content)?.parse()?;
        store.keep(event)?;
        timeout(Duration::from_secs(1), done.set(&key(event), "1".into())).await??;
    }
    Ok(())
}

fn key(event: u64) -> String {
    format!("done:{event}")
}

async fn publish(event: u64, believes: bool) -> Result<(), Error> {
    let mut redis = connect().await?;
    let subscribers = redis.publish(CHANNEL, event.to_string().into()).await?;
    if believes && subscribers > 0 {
        return Ok(());
    }
    while redis.get(&key(event)).await?.is_none() {
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn main() -> ExitCode {
    squall::main(Arc::new(Events))
}
