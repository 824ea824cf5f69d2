//! The course of a run, as the nemesis takes part in it: what it does in which order, between two steps of the simulator.

use super::base::Nemesis;
use crate::{
    outcome::Destruction,
    plan::{Micros, Start},
    scenario::Condition,
    schedule::Action,
};
use squall_probe::{Mark, NodeChange, NodeId, What, sim};
use std::collections::BTreeSet;

/// What is left when a run is over.
pub(in crate::sim) struct Remains {
    /// What no record says in words: when, where, what.
    pub(in crate::sim) notes: Vec<(Micros, NodeId, String)>,
    /// Faults that never began, in words.
    pub(in crate::sim) unfired: Vec<String>,
    /// How many occurrences began.
    pub(in crate::sim) begun: u64,
    /// Steps of the scenario of which an occurrence began.
    pub(in crate::sim) begun_steps: BTreeSet<u16>,
    /// What no system could have recovered from.
    pub(in crate::sim) destruction: Option<Destruction>,
    /// What of all that was injected had not come to its end when the deadline passed.
    pub(in crate::sim) late: Option<String>,
}

impl Nemesis<'_> {
    /// All nodes are up; timed faults are on the agenda and triggers wait.
    pub(in crate::sim) fn begin(&mut self) {
        for node in self.simulator.ids() {
            self.record(node, What::Node { change: NodeChange::Up });
        }
        for (index, fault) in self.plan.faults.iter().enumerate() {
            match &fault.start {
                Start::At(at) => self.agenda.schedule(*at, Action::Begin(index)),
                Start::When { condition, limit, .. } => {
                    if let Condition::Reaches { point, hit } = condition {
                        sim::with(|world| {
                            let point = world.intern(point);
                            world.arm(sim::Armed { trigger: index, point, hit: *hit });
                        });
                    }
                    self.triggers.wait(index, condition.clone(), *limit);
                }
            }
        }
    }

    /// Does what is due: between two steps.
    pub(in crate::sim) fn act(&mut self) {
        self.tend_brought_down();
        self.tend_exits();
        for event in sim::with(sim::World::take_abandoned) {
            self.recorder.borrow_mut().abandon(event);
        }
        if !self.recovery.has_begun() {
            self.pull_triggers();
        }
        let now = self.now();
        while let Some(action) = self.agenda.take_due(now) {
            match action {
                Action::Begin(index) => self.begin_fault(index, None),
                Action::Heal(index) => self.heal_fault(index),
                Action::Crash { index, node } => self.crash(index, node),
                Action::Restart { node, .. } => self.restart(node),
                Action::Stop { index, node, grace, down } => self.stop(index, node, grace, down),
                Action::EndGrace { node, incarnation } => self.end_grace(node, incarnation),
                Action::Flap { index, cut } => self.flap(index, cut),
                Action::GoBack(index) => self.go_back(index),
                Action::Unclog { index, part } => self.unclog(index, part),
            }
        }
        for (index, limit) in self.triggers.take_deferred() {
            self.begin_fault(index, Some(limit));
        }
        // Steps wait for each other.
        if !self.recovery.has_begun() && self.triggers.wait_for_steps() {
            self.pull_triggers();
        }
        self.network.links.settle();
    }

    /// A step of the simulator, or several in which nothing happens, none of which begins at `limit` or later.
    pub(in crate::sim) fn step(&mut self, limit: Micros) {
        let limit = limit.min(self.next_act());
        self.simulator.step(limit);
    }

    /// When it will act next, if nothing happens before.
    fn next_act(&self) -> Micros {
        let times = [self.agenda.next(), self.triggers.next()];
        times.into_iter().flatten().min().unwrap_or(Micros::MAX)
    }

    /// Every timed fault has come and gone, every trigger fired or gave up, and the time of the
    /// workload has passed. What lasts until healed does not count.
    pub(in crate::sim) fn is_over(&self) -> bool {
        self.now() >= self.plan.workload_us
            && self.triggers.is_empty()
            && self.agenda.holds_no_fault()
    }

    /// The simulation ends.
    pub(in crate::sim) fn end(self) -> Remains {
        let destruction = self.destruction();
        self.simulator.close();
        let (unfired, begun, begun_steps) = self.occurrences.into_parts();
        Remains {
            notes: self.notes,
            unfired,
            begun,
            begun_steps,
            destruction,
            late: self.recovery.into_late(),
        }
    }

    /// The run enters another phase.
    pub(in crate::sim) fn mark(&self, mark: Mark) {
        self.record(NodeId::HARNESS, What::Mark(mark));
        if mark == Mark::Converged {
            sim::with(sim::World::tell_held);
        }
    }

    /// Every operation of the workload has been invoked.
    pub(in crate::sim) fn offered(&self) -> bool {
        self.clients.borrow().offered()
    }

    /// How many effects have landed.
    pub(in crate::sim) fn applied(&self) -> u32 {
        self.recorder.borrow().reached().2
    }

    /// Nothing is owed to anybody.
    pub(in crate::sim) fn drained(&self) -> bool {
        self.recorder.borrow().drained()
    }

    /// Something that was injected and has not come to its end, in words.
    pub(in crate::sim) fn under_way(&self) -> Option<String> {
        sim::with(|world| world.under_way())
    }
}
