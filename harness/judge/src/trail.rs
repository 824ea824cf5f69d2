//! How it came to a violation: the records by which things went wrong, kept beside the invariants, and added to the
//! evidence of what is told in the end. An invariant need only know what was promised and what became of it.

use super::{
    dense::{ByEvent, ByPlace},
    evidence::{Evidence, NEVER, Violation},
    fold::bit,
    setup::Setup,
};
use squall_probe::{EventId, Mark, Name, NodeChange, NodeId, Phase, Position, StateOf, What};
use std::{collections::BTreeMap, ops::RangeBounds};

/// What may be wanted as evidence later.
pub(super) struct Trail {
    setup: Setup,
    events: ByEvent<Whereabouts>,
    /// Nodes that started and stopped, leaders, logs that were rebuilt: in order.
    milestones: Vec<Evidence>,
    /// Commits of each group and partition; with the offset.
    commits: BTreeMap<(Name, u32), Vec<(u64, Evidence)>>,
    /// Partitions that were given to another member.
    assigned: BTreeMap<(Name, u32), Vec<Evidence>>,
    /// By place, the event that was seen there first.
    places: ByPlace<Option<EventId>>,
    /// Nodes that lost power and are not back.
    down: BTreeMap<NodeId, Evidence>,
    /// The deadline has passed: what is told then may have been looked up some time ago.
    late: bool,
}

/// What is known of an event.
#[derive(Default)]
struct Whereabouts {
    /// A leader said that it is safe.
    promised: Option<Evidence>,
    position: Option<Position>,
    /// Replicas that hold it, a bit each.
    held: u64,
    /// The record with which the last copy went, if none has come back.
    gone: Option<Evidence>,
    /// Deliveries, effects, dead letters, redrives.
    handled: Vec<Evidence>,
}

impl Whereabouts {
    /// A replica has it no more.
    fn lose(&mut self, replica: usize, evidence: &Evidence) {
        let bit = bit(replica);
        if self.held & bit != 0 {
            self.held &= !bit;
            if self.held == 0 {
                self.gone = Some(*evidence);
            }
        }
    }

    /// What was told of it in this part of the history.
    fn handled(&self, when: impl RangeBounds<u64>) -> impl DoubleEndedIterator<Item = &Evidence> {
        self.handled.iter().filter(move |record| when.contains(&record.index))
    }

    /// The group applied or dead-lettered it in this part of the history.
    fn done(&self, group: Name, when: impl RangeBounds<u64>) -> bool {
        self.handled(when).any(|record| match record.record.what {
            What::Apply { group: of, .. } | What::DeadLetter { group: of, .. } => of == group,
            _ => false,
        })
    }

    /// The last time that it was delivered in the group in this part of the history.
    fn delivered(&self, group: Name, when: impl RangeBounds<u64>) -> Option<&Evidence> {
        self.handled(when).rfind(
            |record| matches!(record.record.what, What::Deliver { group: to, .. } if to == group),
        )
    }
}

impl Trail {
    /// What may be wanted as evidence of a history.
    pub(super) fn of(setup: &Setup, history: impl Iterator<Item = Evidence>) -> Self {
        let mut trail = Self::new(setup);
        history.for_each(|evidence| trail.record(&evidence));
        trail
    }

    fn new(setup: &Setup) -> Self {
        Self {
            setup: setup.clone(),
            events: ByEvent::default(),
            milestones: Vec::new(),
            commits: BTreeMap::new(),
            assigned: BTreeMap::new(),
            places: ByPlace::default(),
            down: BTreeMap::new(),
            late: false,
        }
    }

