//! `order`: what one producer publishes for one key is appended, and applied, in that order.
//!
//! Where a system promises an order of partitions, that of all of a producer's events in one partition is judged in
//! place of that of a key's, and where it promises a total order, all of them must stand in one partition.
//!
//! Between partitions there is no order. Where a system promises that a key has one partition, a producer that
//! hashes it otherwise after a restart, or by something else, has given it up, even if this time nobody came
//! too early.
//!
//! After Jepsen's kafka checker ("int-nonmonotonic", "nonmonotonic-poll"). Of the log only acknowledged
//! events are compared, and of these only what was never called indeterminate: such a one may have come late. Of a group, the order in which effects
//! landed for the first time: a redelivery that changes nothing is no inversion. An event that went to a
//! dead-letter queue has left the sequence: that it is redriven later is what the queue is for.

use super::{
    dense::{ByEvent, ByKey},
    evidence::{Evidence, Proof},
    fold::{End, bit},
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    promises::Order as Promise,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{EventId, NodeId, Phase, Position, What};
use std::collections::BTreeMap;

pub(super) const ENTRY: Entry = Entry {
    name: "order",
    about: "Events of one producer and key are appended and applied in the order of publishing.",
    safety: true,
    layer: Layer::Delivery,
    needs: &[&["Publish"], &["Apply"]],
    promise: Some(promised::LOG_ORDER),
    limit: None,
    judged: "each acknowledged event, and each effect, that follows another of its producer or group and key",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(Order {
        setup: setup.clone(),
        order: setup.promises.order,
        events: ByEvent::default(),
        published: ByKey::default(),
        applied: ByKey::default(),
        findings: Findings::default(),
    }))
}

struct Order {
    setup: Setup,
    order: Promise,
    events: ByEvent<Published>,
    /// Events of (producer, key) in the order of publishing.
    published: ByKey<(NodeId, u32), Vec<EventId>>,
    /// The last effect of (group, key, partition), with its offset.
    applied: ByKey<(usize, u32, u32), (u64, Proof)>,
    findings: Findings,
}

#[derive(Default)]
struct Published {
    key: u32,
    acked: Option<Proof>,
    position: Option<Position>,
    /// Its client was told that nobody knows; after that it may come late.
    indeterminate: bool,
    /// A bit a group.
    applied: u64,
    /// It was taken out of a dead-letter queue; a bit a group.
    redriven: u64,
}

/// What keeps an order within a partition: a key, or all.
fn line(order: Promise, key: u32) -> u32 {
    match order {
        Promise::PerKey | Promise::None => key,
        Promise::PerPartition | Promise::Total => 0,
    }
}

impl Order {
    /// Events that must stand in one partition, those of a key or all; `None` if they need not.
    fn home(&self, key: u32) -> Option<u32> {
        match self.order {
            Promise::Total => Some(0),
            _ => self.setup.promises.key_has_one_partition.then_some(key),
        }
    }
}

/// Whose order it is, in words.
fn words(order: Promise, key: u32) -> String {
    match order {
        Promise::PerKey | Promise::None => format!("key {key}"),
        Promise::PerPartition => "in one partition".to_owned(),
        Promise::Total => "in one log".to_owned(),
    }
}

