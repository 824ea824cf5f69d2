//! What hinders the software of nodes: it stands still, or lacks a processor or memory.

use super::super::world::Done;
use super::{
    felt::{Felt, On, nodes_of},
    machine::{Machine, in_words},
};
use crate::injection::NodeState;
use squall_probe::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that hinders nodes.
#[derive(Debug, Default)]
pub(super) struct Limits {
    hindered: BTreeMap<On, NodeState>,
    /// Nodes that ever lacked a processor, or memory. Of the others nothing is set: the machine may not be able to.
    starved: BTreeSet<NodeId>,
    bounded: BTreeSet<NodeId>,
    /// What the counters of kills and of waits for the processor said, of each node that ever was limited.
    counted: BTreeMap<NodeId, (u64, u64)>,
}

impl Limits {
    /// A node is in another state.
    pub(super) fn hinder(
        &mut self,
        fault: usize,
        machine: &Machine,
        state: NodeState,
        felt: &mut Felt,
    ) -> Done {
        self.hindered.insert((fault, machine.id), state);
        match state {
            NodeState::Paused if machine.process.is_some() => felt.add(fault, 1),
            NodeState::Starved { .. } => _ = self.starved.insert(machine.id),
            NodeState::Memory(_) => _ = self.bounded.insert(machine.id),
            _ => {}
        }
        self.counted.entry(machine.id).or_insert_with(|| counters(machine));
        self.set(machine)
    }

    /// Sets limits of a node by all that hinders it.
    pub(super) fn set(&self, machine: &Machine) -> Done {
        let node = &machine.node;
        if !node.is_powered() {
            return Ok(());
        }
        let states = || {
            self.hindered.iter().filter(|((_, on), _)| *on == machine.id).map(|(_, state)| state)
        };
        let paused = states().any(|state| *state == NodeState::Paused);
        let share = states().filter_map(|state| match state {
            NodeState::Starved { one_in } => Some(*one_in),
            _ => None,
        });
        let memory = states().filter_map(|state| match state {
            NodeState::Memory(bytes) => Some(u64::from(*bytes)),
            _ => None,
        });
        in_words(if paused { node.freeze() } else { node.thaw() })?;
        let (share, memory) = (share.max(), memory.min());
        if self.starved.contains(&machine.id) {
            in_words(node.cpu_share(share))?;
        }
        if self.bounded.contains(&machine.id) {
            in_words(node.memory_limit(memory))?;
        }
        Ok(())
    }

    /// What limits have hit since they were looked at last.
    pub(super) fn count(&mut self, machines: &[Machine], felt: &mut Felt) {
        let nodes: BTreeSet<NodeId> = self.hindered.keys().map(|(_, node)| *node).collect();
        for node in nodes {
            let (kills, throttled) = counters(&machines[node.index()]);
            let before = self.counted.insert(node, (kills, throttled)).unwrap_or_default();
            for ((fault, _), state) in self.hindered.iter().filter(|((_, on), _)| *on == node) {
                let hits = match state {
                    NodeState::Memory(_) => kills.saturating_sub(before.0),
                    NodeState::Starved { .. } => throttled.saturating_sub(before.1),
                    _ => 0,
                };
                felt.add(*fault, hits);
            }
        }
    }

    /// Whatever a fault does to nodes ends.
    pub(super) fn release_all(
        &mut self,
        machines: &[Machine],
        fault: usize,
        felt: &mut Felt,
    ) -> Done {
        self.count(machines, felt);
        let nodes = nodes_of(self.hindered.keys(), fault);
        self.hindered.retain(|(of, _), _| *of != fault);
        nodes.into_iter().try_for_each(|node| self.set(&machines[node.index()]))
    }
}

/// How often processes of a node were killed for their memory, and waited for the processor.
fn counters(machine: &Machine) -> (u64, u64) {
    let node = &machine.node;
    (node.memory_kills().unwrap_or_default(), node.cpu_throttled().unwrap_or_default())
}