    fn record(&mut self, evidence: &Evidence) {
        let node = evidence.record.node;
        match evidence.record.what {
            What::Acknowledge { event, .. } => {
                self.events.entry(event).promised.get_or_insert(*evidence);
            }
            What::Publish { phase: Phase::Ok, event, position: Some(position), .. } => {
                self.events.entry(event).position.get_or_insert(position);
            }
            What::Append { event, position, .. } => {
                let replica = self.setup.replica_index(node);
                let life = self.events.entry(event);
                life.position.get_or_insert(position);
                if let Some(replica) = replica {
                    life.held |= bit(replica);
                    life.gone = None;
                }
                self.places.entry(position).get_or_insert(event);
            }
            What::Deliver { event, .. }
            | What::Apply { event, .. }
            | What::DeadLetter { event, .. }
            | What::Redrive { event, .. } => self.events.entry(event).handled.push(*evidence),
            What::Commit { group, partition, offset, .. } => {
                self.commits.entry((group, partition)).or_default().push((offset, *evidence));
            }
            What::Assign { group, partition, .. } => {
                self.assigned.entry((group, partition)).or_default().push(*evidence);
            }
            What::Rebuild => {
                self.milestones.push(*evidence);
                let Some(replica) = self.setup.replica_index(node) else { return };
                for life in self.events.values_mut() {
                    life.lose(replica, evidence);
                }
            }
            // What it once told of is not in its log in the end.
            What::State { of: StateOf::Replica { partition }, position: end, .. } => {
                let Some(replica) = self.setup.replica_index(node).filter(|_| !self.late) else {
                    return;
                };
                let beyond: Vec<EventId> = self
                    .places
                    .partition(partition)
                    .filter(|(offset, _)| *offset >= end)
                    .filter_map(|(_, event)| *event)
                    .collect();
                for event in beyond {
                    self.events.entry(event).lose(replica, evidence);
                }
            }
            What::Mark(Mark::DeadlinePassed) => self.late = true,
            What::Node { change } => {
                self.milestones.push(*evidence);
                if change == NodeChange::Crashed {
                    self.down.insert(node, *evidence);
                } else {
                    self.down.remove(&node);
                }
            }
            What::Lead { .. } => self.milestones.push(*evidence),
            _ => {}
        }
    }

    /// Adds to a violation's evidence how it came to it, and dates it.
    pub(super) fn explain(&self, violation: &mut Violation) {
        // What is known of queues their own invariants tell.
        if !self.setup.promises.is_log() {
            return;
        }
        let proofs = violation.evidence.clone();
        let mut more = Vec::new();
        match violation.invariant {
            "no_loss" | "durability" | "no_dirty_read" => {
                let lost = proofs.iter().find_map(|proof| match proof.record.what {
                    What::Publish { event, .. } | What::Deliver { event, .. } => Some(event),
                    _ => None,
                });
                let Some(event) = lost else { return };
                let (how, since) = self.lost(event);
                more.extend(how);
                if let Some(since) = since {
                    violation.since = since;
                } else if violation.invariant == "no_loss"
                    && let Some((how, since)) = self.passed_over(event)
                {
                    more.extend(how);
                    violation.since = since;
                } else if violation.invariant == "no_loss" {
                    // Nothing shows when it went: all that is known is that it is not there in the end.
                    violation.since = NEVER;
                }
            }
            "idempotency" => {
                if let [first, .., second] = proofs.as_slice() {
                    more.extend(self.redelivered(first, second));
                }
            }
            "commit_after_apply" => {
                for proof in &proofs {
                    more.extend(self.committed_early(proof));
                }
            }
            _ => {}
        }
        violation.evidence.extend(more);
        violation.evidence.sort_by_key(|evidence| evidence.index);
        violation.evidence.dedup_by_key(|evidence| evidence.index);
    }

