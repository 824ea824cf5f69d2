//! Faults that are a load: publishes beside the workload, and publishes that no consumer can handle.

use super::base::Nemesis;
use crate::{
    injection::Load,
    plan::micros,
    schedule::{Act, load_times},
    system::Poison,
};

impl Nemesis<'_> {
    /// A share of the publishes is poison from now on.
    pub(super) fn poison_publishes(&self, share: f64, kind: Option<Poison>, act: &Act) {
        self.clients.borrow_mut().poison(act, share, kind);
    }

    /// Publishes beside the workload.
    pub(super) fn add_load(&self, load: Load, act: &mut Act) {
        let rate = self.plan.workload.rate;
        let times = load_times(load, rate, self.now(), micros, &mut act.stream);
        self.clients.borrow_mut().add(act, self.plan, &times);
    }
}
