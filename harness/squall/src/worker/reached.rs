//! What a run reached, in numbers that can be compared between runs: how exploring knows what is new.
//!
//! A feature is the hash of something that a run did and others may not have done: a signal or a fault point (and the
//! order of magnitude of how often), a fault in a state (the kind of the last milestone of the node that it hit, and
//! what else is wrong at that time), and one milestone after another (the shape of a history). Names are hashed as text,
//! so that runs of different plans, processes and machines agree.

use crate::{outcome::RunOutcome, plan::Plan};
use serde::{Deserialize, Serialize};
use squall_probe::{NodeId, What};
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::xxh3_64;

/// What a run reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Features, and when each was reached first, in microseconds; `None` for what counts over the whole run.
    pub features: BTreeMap<u64, Option<u64>>,
    /// Occurrences of faults that began, in the order of time.
    pub began: Vec<Began>,
    /// Steps that were felt, by index.
    pub felt: BTreeSet<u16>,
    /// Fault points that were passed.
    pub points: BTreeSet<String>,
}

/// An occurrence of a fault that began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Began {
    /// Index of its step.
    pub step: u16,
    /// When, in microseconds.
    pub at: u64,
    /// The names of those it hit.
    pub nodes: Vec<String>,
}

fn hash(words: &[&str]) -> u64 {
    xxh3_64(words.join("\0").as_bytes())
}

/// How often, as an order of magnitude: 1, 2, 3 to 4, 5 to 8, …
fn magnitude(count: u64) -> String {
    (64 - count.saturating_sub(1).leading_zeros()).to_string()
}

/// Reads it off a run's history.
pub(super) fn reached(plan: &Plan, outcome: &RunOutcome) -> Reached {
    let mut reached = Reached { felt: outcome.felt.clone(), ..Reached::default() };
    for (signal, count) in &outcome.signals {
        reached.features.insert(hash(&["signal", signal, &magnitude(*count)]), None);
    }
    let role = |node: NodeId| plan.nodes.get(node.index()).map_or("squall", |node| &node.role);
    let keys: BTreeMap<u16, &str> =
        plan.faults.iter().map(|fault| (fault.step, fault.fault.kind.key)).collect();
    // The last milestone of each node, and what is wrong.
    let mut last: BTreeMap<NodeId, String> = BTreeMap::new();
    let mut wrong: BTreeSet<&str> = BTreeSet::new();
    for record in &outcome.history {
        let at = record.at;
        let mut reach = |words: &[&str]| {
            reached.features.entry(hash(words)).or_insert(Some(at));
        };
        match record.what {
            What::FaultBegan { fault, target } => {
                let key = keys.get(&fault).copied().unwrap_or("?");
                let state = last.get(&target).map_or("", String::as_str);
                reach(&["fault", key, role(target), state]);
                for other in &wrong {
                    reach(&["while", other, key]);
                }
                wrong.insert(key);
                let node = plan.nodes.get(target.index()).map(|node| node.name.clone());
                match reached.began.last_mut() {
                    Some(began) if began.step == fault && began.at == at => {
                        began.nodes.extend(node);
                    }
                    _ => {
                        let nodes = node.into_iter().collect();
                        reached.began.push(Began { step: fault, at, nodes });
                    }
                }
            }
            What::FaultHealed { fault } => {
                wrong.remove(keys.get(&fault).copied().unwrap_or("?"));
            }
            _ if record.what.is_milestone() || is_rare(&record.what) => {
                let mut word = record.what.kind().to_owned();
                if let What::Point { point, .. } = record.what {
                    word = outcome.names.text(point).to_owned();
                    if !reached.points.contains(&word) {
                        reached.points.insert(word.clone());
                    }
                }
                if let What::Node { change } = record.what {
                    word = format!("{word} {change:?}");
                }
                let before = last.get(&record.node).map_or("", String::as_str);
                if before != word {
                    reach(&["then", role(record.node), before, &word]);
                    for other in &wrong {
                        reach(&["under", other, role(record.node), &word]);
                    }
                }
                last.insert(record.node, word);
            }
            _ => {}
        }
    }
    reached
}

/// What no milestone is and yet not everyday business.
fn is_rare(what: &What) -> bool {
    matches!(
        what,
        What::DeadLetter { .. }
            | What::Redrive { .. }
            | What::Saga { .. }
            | What::Vote { .. }
            | What::Requeue { .. }
            | What::Remove { .. }
            | What::Refuse { .. }
            | What::Deduplicate { .. }
            | What::Extend { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_of_the_same_magnitude_up_to_a_power_of_two() {
        let of =
            |counts: &[u64]| -> BTreeSet<String> { counts.iter().map(|c| magnitude(*c)).collect() };
        assert_eq!(of(&[5, 6, 7, 8]).len(), 1);
        assert_eq!(of(&[1, 2, 3, 5, 9]).len(), 5);
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
    }
}