    /// How an event went that no replica has: whose promise it was, and what followed. And since when.
    fn lost(&self, event: EventId) -> (Vec<Evidence>, Option<u64>) {
        let Some(life) = self.events.get(event) else { return (Vec::new(), None) };
        if life.held != 0 {
            // All who hold it are down, and the last of them took it with it.
            let holders =
                (0..self.setup.replicas.len()).filter(|replica| life.held & bit(*replica) != 0);
            let down: Option<Vec<&Evidence>> =
                holders.map(|replica| self.down.get(&self.setup.replicas[replica])).collect();
            let last = down.unwrap_or_default().into_iter().max_by_key(|down| down.index);
            return (last.copied().into_iter().collect(), last.map(|last| last.index));
        }
        if let Some(gone) = life.gone {
            // A replica that rebuilds its log has stopped before.
            let stopped = self.stops(gone.record.node, ..gone.index).next_back().copied();
            return (stopped.into_iter().chain([gone]).collect(), Some(gone.index));
        }
        // It was never in a log that anybody could read: then its leader promised what it alone had.
        let Some(promised) = life.promised else { return (Vec::new(), None) };
        let leader = promised.record.node;
        let stopped = self.stops(leader, promised.index..).next();
        let another = self.milestones(promised.index..).find(|record| {
            matches!(record.record.what, What::Lead { .. }) && record.record.node != leader
        });
        let broken = stopped.into_iter().chain(another).min_by_key(|broken| broken.index);
        let since = broken.map(|broken| broken.index);
        ([promised].into_iter().chain(broken.copied()).collect(), since)
    }

    /// How a group went past an event that the log has: to whom it was given last, what became of them, and the
    /// commit behind which it stands.
    fn passed_over(&self, event: EventId) -> Option<(Vec<Evidence>, u64)> {
        let life = self.events.get(event)?;
        let position = life.position?;
        let missing = self.setup.groups.iter().filter(|group| !life.done(**group, ..));
        let passed = missing.filter_map(|group| {
            let commits = self.commits.get(&(*group, position.partition))?;
            let (_, commit) = commits.iter().find(|(offset, _)| *offset > position.offset)?;
            let given = life.delivered(*group, ..);
            let stopped =
                given.and_then(|given| self.stops(given.record.node, given.index..).next());
            let how = given.into_iter().chain(stopped).copied().chain([*commit]).collect();
            Some((how, commit.index))
        });
        passed.min_by_key(|(_, since)| *since)
    }

    /// Why an event took effect again: how it came to be delivered once more.
    fn redelivered(&self, first: &Evidence, second: &Evidence) -> Vec<Evidence> {
        let What::Apply { group, event, position, .. } = second.record.what else {
            return Vec::new();
        };
        let Some(life) = self.events.get(event) else { return Vec::new() };
        let again = life.delivered(group, first.index..second.index);
        // The first dead letter and redrive say more than later ones; of deliveries, the last.
        let queued = life.handled(first.index..second.index).filter(|record| {
            matches!(
                record.record.what,
                What::DeadLetter { group: of, .. } | What::Redrive { group: of, .. } if of == group
            )
        });
        let mut all: Vec<Evidence> = queued.take(2).copied().collect();
        if all.is_empty() {
            // It came again because somebody stopped, or because its partition went to somebody else.
            let until = again.map_or(second.index, |again| again.index);
            let given = life.delivered(group, ..first.index);
            let stopped =
                given.and_then(|given| self.stops(given.record.node, given.index..until).next());
            let assigned = self.assigned.get(&(group, position.partition));
            let assigned = assigned.and_then(|all| {
                all.iter().rfind(|record| (first.index..until).contains(&record.index))
            });
            all.extend(given.into_iter().chain(stopped).chain(assigned));
        }
        all.extend(again);
        all
    }

    /// What was to be done before a commit: the first event that was not, as it was delivered.
    fn committed_early(&self, proof: &Evidence) -> Vec<Evidence> {
        let What::Commit { group, partition, offset, .. } = proof.record.what else {
            return Vec::new();
        };
        let mut below = self.places.partition(partition).take_while(|(at, _)| *at < offset);
        let open = below.find_map(|(_, event)| {
            self.events.get((*event)?).filter(|life| !life.done(group, ..proof.index))
        });
        let given = open.and_then(|open| open.delivered(group, ..proof.index));
        given.into_iter().copied().collect()
    }

