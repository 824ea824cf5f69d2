//! Fault points: who passed them how often, and which triggers wait there.

use super::names::Names;
use crate::record::Name;
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
pub(in crate::sim) struct Points {
    passed: BTreeMap<Name, u32>,
    armed: Vec<Armed>,
    /// Triggers that fired since the harness last looked.
    fired: Vec<usize>,
}

impl Points {
    pub(in crate::sim) fn arm(&mut self, mut trigger: Armed) {
        trigger.hit += self.passed.get(&trigger.point).copied().unwrap_or(0);
        self.armed.push(trigger);
    }

    /// Counts a passage: which it is, and whether a trigger fires.
    pub(in crate::sim) fn pass(&mut self, point: Name) -> (u32, bool) {
        let hit = self.passed.entry(point).or_default();
        *hit += 1;
        let hit = *hit;
        let fires = self.armed.extract_if(.., |armed| armed.point == point && armed.hit == hit);
        let before = self.fired.len();
        self.fired.extend(fires.map(|armed| armed.trigger));
        (hit, self.fired.len() > before)
    }

    /// Triggers that fired since the last call.
    pub(in crate::sim) fn take_fired(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.fired)
    }

    /// All points that were passed, with how often.
    pub(in crate::sim) fn passages(&self, names: &Names) -> Vec<(String, u32)> {
        let text = |name: &Name| names.text(*name).to_owned();
        self.passed.iter().map(|(name, count)| (text(name), *count)).collect()
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
        assert_eq!(points.take_fired(), [7]);
        assert_eq!(points.take_fired(), [0; 0]);
        assert_eq!(points.pass(Name(1)), (1, true));
        assert_eq!(points.take_fired(), [8]);
        let mut names = Names::default();
        for text in ["apply", "commit"] {
            names.intern(text);
        }
        let passages = points.passages(&names);
        assert_eq!(passages, [("apply".to_owned(), 4), ("commit".to_owned(), 1)]);
    }
}
