//! What is under test: the one trait that a user's own system implements.
//!
//! The harness knows nothing else of a system. `harness/command` is the model for a crate of your own, and
//! `examples/tiny.rs` a whole system with it in one file.
//!
//! What it promises is what it is judged by: [`Promises`], best begun with the preset that is nearest.
//!
//! ```
//! use squall::system::{DeadLetters, Delivery, Lease, Promises, Storage, work_queue};
//! use std::time::Duration;
//!
//! let mut promises = Promises {
//!     // Effects go through a table of keys: what is handed out again changes nothing.
//!     delivery: Delivery::EffectivelyOnce,
//!     dead_letters: DeadLetters::After(3),
//!     ..work_queue()
//! };
//! if let Storage::Queue(queue) = &mut promises.storage {
//!     queue.lease = Lease::Timeout(Duration::from_secs(5));
//! }
//! assert!(promises.queue().is_some_and(|queue| queue.exclusive));
//! ```

use serde::{Deserialize, Serialize};
use squall_probe::{EventId, NodeId, Position, StateOf};
use std::{future::Future, path::PathBuf, pin::Pin, sync::Arc};

pub use squall_judge::{
    BreakerPolicy, Counts, DeadLetters, Deduplication, Delivery, Groups, Lease, Order, PRESETS,
    Preset, Promises, Queue, RetryPolicy, Storage, kafka_like_log, nats_jetstream, pub_sub,
    rabbitmq_queue, redis_list, redis_stream, sqs_fifo, sqs_standard, work_queue,
};

/// What a node's software ends with, when it ends.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A future that stays on the simulation's thread.
pub type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// One kind of node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// As in a node's name: `broker` gives `broker-1`, `broker-2`, …
    pub name: &'static str,
    /// As scenarios write it: `brokers`.
    pub plural: &'static str,
    /// How many there are when a scenario does not say.
    pub default: u32,
    /// The fewest that make sense.
    pub min: u32,
    /// The most that make sense.
    pub max: u32,
    /// Nodes of this role run clients: the harness publishes the workload from them.
    pub client: bool,
    /// Nodes of this role hold replicas and elect a leader: `leader`, `follower` choose among them.
    pub replica: bool,
    /// What such a node does, in one line.
    pub about: &'static str,
}

/// A mistake that the system can be told to make, to prove that a suite notices it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// As on the command line: `ack-before-fsync`.
    pub id: &'static str,
    /// The mistake, in one line.
    pub about: &'static str,
    /// The invariants of which it should break one.
    pub breaks: Vec<&'static str>,
}

/// A node as its software sees itself.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its id in records.
    pub id: NodeId,
    /// Its name, which is also its host name: `broker-1`.
    pub name: Arc<str>,
    /// Its role's name: `broker`.
    pub role: &'static str,
    /// Counts from 1 within the role.
    pub index: u32,
    /// How often it has been started before.
    pub incarnation: u32,
    /// The folder that is its disk: `/data` in a simulation.
    pub data: PathBuf,
}

/// The nodes of a run, and how they are configured.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// All nodes, in the order of their ids.
    pub nodes: Arc<[Node]>,
    /// Defects that are switched on, by id.
    pub defects: Arc<[String]>,
    /// How many keys the workload uses.
    pub keys: u32,
}

impl Cluster {
    /// The nodes of one role, in order.
    pub fn role<'a>(&'a self, role: &'a str) -> impl Iterator<Item = &'a Node> {
        self.nodes.iter().filter(move |node| node.role == role)
    }
}

/// What is published: the harness chooses the identity and the key, the system makes the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its identity, the idempotency key.
    pub id: EventId,
    /// The key by which order is kept.
    pub key: u32,
    /// The size that its payload should have, in bytes.
    pub size: u32,
    /// It must be refused: by the broker, or by every consumer, whence it goes to the dead-letter queue.
    pub poison: Option<Poison>,
}

/// What is wrong with an event that nobody can handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Poison {
    /// Its bytes make no sense.
    Undecodable,
    /// It can be read, and what it asks for must be refused.
    Rejected,
    /// It is larger than the system takes.
    Oversized,
}

