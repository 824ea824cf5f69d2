//! A queue of your own: a broker that leases messages to competing consumers, who acknowledge each of them.
//!
//!     cargo run -p squall --example queue -- run harness/squall/examples/queue/scenarios/calm.yaml
//!     cargo run -p squall --example queue -- rabbitmq_queue run …
//!
//! It is eight queues in one, each as a preset of squall has it, with shorter times; the first argument chooses (or the
//! environment variable `QUEUE`), and without one it is `sqs_fifo`. What a kind promises is in `kind.rs`, and what the
//! broker does for that in `queue.rs`: a model of what to record, and where.

mod broker;
mod consumer;
mod journal;
mod kind;
mod producer;
mod queue;
mod wire;

use kind::{KINDS, Kind};
use squall::system::{
    Client, Cluster, Defect, Error, LocalFuture, Node, Promises, Role, State, System,
};
use squall_probe::{StateOf, name};
use std::{
    process::{Command, ExitCode},
    sync::Arc,
};
use wire::{Answer, Connection, Request};

const ROLES: &[Role] = &[
    Role {
        name: "broker",
        plural: "brokers",
        default: 1,
        min: 1,
        max: 1,
        client: false,
        replica: false,
        about: "Holds the queue",
    },
    Role {
        name: "producer",
        plural: "producers",
        default: 2,
        min: 1,
        max: 10,
        client: true,
        replica: false,
        about: "Publishes messages",
    },
    Role {
        name: "consumer",
        plural: "consumers",
        default: 4,
        min: 1,
        max: 10,
        client: false,
        replica: false,
        about: "Handles messages, and acknowledges each",
    },
];

struct QueueSystem {
    kind: &'static Kind,
    defects: Vec<Defect>,
}

impl System for QueueSystem {
    fn name(&self) -> &str {
        "queue"
    }
    fn version(&self) -> &str {
        "1"
    }
    fn config(&self) -> Vec<(String, String)> {
        vec![("kind".into(), self.kind.name.into())]
    }
    fn roles(&self) -> &[Role] {
        ROLES
    }
    fn groups(&self) -> &[&'static str] {
        self.kind.queues
    }
    fn messages(&self) -> &[&'static str] {
        wire::KINDS
    }
    fn points(&self) -> &[&'static str] {
        &["broker.published", "broker.leased", "broker.acknowledged", "consumer.handled"]
    }
    fn signals(&self) -> &[&'static str] {
        &["retried"]
    }
    fn meanings(&self) -> &[(&'static str, &'static str)] {
        &[
            ("broker.published", "a message is in the queue, and its producer has not been told"),
            ("broker.leased", "a message was given to a consumer for a time"),
            (
                "broker.acknowledged",
                "a message was acknowledged, and its consumer has not been told",
            ),
            ("consumer.handled", "a consumer has handled a message, and not acknowledged it"),
            ("retried", "a client repeated a request"),
        ]
    }
    fn defects(&self) -> &[Defect] {
        &self.defects
    }
    fn waits_with_probe(&self) -> bool {
        true
    }
    fn promises(&self) -> Promises {
        (self.kind.promises)()
    }

    fn start(&self, node: Node, cluster: Cluster) -> LocalFuture<Result<(), Error>> {
        let kind = self.kind;
        Box::pin(async move {
            match node.role {
                "broker" => broker::run(kind, &cluster.defects).await,
                "consumer" => consumer::run(kind, &node.name).await,
                other => Err(format!("there is nothing to start on a {other}").into()),
            }
        })
    }

    fn client(&self, _: Node, _: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
        Box::pin(async { Ok(Box::<producer::Producer>::default() as Box<dyn Client>) })
    }

    fn inspect(&self, node: Node, _: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
        let queues = self.kind.queues;
        Box::pin(async move {
            if node.role != "broker" {
                return Ok(Vec::new());
            }
            let mut connection = Connection::open().await?;
            let Answer::Holds(held) = connection.ask(&Request::Describe).await? else {
                return Err("that is no answer to it".into());
            };
            let state = |(queue, (position, digest)): (&&str, (u64, u64))| State {
                node: node.id,
                of: StateOf::Queue { queue: name(queue) },
                position,
                digest,
            };
            Ok(queues.iter().zip(held).map(state).collect())
        })
    }
}

fn main() -> ExitCode {
    let mut arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let first = arguments.first().and_then(|first| first.to_str()).map(str::to_owned);
    if let Some(kind) = first.filter(|first| KINDS.iter().any(|kind| kind.name == first)) {
        // Workers are this program again: they know by the environment what they are.
        arguments.remove(0);
        let this = std::env::current_exe()
            .and_then(|path| Command::new(path).args(arguments).env("QUEUE", kind).status());
        return match this {
            Ok(status) => {
                ExitCode::from(status.code().and_then(|code| code.try_into().ok()).unwrap_or(3))
            }
            Err(error) => {
                eprintln!("error: cannot start this program again: {error}");
                ExitCode::from(3)
            }
        };
    }
    let chosen = std::env::var("QUEUE").unwrap_or_else(|_| "sqs_fifo".to_owned());
    let Some(kind) = KINDS.iter().find(|kind| kind.name == chosen) else {
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        eprintln!("error: QUEUE is {chosen:?}, expected one of {}", known.join(", "));
        return ExitCode::from(2);
    };
    squall::main(Arc::new(QueueSystem { kind, defects: kind.mistakes() }))
}
