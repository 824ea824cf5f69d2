//! What can be done to a system whose time nobody can stop: real processes.
//!
//! The nemesis beside this file decides what happens when and to whom; a world carries it out. Whatever an occurrence of
//! a fault began in a world is known there by the fault's index in the plan, and ends with it: occurrences overlap.

use crate::{
    injection::{Damage, Delay, DiskState, Distribution, NodeState, Tampering},
    schedule::Direction,
};
use squall_probe::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// Whether the world could do it. If not, why: the run proves nothing then.
pub(crate) type Done = Result<(), String>;

/// A fault of the plan, by its index, and a part of it that can end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part {
    /// The index in the plan.
    pub(crate) fault: usize,
    /// From 0.
    pub(crate) part: u32,
}

/// What is wrong with a direction of a link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Disturbance {
    /// What is on the wire or sent is lost.
    Cut,
    /// What is on the wire or sent waits for the end.
    Held,
    /// It takes longer.
    Slow(Delay, Distribution),
    /// It carries this many bytes a second.
    Narrow(u32),
    /// Something is done to a share, 0 to 1, of the packets or messages; how late a late one comes.
    Tampered(Tampering, f64, Delay),
}

/// Real processes, and all that lies between them.
pub(crate) trait World {
    /// The software of a node starts, and its machine has power.
    fn start(&mut self, node: NodeId) -> Done;
    /// The software of a node is asked to stop (SIGTERM).
    fn ask_to_stop(&mut self, node: NodeId) -> Done;
    /// All processes of a node are killed (SIGKILL); what they wrote stays.
    fn kill(&mut self, node: NodeId) -> Done;
    /// The power of a node's machine is cut: its peers hear nothing, and what was not synced is gone.
    fn cut_power(&mut self, node: NodeId) -> Done;
    /// The disk of a node without power is empty when it starts again.
    fn wipe(&mut self, node: NodeId) -> Done;
    /// What the disks of these nodes hold now is kept, all as in one moment.
    fn snapshot(&mut self, fault: usize, nodes: &[NodeId]) -> Done;
    /// The disk of a node without power is as it was when its snapshot was taken.
    fn restore(&mut self, fault: usize, node: NodeId) -> Done;

    /// Directions are in another state.
    fn disturb(&mut self, part: Part, how: Disturbance, directions: &BTreeSet<Direction>) -> Done;
    /// Connections over these are reset, once.
    fn reset(&mut self, fault: usize, directions: &BTreeSet<Direction>) -> Done;
    /// A node is in another state.
    fn hinder(&mut self, fault: usize, node: NodeId, state: NodeState) -> Done;
    /// The disk of a node is in another state; `draw` is the occurrence's.
    fn break_disk(&mut self, fault: usize, node: NodeId, state: DiskState, draw: u64) -> Done;
    /// What is on the disk of a node is damaged, once; `draw` is the occurrence's.
    fn damage(&mut self, fault: usize, node: NodeId, damage: Damage, draw: u64) -> Done;
    /// A part of what a fault does to links ends.
    fn release(&mut self, part: Part) -> Done;
    /// Whatever a fault began ends.
    fn release_all(&mut self, fault: usize) -> Done;

    /// How often each fault, by its index, was felt since the last call.
    fn take_felt(&mut self) -> BTreeMap<usize, u64>;
    /// Nodes whose software has ended and was not killed by this world, and how, since the last call.
    fn take_exits(&mut self) -> Vec<(NodeId, String)>;
}