    /// Milestones in this part of the history.
    fn milestones(
        &self,
        when: impl RangeBounds<u64>,
    ) -> impl DoubleEndedIterator<Item = &Evidence> {
        self.milestones.iter().filter(move |record| when.contains(&record.index))
    }

    /// Each time that this node stopped in this part of the history.
    fn stops(
        &self,
        node: NodeId,
        when: impl RangeBounds<u64>,
    ) -> impl DoubleEndedIterator<Item = &Evidence> {
        self.milestones(when).filter(move |record| {
            record.record.node == node
                && matches!(
                    record.record.what,
                    What::Node {
                        change: NodeChange::Crashed | NodeChange::Exited | NodeChange::Panicked
                    }
                )
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    /// One violation by what is evidence of it, and since when it is wrong.
    fn found(h: &History, invariant: &str) -> (Vec<u64>, u64) {
        let violations = h.judgement().violations;
        let found = violations.iter().find(|found| found.invariant == invariant).unwrap();
        (found.evidence.iter().map(|proof| proof.index).collect(), found.since)
    }

    #[test]
    fn the_last_copy_went() {
        // r1 never had it, and r0 stopped before it began anew.
        let mut h = History::new();
        h.publish(1).append(0, 1, 0).ok(1, 0).crash(1).crash(0).up(1).up(0).rebuild(0).rebuild(1);
        assert_eq!(found(&h, "durability"), (vec![2, 4, 7], 7));
        assert_eq!(found(&h, "no_loss"), (vec![2, 4, 7], 7));
        // Two had it, and one of them again.
        let mut h = History::new();
        h.publish(1).append(0, 1, 0).append(0, 1, 0).append(2, 1, 0).ok(1, 0).rebuild(2).rebuild(0);
        h.append(2, 1, 0).rebuild(1).rebuild(2);
        assert_eq!(found(&h, "durability"), (vec![4, 9], 9));
    }

    #[test]
    fn a_copy_ends_before_it() {
        let mut h = History::new();
        h.publish(1).append(0, 1, 0).ok(1, 0).publish(2).append(0, 2, 1).ok(2, 1).replica(0, 1, 0);
        assert_eq!(found(&h, "durability"), (vec![5, 6], 6));
        // What is told after the deadline says nothing of it.
        let mut h = History::new();
        h.publish(1).append(0, 1, 0).ok(1, 0).deadline().replica(0, 0, 0).rebuild(0);
        assert_eq!(found(&h, "durability"), (vec![2, 5], 5));
    }

    #[test]
    fn all_who_have_it_are_down() {
        let mut h = History::new();
        h.publish(1).append(0, 1, 0).append(2, 1, 0).ok(1, 0).crash(0).crash(1).crash(2).up(1);
        assert_eq!(found(&h, "durability"), (vec![3, 6], 6));
    }

    #[test]
    fn a_leader_promised_what_it_alone_had() {
        // Others stop, and it begins to lead and to build its log anew, which breaks nothing: that it stops does.
        let mut h = History::new();
        h.crash(0).up(0).lead(1, 1).lead(0, 2).publish(1).acknowledge(0, 1, 0, 2).ok_nowhere(1);
        h.lead(0, 2).crash(1).rebuild(0).append(2, 2, 0);
        assert_eq!(found(&h, "durability").0, [5, 6]);
        h.crash(0).lead(2, 3);
        assert_eq!(found(&h, "durability"), (vec![5, 6, 11], 11));
        // Or that another leads.
        let mut h = History::new();
        h.lead(0, 1)
            .publish(1)
            .acknowledge(0, 1, 0, 1)
            .ok_nowhere(1)
            .append(2, 2, 0)
            .lead(2, 3)
            .crash(0);
        assert_eq!(found(&h, "durability"), (vec![2, 3, 5], 5));
    }

    #[test]
    fn a_group_went_past_it() {
        // To whom it was given last, that it stopped then, and the first commit behind which it stands.
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).deliver(1, 0).consumer_crash().consumer_up();
        h.deliver(1, 0).crash(0).commit(0, 0).consumer_crash().commit(0, 1).commit(1, 2);
        assert_eq!(found(&h, "no_loss"), (vec![4, 8, 11, 12], 12));
        // Its place is known from its client, and a replica that had it is back.
        let mut h = History::new();
        h.publish(1).ok(1, 0).deliver(1, 0).commit(0, 1);
        assert_eq!(found(&h, "no_loss"), (vec![1, 2, 3], 3));
        let mut h = History::new();
        h.publish(1).append(0, 1, 0).ok(1, 0).crash(0).up(0).deliver(1, 0).commit(0, 1);
        assert_eq!(found(&h, "no_loss"), (vec![2, 5, 6], 6));
        // Of those who went past it, the first.
        let mut h = History::with_groups(&["a", "b", "c"]);
        h.publish(1).append(0, 1, 0).ok(1, 0);
        h.deliver_in(0, 1, 0).deliver_in(1, 1, 0).deliver_in(2, 1, 0).commit_in(2, 0, 1);
        h.commit_in(1, 0, 1).commit_in(0, 0, 1).apply_in(2, 1, 0);
        assert_eq!(found(&h, "no_loss"), (vec![2, 4, 7], 7));
        // Nothing shows how it went.
        let mut h = History::new();
        h.publish(1).ok(1, 0).append(0, 2, 5);
        assert_eq!(found(&h, "no_loss"), (vec![1], crate::NEVER));
    }

    #[test]
    fn why_an_effect_came_again() {
        // Its consumer stopped, and the partition was given to another.
        let mut h = History::with_groups(&["g", "h"]);
        h.deliver(1, 0).deliver_in(1, 1, 0).assign(1).apply(1, 0).crash(0).consumer_crash();
        h.consumer_up().assign(2).assign(3).deliver(1, 0).deliver(1, 0).deliver_in(1, 1, 0);
        h.consumer_crash().assign(4).apply(1, 0);
        assert_eq!(found(&h, "idempotency").0, [0, 3, 5, 8, 10, 14]);
        // Nobody was given it again.
        let mut h = History::new();
        h.consumer_crash()
            .deliver(1, 0)
            .apply(1, 0)
            .consumer_crash()
            .assign(2)
            .apply(1, 0)
            .assign(3);
        assert_eq!(found(&h, "idempotency").0, [1, 2, 3, 4, 5]);
        // It was in the dead-letter queue of its group, and taken out.
        let mut h = History::with_groups(&["g", "h"]);
        h.deliver(1, 0).apply(1, 0).dead_letter_in(1, 1, 0).redrive_in(1, 1, 0).dead_letter(1, 0);
        h.redrive(1, 0).deliver(1, 0).dead_letter_again(1, 0).consumer_crash().deliver(1, 0);
        h.apply(1, 0).redrive(1, 0);
        assert_eq!(found(&h, "idempotency").0, [1, 4, 5, 9, 10]);
    }

    #[test]
    fn what_was_not_done_before_a_commit() {
        let mut h = History::with_groups(&["g", "h"]);
        h.append(0, 1, 0).append(0, 2, 1).append(0, 3, 2).deliver(1, 0).deliver(2, 1).deliver(2, 1);
        h.deliver_in(1, 2, 1).apply(1, 0).deliver(3, 2).commit(0, 3).deliver(2, 1).apply(2, 1);
        assert_eq!(found(&h, "commit_after_apply").0, [5, 9]);
        // Nobody knows what stands there; what stands behind the commit has nothing to do with it.
        let mut h = History::new();
        h.append(0, 1, 0).apply(1, 0).append(0, 3, 2).deliver(3, 2).commit(0, 2);
        assert_eq!(found(&h, "commit_after_apply").0, [4]);
    }
}