impl Poison {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Undecodable, Self::Rejected, Self::Oversized];

    /// As scenarios write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::Rejected => "rejected",
            Self::Oversized => "oversized",
        }
    }

    /// The kind that follows from a draw: each as often as the others.
    pub(crate) fn by_draw(draw: u64) -> Self {
        let count = Self::ALL.len() as u64;
        Self::ALL[usize::try_from(draw % count).expect("there are a handful")]
    }
}

/// How a publish ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It surely happened; where, if the system says so.
    Ok(Option<Position>),
    /// It surely did not and never will.
    Fail(String),
    /// Nobody knows. A timeout is this, never `Fail`.
    Info(String),
}

/// A producer's client, on a node of a client role.
pub trait Client {
    /// Publishes one event. `early` is called once if the client gives its caller an indeterminate
    /// answer (a timeout) and goes on asking; the future then ends when the outcome is known.
    fn publish(&self, event: Event, early: Box<dyn FnOnce(String)>) -> LocalFuture<Outcome>;
}

/// One piece of end-of-run state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The node that told it.
    pub node: NodeId,
    /// What it is the state of.
    pub of: StateOf,
    /// How far it is.
    pub position: u64,
    /// Equal states have equal digests.
    pub digest: u64,
}

/// A system under test. What it does not say of itself, it has not.
pub trait System: Send + Sync {
    /// Its name, for the report.
    fn name(&self) -> &str;
    /// Its version, for the report.
    fn version(&self) -> &str;
    /// Its configuration, for the report: name and value.
    fn config(&self) -> Vec<(String, String)> {
        Vec::new()
    }
    /// The ways to set it up that `unless:` can name.
    fn variants(&self) -> Vec<&str> {
        Vec::new()
    }
    /// Which of them it is set up in; `None`: in its usual one.
    fn variant(&self) -> Option<&str> {
        None
    }
    /// Its roles, in the order in which nodes are numbered.
    fn roles(&self) -> &[Role];
    /// The name of a node, by its role and its number within it, which counts from 1: `broker-1`. Each node has a name of its
    /// own.
    fn node_name(&self, role: &str, index: u32) -> String {
        format!("{role}-{index}")
    }
    /// Consumer groups, each of which must apply every event. Of a queue: the names of the queues.
    fn groups(&self) -> &[&'static str] {
        &[]
    }
    /// The kinds of message that `on:` can name.
    fn messages(&self) -> &[&'static str] {
        &[]
    }
    /// The fault points that `reaches:` can name.
    fn points(&self) -> &[&'static str] {
        &[]
    }
    /// The signals of its own that `must_see:` can name.
    fn signals(&self) -> &[&'static str] {
        &[]
    }
    /// The numbers of its own that it tells by `squall_probe::gauge` and `counter`, without the `_total` of counters.
    fn metrics(&self) -> &[&'static str] {
        &[]
    }
    /// What its messages, fault points, signals and metrics mean, each in a line without a full stop: lists, `squall explain` and
    /// the JSON Schema tell it.
    fn meanings(&self) -> &[(&'static str, &'static str)] {
        &[]
    }
    /// The defects it can be told to have.
    fn defects(&self) -> &[Defect] {
        &[]
    }
    /// The defect that `run --canary` switches on when none is named: one that any scenario should
    /// notice.
    fn canary(&self) -> Option<&'static str> {
        self.defects().first().map(|defect| defect.id)
    }
    /// Whether all that its code waits for in time, it waits for with `squall_probe::time` (and none of it runs in tasks
    /// of tokio's own `spawn`). Virtual time then jumps over what nobody waits for, and idle hours cost next to nothing.
    /// A timer of tokio's own would fire late: where one is noticed, the run fails with its node.
    fn waits_with_probe(&self) -> bool {
        false
    }
    /// What it promises. Nothing else is judged; the default is what a replicated log promises.
    fn promises(&self) -> Promises {
        Promises::default()
    }
    /// The software of one node. It runs until it ends by itself or the node is killed.
    fn start(&self, node: Node, cluster: Cluster) -> LocalFuture<Result<(), Error>>;
    /// A client on a node whose role is a client role.
    fn client(&self, node: Node, cluster: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>>;
    /// Asks one node, as a client would over the network, for the state it can tell; empty if there
    /// is nothing to ask of it.
    fn inspect(&self, node: Node, cluster: Cluster) -> LocalFuture<Result<Vec<State>, Error>>;
}
