//! Nodes as they go down and come up: power cuts, kills, tidy stops, and the supervisor that starts what ended by
//! itself.

use super::base::Nemesis;
use crate::{
    injection::Target,
    plan::Micros,
    schedule::{Act, Action, Began, Comeback, id_of},
};
use squall_probe::{
    NodeChange, NodeId, Phase, What,
    sim::{self, BroughtDown, Hindrance},
};

impl Nemesis<'_> {
    /// Power is cut at all of these in one moment. `back` says after how long each is up again, if before the
    /// healing.
    pub(super) fn cut_power_of(
        &mut self,
        target: &Target,
        act: &mut Act,
        mut back: impl FnMut(&mut Act) -> Option<Micros>,
    ) -> Began {
        let nodes = self.nodes(target, act);
        for node in &nodes {
            self.crash(act.index, *node);
            if let Some(after) = back(act) {
                self.restart_later(after, *node);
            }
        }
        Began::on(nodes)
    }

    /// The power of a node is cut `after` from now.
    pub(super) fn crash_later(&mut self, after: Micros, node: NodeId, act: &Act) {
        let at = self.now() + after;
        self.agenda.schedule(at, Action::Crash { index: act.index, node });
    }

    /// A node that is down starts again `after` from now.
    pub(super) fn restart_later(&mut self, after: Micros, node: NodeId) {
        let at = self.now() + after;
        self.agenda.schedule(at, Action::Restart { node, part_of_fault: true });
    }

    /// A node is asked to stop `after` from now. It is killed if it still runs after `grace`, and started again `down`
    /// after it ended.
    pub(super) fn stop_later(
        &mut self,
        after: Micros,
        node: NodeId,
        grace: Micros,
        down: Micros,
        act: &Act,
    ) {
        let at = self.now() + after;
        self.agenda.schedule(at, Action::Stop { index: act.index, node, grace, down });
    }

    /// Something begins to be wrong with nodes as a whole.
    pub(super) fn hinder(
        &self,
        target: &Target,
        act: &mut Act,
        how: impl Fn(u64) -> Hindrance,
    ) -> Began {
        let nodes = self.nodes(target, act);
        for node in &nodes {
            sim::with(|world| world.hinder(*node, act.id, how(act.draw)));
        }
        Began::on(nodes)
    }

    /// Nodes that a fault brought down from within: a disk lost its power, memory ran out.
    pub(super) fn tend_brought_down(&mut self) {
        for BroughtDown { node, id, power } in sim::with(sim::World::take_brought_down) {
            let plan = self.plan;
            let planned = plan.faults.iter().find(|planned| id_of(planned) == id);
            let Some(planned) = planned.filter(|_| self.is_up(node)) else { continue };
            if power {
                // That it was felt was counted when it happened.
                self.cut_power(node);
                if let Some(after) = planned.restart_after {
                    self.restart_later(after, node);
                }
            } else {
                self.note(node, "killed: out of memory".to_owned());
                self.kill_process(node);
            }
        }
    }

    /// Nodes whose software ended by itself: their files stay, and a supervisor starts them again.
    pub(super) fn tend_exits(&mut self) {
        for (node, reason) in self.exits.take() {
            self.note(node, reason);
            if self.is_up(node) {
                self.end_process(node);
            }
        }
    }

    /// A fault cuts the power of a machine, unless it has none.
    pub(super) fn crash(&mut self, index: usize, node: NodeId) {
        if sim::with(|world| world.is_dark(node)) {
            return;
        }
        self.feel(index);
        self.cut_power(node);
    }

    /// First the disk dies, and then the code: nobody hears of it, and what was not synced is lost. If its process was
    /// down already, its machine loses what the process had left unsynced, and no supervisor starts it again before
    /// the power is back.
    pub(super) fn cut_power(&mut self, node: NodeId) {
        self.nodes.lost_power(node);
        self.record(node, What::Node { change: NodeChange::Crashed });
        sim::with(|world| world.cut_power(node));
        if !self.is_up(node) {
            self.agenda.forget_supervised_restart(node);
            return;
        }
        self.abandon_clients(node);
        self.drop_code(node);
    }

    /// A node that is down starts again.
    pub(super) fn restart(&mut self, node: NodeId) {
        if self.is_up(node) {
            return;
        }
        self.record(node, What::Node { change: NodeChange::Up });
        sim::with(|world| world.node_returns(node));
        self.simulator.start(node);
        self.nodes.set_up(node, true);
    }

    /// A node is asked to stop, now.
    pub(super) fn stop(&mut self, index: usize, node: NodeId, grace: Micros, down: Micros) {
        if !self.is_up(node) {
            return;
        }
        self.feel(index);
        self.nodes.asked_to_stop(node, down);
        if grace == 0 {
            self.kill_process(node);
            return;
        }
        sim::with(|world| world.ask_to_stop(node));
        let incarnation = incarnation(node);
        let at = self.now() + grace;
        self.agenda.schedule(at, Action::EndGrace { node, incarnation });
    }

    /// Who has not stopped in the time that it was given is killed.
    pub(super) fn end_grace(&mut self, node: NodeId, asked: u32) {
        if self.is_up(node) && incarnation(node) == asked {
            self.note(node, "killed: it did not stop in time".to_owned());
            self.kill_process(node);
        }
    }

    /// A process is killed (SIGKILL), and its machine lives: its files are as it wrote them, its destructors do
    /// nothing, and the kernel closes its connections.
    fn kill_process(&mut self, node: NodeId) {
        sim::with(|world| world.kill(node));
        self.end_process(node);
    }

    /// A process is gone, and its machine lives. If nobody killed it, its destructors run.
    fn end_process(&mut self, node: NodeId) {
        self.abandon_clients(node);
        self.drop_code(node);
        self.record(node, What::Node { change: NodeChange::Exited });
        let Comeback { after, part_of_fault } = self.nodes.ended(node);
        let at = self.now() + after;
        self.agenda.schedule(at, Action::Restart { node, part_of_fault });
    }

    /// The code of a node is dropped, with its connections and listeners.
    fn drop_code(&mut self, node: NodeId) {
        sim::with(|world| world.node_goes_down(node));
        self.simulator.crash(node);
        sim::with(|world| world.node_stops(node));
        self.nodes.set_up(node, false);
    }

    /// Operations of a client that died end as `Info`.
    fn abandon_clients(&mut self, node: NodeId) {
        for (event, key, informed) in self.clients.borrow_mut().abandon(node) {
            if !informed {
                let phase = Phase::Info;
                self.record(node, What::Publish { phase, event, key, position: None });
            }
            self.recorder.borrow_mut().abandon(event);
        }
    }
}

fn incarnation(node: NodeId) -> u32 {
    sim::with(|world| world.incarnation(node))
}
