//! What faults do to a node as a whole: it is paused, starved, its clock is wrong, its limits are low.

use super::{
    occurrence::OccurrenceId,
    state::{BroughtDown, Hindered, Hindrance},
    world::World,
};
use crate::record::{NodeId, What};
use std::{task::Waker, time::Duration};

impl World {
    pub(super) fn hindered(&self, node: NodeId) -> Option<&Hindered> {
        self.machine(node).map(|machine| &machine.hindered)
    }

    pub(in crate::sim) fn hindered_mut(&mut self, node: NodeId) -> Option<&mut Hindered> {
        self.machine_mut(node).map(|machine| &mut machine.hindered)
    }

    /// A fault begins to hinder a node.
    pub fn hinder(&mut self, node: NodeId, id: OccurrenceId, hindrance: Hindrance) {
        if hindrance == Hindrance::Unavailable {
            self.reset_all_of(node, Some(id.step));
        }
        if let Some(hindered) = self.hindered_mut(node) {
            hindered.active.push((id, hindrance));
            self.hindrances += 1;
        }
    }

    /// What an occurrence of a fault does to nodes as a whole is over.
    pub(super) fn unhinder(&mut self, id: OccurrenceId) {
        self.unhinder_if(|active| active == id);
    }

    /// Everything is healed, also what lasts until then.
    pub fn unhinder_all(&mut self) {
        self.unhinder_if(|_| true);
    }

    fn unhinder_if(&mut self, over: impl Fn(OccurrenceId) -> bool) {
        if self.hindrances == 0 {
            return;
        }
        for entry in &mut self.machines {
            self.hindrances -= entry.hindered.end_if(|active, _| over(active));
        }
        self.wake_those_who_run();
    }

    /// The node is down: what it was stopped in is forgotten.
    pub(crate) fn forget_hindrances(&mut self, node: NodeId) {
        self.hindrances -= self.hindered_mut(node).map_or(0, Hindered::forget);
    }

    /// The node does nothing more until virtual time has come so far.
    pub(crate) fn block(&mut self, node: NodeId, until: u64) {
        if let Some(hindered) = self.hindered_mut(node) {
            hindered.block(until);
            self.blocked = true;
        }
    }

    pub(super) fn wake_those_who_run(&mut self) {
        let (now, step) = (self.now, self.step);
        let mut blocked = false;
        for hindered in self.machines.iter_mut().map(|machine| &mut machine.hindered) {
            blocked |= hindered.is_blocked(now);
            if hindered.runs(now, step) {
                hindered.wake();
            } else if !hindered.is_blocked(now) && hindered.somebody_waits() {
                // What waited for a call to return could go on, if it were not for these.
                let pauses = hindered.faults(|hindrance| *hindrance == Hindrance::Paused);
                pauses.for_each(|fault| self.felt.feel_once(fault));
            }
        }
        self.blocked = blocked;
    }

    /// Whether a task of the node may be polled now; its waker is kept for when it may.
    pub(super) fn may_run(&mut self, node: NodeId, waker: &Waker) -> bool {
        if self.hindrances == 0 && !self.blocked {
            return true;
        }
        let (now, step) = (self.now, self.step);
        let Some(entry) = self.machine_mut(node) else { return true };
        let hindered = &mut entry.hindered;
        if hindered.runs(now, step) {
            return true;
        }
        hindered.wait(waker);
        let felt: Vec<u16> = hindered.faults(Hindrance::holds_up).collect();
        felt.into_iter().for_each(|fault| self.feel(fault));
        false
    }

    /// Whether nothing of a node may run now, and which faults hold it up. (A call that blocks it was felt when it began.)
    #[must_use]
    pub fn holds_up(&self, node: NodeId) -> Option<Vec<u16>> {
        if self.hindrances == 0 && !self.blocked {
            return None;
        }
        let hindered = self.hindered(node)?;
        let runs = hindered.runs(self.now, self.step);
        (!runs).then(|| hindered.faults(Hindrance::holds_up).collect())
    }

