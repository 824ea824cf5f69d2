//! `commit_after_apply`: when a group commits an offset, everything below it is applied or dead-lettered in
//! the group; no committed offset goes backwards, and none is committed by a member of an older generation.
//!
//! The rule that Kafka's enable.auto.commit breaks: what is committed is never delivered again. A replica that lags,
//! or that rebuilds its copy, tells of old commits late or again, and that is right. So commits with a number are
//! compared in the order of their numbers, whoever tells of them and when. Of those without one, what a replica
//! tells of must be in order from each of its rebuilds on; what nobody has told of before is new, and may not be
//! below what others told; and when the run has converged, some replica that lives must have come as far as any.

use super::{
    dense::ByKey,
    evidence::{Evidence, Proof},
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{Mark, Name, NodeChange, NodeId, What};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

pub(super) const ENTRY: Entry = Entry {
    name: "commit_after_apply",
    about: "No offset is committed before all below it is done, and none goes backwards.",
    safety: true,
    layer: Layer::Delivery,
    needs: &[&["Commit"]],
    promise: Some(promised::COMMITS),
    limit: None,
    judged: "each commit, as each replica tells it",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(CommitAfterApply {
        setup: setup.clone(),
        done: ByKey::default(),
        begun: ByKey::default(),
        numbered: ByKey::default(),
        plain: BTreeMap::new(),
        down: BTreeSet::new(),
        converged: false,
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
        match offset.cmp(&self.below) {
            Ordering::Less => return,
            Ordering::Equal => self.below += 1,
            Ordering::Greater => {
                self.beyond.insert(offset);
                return;
            }
        }
        while self.beyond.remove(&self.below) {
            self.below += 1;
        }
    }
}

/// A commit, as somebody told of it.
#[derive(Clone, Copy)]
struct Commit {
    offset: u64,
    generation: u64,
    proof: Proof,
}

/// The commits of a group's partition that have no number.
#[derive(Default)]
struct Plain {
    /// The last that each replica told of since it rebuilt its copy.
    last: BTreeMap<NodeId, Commit>,
    /// Offsets and generations that were told of.
    known: BTreeSet<(u64, u64)>,
    furthest: Option<Commit>,
}

struct CommitAfterApply {
    setup: Setup,
    done: ByKey<(Name, u32), Done>,
    /// The newest generation that has begun, and the record that shows it.
    begun: ByKey<(Name, u32), (u64, Proof)>,
    /// Commits by their numbers.
    numbered: ByKey<(Name, u32), BTreeMap<u64, Commit>>,
    plain: BTreeMap<(Name, u32), Plain>,
    /// Nodes that lost power and are not back.
    down: BTreeSet<NodeId>,
    converged: bool,
    findings: Findings,
}

impl CommitAfterApply {
    fn group(&self, group: Name) -> String {
        let index = self.setup.group_index(group);
        index.map_or("?", |index| self.setup.group(index)).to_owned()
    }

    fn begin(&mut self, place: (Name, u32), generation: u64, evidence: &Evidence) {
        let entry = self.begun.entry(place).or_insert((generation, evidence.proof()));
        if generation > entry.0 {
            *entry = (generation, evidence.proof());
        }
    }

    /// One commit was decided after the other.
    fn compare(&mut self, (group, partition): (Name, u32), before: Commit, after: Commit) {
        if after.offset < before.offset {
            let name = self.group(group);
            let (last, offset) = (before.offset, after.offset);
            self.findings.add(
                || format!("{name} went back in partition {partition}, from {last} to {offset}"),
                || vec![before.proof, after.proof],
            );
        } else if after.generation < before.generation {
            self.older((group, partition), after, (before.generation, before.proof));
        }
    }

    fn older(&mut self, (group, partition): (Name, u32), commit: Commit, newer: (u64, Proof)) {
        let name = self.group(group);
        self.findings.add(
            || {
                format!(
                    "{name} committed {partition}:{} in generation {}, when generation {} had begun",
                    commit.offset, commit.generation, newer.0
                )
            },
            || vec![newer.1, commit.proof],
        );
    }

    fn numbered(&mut self, place: (Name, u32), number: u64, commit: Commit) {
        let all = self.numbered.entry(place).or_default();
        // Each replica tells of it.
        if let Some(same) = all.get(&number).copied() {
            if same.offset == commit.offset {
                return;
            }
            let name = self.group(place.0);
            self.findings.add(
                || {
                    let a = self.setup.node(same.proof.node);
                    let b = self.setup.node(commit.proof.node);
                    format!(
                        "the same commit of {name} in partition {} is {} as {a} tells it, and {} as {b} does",
                        place.1, same.offset, commit.offset
                    )
                },
                || vec![same.proof, commit.proof],
            );
            return;
        }
        let before = all.range(..number).next_back().map(|(_, commit)| *commit);
        let after = all.range(number..).next().map(|(_, commit)| *commit);
        all.insert(number, commit);
        if let Some(before) = before {
            self.compare(place, before, commit);
        }
        if let Some(after) = after {
            self.compare(place, commit, after);
        }
        // An older one than is known may have been decided before the generation began.
        let newest = before.map_or(0, |before| before.generation);
        if after.is_none()
            && newest <= commit.generation
            && let Some(newer) = self.begun.get(place).copied()
            && newer.0 > commit.generation
        {
            self.older(place, commit, newer);
        }
    }

    fn plain(&mut self, place: (Name, u32), commit: Commit) {
        let plain = self.plain.entry(place).or_default();
        let last = plain.last.insert(commit.proof.node, commit);
        let news = plain.known.insert((commit.offset, commit.generation));
        let furthest = plain.furthest;
        if furthest.is_none_or(|furthest| commit.offset > furthest.offset) {
            plain.furthest = Some(commit);
        }
        if let Some(last) = last
            && (commit.offset < last.offset || commit.generation < last.generation)
        {
            self.compare(place, last, commit);
        } else if let Some(furthest) = furthest.filter(|f| news && commit.offset < f.offset) {
            self.compare(place, furthest, commit);
        } else if let Some(newer) = self.begun.get(place).copied()
            && news
            && newer.0 > commit.generation
        {
            self.older(place, commit, newer);
        }
    }
}

impl Invariant for CommitAfterApply {
    fn hears(&self) -> Variants {
        heard![Apply, Assign, Commit, DeadLetter, Deliver, Mark, Node, Rebuild]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        let node = evidence.record.node;
        match evidence.record.what {
            What::Apply { group, position, .. } | What::DeadLetter { group, position, .. } => {
                self.done.entry((group, position.partition)).or_default().add(position.offset);
            }
            What::Assign { group, partition, generation, .. } => {
                self.begin((group, partition), generation, evidence);
            }
            What::Deliver { group, position, generation, .. } => {
                self.begin((group, position.partition), generation, evidence);
            }
            What::Rebuild => {
                for plain in self.plain.values_mut() {
                    plain.last.remove(&node);
                }
            }
            What::Node { change: NodeChange::Crashed } => {
                self.down.insert(node);
            }
            What::Node { .. } => {
                self.down.remove(&node);
            }
            What::Mark(Mark::Converged) => self.converged = true,
            What::Commit { group, partition, offset, generation, number } => {
                self.findings.judged(1);
                let place = (group, partition);
                let done = self.done.entry(place).or_default();
                if offset > done.below.max(done.told) {
                    let missing = done.below;
                    done.told = offset;
                    let name = self.group(group);
                    self.findings.add(
                        || {
                            format!(
                                "{name} committed {partition}:{offset} before {partition}:{missing} was done"
                            )
                        },
                        || vec![*evidence],
                    );
                }
                let commit = Commit { offset, generation, proof: evidence.proof() };
                if number > 0 {
                    self.numbered(place, number, commit);
                } else {
                    self.plain(place, commit);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        let mut findings = std::mem::take(&mut self.findings);
        for ((group, partition), plain) in &self.plain {
            let living = plain.last.iter().filter(|(node, _)| !self.down.contains(*node));
            let Some((_, last)) = living.max_by_key(|(_, commit)| commit.offset) else { continue };
            let Some(furthest) = plain.furthest.filter(|f| f.offset > last.offset) else {
                continue;
            };
            if self.converged {
                let name = self.group(*group);
                findings.add(
                    || {
                        format!(
                            "{name} had committed {partition}:{}, and in the end no replica that lives is \
                             further than {partition}:{}",
                            furthest.offset, last.offset
                        )
                    },
                    || vec![furthest.proof, last.proof],
                );
            }
        }
        findings
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
        // In whatever order it was done.
        let mut h = History::new();
        h.apply(4, 3).apply(3, 2).apply(2, 1).apply(1, 0).commit(0, 4);
        assert_eq!(h.violations("commit_after_apply"), [] as [&str; 0]);
        let mut h = History::new();
        h.apply(1, 0).commit(0, 1).dead_letter(2, 1).commit(0, 2).commit(1, 1);
        h.rebuild(0).commit(0, 1);
        assert_eq!(h.violations("commit_after_apply"), [] as [&str; 0]);
    }

    /// Ten events are done.
    fn done() -> History {
        let mut h = History::new();
        for event in 1..=10 {
            h.apply(event, event - 1);
        }
        h
    }

    #[test]
    fn back_after_a_rebuild_or_on_another_replica() {
        let mut h = done();
        h.commit(0, 5).rebuild(0).commit(0, 3);
        assert_eq!(
            h.violations("commit_after_apply"),
            ["g went back in partition 0, from 5 to 3 [10, 12]"]
        );
        let mut h = done();
        h.commit(0, 5).commit(1, 3);
        assert_eq!(
            h.violations("commit_after_apply"),
            ["g went back in partition 0, from 5 to 3 [10, 11]"]
        );
        // The first who told of the furthest is who proves it.
        let mut h = done();
        h.commit(0, 5).commit(1, 5).commit(2, 3);
        assert_eq!(
            h.violations("commit_after_apply"),
            ["g went back in partition 0, from 5 to 3 [10, 12]"]
        );
        // It told of both before, and did not rebuild its copy.
        let mut h = done();
        h.commit(0, 3).commit(0, 5).commit(0, 3);
        assert_eq!(
            h.violations("commit_after_apply"),
            ["g went back in partition 0, from 5 to 3 [11, 12]"]
        );
        // It goes on, by what nobody told of before.
        let mut h = done();
        h.commit(0, 1).commit(0, 5).commit(1, 1).commit(1, 3);
        assert_eq!(
            h.violations("commit_after_apply"),
            ["g went back in partition 0, from 5 to 3 [11, 13]"]
        );
        // They tell what was told before, and come as far.
        let mut h = done();
        h.commit(0, 3).commit(0, 5).commit(1, 3).rebuild(0).commit(0, 3).commit(1, 5).converged();
        assert_eq!(h.violations("commit_after_apply"), [] as [&str; 0]);
    }

    #[test]
    fn further_before_than_in_the_end() {
        let mut h = done();
        h.commit(0, 3).commit(0, 5).rebuild(0).commit(0, 3).converged();
        assert_eq!(
            h.violations("commit_after_apply"),
            [
                "g had committed 0:5, and in the end no replica that lives is further than 0:3 [11, 13]"
            ]
        );
        let mut h = done();
        h.commit(0, 3).commit(1, 3).commit(1, 5).crash(1).converged();
        assert_eq!(
            h.violations("commit_after_apply"),
            [
                "g had committed 0:5, and in the end no replica that lives is further than 0:3 [10, 12]"
            ]
        );
        // It is back, and had told; nobody has told anything since; it is not over yet.
        let mut h = done();
        h.commit(0, 3).commit(1, 3).commit(1, 5).crash(1).up(1).converged();
        assert_eq!(h.violations("commit_after_apply"), [] as [&str; 0]);
        let mut h = done();
        h.commit(0, 5).rebuild(0).converged();
        assert_eq!(h.violations("commit_after_apply"), [] as [&str; 0]);
        let mut h = done();
        h.commit(0, 3).commit(0, 5).rebuild(0).commit(0, 3).deadline();
        assert_eq!(h.violations("commit_after_apply"), [] as [&str; 0]);
    }

    #[test]
    fn numbers_say_what_came_after_what() {
        // Told late, and in another order.
        let mut h = done();
        h.commit_as(0, 5, 1, 7).commit_as(1, 3, 1, 4).rebuild(0).commit_as(0, 5, 1, 7).converged();
        assert_eq!(h.violations("commit_after_apply"), [] as [&str; 0]);
        // It stays where it is.
        let mut h = done();
        h.commit_as(0, 5, 1, 7).commit_as(0, 5, 1, 8).commit_as(0, 5, 1, u64::MAX);
        assert_eq!(h.violations("commit_after_apply"), [] as [&str; 0]);
        let mut h = done();
        h.commit_as(0, 5, 1, 7).commit_as(1, 3, 1, 9);
        assert_eq!(
            h.violations("commit_after_apply"),
            ["g went back in partition 0, from 5 to 3 [10, 11]"]
        );
        let mut h = done();
        h.commit_as(0, 3, 1, 9).commit_as(1, 5, 1, 7);
        assert_eq!(
            h.violations("commit_after_apply"),
            ["g went back in partition 0, from 5 to 3 [10, 11]"]
        );
        let mut h = done();
        h.commit_as(0, 3, 1, 9).commit_as(1, 5, 1, 9);
        assert_eq!(
            h.violations("commit_after_apply"),
            ["the same commit of g in partition 0 is 3 as r0 tells it, and 5 as r1 does [10, 11]"]
        );
    }

    #[test]
    fn a_member_of_an_older_generation_commits() {
        let expected = "g committed 0:5 in generation 1, when generation 2 had begun [10, 11]";
        let mut h = done();
        h.assign(2).commit(0, 5);
        assert_eq!(h.violations("commit_after_apply"), [expected]);
        let mut h = done();
        h.deliver_gen(11, 10, 2).commit_as(0, 5, 1, 7);
        assert_eq!(h.violations("commit_after_apply"), [expected]);
        let mut h = done();
        h.commit_as(0, 4, 2, 6).commit_as(0, 5, 1, 7);
        assert_eq!(h.violations("commit_after_apply"), [expected]);
        let mut h = done();
        h.commit_as(0, 4, 2, 0).commit_as(0, 5, 1, 0);
        assert_eq!(h.violations("commit_after_apply"), [expected]);
        // The same offset is told of again, in a generation that is newer and not the newest.
        let later = "g committed 0:5 in generation 2, when generation 3 had begun [11, 12]";
        for replica in [0, 1] {
            let mut h = done();
            h.commit_as(0, 5, 1, 0).assign(3).commit_as(replica, 5, 2, 0);
            assert_eq!(h.violations("commit_after_apply"), [later], "{replica}");
        }
        // The newest counts, from when it was seen first.
        for (generations, number) in [([2, 3, 3], 0), ([2, 3, 2], 7)] {
            let mut h = done();
            for generation in generations {
                h.assign(generation);
            }
            h.commit_as(0, 5, 2, number);
            assert_eq!(
                h.violations("commit_after_apply"),
                ["g committed 0:5 in generation 2, when generation 3 had begun [11, 13]"]
            );
            let mut h = done();
            h.assign(3).commit_as(0, 5, 3, number);
            assert_eq!(h.violations("commit_after_apply"), [] as [&str; 0]);
        }
        // It was told of before, or decided before, as its number says.
        let mut h = done();
        h.commit(0, 5).assign(2).commit(1, 5).rebuild(0).commit(0, 5);
        assert_eq!(h.violations("commit_after_apply"), [] as [&str; 0]);
        let mut h = done();
        h.commit_as(0, 6, 2, 8).assign(2).commit_as(1, 5, 1, 7);
        assert_eq!(h.violations("commit_after_apply"), [] as [&str; 0]);
    }
}
