//! How it came to a violation: the records by which things went wrong, kept beside the invariants, and added to the
//! evidence of what is told in the end. An invariant need only know what was promised and what became of it.

use super::{
    dense::{ByEvent, ByPlace},
    evidence::{Evidence, NEVER, Violation},
    fold::bit,
    setup::Setup,
};
use squall_probe::{EventId, Mark, Name, NodeChange, NodeId, Phase, Position, StateOf, What};
use std::collections::BTreeMap;

/// What may be wanted as evidence later.
pub(super) struct Trail {
    setup: Setup,
    events: ByEvent<Whereabouts>,
    /// Nodes that started and stopped, leaders, logs that were rebuilt: in order.
    milestones: Vec<Evidence>,
    /// Commits that went further than any before, of each group and partition; with the offset.
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

    /// The group had applied or dead-lettered it before this place of the history.
    fn done(&self, group: Name, before: u64) -> bool {
        self.handled.iter().any(|record| {
            record.index < before
                && match record.record.what {
                    What::Apply { group: of, .. } | What::DeadLetter { group: of, .. } => {
                        of == group
                    }
                    _ => false,
                }
        })
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
                let commits = self.commits.entry((group, partition)).or_default();
                if commits.last().is_none_or(|(furthest, _)| offset > *furthest) {
                    commits.push((offset, *evidence));
                }
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
            let stopped = self.before(gone.index, |record| {
                record.record.node == gone.record.node && stops(record)
            });
            return (stopped.into_iter().chain([gone]).collect(), Some(gone.index));
        }
        // It was never in a log that anybody could read: then its leader promised what it alone had.
        let Some(promised) = life.promised else { return (Vec::new(), None) };
        let broken = self.milestones.iter().find(|record| {
            record.index > promised.index
                && match record.record.what {
                    What::Lead { .. } => record.record.node != promised.record.node,
                    _ => record.record.node == promised.record.node && stops(record),
                }
        });
        let since = broken.map(|broken| broken.index);
        ([promised].into_iter().chain(broken.copied()).collect(), since)
    }

    /// How a group went past an event that the log has: to whom it was given last, what became of them, and the
    /// commit behind which it stands.
    fn passed_over(&self, event: EventId) -> Option<(Vec<Evidence>, u64)> {
        let life = self.events.get(event)?;
        let position = life.position?;
        let groups = &self.setup.groups;
        let mut found: Option<(Vec<Evidence>, u64)> = None;
        for group in groups.iter().filter(|group| !life.done(**group, u64::MAX)) {
            let Some(commits) = self.commits.get(&(*group, position.partition)) else { continue };
            let first = commits.partition_point(|(offset, _)| *offset <= position.offset);
            let Some((_, commit)) = commits.get(first) else { continue };
            let given = life.handled.iter().rev().find(|record| {
                matches!(record.record.what, What::Deliver { group: to, .. } if to == *group)
            });
            let stopped = given.and_then(|given| {
                self.milestones.iter().find(|record| {
                    record.index > given.index
                        && record.record.node == given.record.node
                        && stops(record)
                })
            });
            let how = given.into_iter().chain(stopped).copied().chain([*commit]).collect();
            if found.as_ref().is_none_or(|(_, since)| commit.index < *since) {
                found = Some((how, commit.index));
            }
        }
        found
    }

    /// Why an event took effect again: how it came to be delivered once more.
    fn redelivered(&self, first: &Evidence, second: &Evidence) -> Vec<Evidence> {
        let What::Apply { group, event, position, .. } = second.record.what else {
            return Vec::new();
        };
        let between =
            |record: &&Evidence| record.index > first.index && record.index < second.index;
        let of_group = |record: &&Evidence| match record.record.what {
            What::Deliver { group: of, .. }
            | What::DeadLetter { group: of, .. }
            | What::Redrive { group: of, .. } => of == group,
            _ => false,
        };
        let handled = self.events.get(event).map_or(&[][..], |life| &life.handled);
        let mut all: Vec<Evidence> =
            handled.iter().filter(between).filter(of_group).copied().collect();
        // The first dead letter and redrive say more than later ones; of deliveries, the last.
        let again =
            all.iter().rposition(|record| matches!(record.record.what, What::Deliver { .. }));
        let again = again.map(|index| all[index]);
        all.retain(|record| !matches!(record.record.what, What::Deliver { .. }));
        all.truncate(2);
        if all.is_empty() {
            // It came again because somebody stopped, or because its partition went to somebody else.
            let until = again.map_or(second.index, |again| again.index);
            let given = handled.iter().rev().find(|record| {
                record.index < first.index
                    && of_group(record)
                    && matches!(record.record.what, What::Deliver { .. })
            });
            let stopped = given.and_then(|given| {
                self.milestones.iter().find(|record| {
                    record.index > given.index
                        && record.index < until
                        && record.record.node == given.record.node
                        && stops(record)
                })
            });
            let assigned = self.assigned.get(&(group, position.partition));
            let assigned = assigned.and_then(|all| {
                all.iter().rev().find(|record| record.index < until && record.index > first.index)
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
            self.events.get((*event)?).filter(|life| !life.done(group, proof.index))
        });
        let Some(open) = open else { return Vec::new() };
        let given = open.handled.iter().rev().find(|record| {
            record.index < proof.index
                && matches!(record.record.what, What::Deliver { group: to, .. } if to == group)
        });
        given.into_iter().copied().collect()
    }

    fn before(&self, index: u64, what: impl Fn(&&Evidence) -> bool) -> Option<Evidence> {
        let end = self.milestones.partition_point(|record| record.index < index);
        self.milestones[..end].iter().rev().find(what).copied()
    }
}

/// A node stops.
fn stops(evidence: &Evidence) -> bool {
    matches!(
        evidence.record.what,
        What::Node { change: NodeChange::Crashed | NodeChange::Exited | NodeChange::Panicked }
    )
}
