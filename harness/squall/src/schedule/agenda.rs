//! What happens when: actions at times that are known, in their order.

use crate::plan::Micros;
use squall_probe::NodeId;
use std::collections::BTreeMap;

/// What will happen at a known time. `index` is that of a fault in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// An occurrence of a fault begins.
    Begin(usize),
    /// It is over.
    Heal(usize),
    /// A machine loses its power.
    Crash { index: usize, node: NodeId },
    /// A node starts again: because its fault says so, or its supervisor.
    Restart { node: NodeId, part_of_fault: bool },
    /// A node is asked to stop. It is killed if it still runs after `grace`, and started again `down` after it ended.
    Stop { index: usize, node: NodeId, grace: Micros, down: Micros },
    /// The time that a node was given to stop is over. `incarnation` tells whether it still is the same life.
    EndGrace { node: NodeId, incarnation: u32 },
    /// Flapping links are cut, or healed.
    Flap { index: usize, cut: bool },
    /// Disks of which snapshots were taken are replaced by them.
    GoBack(usize),
    /// One of the links that a fault holds is released.
    Unclog { index: usize, part: u32 },
}

impl Action {
    /// It gives back what a fault has taken.
    const fn ends_something(self) -> bool {
        matches!(self, Self::Heal(_) | Self::Unclog { .. })
    }

    /// Nothing more comes of the plan's faults when only such actions are left.
    const fn is_aftermath(self) -> bool {
        match self {
            Self::Restart { part_of_fault, .. } => !part_of_fault,
            Self::Flap { .. } | Self::EndGrace { .. } => true,
            Self::Begin(_)
            | Self::Heal(_)
            | Self::Crash { .. }
            | Self::Stop { .. }
            | Self::GoBack(_)
            | Self::Unclog { .. } => false,
        }
    }
}

/// Actions by time. Of what is due at once, what ends goes before what begins, and then in the order of scheduling.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    due: BTreeMap<(Micros, bool, u64), Action>,
    scheduled: u64,
}

impl Agenda {
    pub(crate) fn schedule(&mut self, at: Micros, action: Action) {
        self.due.insert((at, !action.ends_something(), self.scheduled), action);
        self.scheduled += 1;
    }

    /// The next action whose time has come.
    pub(crate) fn take_due(&mut self, now: Micros) -> Option<Action> {
        let entry = self.due.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    /// When the next action is due.
    pub(crate) fn next(&self) -> Option<Micros> {
        self.due.first_key_value().map(|((at, ..), _)| *at)
    }

    /// Everything is healed: nothing of it happens any more.
    pub(crate) fn clear(&mut self) {
        self.due.clear();
    }

    /// A machine is without power: its supervisor cannot start anything.
    pub(crate) fn forget_supervised_restart(&mut self, node: NodeId) {
        let supervised = Action::Restart { node, part_of_fault: false };
        self.due.retain(|_, action| *action != supervised);
    }

    /// Of the plan's faults nothing is to begin or to end by itself.
    pub(crate) fn holds_no_fault(&self) -> bool {
        self.due.values().all(|action| action.is_aftermath())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId(1);

    fn all(agenda: &mut Agenda, now: Micros) -> Vec<Action> {
        std::iter::from_fn(|| agenda.take_due(now)).collect()
    }

    #[test]
    fn of_what_is_due_at_once_what_ends_goes_first_and_then_what_was_scheduled_first() {
        let mut agenda = Agenda::default();
        agenda.schedule(20, Action::Begin(0));
        agenda.schedule(10, Action::Begin(2));
        agenda.schedule(10, Action::Begin(1));
        agenda.schedule(10, Action::Heal(3));
        agenda.schedule(10, Action::Unclog { index: 4, part: 1 });
        assert_eq!(all(&mut agenda, 9), []);
        let due = all(&mut agenda, 10);
        let [heal, unclog] = [Action::Heal(3), Action::Unclog { index: 4, part: 1 }];
        assert_eq!(due, [heal, unclog, Action::Begin(2), Action::Begin(1)]);
        assert_eq!(all(&mut agenda, 100), [Action::Begin(0)]);
    }

    #[test]
    fn a_machine_without_power_keeps_the_restart_that_its_fault_promised() {
        let mut agenda = Agenda::default();
        let promised = Action::Restart { node: NODE, part_of_fault: true };
        let other = Action::Restart { node: NodeId(2), part_of_fault: false };
        agenda.schedule(5, Action::Restart { node: NODE, part_of_fault: false });
        agenda.schedule(6, promised);
        agenda.schedule(7, other);
        agenda.forget_supervised_restart(NODE);
        assert_eq!(all(&mut agenda, 10), [promised, other]);
    }

    #[test]
    fn a_run_does_not_wait_for_what_supervisors_and_flapping_links_go_on_doing() {
        let mut agenda = Agenda::default();
        agenda.schedule(5, Action::Restart { node: NODE, part_of_fault: false });
        agenda.schedule(5, Action::Flap { index: 0, cut: true });
        agenda.schedule(5, Action::EndGrace { node: NODE, incarnation: 0 });
        assert!(agenda.holds_no_fault());
        agenda.schedule(9, Action::Restart { node: NODE, part_of_fault: true });
        assert!(!agenda.holds_no_fault());
    }
}