    /// How much longer something takes on this node, by the longest of the hindrances that `of` picks, and
    /// by which fault. Whoever has waited that long has felt it.
    pub(super) fn delay(
        &self,
        node: NodeId,
        of: impl Fn(&Hindrance) -> Option<u64>,
    ) -> Option<(Duration, u16)> {
        if self.hindrances == 0 {
            return None;
        }
        let longest = self
            .hindered(node)?
            .active
            .iter()
            .filter_map(|(id, hindrance)| Some((of(hindrance)?, id.step)))
            .max()?;
        Some((Duration::from_millis(longest.0), longest.1))
    }

    /// How long the node that runs now takes over each frame that it reads, and by which fault.
    pub(crate) fn reading_takes_here(&self) -> Option<(Duration, u16)> {
        if self.hindrances == 0 {
            return None;
        }
        let node = self.here();
        self.delay(node, |hindrance| match hindrance {
            Hindrance::SlowReader { ms } => Some(*ms),
            _ => None,
        })
    }

    /// How long a connection that this node closes stays half open, and by which fault.
    pub(crate) fn closing_takes(&self, node: NodeId) -> Option<(Duration, u16)> {
        self.delay(node, |hindrance| match hindrance {
            Hindrance::SlowClose { ms } => Some(*ms),
            _ => None,
        })
    }

    /// Nodes that faults brought down from within since the last call.
    pub fn take_brought_down(&mut self) -> Vec<BroughtDown> {
        std::mem::take(&mut self.brought_down)
    }

    /// A node that waits for a call to return.
    pub(super) fn blocked_node(&self) -> Option<NodeId> {
        let mut machines = self.machines.iter();
        let blocked = machines.position(|machine| machine.hindered.is_blocked(self.now));
        blocked.map(NodeId::of_index)
    }

    /// A fault brings the node down in the middle of a call: what runs now runs on to its next await, and no
    /// further.
    pub(crate) fn bring_down(&mut self, node: NodeId, id: OccurrenceId, power: bool) {
        self.feel(id.step);
        self.block(node, u64::MAX);
        self.brought_down.push(BroughtDown { node, id, power });
    }

    /// A disk refused something, and its node felt that.
    pub(crate) fn refuse(&mut self, node: NodeId, fault: u16) {
        self.feel(fault);
        self.record(node, What::DiskRefused { fault });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        record::Record,
        sim::{
            self, Names,
            tests::{Woken, runs_here},
        },
    };
    use std::{cell::RefCell, rc::Rc};

    const NODE: NodeId = NodeId(0);

    /// Acts on a world of one node, in which a fault of one step occurs twice.
    fn twice(act: impl FnOnce(&mut World, OccurrenceId, OccurrenceId)) {
        sim::install(1, &["a".to_owned()], Names::default(), Box::new(|_| ()));
        let id = |occurrence| OccurrenceId { step: 3, occurrence };
        sim::with(|world| act(world, id(0), id(1)));
        let _ = sim::uninstall();
    }

    #[test]
    fn each_occurrence_lasts_its_own_time() {
        twice(|world, first, second| {
            let runs = |world: &mut World| world.may_run(NODE, Waker::noop());
            world.hinder(NODE, first, Hindrance::Paused);
            world.hinder(NODE, second, Hindrance::Paused);
            assert!(!runs(world));
            world.end(first);
            assert!(!runs(world));
            world.end(second);
            assert!(runs(world));
            // Twice by both or one of them that it was due.
            assert_eq!(world.felt(3), 3);
        });
    }

    #[test]
    fn a_starved_node_runs_in_some_steps() {
        twice(|world, starved, slow| {
            world.hinder(NODE, starved, Hindrance::Starved { one_in: 3 });
            world.hinder(NODE, OccurrenceId { step: 4, ..slow }, Hindrance::SlowReader { ms: 1 });
            let runs = [0, 1, 2, 3].map(|now| {
                let runs = world.may_run(NODE, Waker::noop());
                world.end_steps(1, now);
                runs
            });
            assert_eq!(runs, [true, false, false, true]);
            // Only who holds it up is felt.
            assert_eq!((world.felt(3), world.felt(4)), (2, 0));
            // The harness is no node, and is never held up.
            assert!(world.may_run(NodeId::HARNESS, Waker::noop()));
        });
    }

