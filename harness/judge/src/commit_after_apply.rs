//! `commit_after_apply`: when a group commits an offset, everything below it is applied or dead-lettered in
//! the group; and as one replica tells it, no committed offset goes backwards.
//!
//! The rule that Kafka's enable.auto.commit breaks: what is committed is never delivered again.

use super::{Evidence, Findings, Invariant, Setup};
use squall_probe::{Name, NodeId, What};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(CommitAfterApply {
        setup: setup.clone(),
        done: BTreeMap::new(),
        told: BTreeMap::new(),
        findings: Findings::default(),
    }))
}

#[derive(Default)]
struct Done {
    /// Everything below is done.
    below: u64,
    /// And these, further up.
    beyond: BTreeSet<u64>,
    /// Commits up to here were found wrong already.
    told: u64,
}

impl Done {
    fn add(&mut self, offset: u64) {
        if offset >= self.below {
            self.beyond.insert(offset);
        }
        while self.beyond.remove(&self.below) {
            self.below += 1;
        }
    }
}

struct CommitAfterApply {
    setup: Setup,
    done: BTreeMap<(Name, u32), Done>,
    /// The last commit that each replica told of.
    told: BTreeMap<(NodeId, Name, u32), (u64, Evidence)>,
    findings: Findings,
}

impl Invariant for CommitAfterApply {
    fn record(&mut self, evidence: &Evidence) {
        let node = evidence.record.node;
        match evidence.record.what {
            What::Apply { group, position, .. } | What::DeadLetter { group, position, .. } => {
                self.done.entry((group, position.partition)).or_default().add(position.offset);
            }
            What::Rebuild => self.told.retain(|(replica, ..), _| *replica != node),
            What::Commit { group, partition, offset, .. } => {
                self.findings.judged(1);
                let name = |setup: &Setup| {
                    let index = setup.group_index(group);
                    index.map_or("?", |index| setup.group(index)).to_owned()
                };
                let done = self.done.entry((group, partition)).or_default();
                if offset > done.below.max(done.told) {
                    let missing = done.below;
                    done.told = offset;
                    self.findings.add(
                        || {
                            let name = name(&self.setup);
                            format!(
                                "{name} committed {partition}:{offset} before {partition}:{missing} was done"
                            )
                        },
                        || vec![*evidence],
                    );
                }
                let before = self.told.insert((node, group, partition), (offset, *evidence));
                if let Some((last, before)) = before
                    && offset < last
                {
                    self.findings.add(
                        || {
                            let name = name(&self.setup);
                            format!(
                                "{name} went back in partition {partition}, from {last} to {offset}"
                            )
                        },
                        || vec![before, *evidence],
                    );
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self) -> Findings {
        std::mem::take(&mut self.findings)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn a_commit_beyond_what_is_done() {
        let mut h = History::new();
        h.apply(1, 0).apply(3, 2).commit(0, 3);
        assert_eq!(h.violations("commit_after_apply"), ["g committed 0:3 before 0:1 was done [2]"]);
    }

    #[test]
    fn a_commit_that_goes_back() {
        let mut h = History::new();
        h.apply(1, 0).apply(2, 1).commit(0, 2).commit(0, 1);
        assert_eq!(
            h.violations("commit_after_apply"),
            ["g went back in partition 0, from 2 to 1 [2, 3]"]
        );
    }

    #[test]
    fn exactly_what_is_done_and_what_another_replica_learns_later() {
        let mut h = History::new();
        h.apply(1, 0).commit(0, 1).dead_letter(2, 1).commit(0, 2).commit(1, 1);
        h.rebuild(0).commit(0, 1);
        assert_eq!(h.violations("commit_after_apply"), [] as [&str; 0]);
    }
}
