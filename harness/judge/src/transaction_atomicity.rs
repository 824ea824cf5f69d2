//! `transaction_atomicity`: what is published in one transaction is seen all or not at all, and nothing of it before its
//! commit was asked for.
//!
//! Kafka's `read_committed` (KIP-98), and what Adya calls an aborted read (G1a) and an intermediate read (G1b), for
//! consumers: an event is seen when it is handed out, takes effect or is dead-lettered. A commit that ended with `Info` may
//! have happened. An event that is published again in another transaction, after one was aborted, belongs to both: it may
//! be seen when either was to be committed, and says of neither alone that it took place.

use super::{
    dense::ByEvent,
    evidence::{Evidence, Proof},
    fold::{End, bit},
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    promises::{Delivery, Groups},
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{EventId, Mark, Name, Phase, What};
use std::collections::BTreeMap;

pub(super) const ENTRY: Entry = Entry {
    name: "transaction_atomicity",
    about: "What is published in one transaction is seen all or not at all, once it is committed.",
    safety: true,
    layer: Layer::Delivery,
    needs: &[
        &["Enlist", "Deliver"],
        &["Enlist", "Apply"],
        &["Enlist", "DeadLetter"],
        &["Enlist", "Lease"],
        &["Enlist", "Transaction"],
    ],
    promise: Some(promised::TRANSACTIONS),
    limit: None,
    judged: "each event of a transaction that a group saw, and each transaction that was to be committed",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(TransactionAtomicity {
        setup: setup.clone(),
        events: ByEvent::default(),
        transactions: BTreeMap::new(),
        converged: false,
    }))
}

struct TransactionAtomicity {
    setup: Setup,
    events: ByEvent<Seen>,
    transactions: BTreeMap<u64, Transaction>,
    converged: bool,
}

/// What is known of an event.
#[derive(Default)]
struct Seen {
    first: Option<Proof>,
    /// By which groups, a bit each.
    groups: u64,
    /// The transactions that it is part of.
    parts: Vec<u64>,
}

#[derive(Default)]
struct Transaction {
    events: Vec<EventId>,
    /// Its commit was asked for, or it is told without that that it is committed.
    asked: Option<Proof>,
    committed: Option<Proof>,
    aborted: Option<Proof>,
}

impl Transaction {
    /// It was aborted, and nobody says that it was committed as well.
    fn dropped(&self) -> Option<Proof> {
        self.aborted.filter(|_| self.committed.is_none())
    }
}

impl TransactionAtomicity {
    fn saw(&mut self, group: Name, event: EventId, evidence: &Evidence) {
        let Some(index) = self.setup.group_index(group) else { return };
        let seen = self.events.entry(event);
        seen.first.get_or_insert(evidence.proof());
        seen.groups |= bit(index);
    }

    /// An event was seen of which nothing may be seen, or not yet.
    fn seen_too_early(&self, event: EventId, seen: &Seen, findings: &mut Findings) {
        let Some(first) = seen.first else { return };
        let of = |number: &u64| self.transactions.get(number).map(|of| (*number, of));
        let parts: Vec<(u64, &Transaction)> = seen.parts.iter().filter_map(of).collect();
        let asked = |of: &Transaction| of.asked.is_some_and(|asked| asked.index() < first.index());
        let may_be_seen = |(_, of): &(u64, &Transaction)| asked(of) && of.dropped().is_none();
        if parts.iter().any(may_be_seen) {
            return;
        }
        let Some((number, last)) = parts.last() else { return };
        match last.dropped() {
            Some(aborted) => findings.add(
                || format!("e{} was seen, and transaction {number} was aborted", event.0),
                || vec![aborted, first],
            ),
            None => findings.add(
                || {
                    format!(
                        "e{} was seen before the commit of transaction {number} was asked for",
                        event.0
                    )
                },
                || [first].into_iter().chain(last.asked).collect(),
            ),
        }
    }

