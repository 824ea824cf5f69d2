//! What is wrong with links between nodes, told to the switch, and what of it hit a packet.

use super::super::world::{Disturbance, Part};
use super::{felt::Felt, machine::Machine};
use crate::{
    injection::Tampering,
    plan::Plan,
    schedule::{Direction, between_zones},
};
use squall_live::{Counters, Lab, Rule};
use squall_probe::NodeId;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// The links between all nodes.
#[derive(Debug)]
pub(super) struct Links {
    /// The latency of each direction where nothing is wrong.
    standing: BTreeMap<Direction, (Duration, Duration)>,
    disturbed: BTreeMap<Part, (Disturbance, BTreeSet<Direction>)>,
    /// What the counters of directions said when they were looked at last.
    counted: BTreeMap<Direction, Counters>,
}

impl Links {
    /// With the latencies of a scenario.
    pub(super) fn new(plan: &Plan) -> Self {
        Self { standing: standing(plan), disturbed: BTreeMap::new(), counted: BTreeMap::new() }
    }

    /// Tells the switch of all links.
    pub(super) fn set_all(&self, lab: &Lab, machines: &[Machine]) {
        let all: BTreeSet<Direction> = self.standing.keys().copied().collect();
        self.set_rules(lab, machines, &all);
    }

    /// Tells the switch what is wrong with directions now, all in all.
    fn set_rules(&self, lab: &Lab, machines: &[Machine], directions: &BTreeSet<Direction>) {
        for direction in directions {
            let mut rule = Rule::default();
            if let Some(delay) = self.standing.get(direction) {
                rule.delay = *delay;
            }
            for (how, over) in self.disturbed.values() {
                if over.contains(direction) {
                    put(&mut rule, *how);
                }
            }
            let (from, to) = direction;
            lab.set_rule(&machines[from.index()].node, &machines[to.index()].node, rule);
        }
    }

    /// What the switch has counted since it was asked last is what faults on links have hit.
    pub(super) fn count(&mut self, lab: &Lab, machines: &[Machine], felt: &mut Felt) {
        let mut seen = BTreeMap::new();
        for (part, (how, directions)) in &self.disturbed {
            for direction in directions {
                let now =
                    *seen.entry(*direction).or_insert_with(|| counters(lab, machines, *direction));
                let before = self.counted.get(direction).copied().unwrap_or_default();
                felt.add(part.fault, hits(*how, &now).saturating_sub(hits(*how, &before)));
            }
        }
        self.counted.extend(seen);
    }

    /// Directions are in another state.
    pub(super) fn disturb(
        &mut self,
        (lab, machines): (&Lab, &[Machine]),
        part: Part,
        how: Disturbance,
        directions: &BTreeSet<Direction>,
        felt: &mut Felt,
    ) {
        // Who is hit from now on is hit by this.
        self.count(lab, machines, felt);
        for direction in directions {
            self.counted.insert(*direction, counters(lab, machines, *direction));
        }
        self.disturbed.insert(part, (how, directions.clone()));
        self.set_rules(lab, machines, directions);
    }

    /// A part of what a fault does to links ends.
    pub(super) fn release(&mut self, lab: &Lab, machines: &[Machine], part: Part, felt: &mut Felt) {
        self.count(lab, machines, felt);
        if let Some((_, directions)) = self.disturbed.remove(&part) {
            self.set_rules(lab, machines, &directions);
        }
    }

    /// Whatever a fault does to links ends.
    pub(super) fn release_all(
        &mut self,
        lab: &Lab,
        machines: &[Machine],
        fault: usize,
        felt: &mut Felt,
    ) {
        let of_fault = self.disturbed.keys().filter(|part| part.fault == fault);
        for part in of_fault.copied().collect::<Vec<Part>>() {
            self.release(lab, machines, part, felt);
        }
    }
}

fn counters(lab: &Lab, machines: &[Machine], (from, to): Direction) -> Counters {
    lab.counters(&machines[from.index()].node, &machines[to.index()].node)
}

/// What a disturbance adds to a rule.
fn put(rule: &mut Rule, how: Disturbance) {
    let millis = |ms: u32| Duration::from_millis(u64::from(ms));
    match how {
        Disturbance::Cut => rule.cut = true,
        Disturbance::Held => rule.hold = true,
        Disturbance::Slow(delay, _) => {
            rule.delay.0 = rule.delay.0.max(millis(delay.min_ms));
            rule.delay.1 = rule.delay.1.max(millis(delay.max_ms));
        }
        Disturbance::Narrow(bytes) => {
            let bytes = u64::from(bytes);
            rule.bytes_per_second =
                Some(rule.bytes_per_second.map_or(bytes, |other| other.min(bytes)));
        }
        Disturbance::Tampered(tampering, share, delay) => match tampering {
            Tampering::Lost => rule.lose = rule.lose.max(share),
            Tampering::Duplicated => rule.duplicate = rule.duplicate.max(share),
            Tampering::Reordered => rule.reorder = rule.reorder.max(share),
            Tampering::Delayed => {
                rule.delay.1 = rule.delay.1.max(millis(delay.max_ms));
            }
            Tampering::Corrupted | Tampering::Reset | Tampering::Replayed => {}
        },
    }
}

/// How many packets a disturbance has hit, by the counters of a direction.
fn hits(how: Disturbance, counters: &Counters) -> u64 {
    match how {
        Disturbance::Cut => counters.cut,
        Disturbance::Held => counters.held,
        Disturbance::Slow(..) => counters.delayed,
        Disturbance::Narrow(_) => counters.throttled,
        Disturbance::Tampered(tampering, ..) => match tampering {
            Tampering::Lost => counters.lost,
            Tampering::Duplicated => counters.duplicated,
            Tampering::Reordered => counters.reordered,
            Tampering::Delayed => counters.delayed,
            Tampering::Corrupted | Tampering::Reset | Tampering::Replayed => 0,
        },
    }
}

/// The latency of each direction as the scenario has it.
fn standing(plan: &Plan) -> BTreeMap<Direction, (Duration, Duration)> {
    let millis = |ms: u32| Duration::from_millis(u64::from(ms));
    let ids = || (0..plan.nodes.len()).map(NodeId::of_index);
    let directions = ids().flat_map(|a| ids().filter(move |b| *b != a).map(move |b| (a, b)));
    let usual = directions.map(|direction| (direction, (plan.network.min_ms, plan.network.max_ms)));
    let standing: BTreeMap<Direction, (u32, u32)> = usual.chain(between_zones(plan)).collect();
    standing
        .into_iter()
        .map(|(direction, (min, max))| (direction, (millis(min), millis(max))))
        .collect()
}
