//! What is wrong with the disks of nodes.

use super::super::world::Done;
use super::{
    felt::{Felt, On, nodes_of},
    machine::{Machine, in_words},
};
use crate::injection::{Damage, DiskState};
use squall_live::{DiskCounters, DiskRule, Snapshot};
use squall_probe::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// The disks of all nodes.
#[derive(Default)]
pub(super) struct Disks {
    full: BTreeSet<On>,
    /// What is wrong with disks beside, and what their counters said.
    failing: BTreeMap<On, DiskState>,
    counted: BTreeMap<NodeId, DiskCounters>,
    /// Nodes whose file systems have met errors.
    erred: BTreeSet<NodeId>,
    snapshots: BTreeMap<On, Snapshot>,
    /// Damaged disks whose node has not started since.
    unread: Vec<On>,
}

impl Disks {
    /// The disk of a node is in another state.
    pub(super) fn break_one(
        &mut self,
        fault: usize,
        state: DiskState,
        (machines, node): (&[Machine], NodeId),
        felt: &mut Felt,
    ) -> Done {
        let machine = &machines[node.index()];
        match state {
            DiskState::Full => {
                in_words(machine.node.fill_disk())?;
                self.full.insert((fault, node));
                felt.add(fault, 1);
                Ok(())
            }
            DiskState::SyncFails | DiskState::Errors { .. } | DiskState::Slow(_) => {
                self.count(machines, felt);
                self.counted.insert(node, machine.node.disk_counters());
                self.failing.insert((fault, node), state);
                self.set(machine)
            }
            DiskState::TornWrite | DiskState::LostUnsynced(_) => {
                Err("nobody sees the moment of a single write".to_owned())
            }
        }
    }

    /// Tells a node's disk what is wrong with it now, all in all.
    fn set(&self, machine: &Machine) -> Done {
        let mut rule = DiskRule::default();
        for ((_, on), state) in &self.failing {
            match state {
                _ if *on != machine.id => {}
                DiskState::SyncFails => rule.fail_syncs = true,
                DiskState::Errors { reads, writes } => {
                    rule.fail_reads |= reads;
                    rule.fail_writes |= writes;
                }
                DiskState::Slow(by) => rule.slow = rule.slow.max(*by),
                DiskState::Full | DiskState::TornWrite | DiskState::LostUnsynced(_) => {}
            }
        }
        in_words(machine.node.set_disk_rule(rule))
    }

    /// What disks that fail or are slow have hit since they were looked at last.
    pub(super) fn count(&mut self, machines: &[Machine], felt: &mut Felt) {
        let nodes: BTreeSet<NodeId> = self.failing.keys().map(|(_, node)| *node).collect();
        for node in nodes {
            let now = machines[node.index()].node.disk_counters();
            let before = self.counted.insert(node, now).unwrap_or_default();
            if now.failed > before.failed {
                self.erred.insert(node);
            }
            for ((fault, _), state) in self.failing.iter().filter(|((_, on), _)| *on == node) {
                let hits = match state {
                    DiskState::Slow(_) => now.slowed.saturating_sub(before.slowed),
                    _ => now.failed.saturating_sub(before.failed),
                };
                felt.add(*fault, hits);
            }
        }
    }

    /// What is on the disk of a node is damaged, once.
    pub(super) fn damage(
        &mut self,
        fault: usize,
        machine: &Machine,
        damage: Damage,
        draw: u64,
    ) -> Done {
        let node = &machine.node;
        let hit = match damage {
            Damage::Bits(bits) => !in_words(node.flip_bits(draw, bits, |_| true))?.is_empty(),
            Damage::Truncated(bytes) => {
                in_words(node.truncate_file(draw, u64::from(bytes), |_| true))?.is_some()
            }
        };
        if hit {
            self.unread.push((fault, machine.id));
        }
        Ok(())
    }

    /// A node starts: it reads what was damaged.
    pub(super) fn are_read(&mut self, node: NodeId, felt: &mut Felt) {
        for (fault, _) in self.unread.extract_if(.., |(_, on)| *on == node) {
            felt.add(fault, 1);
        }
    }

    /// The power of a node was cut.
    pub(super) fn lost_power(&mut self, node: NodeId) {
        self.erred.remove(&node);
        // A full disk has room when it comes back.
        self.full.retain(|(_, on)| *on != node);
    }

    /// What the disk of a node holds now is kept.
    pub(super) fn snapshot(&mut self, fault: usize, machine: &Machine) -> Done {
        let snapshot = in_words(machine.node.snapshot())?;
        self.snapshots.insert((fault, machine.id), snapshot);
        Ok(())
    }

    /// The disk of a node without power is as it was when its snapshot was taken.
    pub(super) fn restore(&mut self, fault: usize, machine: &Machine) -> Done {
        match self.snapshots.remove(&(fault, machine.id)) {
            Some(snapshot) => in_words(machine.node.restore(&snapshot)),
            None => Err(format!("there is no snapshot of {}", machine.node.name())),
        }
    }

    /// Whatever a fault does to disks ends. Software that was ended to repair its machine is added to the exits.
    pub(super) fn release_all(
        &mut self,
        machines: &mut [Machine],
        fault: usize,
        felt: &mut Felt,
        exits: &mut Vec<(NodeId, String)>,
    ) -> Done {
        self.count(machines, felt);
        let failing = nodes_of(self.failing.keys(), fault);
        self.failing.retain(|(of, _), _| *of != fault);
        for node in failing {
            let machine = &mut machines[node.index()];
            self.set(machine)?;
            if self.repair(machine)? {
                exits.push((node, "turned off and on: its disk had failed".to_owned()));
            }
        }
        let full = nodes_of(&self.full, fault);
        self.full.retain(|(of, _)| *of != fault);
        for node in full.into_iter().filter(|node| !self.full.iter().any(|(_, on)| on == node)) {
            let node = &machines[node.index()].node;
            if node.is_powered() {
                in_words(node.make_room())?;
            }
        }
        Ok(())
    }

    /// A file system that has met errors takes no more writes, whatever its disk does now: the machine is turned off and on.
    /// Whether software ran there.
    fn repair(&mut self, machine: &mut Machine) -> Result<bool, String> {
        if !self.erred.contains(&machine.id)
            || !machine.node.is_powered()
            || self.failing.keys().any(|(_, on)| *on == machine.id)
        {
            return Ok(false);
        }
        in_words(machine.node.power_off())?;
        in_words(machine.node.power_on())?;
        self.erred.remove(&machine.id);
        let ran = machine.process.is_some();
        machine.gone();
        Ok(ran)
    }
}
