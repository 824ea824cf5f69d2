//! Fault points are passed, and triggers wait there.

use super::{state::Armed, world::World};
use crate::record::What;

impl World {
    /// Lets `trigger` wait at its fault point. Passages from now on count.
    pub fn arm(&mut self, trigger: Armed) {
        self.points.arm(trigger);
    }

    /// How often a fault point was passed so far, over all nodes.
    #[must_use]
    pub fn passages(&self, point: &str) -> u32 {
        let all = self.points.passages(&self.names);
        all.into_iter().find(|(known, _)| known == point).map_or(0, |(_, passed)| passed)
    }

    /// Triggers at fault points that fired since the last call.
    pub fn take_fired(&mut self) -> Vec<usize> {
        self.points.take_fired()
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
