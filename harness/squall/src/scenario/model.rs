//! What a scenario says, as data.

use super::{
    alerts::{Alert, Quiet},
    expect::{Expect, Violates},
    fault::Fault,
    named::Named,
};
use crate::{determinism::Allow, syntax::Problems};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, time::Duration};

/// A scenario that makes sense for the system it was read for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// The file it comes from.
    pub path: String,
    /// Hash of the file's bytes (XXH3, 128 bits), in hexadecimal.
    pub hash: String,
    /// The system that it is written for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Role and count, in the system's order.
    pub nodes: Vec<(String, u32)>,
    /// Zones and the nodes in them, which fail together.
    pub zones: Vec<(String, Vec<String>)>,
    /// Link latency.
    pub network: Network,
    /// What clients do.
    pub workload: Workload,
    /// Seeds, if the command does not say.
    pub runs: Option<u32>,
    /// How long the system is watched after it has converged; `None`: the default.
    pub settle: Option<Duration>,
    /// What goes wrong.
    pub faults: Vec<Step>,
    /// What must hold.
    pub expect: Vec<Expect>,
    /// What is known to be violated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violates: Vec<Violates>,
    /// Signals that must be seen.
    pub must_see: Vec<String>,
    /// Signals that must not be seen.
    pub must_not_see: Vec<String>,
    /// Alerts that must fire.
    pub must_alert: Vec<Alert>,
    /// Alerts that must not.
    pub must_not_alert: Quiet,
    /// What the system may do past the simulation.
    pub allow: Vec<Allow>,
    /// Lines of the file, from 1: of its `name`, of the invariants under `expect`, and of keys that can fail a run.
    pub lines: BTreeMap<String, u32>,
    /// Words of its author's own, by which it is chosen.
    pub tags: Vec<String>,
    /// What `--set` and `--matrix` put in place of what the file says.
    pub settings: Vec<String>,
    /// Those of them that `--matrix` put there: `brokers=3, rate=400/s`; empty without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub case: String,
    /// What is no mistake, and will hardly be what was meant.
    #[serde(skip)]
    pub advice: Problems,
}

impl Scenario {
    /// What tells it from all others of a report: its file, and which case of a matrix it is.
    #[must_use]
    pub fn id(&self) -> String {
        match self.case.as_str() {
            "" => self.path.clone(),
            case => format!("{} [{case}]", self.path),
        }
    }
}

/// Link latency, in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// At least.
    pub min_ms: u32,
    /// At most.
    pub max_ms: u32,
    /// Between nodes of two zones, always: at least and at most.
    #[serde(default)]
    pub between_zones: Option<(u32, u32)>,
}

/// What clients do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// How many events are published.
    pub events: u32,
    /// How many a second.
    pub rate: f64,
    /// Over how many keys.
    pub keys: u32,
    /// How large each is, in bytes.
    pub size: u32,
    /// The share that every consumer must refuse, 0 to 1.
    pub poison: f64,
}

/// One thing that goes wrong, or the same again and again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Of the fault in the file.
    pub line: u32,
    /// What it says, as the scenario wrote it but for order and layout: its identity, from which its draws follow.
    pub text: String,
    /// What others call it.
    pub name: Option<String>,
    /// When it begins.
    pub trigger: Trigger,
    /// So much later than its condition is met.
    pub delay: Option<Duration>,
    /// `every` ends here.
    pub until: Option<Duration>,
    /// How long `when` waits, from the start of the run.
    pub within: Option<Duration>,
    /// How long it lasts.
    pub lasts: Option<Duration>,
    /// A crashed node comes back after this.
    pub restart_after: Option<Duration>,
    /// What goes wrong.
    pub fault: Fault,
}

/// When a fault begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Trigger {
    /// At this time.
    At(Duration),
    /// At a time in between, drawn from the seed.
    Between(Duration, Duration),
    /// Again and again.
    Every(Duration),
    /// Once a condition is met.
    When(Condition),
}

/// What a trigger waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// So many publishes were acknowledged.
    Acked(u32),
    /// So many events were delivered, over all groups.
    Delivered(u32),
    /// So many effects landed, over all groups.
    Applied(u32),
    /// A fault point was passed for the `hit`-th time, over all nodes.
    Reaches {
        /// The point.
        point: String,
        /// From 1.
        hit: u32,
    },
    /// A signal was seen for the `hit`-th time.
    Signal {
        /// The signal.
        signal: String,
        /// From 1.
        hit: u32,
    },
    /// A step has begun.
    Began(Named),
    /// A step is over: what lasts has ended, what happens at once has happened.
    Over(Named),
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acked(count) => write!(f, "acked: {count}"),
            Self::Delivered(count) => write!(f, "delivered: {count}"),
            Self::Applied(count) => write!(f, "applied: {count}"),
            Self::Reaches { point, hit } => write!(f, "reaches: {point}, hit: {hit}"),
            Self::Signal { signal, hit } => write!(f, "signal: {signal}, hit: {hit}"),
            Self::Began(step) => write!(f, "began: {}", step.name),
            Self::Over(step) => write!(f, "\"{}\" is over", step.name),
        }
    }
}