impl Invariant for Order {
    fn hears(&self) -> Variants {
        heard![Append, Apply, Publish, Redrive]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Publish { phase, event, key, position } => {
                let entry = self.events.entry(event);
                entry.key = key;
                match phase {
                    Phase::Invoke => {
                        let line = (evidence.record.node, line(self.order, key));
                        self.published.entry(line).or_default().push(event);
                    }
                    Phase::Ok => {
                        entry.acked = Some(evidence.proof());
                        entry.position = position.or(entry.position);
                    }
                    Phase::Info => entry.indeterminate |= entry.acked.is_none(),
                    Phase::Fail => {}
                }
            }
            What::Append { event, position, key, .. } => {
                let entry = self.events.entry(event);
                entry.position.get_or_insert(position);
                if entry.acked.is_none() {
                    // What a service publishes is known from here only.
                    entry.key = key;
                }
            }
            What::Redrive { group, event, .. } => {
                if let Some(index) = self.setup.group_index(group) {
                    self.events.entry(event).redriven |= bit(index);
                }
            }
            What::Apply { group, event, position, .. } => {
                let Some(index) = self.setup.group_index(group) else { return };
                let entry = self.events.entry(event);
                let bit = bit(index);
                let applied = entry.applied | bit;
                if std::mem::replace(&mut entry.applied, applied) == applied {
                    return;
                }
                if entry.redriven & bit != 0 {
                    return;
                }
                let key = entry.key;
                let line = (index, line(self.order, key), position.partition);
                let last = self.applied.entry(line).or_insert((position.offset, evidence.proof()));
                let (offset, before) = *last;
                self.findings.judged(u64::from(before.index() != evidence.index));
                if position.offset < offset {
                    let of_key = match self.order {
                        Promise::PerKey => format!(", both of key {key}"),
                        _ => String::new(),
                    };
                    self.findings.add(
                        || {
                            let group = self.setup.group(index);
                            format!(
                                "{group} applied {}:{offset} before {position}{of_key}",
                                position.partition
                            )
                        },
                        || vec![before, evidence.proof()],
                    );
                } else {
                    *last = (position.offset, evidence.proof());
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        let order = self.order;
        for ((producer, _), published) in self.published.sorted() {
            let mut homes: BTreeMap<u32, (u32, Proof, u64)> = BTreeMap::new();
            let mut any = false;
            let mut last: BTreeMap<u32, (u64, Proof, u64)> = BTreeMap::new();
            for id in published {
                let Some(event) = self.events.get(*id) else { continue };
                let (Some(acked), Some(at)) = (event.acked, event.position) else { continue };
                self.findings.judged(u64::from(std::mem::replace(&mut any, true)));
                let key = event.key;
                let home = self.home(key);
                let home =
                    home.map(|home| *homes.entry(home).or_insert((at.partition, acked, id.0)));
                if let Some((partition, first, earlier)) =
                    home.filter(|home| home.0 != at.partition)
                {
                    let of = || words(order, key);
                    self.findings.add(
                        || {
                            let producer = self.setup.node(producer);
                            format!(
                                "e{earlier} and e{} of {producer} ({}) stand in partitions {partition} and \
                                 {}: nothing keeps their order",
                                id.0,
                                of(),
                                at.partition
                            )
                        },
                        || vec![first, acked],
                    );
                    // Once it is elsewhere, all that follows may be.
                    break;
                }
                if event.indeterminate {
                    continue;
                }
                let of = || words(order, key);
                match last.get(&at.partition) {
                    Some((offset, before, earlier)) if at.offset < *offset => self.findings.add(
                        || {
                            format!(
                                "e{earlier} was published before e{} ({}), and stands behind it: \
                                 {}:{offset} and {at}",
                                id.0,
                                of(),
                                at.partition
                            )
                        },
                        || vec![*before, acked],
                    ),
                    _ => {
                        last.insert(at.partition, (at.offset, acked, id.0));
                    }
                }
            }
        }
        std::mem::take(&mut self.findings)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn the_log_turns_two_events_of_a_key_around() {
        let mut h = History::new();
        h.publish(1).publish(2).append_all(2, 0).append_all(1, 1).ok(2, 0).ok(1, 1);
        assert_eq!(
            h.violations("order"),
            ["e1 was published before e2 (key 0), and stands behind it: 0:1 and 0:0 [8, 9]"]
        );
        // So does the log say where they stand.
        let mut h = History::new();
        h.publish(1).publish(2).append(0, 2, 0).append(0, 1, 1).ok_nowhere(2).ok_nowhere(1);
        assert_eq!(
            h.violations("order"),
            ["e1 was published before e2 (key 0), and stands behind it: 0:1 and 0:0 [4, 5]"]
        );
    }

    #[test]
    fn one_key_in_two_partitions() {
        let mut h = History::new();
        h.publish(1).publish(2).ok_in(1, 0, 0).ok_in(2, 3, 0).publish(3).ok_in(3, 3, 1);
        assert_eq!(
            h.violations("order"),
            [
                "e1 and e2 of p (key 0) stand in partitions 0 and 3: nothing keeps their order [2, 3]"
            ]
        );
        // Another key may be elsewhere, and so may an event of which nobody knows whether it is anywhere.
        let mut h = History::new();
        h.publish(1).publish_key(2, 1).publish(3).ok_in(1, 0, 0).ok_in(2, 3, 0).info(3);
        assert_eq!(h.violations("order"), [] as [&str; 0]);
    }

    #[test]
    fn a_group_applies_two_events_of_a_key_in_the_wrong_order() {
        let mut h = History::new();
        h.publish(1).publish(2).append_all(1, 0).append_all(2, 1).ok(1, 0).ok(2, 1);
        h.apply(2, 1).apply(1, 0);
        assert_eq!(h.violations("order"), ["g applied 0:1 before 0:0, both of key 0 [10, 11]"]);
    }

    #[test]
    fn other_keys_indeterminate_events_and_repetitions_may_mix() {
        let mut h = History::new();
        // e1 is indeterminate and came late; e3 is of another key.
        h.publish(1).info(1).publish(2).publish_key(3, 1).append_all(3, 0).append_all(2, 1);
        h.append_all(1, 2).ok(3, 0).ok(2, 1);
        h.apply(3, 0).apply(2, 1).apply(1, 2).apply(2, 1);
        assert_eq!(h.violations("order"), [] as [&str; 0]);
        // Of what services make of events, the log knows the key.
        let mut h = History::new();
        h.append_key(0, 1, 0, 1).append_key(0, 2, 1, 2).append_key(0, 3, 2, 2);
        h.apply(2, 1).apply(1, 0).apply(3, 2);
        assert_eq!(h.violations("order"), [] as [&str; 0]);
        // Each group for itself.
        let mut h = History::with_groups(&["g", "h"]);
        h.publish(1).publish(2).append_all(1, 0).append_all(2, 1).ok(1, 0).ok(2, 1);
        h.apply_in(0, 1, 0).apply_in(0, 2, 1).apply_in(1, 2, 1).apply_in(1, 1, 0);
        assert_eq!(h.violations("order"), ["h applied 0:1 before 0:0, both of key 0 [12, 13]"]);
    }

    #[test]
    fn an_indeterminate_event_may_come_late_and_be_acknowledged_then() {
        let mut h = History::new();
        h.publish(1).info(1).info(1).publish(2).append_all(2, 0).ok(2, 0).append_all(1, 1).ok(1, 1);
        h.apply(2, 0).apply(1, 1);
        assert_eq!(h.violations("order"), [] as [&str; 0]);
        // One that was never in doubt may not, whatever happens between the two.
        let mut h = History::new();
        h.publish(1).publish(2).publish(3).info(2).append_all(3, 0).append_all(2, 1);
        h.append_all(1, 2).ok(3, 0).ok(2, 1).ok(1, 2);
        assert_eq!(
            h.violations("order"),
            ["e1 was published before e3 (key 0), and stands behind it: 0:2 and 0:0 [13, 15]"]
        );
        // A key keeps its partition all the same.
        let mut h = History::new();
        h.publish(1).ok_in(1, 0, 0).publish(2).info(2).ok_in(2, 3, 0);
        assert_eq!(
            h.violations("order"),
            [
                "e1 and e2 of p (key 0) stand in partitions 0 and 3: nothing keeps their order [1, 4]"
            ]
        );
    }

    #[test]
    fn what_was_redriven_has_left_the_sequence() {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).publish(2).append_all(2, 1);
        h.dead_letter(1, 0).apply(2, 1).redrive(1, 0).redrive(1, 0).by(1).apply(1, 0);
        assert_eq!(h.violations("order"), [] as [&str; 0]);
        // In that group.
        let mut h = History::with_groups(&["g", "h"]);
        h.publish(1).append_all(1, 0).publish(2).append_all(2, 1).redrive_in(1, 1, 0);
        h.apply(2, 1).apply(1, 0).apply_in(1, 2, 1).apply_in(1, 1, 0);
        assert_eq!(h.violations("order"), ["g applied 0:1 before 0:0, both of key 0 [9, 10]"]);
    }
}
