//! What is judged, from the history alone: one file an invariant, one line in [`CATALOGUE`].
//!
//! Each is a fold over the records as they come, with memory for what is live, and names the records
//! that prove a violation.

mod agreement;
mod available;
mod bounded_memory;
mod breaker;
mod commit_after_apply;
mod converges;
mod dead_letters;
mod drains;
mod durability;
mod eventual_consistency;
mod fold;
mod idempotency;
mod latency;
mod no_dirty_read;
mod no_duplicate_append;
mod no_loss;
mod no_phantom;
mod no_skip;
mod order;
mod progress;
mod promises;
mod recovers_within;
mod retry_policy;
mod saga_atomicity;
mod single_leader;
mod single_owner;
#[cfg(test)]
mod testing;

pub use fold::Redriven;
pub use promises::{BreakerPolicy, Promises, RetryPolicy};

use squall_probe::{Name, NodeId, Record};

/// What a judge may know beside the history.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The consumer groups, each of which must apply every event.
    pub groups: Vec<Name>,
    /// Their names, in the same order.
    pub group_names: Vec<String>,
    /// Nodes that hold replicas.
    pub replicas: Vec<NodeId>,
    /// Names of nodes, by id.
    pub nodes: Vec<String>,
    /// Limits of the liveness invariants.
    pub limits: Limits,
    /// What the system promises.
    pub promises: Promises,
    /// Names of the saga's steps, in the order of the promise.
    pub sagas: Vec<Name>,
    /// Names of the retry policies, in the order of the promises.
    pub policies: Vec<Name>,
    /// Names of the dependencies behind breakers, in the order of the promises.
    pub dependencies: Vec<Name>,
    /// Names of the buffers, in the order of the promises.
    pub buffers: Vec<Name>,
    /// A fault of the plan makes timers late.
    pub stalls: bool,
}

impl Setup {
    fn group(&self, index: usize) -> &str {
        self.group_names.get(index).map_or("?", String::as_str)
    }

    fn group_index(&self, group: Name) -> Option<usize> {
        self.groups.iter().position(|known| *known == group)
    }

    fn node(&self, node: NodeId) -> &str {
        self.nodes.get(usize::from(node.0)).map_or("?", String::as_str)
    }

    fn replica_index(&self, node: NodeId) -> Option<usize> {
        self.replicas.iter().position(|known| *known == node)
    }
}

/// Limits of the liveness invariants, in microseconds after the healing, and shares from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// All copies agree.
    pub eventual_consistency: u64,
    /// No group lags.
    pub drains: u64,
    /// Every publish is answered; from its own start, if that is later.
    pub progress: u64,
    /// Everything has answered and agrees.
    pub converges: u64,
    /// Publishing works and no group lags; not judged if `None`.
    pub recovers_within: Option<u64>,
    /// The share of publishes that end ok; not judged if `None`.
    pub available: Option<f64>,
    /// A quantile, 0 to 1, of the time from publish to effect; not judged if `None`.
    pub latency: Option<(f64, u64)>,
}

/// A record that proves something, and its place in the history, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Its place.
    pub index: u64,
    /// The record.
    pub record: Record,
}

/// Something that should not have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant.
    pub invariant: &'static str,
    /// What is wrong, in a sentence.
    pub summary: String,
    /// The records that prove it, in order.
    pub evidence: Vec<Evidence>,
}

/// One judgement, made record by record.
pub trait Invariant {
    /// Takes the next record in.
    fn record(&mut self, evidence: &Evidence);
    /// The history is over: what was violated?
    fn finish(&mut self) -> Findings;
}

/// Violations of one invariant: the first few, and how many there are in all.
#[derive(Debug, Default)]
pub struct Findings {
    first: Vec<(String, Vec<Evidence>)>,
    count: usize,
}

/// So many violations of one invariant are told; of the others only the number.
const TOLD: usize = 3;

