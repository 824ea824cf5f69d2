//! Faults are felt. They are named by their steps.

use super::world::World;
use crate::record::EventId;

impl World {
    /// A fault was felt.
    pub fn feel(&mut self, fault: u16) {
        self.felt.feel(fault);
    }

    /// A fault was felt; how often does not matter.
    pub(crate) fn feel_once(&mut self, fault: u16) {
        self.felt.feel_once(fault);
    }

    /// How often a fault was felt.
    #[must_use]
    pub fn felt(&self, fault: u16) -> u64 {
        self.felt.by_step().get(&fault).copied().unwrap_or(0)
    }

    /// A fault changed a publish: it is felt when somebody answers it or sees it.
    pub fn feel_when_seen(&mut self, event: EventId, fault: u16) {
        self.felt.feel_when_seen(event, fault);
    }
}