    /// In the end a part of a transaction is missing.
    fn torn(&self, number: u64, of: &Transaction, findings: &mut Findings) {
        let groups = self.setup.groups.len();
        let seen = |event: &EventId, index: Option<usize>| {
            let groups = self.events.get(*event).map_or(0, |seen| seen.groups);
            index.map_or(groups > 0, |index| groups & bit(index) > 0)
        };
        let own =
            |event: &&EventId| self.events.get(**event).is_some_and(|seen| seen.parts == [number]);
        let all = match self.setup.promises.groups {
            Groups::Every => (0..groups).map(Some).collect(),
            Groups::One => vec![None],
            Groups::None => return,
        };
        for index in all {
            let Some(missing) = of.events.iter().find(|event| !seen(event, index)) else {
                continue;
            };
            let there = of.events.iter().filter(own).find(|event| seen(event, index));
            if of.committed.is_none() && there.is_none() {
                continue;
            }
            let group = index.map(|index| format!(" by {}", self.setup.group(index)));
            let group = group.unwrap_or_default();
            let first = there.and_then(|event| self.events.get(*event)?.first);
            let proofs = || of.committed.or(of.asked).into_iter().chain(first).collect();
            findings.add_missing(
                || match there {
                    Some(there) => format!(
                        "of transaction {number} e{} was seen{group}, and e{} never was",
                        there.0, missing.0
                    ),
                    None => format!(
                        "transaction {number} was committed, and its e{} was never seen{group}",
                        missing.0
                    ),
                },
                proofs,
            );
            return;
        }
    }
}

