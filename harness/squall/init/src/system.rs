//! The adapter: what squall must know of the service. `impl System for Jobs` is all there is to it.

use crate::{
    broker, producer,
    queue::{LEASE, QUEUE},
    wire::Connection,
    worker,
};
use squall::system::{
    Client, Cluster, DeadLetters, Error, Lease, LocalFuture, Node, Promises, Role, State, Storage,
    System, work_queue,
};
use squall_probe::{StateOf, name, stop_asked};

pub struct Jobs;

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
        max: 5,
        client: true,
        replica: false,
        about: "Publishes jobs",
    },
    Role {
        name: "worker",
        plural: "workers",
        default: 3,
        min: 1,
        max: 5,
        client: false,
        replica: false,
        about: "Does jobs",
    },
];

impl System for Jobs {
    fn name(&self) -> &str {
        env!("CARGO_PKG_NAME")
    }
    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }
    fn roles(&self) -> &[Role] {
        ROLES
    }
    fn groups(&self) -> &[&'static str] {
        &[QUEUE]
    }
    fn points(&self) -> &[&'static str] {
        &["broker.answers", "worker.handled"]
    }
    fn meanings(&self) -> &[(&'static str, &'static str)] {
        &[
            ("broker.answers", "the broker has done what it was asked for, and not said so"),
            ("worker.handled", "a worker has done a job, and not said so"),
        ]
    }
    /// All that it waits for it waits for with `squall_probe::time`, so idle hours cost nothing.
    fn waits_with_probe(&self) -> bool {
        true
    }

    /// What it promises, and is judged by: a job whose publish was answered is done at least once, one worker has it at a
    /// time, and what is done does not come again.
    fn promises(&self) -> Promises {
        let mut promises = Promises { dead_letters: DeadLetters::None, ..work_queue() };
        if let Storage::Queue(queue) = &mut promises.storage {
            queue.lease = Lease::Timeout(LEASE);
        }
        promises
    }

    fn start(&self, node: Node, _: Cluster) -> LocalFuture<Result<(), Error>> {
        Box::pin(async move {
            tokio::select! {
                biased;
                () = stop_asked() => Ok(()),
                ended = broker::run(), if node.role == "broker" => ended,
                ended = worker::run(&node.name), if node.role == "worker" => ended,
            }
        })
    }

    fn client(&self, _: Node, _: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
        Box::pin(async { Ok(Box::new(producer::Producer) as Box<dyn Client>) })
    }

    /// How many jobs the broker holds, and the sum of their hashes: asked when all should be done.
    fn inspect(&self, node: Node, _: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
        Box::pin(async move {
            if node.role != "broker" {
                return Ok(Vec::new());
            }
            let answer = Connection::open().await?.ask("describe").await?;
            let holds = answer.strip_prefix("holds ").and_then(|holds| holds.split_once(' '));
            let (jobs, digest) = holds.ok_or("that is no answer")?;
            let of = StateOf::Queue { queue: name(QUEUE) };
            Ok(vec![State { node: node.id, of, position: jobs.parse()?, digest: digest.parse()? }])
        })
    }
}
