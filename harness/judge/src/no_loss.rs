//! `no_loss`: an event whose publish ended ok is, at the end, applied by every group or in that group's
//! dead-letter queue.
//!
//! After Jepsen's kafka and total-queue checkers. It tells `lost` (a consumer of the group has been past
//! its offset, so it will never come) from `unseen` (nobody has been there yet: the system may just be
//! late, which is a failure of liveness). It says nothing of events whose publish is indeterminate, and
//! judges at the end of the run, when everything should have drained.

use super::{
    Evidence, Findings, Invariant, Setup,
    fold::{ByEvent, Redriven},
};
use squall_probe::{Phase, Position, What};
use std::collections::BTreeMap;

pub(super) fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(NoLoss {
        setup: setup.clone(),
        events: ByEvent::default(),
        seen: BTreeMap::new(),
        redriven: Redriven::default(),
    }))
}

struct NoLoss {
    setup: Setup,
    events: ByEvent<Event>,
    /// Highest offset that a consumer of (group, partition) was given.
    seen: BTreeMap<(usize, u32), u64>,
    redriven: Redriven,
}

#[derive(Default)]
struct Event {
    acked: Option<Evidence>,
    position: Option<Position>,
    /// A bit a group.
    done: u64,
}

impl Invariant for NoLoss {
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Publish { phase: Phase::Ok, event, position, .. } => {
                let entry = self.events.entry(event);
                entry.acked.get_or_insert(*evidence);
                entry.position = position.or(entry.position);
            }
            What::Append { event, position, .. } => {
                self.events.entry(event).position.get_or_insert(position);
            }
            What::Deliver { group, position, .. } => {
                if let Some(group) = self.setup.group_index(group) {
                    let seen = self.seen.entry((group, position.partition)).or_default();
                    *seen = position.offset.max(*seen);
                }
            }
            What::Redrive { group, event, times, .. } => {
                if self.redriven.take(group, event, times)
                    && let Some(group) = self.setup.group_index(group)
                {
                    self.events.entry(event).done &= !(1 << (group % 64));
                }
            }
            What::Apply { group, event, .. } | What::DeadLetter { group, event, .. } => {
                if !self.redriven.is_old(&evidence.record.what)
                    && let Some(group) = self.setup.group_index(group)
                {
                    self.events.entry(event).done |= 1 << (group % 64);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self) -> Findings {
        let mut findings = Findings::default();
        for (id, event) in self.events.iter() {
            let Some(acked) = event.acked else { continue };
            findings.judged(u64::from(!self.setup.groups.is_empty()));
            for group in (0..self.setup.groups.len()).filter(|g| event.done & (1 << (g % 64)) == 0)
            {
                let passed = event.position.is_some_and(|position| {
                    self.seen
                        .get(&(group, position.partition))
                        .is_some_and(|seen| position.offset <= *seen)
                });
                let kind = if passed { "lost" } else { "unseen" };
                findings.add(
                    || {
                        let at = event.position.map_or_else(
                            || "nowhere in the log".to_owned(),
                            |at| format!("at {at}"),
                        );
                        let group = self.setup.group(group);
                        format!(
                            "e{} ({at}) was acknowledged, and {group} never applied it: {kind}",
                            id.0
                        )
                    },
                    || vec![acked],
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
    fn an_acknowledged_event_that_nobody_applied() {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).publish(2).append_all(2, 1).ok(2, 1);
        h.deliver(1, 0).apply(1, 0).deliver(2, 1).apply(2, 1);
        assert_eq!(h.violations("no_loss"), [] as [&str; 0]);

        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).publish(2).append_all(2, 1).ok(2, 1);
        h.deliver(1, 0).deliver(2, 1).apply(2, 1);
        assert_eq!(
            h.violations("no_loss"),
            ["e1 (at 0:0) was acknowledged, and g never applied it: lost [4]"]
        );

        let mut h = History::new();
        h.publish(1).ok_nowhere(1);
        assert_eq!(
            h.violations("no_loss"),
            ["e1 (nowhere in the log) was acknowledged, and g never applied it: unseen [1]"]
        );
    }

    #[test]
    fn what_nobody_was_promised_is_not_lost() {
        let mut h = History::new();
        h.publish(1).info(1).publish(2).fail(2).publish(3);
        h.publish(4).append_all(4, 0).ok(4, 0).dead_letter(4, 0);
        assert_eq!(h.violations("no_loss"), [] as [&str; 0]);
    }
}
