//! What came of a run, as a value.

use crate::determinism;
use squall_judge::Violation;
use squall_probe::{NodeId, Record, sim};
use squall_reports::{Counters, LatencyRecorder};
use std::collections::{BTreeMap, BTreeSet};

/// What came of a run.
#[derive(Debug)]
pub struct RunOutcome {
    /// Of the history, in hexadecimal.
    pub hash: String,
    /// Virtual time that passed, in microseconds.
    pub elapsed: u64,
    /// What was violated.
    pub violations: Vec<Violation>,
    /// How many facts each invariant judged.
    pub judged: Vec<(&'static str, u64)>,
    /// Why the run proves nothing, if so.
    pub vacuous: Vec<String>,
    /// Why nobody can say whether it passed, if so; never of a simulation.
    pub inconclusive: Vec<String>,
    /// What is to be said of the verdict beside.
    pub note: Option<String>,
    /// What was seen, by name.
    pub signals: BTreeMap<String, u64>,
    /// Steps of the scenario whose fault was felt, by index.
    pub felt: BTreeSet<u16>,
    /// Totals.
    pub counters: Counters,
    /// From publish to each group's effect.
    pub latency: LatencyRecorder,
    /// From the healing until everything was caught up, in microseconds.
    pub recovery: Option<u64>,
    /// What no record says in words: why a node ended, with when and where.
    pub notes: Vec<(u64, NodeId, String)>,
    /// What the system said in words, in order.
    pub said: Vec<sim::Said>,
    /// What the system measured of itself.
    pub measures: sim::Measures,
    /// The first thing that got past the simulation.
    pub escape: Option<determinism::Escape>,
    /// Why nobody looked whether something did.
    pub unwatched: Option<String>,
    /// All records, in order.
    pub history: Vec<Record>,
    /// The frames, if they were kept.
    pub flights: Vec<sim::Flight>,
    /// Names of groups, points, signals and kinds of message.
    pub names: sim::Names,
    /// Names of nodes, by id.
    pub nodes: Vec<String>,
}

impl RunOutcome {
    /// What is to be said of the verdict: why the run proves nothing, and what is to be known of its failure.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let said: Vec<&str> = self
            .inconclusive
            .iter()
            .chain(&self.vacuous)
            .chain(&self.note)
            .map(String::as_str)
            .collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}