    #[test]
    fn who_waits_is_woken_when_nothing_holds_it_up() {
        twice(|world, first, second| {
            let woken = Woken::default();
            world.hinder(NODE, first, Hindrance::Paused);
            assert!(!world.may_run(NODE, &woken.waker()));
            world.begin_step(world.now);
            assert_eq!(woken.times(), 0);
            world.unhinder(second);
            assert_eq!(woken.times(), 0);
            world.unhinder_all();
            assert_eq!((woken.times(), world.hindrances), (1, 0));
            // So is who waited for a call that has returned.
            world.block(NODE, 1_000);
            assert!(world.blocked);
            assert!(!world.may_run(NODE, &woken.waker()));
            assert_eq!(world.blocked_node(), Some(NODE));
            world.now = 999;
            world.begin_step(world.now);
            assert_eq!((woken.times(), world.blocked), (1, true));
            world.now = 1_000;
            assert_eq!(world.blocked_node(), None);
            world.begin_step(world.now);
            assert_eq!((woken.times(), world.blocked), (2, false));
            assert!(world.may_run(NODE, &woken.waker()));
        });
    }

    #[test]
    fn a_node_that_is_down_is_stopped_no_more_and_what_hinders_its_machine_goes_on() {
        twice(|world, paused, slow| {
            world.hinder(NODE, paused, Hindrance::Paused);
            world.hinder(NODE, slow, Hindrance::SlowClose { ms: 5 });
            world.forget_hindrances(NODE);
            assert_eq!(world.hindrances, 1);
            assert!(world.may_run(NODE, Waker::noop()));
            assert!(world.closing_takes(NODE).is_some());
            world.forget_hindrances(NodeId::HARNESS);
            assert_eq!(world.hindrances, 1);
        });
    }

    #[test]
    fn the_longest_delay_counts() {
        twice(|world, first, second| {
            assert_eq!(world.closing_takes(NODE), None);
            world.hinder(NODE, first, Hindrance::SlowClose { ms: 9 });
            let second = OccurrenceId { step: 4, ..second };
            world.hinder(NODE, second, Hindrance::SlowClose { ms: 5 });
            world.hinder(NODE, second, Hindrance::SlowReader { ms: 20 });
            assert_eq!(world.closing_takes(NODE), Some((Duration::from_millis(9), 3)));
            world.end(first);
            assert_eq!(world.closing_takes(NODE), Some((Duration::from_millis(5), 4)));
            assert_eq!(world.closing_takes(NodeId::HARNESS), None);
        });
    }

    #[tokio::test]
    async fn how_long_reading_takes_where_code_runs() {
        twice(|world, first, second| {
            let takes = |ms| Some((Duration::from_millis(ms), 3));
            runs_here(world, NODE);
            assert_eq!(world.reading_takes_here(), None);
            world.hinder(NODE, first, Hindrance::SlowReader { ms: 7 });
            world.hinder(NODE, second, Hindrance::SlowClose { ms: 20 });
            assert_eq!(world.reading_takes_here(), takes(7));
        });
    }

    #[test]
    fn who_is_brought_down_is_told_once_and_does_nothing_more() {
        twice(|world, id, _| {
            world.bring_down(NODE, id, true);
            assert_eq!(world.felt(3), 1);
            assert_eq!(world.take_brought_down(), [BroughtDown { node: NODE, id, power: true }]);
            assert_eq!(world.take_brought_down(), []);
            assert!(!world.may_run(NODE, Waker::noop()));
        });
    }

    #[test]
    fn that_a_disk_refused_is_felt_and_recorded() {
        let told = Rc::new(RefCell::new(Vec::new()));
        let sink = told.clone();
        let sink =
            Box::new(move |record: &Record| sink.borrow_mut().push((record.node, record.what)));
        sim::install(1, &["a".to_owned()], Names::default(), sink);
        sim::with(|world| {
            world.refuse(NODE, 3);
            assert_eq!(world.felt(3), 1);
        });
        let _ = sim::uninstall();
        assert_eq!(*told.borrow(), [(NODE, What::DiskRefused { fault: 3 })]);
    }

    #[test]
    fn a_pause_is_felt_by_who_waited_for_a_call_when_it_began() {
        twice(|world, pause, _| {
            world.block(NODE, 1_000);
            assert!(!world.may_run(NODE, Waker::noop()));
            world.hinder(NODE, pause, Hindrance::Paused);
            world.begin_step(world.now);
            assert_eq!(world.felt(3), 0);
            world.now = 1_000;
            world.begin_step(world.now);
            assert_eq!(world.felt(3), 1);
        });
    }
}