impl Findings {
    /// Adds a violation. Both are only made if it will be told.
    fn add(&mut self, summary: impl FnOnce() -> String, evidence: impl FnOnce() -> Vec<Evidence>) {
        self.count += 1;
        if self.first.len() < TOLD {
            let mut evidence = evidence();
            evidence.sort_by_key(|evidence| evidence.index);
            self.first.push((summary(), evidence));
        }
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn into_violations(self, invariant: &'static str) -> Vec<Violation> {
        let more = self.count - self.first.len();
        let last = self.first.len().saturating_sub(1);
        self.first
            .into_iter()
            .enumerate()
            .map(|(index, (summary, evidence))| {
                let more = if more > 0 && index == last {
                    format!(" (and {more} more like it)")
                } else {
                    String::new()
                };
                Violation { invariant, summary: summary + &more, evidence }
            })
            .collect()
    }
}

/// An invariant, for lists and for making it.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub about: &'static str,
    /// It holds always, with or without a scenario naming it.
    pub safety: bool,
    make: fn(&Setup) -> Option<Box<dyn Invariant>>,
}

macro_rules! entries {
    ($($name:ident, $safety:literal, $about:literal;)*) => {
        &[$(Entry {
            name: stringify!($name),
            about: $about,
            safety: $safety,
            make: $name::make,
        }),*]
    };
}

/// Every invariant.
pub const CATALOGUE: &[Entry] = entries! {
    no_loss, true, "What was acknowledged is applied by every group, or in its dead-letter queue.";
    no_phantom, true, "Nothing is delivered that was not published, or whose publish surely failed.";
    idempotency, true, "No effect of an event happens twice in a group, however often it is delivered.";
    no_duplicate_append, true, "No event stands at two places of the log.";
    agreement, true, "All replicas and consumers see the same event at the same place of the log.";
    order, true, "Events of one producer and key are appended and applied in the order of publishing.";
    no_skip, true, "Within one assignment no consumer jumps over an event.";
    no_dirty_read, true, "No consumer is given an event that the log then does not contain.";
    commit_after_apply, true, "No offset is committed before all below it is done, and none goes backwards.";
    single_owner, true, "In each generation one member acts for a partition, and none of an older one.";
    dead_letters, true, "The dead-letter queue holds poison and what an outage exhausted, and nothing else.";
    saga_atomicity, true, "Every saga is done as a whole or undone as a whole, and sums stay what they were.";
    retry_policy, true, "Attempts wait as long as their policy says, with jitter, and end when it says.";
    breaker, true, "A breaker opens when its dependency is down, and lets through only what it should.";
    bounded_memory, true, "No buffer outgrows its bound.";
    single_leader, true, "No two nodes lead one term, and no ack contradicts what a later term committed.";
    durability, true, "What was acknowledged is in the log in the end, also after all replicas crashed at once.";
    eventual_consistency, false, "After the healing, replicas and projections agree within the deadline, and in the end.";
    drains, false, "After the healing, no group lags behind the log by the deadline.";
    converges, false, "After the healing, all that should agree answers and agrees within the deadline.";
    progress, false, "After the healing, every publish ends within the deadline, and new ones end ok.";
    recovers_within, false, "After the healing, publishing works and nothing lags within the limit.";
    available, false, "At least this share of publishes ends ok in time.";
    latency, false, "A quantile of the time from publish to effect stays below the limit.";
};

/// All invariants that apply, fed together.
pub struct Judge {
    invariants: Vec<(&'static str, Box<dyn Invariant>)>,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.invariants.iter().map(|(name, _)| name)).finish()
    }
}

impl Judge {
    /// A judge who has seen nothing yet. All safety invariants, `eventual_consistency`, `drains`,
    /// `converges` and `progress` are judged always; `recovers_within`, `available` and `latency` if there is a limit.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        let make = |entry: &Entry| Some((entry.name, (entry.make)(setup)?));
        Self { invariants: CATALOGUE.iter().filter_map(make).collect() }
    }

    /// Takes the next record in; `index` is its place in the history.
    pub fn record(&mut self, index: u64, record: &Record) {
        let evidence = Evidence { index, record: *record };
        for (_, invariant) in &mut self.invariants {
            invariant.record(&evidence);
        }
    }

    /// The history is over.
    #[must_use]
    pub fn finish(self) -> Vec<Violation> {
        self.invariants
            .into_iter()
            .flat_map(|(name, mut invariant)| invariant.finish().into_violations(name))
            .collect()
    }
}
