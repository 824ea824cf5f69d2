//! Fault points: who passed them how often, and which triggers wait there.

use super::World;
use crate::{Name, What};
use std::collections::BTreeMap;

/// A trigger that waits at a fault point.
#[derive(Debug, Clone)]
pub struct Armed {
    /// Whose trigger, as the harness numbers them.
    pub trigger: usize,
    /// The point.
    pub point: Name,
    /// It fires at this passage, counted over all nodes from 1.
    pub hit: u32,
}

/// Passages of fault points over all nodes, and the triggers there.
#[derive(Debug, Default)]
pub(super) struct Points {
    passed: BTreeMap<Name, u32>,
    armed: Vec<Armed>,
    /// Triggers that fired since the harness last looked.
    fired: Vec<usize>,
}

impl Points {
    fn arm(&mut self, mut trigger: Armed) {
        trigger.hit += self.passed.get(&trigger.point).copied().unwrap_or(0);
        self.armed.push(trigger);
    }

    /// Counts a passage: which it is, and whether a trigger fires.
    fn pass(&mut self, point: Name) -> (u32, bool) {
        let hit = self.passed.entry(point).or_default();
        *hit += 1;
        let hit = *hit;
        let fires = self.armed.extract_if(.., |armed| armed.point == point && armed.hit == hit);
        let before = self.fired.len();
        self.fired.extend(fires.map(|armed| armed.trigger));
        (hit, self.fired.len() > before)
    }
}

impl World {
    /// Lets `trigger` wait at its fault point. Passages from now on count.
    pub fn arm(&mut self, trigger: Armed) {
        self.points.arm(trigger);
    }

    /// Triggers at fault points that fired since the last call.
    pub fn take_fired(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.points.fired)
    }

    /// All points that were passed, with how often.
    pub(super) fn passages(&self) -> Vec<(String, u32)> {
        let text = |name: &Name| self.names.text(*name).to_owned();
        self.points.passed.iter().map(|(name, count)| (text(name), *count)).collect()
    }

    /// Counts a passage; the current step, if a trigger fired and the passer must wait.
    pub(crate) fn pass_point(&mut self, name: &str) -> Option<u64> {
        if self.is_dead(self.here()) {
            return None;
        }
        let point = self.names.intern(name);
        let (hit, fires) = self.points.pass(point);
        fires.then(|| {
            self.record_here(What::Point { point, hit });
            self.step
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: Name = Name(0);

    #[test]
    fn a_trigger_fires_once_at_the_passage_that_it_waits_for_counted_from_when_it_was_armed() {
        let mut points = Points::default();
        assert_eq!(points.pass(POINT), (1, false));
        points.arm(Armed { trigger: 7, point: POINT, hit: 2 });
        points.arm(Armed { trigger: 8, point: Name(1), hit: 1 });
        assert_eq!(points.pass(POINT), (2, false));
        assert_eq!(points.pass(POINT), (3, true));
        assert_eq!(points.pass(POINT), (4, false));
        assert_eq!(points.fired, [7]);
    }
}
