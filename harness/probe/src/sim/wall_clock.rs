//! Wall clocks that faults have made wrong.

use super::{
    state::Hindrance,
    world::{World, is_active, with},
};
use crate::record::NodeId;
use std::time::Duration;

/// The time since the Unix epoch, as the node that runs now believes it to be; `None` when none runs.
#[must_use]
pub fn since_epoch() -> Option<Duration> {
    if !is_active() {
        return None;
    }
    let (simulated, error) = with(|world| {
        let now = Duration::from_micros(world.running.is_some().then(|| world.now_here())?);
        Some((world.epoch + now, world.clock_error_here()))
    })?;
    let wrong = Duration::from_micros(error.unsigned_abs());
    Some(if error < 0 { simulated.saturating_sub(wrong) } else { simulated + wrong })
}

impl World {
    /// How wrong the node's wall clock is, in microseconds.
    pub(crate) fn clock_error(&mut self, node: NodeId) -> i64 {
        if self.hindrances == 0 {
            return 0;
        }
        let now = self.now;
        let Some(hindered) = self.hindered(node) else { return 0 };
        let mut error = 0_i64;
        let mut faults = Vec::new();
        for (id, hindrance) in &hindered.active {
            if let Hindrance::Clock { offset_us, drift, since } = hindrance {
                let passed = i64::try_from((now - since) / 1_000)
                    .expect("no run takes that many milliseconds");
                let drifted = drift.saturating_mul(passed) / 1_000;
                let wrong = offset_us.saturating_add(drifted);
                error = error.saturating_add(wrong);
                // A clock that has only begun to drift is right.
                if wrong != 0 {
                    faults.push(id.step);
                }
            }
        }
        for fault in faults {
            self.feel(fault);
        }
        error
    }

    /// As [`World::clock_error`], of the node that runs now.
    pub(crate) fn clock_error_here(&mut self) -> i64 {
        let node = self.here();
        self.clock_error(node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{self, Names, OccurrenceId};

    const NODE: NodeId = NodeId(0);

    #[test]
    fn wrong_clocks_add_up_and_are_felt_when_they_are_wrong() {
        sim::install(1, &["a".to_owned()], Names::default(), Box::new(|_| ()));
        sim::with(|world| {
            let [first, second] = [0, 1].map(|occurrence| OccurrenceId { step: 3, occurrence });
            let clock = |offset_us, drift| Hindrance::Clock { offset_us, drift, since: 0 };
            world.hinder(NODE, first, clock(0, 100));
            assert_eq!(world.clock_error(NODE), 0);
            assert_eq!(world.felt(3), 0);
            world.now = 1_000_000;
            assert_eq!(world.clock_error(NODE), 100);
            world.hinder(NODE, second, clock(5_000, 0));
            assert_eq!(world.clock_error(NODE), 5_100);
            world.end(first);
            assert_eq!(world.clock_error(NODE), 5_000);
            assert_eq!(world.felt(3), 4);
        });
        let _ = sim::uninstall();
    }
}