impl Invariant for TransactionAtomicity {
    fn hears(&self) -> Variants {
        heard![Apply, DeadLetter, Deliver, Enlist, Lease, Mark, Transaction]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Enlist { transaction, event } => {
                let parts = &mut self.events.entry(event).parts;
                if !parts.contains(&transaction) {
                    parts.push(transaction);
                    self.transactions.entry(transaction).or_default().events.push(event);
                }
            }
            What::Transaction { transaction, phase } => {
                let (of, proof) =
                    (self.transactions.entry(transaction).or_default(), evidence.proof());
                match phase {
                    Phase::Invoke | Phase::Info => {
                        of.asked.get_or_insert(proof);
                    }
                    Phase::Ok => {
                        of.asked.get_or_insert(proof);
                        of.committed.get_or_insert(proof);
                    }
                    Phase::Fail => {
                        of.aborted.get_or_insert(proof);
                    }
                }
            }
            What::Deliver { group, event, .. }
            | What::Apply { group, event, .. }
            | What::DeadLetter { group, event, .. }
            | What::Lease { queue: group, event, .. } => self.saw(group, event, evidence),
            What::Mark(Mark::Converged) => self.converged = true,
            _ => {}
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        let mut findings = Findings::default();
        for (event, seen) in self.events.iter().filter(|(_, seen)| !seen.parts.is_empty()) {
            findings.judged(u64::from(seen.groups.count_ones()));
            self.seen_too_early(event, seen, &mut findings);
        }
        for (number, of) in &self.transactions {
            findings.judged(u64::from(of.asked.is_some() && !of.events.is_empty()));
            if let (Some(committed), Some(aborted)) = (of.committed, of.aborted) {
                findings.add(
                    || format!("transaction {number} was committed, and it was aborted"),
                    || vec![committed, aborted],
                );
            } else if self.converged
                && of.asked.is_some()
                && of.aborted.is_none()
                && self.setup.promises.delivery != Delivery::AtMostOnce
            {
                self.torn(*number, of, &mut findings);
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        promises::{Delivery, Groups, Promises},
        testing::*,
    };

    fn told(h: &History) -> Vec<String> {
        h.clone().violations("transaction_atomicity")
    }

    /// Transaction 7 of events 1 and 2.
    fn enlisted() -> History {
        let mut h = History::new();
        h.publish(1).publish(2).enlist(7, 1).enlist(7, 2);
        h
    }

    const NOTHING: [&str; 0] = [];

    #[test]
    fn all_or_nothing_and_not_before() {
        let mut h = enlisted();
        h.commits(7).committed(7).deliver(1, 0).apply(1, 0).deliver(2, 1).apply(2, 1).converged();
        assert_eq!(told(&h), NOTHING);
        // Nobody knows, and all of it is seen, or nothing; and an aborted one is not seen.
        let mut h = enlisted();
        h.commits(7).commit_unknown(7).converged();
        assert_eq!(told(&h), NOTHING);
        assert_eq!(told(h.deliver(1, 0).dead_letter(2, 1)), NOTHING);
        assert_eq!(told(enlisted().aborted(7).converged()), NOTHING);
        // One that nobody asked to commit is no business of the end.
        assert_eq!(told(enlisted().converged()), NOTHING);
    }

    #[test]
    fn what_is_still_open_is_seen() {
        let mut h = enlisted();
        h.deliver(1, 0).commits(7).committed(7).deliver(2, 1).converged();
        assert_eq!(
            told(&h),
            ["e1 was seen before the commit of transaction 7 was asked for [4, 5]"]
        );
        assert_eq!(
            told(enlisted().apply(1, 0)),
            ["e1 was seen before the commit of transaction 7 was asked for [4]"]
        );
    }

    #[test]
    fn what_was_aborted_is_seen() {
        let aborted = |after: bool| {
            let mut h = enlisted();
            h.commits(7);
            if after {
                h.deliver(2, 0).aborted(7);
            } else {
                h.aborted(7).deliver(2, 0);
            }
            told(&h)
        };
        assert_eq!(aborted(false), ["e2 was seen, and transaction 7 was aborted [5, 6]"]);
        assert_eq!(aborted(true), ["e2 was seen, and transaction 7 was aborted [5, 6]"]);
    }

    #[test]
    fn half_of_it_is_seen() {
        let mut h = enlisted();
        h.commits(7).committed(7).deliver(1, 0);
        assert_eq!(told(&h), NOTHING, "the rest may come");
        assert_eq!(
            told(h.converged()),
            ["of transaction 7 e1 was seen by g, and e2 never was [5, 6]"]
        );
        assert_eq!(h.since("transaction_atomicity"), [crate::NEVER]);
        let mut h = enlisted();
        h.commits(7).deliver(2, 0).converged();
        assert_eq!(told(&h), ["of transaction 7 e2 was seen by g, and e1 never was [4, 5]"]);
        let mut h = enlisted();
        h.commits(7).committed(7).converged();
        assert_eq!(told(&h), ["transaction 7 was committed, and its e1 was never seen by g [5]"]);
        // Where nothing is kept it may be lost on its way, and where readers read what they like they need not look.
        for promises in [
            Promises { delivery: Delivery::AtMostOnce, ..Promises::default() },
            Promises { groups: Groups::None, ..Promises::default() },
        ] {
            let promises = Promises { transactions: true, ..promises };
            assert_eq!(told(&h.promised(promises)), NOTHING);
        }
    }

    #[test]
    fn each_group_sees_all_of_it_or_one_of_them_does() {
        let mut h = History::with_groups(&["g", "h"]);
        h.enlist(7, 1).enlist(7, 2).commits(7).deliver(1, 0).deliver(2, 1).deliver_in(1, 2, 1);
        h.converged();
        assert_eq!(told(&h), ["of transaction 7 e2 was seen by h, and e1 never was [2, 4]"]);
        let one = Promises { transactions: true, groups: Groups::One, ..Promises::default() };
        assert_eq!(told(&h.promised(one)), NOTHING);
    }

    #[test]
    fn an_event_that_is_published_again_in_another_transaction_may_be_seen_by_either() {
        // The first is aborted, the second (with event 3) is committed.
        let again = |first: fn(&mut History)| {
            let mut h = enlisted();
            first(h.commits(7));
            h.enlist(8, 1).enlist(8, 3).commits(8).committed(8).deliver(1, 0).deliver(3, 1);
            h.converged();
            told(&h)
        };
        let aborted = |h: &mut History| {
            h.aborted(7);
        };
        assert_eq!(again(aborted), NOTHING);
        // That the first is not known to be so says nothing of event 2.
        let unknown = |h: &mut History| {
            h.commit_unknown(7);
        };
        assert_eq!(again(unknown), NOTHING);
        // Seen in between it was of the first.
        let seen = |h: &mut History| {
            h.aborted(7).deliver(1, 0);
        };
        assert_eq!(
            again(seen),
            ["e1 was seen before the commit of transaction 8 was asked for [6, 9]"]
        );
    }

    #[test]
    fn it_ends_in_one_way() {
        let mut h = enlisted();
        h.commits(7).committed(7).aborted(7);
        assert_eq!(told(&h), ["transaction 7 was committed, and it was aborted [5, 6]"]);
    }
}
