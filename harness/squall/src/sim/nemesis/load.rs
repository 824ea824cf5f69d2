//! Faults that are a load: publishes beside the workload, and publishes that no consumer can handle.

use super::base::Nemesis;
use crate::{
    plan::Micros,
    schedule::{Act, along_a_line},
    system::Poison,
};

impl Nemesis<'_> {
    /// A share of the publishes is poison from now on.
    pub(super) fn poison_publishes(&self, share: f64, kind: Option<Poison>, act: &Act) {
        self.clients.borrow_mut().poison(act, share, kind);
    }

    /// Publishes beside the workload: `first` times its rate at first, `last` times at last, evenly more or less in
    /// between.
    pub(super) fn add_load(&mut self, first: f64, last: f64, lasting: Micros, act: &mut Act) {
        let times = along_a_line(self.plan.workload.rate, first, last, lasting, &mut act.stream);
        self.publish_beside(&times, act);
    }

    /// Publishes `count` events beside the workload, at times drawn from `within`.
    pub(super) fn add_events(&mut self, count: u32, within: Micros, act: &mut Act) {
        let mut times: Vec<Micros> =
            (0..count).map(|_| act.stream.between(0, within.max(1) - 1)).collect();
        times.sort_unstable();
        self.publish_beside(&times, act);
    }

    fn publish_beside(&self, after: &[Micros], act: &Act) {
        let now = self.now();
        let times: Vec<Micros> = after.iter().map(|after| now + after).collect();
        self.clients.borrow_mut().add(act, self.plan, &times);
    }
}
