//! `votes_kept`: a replica that told a candidate that it follows no leader of a lower term does not forget
//! that, if the candidate then led: neither by a crash nor by recovering its log from others.
//!
//! The Raft paper's `currentTerm` and `votedFor`, and what a Paxos acceptor has promised, must be durable before
//! the answer leaves (§5.2; Paxos Made Simple, §2.2): a leader may stand on this very vote. What was decided is
//! lost only if two leaders then really meet, which may take a thousand runs; that the vote is gone shows in
//! each. A vote that no leader stood on may be forgotten: then nobody can tell. So may a candidate forget its own vote
//! for itself, if it has not led by then: if it leads that term later, it has stood for it again.

use super::{
    evidence::Evidence,
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{NodeId, What};
use std::collections::BTreeMap;

pub(super) const ENTRY: Entry = Entry {
    name: "votes_kept",
    about: "No replica forgets what it has told a candidate who then led.",
    safety: true,
    layer: Layer::Log,
    needs: &[&["Vote"], &["Lead"]],
    promise: Some(promised::LEADERS),
    limit: None,
    judged: "each vote",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(VotesKept {
        setup: setup.clone(),
        led: BTreeMap::new(),
        votes: BTreeMap::new(),
        forgotten: Vec::new(),
        count: 0,
    }))
}

struct VotesKept {
    setup: Setup,
    /// Who led each term, and from which place of the history on.
    led: BTreeMap<u64, BTreeMap<NodeId, u64>>,
    /// The votes of each replica, by term.
    votes: BTreeMap<NodeId, BTreeMap<u64, Evidence>>,
    /// A vote, and what contradicts it.
    forgotten: Vec<(u64, Evidence, Evidence)>,
    count: u64,
}

impl VotesKept {
    fn voted(&mut self, term: u64, evidence: &Evidence) {
        self.count += 1;
        let votes = self.votes.entry(evidence.record.node).or_default();
        // What is contradicted once is not told again with each word that follows.
        let higher = votes.split_off(&term.saturating_add(1));
        self.forgotten.extend(higher.into_iter().map(|(term, vote)| (term, vote, *evidence)));
        votes.entry(term).or_insert(*evidence);
    }
}

impl Invariant for VotesKept {
    fn hears(&self) -> Variants {
        heard![Lead, Vote]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Vote { term } => self.voted(term, evidence),
            What::Lead { term } => {
                let leaders = self.led.entry(term).or_default();
                leaders.entry(evidence.record.node).or_insert(evidence.index);
                self.voted(term, evidence);
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        let mut findings = Findings::default();
        findings.judged(self.count);
        for (term, vote, after) in &self.forgotten {
            let stood = |(leader, since): (&NodeId, &u64)| {
                *leader != vote.record.node || *since < after.index
            };
            if self.led.get(term).into_iter().flatten().any(stood) {
                findings.add(
                    || {
                        let node = self.setup.node(vote.record.node);
                        format!("{node} forgot that it follows no leader below term {term}, which was led")
                    },
                    || vec![*vote, *after],
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
    fn a_vote_for_one_who_led_is_forgotten() {
        let mut h = History::new();
        h.vote(1, 5).lead(0, 5).rebuild(1).vote(1, 3);
        assert_eq!(
            h.violations("votes_kept"),
            ["r1 forgot that it follows no leader below term 5, which was led [0, 3]"]
        );
        // It leads when the vote is gone already.
        let mut h = History::new();
        h.vote(1, 5).rebuild(1).vote(1, 0).lead(0, 5);
        assert_eq!(
            h.violations("votes_kept"),
            ["r1 forgot that it follows no leader below term 5, which was led [0, 2]"]
        );
        // The leader itself forgets.
        let mut h = History::new();
        h.lead(0, 5).rebuild(0).vote(0, 4);
        assert_eq!(
            h.violations("votes_kept"),
            ["r0 forgot that it follows no leader below term 5, which was led [0, 2]"]
        );
    }

    #[test]
    fn a_candidate_that_forgot_its_own_vote_may_stand_again() {
        let mut h = History::new();
        h.vote(1, 5).rebuild(1).vote(1, 3).vote(0, 5).vote(2, 5).lead(1, 5);
        assert_eq!(h.violations("votes_kept"), [] as [&str; 0]);
        // Somebody else leads it: then it was no vote for itself.
        assert_eq!(h.lead(0, 5).violations("votes_kept").len(), 1);
    }

    #[test]
    fn votes_are_kept_and_one_that_nobody_stood_on_is_gone() {
        let mut h = History::new();
        h.vote(1, 5).lead(0, 5).rebuild(1).vote(1, 5).vote(1, 7).vote(2, 3);
        h.rebuild(1).vote(1, 6).lead(2, 8);
        assert_eq!(h.violations("votes_kept"), [] as [&str; 0]);
    }
}
