//! Which directions are cut, held or slow, by which faults, and telling turmoil so.
//!
//! turmoil keeps one state a link and its `repair` and `release` undo each other's: so what should
//! hold is kept here, and a link that changed is set anew. Changes take effect together, once a step, so
//! that a link which one fault gives back and another takes in the same moment does not notice.

use crate::{
    injection::Distribution,
    sim::nemesis::{direction::Direction, simulator::Simulator},
    stream::Stream,
};
use squall_probe::{
    NodeId,
    sim::{self, OccurrenceId},
};
use std::collections::{BTreeMap, BTreeSet};

/// What a fault does to a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim::nemesis) enum LinkEffect {
    /// Nothing arrives, and what was under way is lost.
    Cut,
    /// Everything waits.
    Hold,
    /// Everything takes from the first to the second number of milliseconds.
    Slow(u32, u32, Distribution),
}

/// What an occurrence of a fault does to links; its parts can end by themselves.
#[derive(Debug)]
struct Disturbed {
    id: OccurrenceId,
    part: u32,
    effect: LinkEffect,
    directions: BTreeSet<Direction>,
}

/// Longer than any run, in milliseconds.
const FOR_EVER: u32 = u32::MAX;

/// The state of all links.
#[derive(Debug)]
pub(in crate::sim::nemesis) struct LinkTable {
    base: (u32, u32),
    active: Vec<Disturbed>,
    /// What ended since the simulator was told.
    ended: Vec<Disturbed>,
    changed: bool,
    /// Links that are not as the plan's network has them, as the simulator was told, in the order of their
    /// nodes.
    told: BTreeMap<Direction, LinkStatus>,
    draws: Stream,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct LinkStatus {
    /// Cut forwards, cut backwards.
    cut: (bool, bool),
    held: bool,
    slow: Option<(u32, u32, Distribution)>,
}

impl LinkTable {
    /// All links as the plan's network has them: with a latency from `min_ms` to `max_ms`.
    #[must_use]
    pub(in crate::sim::nemesis) fn new(min_ms: u32, max_ms: u32, draws: Stream) -> Self {
        sim::with(|world| world.set_latency(max_ms));
        Self {
            base: (min_ms, max_ms),
            active: Vec::new(),
            ended: Vec::new(),
            changed: false,
            told: BTreeMap::new(),
            draws,
        }
    }

    fn link(&self, a: NodeId, b: NodeId) -> LinkStatus {
        let mut link = LinkStatus::default();
        for Disturbed { effect, directions, .. } in &self.active {
            let forwards = directions.contains(&(a, b));
            let backwards = directions.contains(&(b, a));
            if !forwards && !backwards {
                continue;
            }
            match effect {
                LinkEffect::Cut => {
                    link.cut.0 |= forwards;
                    link.cut.1 |= backwards;
                }
                LinkEffect::Hold => link.held = true,
                LinkEffect::Slow(min, max, distribution) => {
                    let (low, high, _) = link.slow.unwrap_or((0, 0, *distribution));
                    link.slow = Some((low.max(*min), high.max(*max), *distribution));
                }
            }
        }
        link
    }

    /// A part of an occurrence begins to act on `directions`.
    pub(in crate::sim::nemesis) fn begin(
        &mut self,
        id: OccurrenceId,
        part: u32,
        effect: LinkEffect,
        directions: BTreeSet<Direction>,
    ) {
        self.changed = true;
        self.active.push(Disturbed { id, part, effect, directions });
    }

    /// An occurrence is over, with all its parts.
    pub(in crate::sim::nemesis) fn end(&mut self, id: OccurrenceId) {
        self.end_if(|active| active.id == id);
    }

    /// A part of an occurrence is over.
    pub(in crate::sim::nemesis) fn end_part(&mut self, id: OccurrenceId, part: u32) {
        self.end_if(|active| (active.id, active.part) == (id, part));
    }

    fn end_if(&mut self, over: impl Fn(&Disturbed) -> bool) {
        let ended = self.active.extract_if(.., |active| over(active));
        let before = self.ended.len();
        self.ended.extend(ended);
        self.changed |= self.ended.len() > before;
    }

    /// A step begins: latencies that the simulator cannot draw by itself are drawn.
    pub(in crate::sim::nemesis) fn draw_latencies(&mut self, simulator: &Simulator) {
        let drawn: BTreeSet<Direction> = self
            .active
            .iter()
            .filter(|active| {
                let how = |how| how != Distribution::Exponential;
                matches!(active.effect, LinkEffect::Slow(_, _, drawn) if how(drawn))
            })
            .flat_map(|active| &active.directions)
            .map(|(a, b)| (*a.min(b), *a.max(b)))
            .collect();
        for (a, b) in drawn {
            let Some((min, max, distribution)) = self.link(a, b).slow else { continue };
            if let Some(ms) = distribution.draw(min, max, &mut self.draws) {
                simulator.set_latency((a, b), (ms, ms));
            }
        }
    }

    /// The simulator is told what changed.
    pub(in crate::sim::nemesis) fn settle(&mut self, simulator: &Simulator) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let ended = std::mem::take(&mut self.ended);
        let pairs: BTreeSet<Direction> = ended
            .iter()
            .chain(&self.active)
            .flat_map(|disturbed| &disturbed.directions)
            .filter(|(a, b)| a != b)
            .map(|(a, b)| (*a.min(b), *a.max(b)))
            .collect();
        self.feel(&ended, &pairs, simulator);
        let mut reset = Vec::new();
        for (a, b) in pairs {
            let before = self.told.get(&(a, b)).copied().unwrap_or_default();
            let after = self.link(a, b);
            if after == before {
                continue;
            }
            self.apply(simulator, (a, b), before, after);
            self.told.insert((a, b), after);
            let was_cut = before.cut.0 || before.cut.1;
            let is_cut = after.cut.0 || after.cut.1;
            if was_cut && !is_cut {
                reset.push((a, b));
            }
        }
        let disturbed = self.disturbances();
        sim::with(|world| {
            world.disturb(disturbed);
            // TCP would have retransmitted or given up; turmoil does neither, so a connection that
            // was cut would stay silent for ever. It meets a reset instead, as behind a firewall
            // that has forgotten it.
            for (a, b) in reset {
                world.reset_connections(a, b, None);
            }
            world.wake_connects();
        });
    }

    /// What is on the wire now feels the cuts that begin, which take it away, and felt the holds that end,
    /// which kept it waiting.
    fn feel(&self, ended: &[Disturbed], pairs: &BTreeSet<Direction>, simulator: &Simulator) {
        let on_the_wire = simulator.on_the_wire(pairs);
        if on_the_wire.is_empty() {
            return;
        }
        let frames = |a, b| on_the_wire.get(&(a, b)).copied().unwrap_or(0);
        let held = ended.iter().filter(|ended| ended.effect == LinkEffect::Hold).map(|ended| {
            let pairs: BTreeSet<Direction> =
                ended.directions.iter().map(|(a, b)| (*a.min(b), *a.max(b))).collect();
            (ended.id, pairs.into_iter().map(|(a, b)| frames(a, b) + frames(b, a)).sum::<u64>())
        });
        let cut =
            self.active.iter().filter(|active| active.effect == LinkEffect::Cut).map(|active| {
                let whole = |(a, b): Direction| {
                    let told = self.told.get(&(a.min(b), a.max(b))).copied().unwrap_or_default();
                    !(if a < b { told.cut.0 } else { told.cut.1 })
                };
                let lost = active.directions.iter().filter(|direction| whole(**direction));
                (active.id, lost.map(|(a, b)| frames(*a, *b)).sum())
            });
        sim::with(|world| {
            for (id, count) in held.chain(cut) {
                for _ in 0..count {
                    world.feel(id.step);
                }
            }
        });
    }

    /// What the faults do to each direction, for those who send there.
    fn disturbances(&self) -> BTreeMap<Direction, sim::Disturbance> {
        let mut disturbed: BTreeMap<Direction, sim::Disturbance> = BTreeMap::new();
        for Disturbed { id, effect, directions, .. } in &self.active {
            for (a, b) in directions {
                match effect {
                    LinkEffect::Hold => {}
                    LinkEffect::Cut => disturbed.entry((*a, *b)).or_default().cuts.push(id.step),
                    // The simulator knows one latency a link.
                    LinkEffect::Slow(min, max, _) => {
                        let surely = *min > self.base.1;
                        for direction in BTreeSet::from([(*a, *b), (*b, *a)]) {
                            let entry = disturbed.entry(direction).or_default();
                            entry.slows.retain(|(step, _)| *step != id.step);
                            entry.slows.push((id.step, surely));
                            entry.most_ms = entry.most_ms.max(*max);
                        }
                    }
                }
            }
        }
        disturbed
    }

    /// The code of a node that lost power is dropped now, and its connections say goodbye, which a machine
    /// without power cannot: what it sends from here on takes for ever. What is on the wire already arrives.
    /// Until [`LinkTable::replug`].
    pub(in crate::sim::nemesis) fn unplug(&self, node: NodeId, simulator: &Simulator) {
        for other in simulator.ids().filter(|other| *other != node) {
            simulator.set_latency((node, other), (FOR_EVER, FOR_EVER));
        }
    }

    /// Undoes [`LinkTable::unplug`].
    pub(in crate::sim::nemesis) fn replug(&self, node: NodeId, simulator: &Simulator) {
        for other in simulator.ids().filter(|other| *other != node) {
            let link = (node.min(other), node.max(other));
            let told = self.told.get(&link).copied().unwrap_or_default();
            simulator.set_latency(
                (node, other),
                told.slow.map_or(self.base, |(min, max, _)| (min, max)),
            );
        }
    }

    fn apply(
        &self,
        simulator: &Simulator,
        (a, b): Direction,
        before: LinkStatus,
        after: LinkStatus,
    ) {
        if (before.cut, before.held) != (after.cut, after.held) {
            match after.cut {
                (true, true) => simulator.partition((a, b)),
                _ if after.held => simulator.hold((a, b)),
                _ => simulator.release((a, b)),
            }
            match after.cut {
                (true, false) => simulator.partition_oneway((a, b)),
                (false, true) => simulator.partition_oneway((b, a)),
                _ => {}
            }
        }
        if before.slow != after.slow {
            let range = after.slow.map_or(self.base, |(min, max, _)| (min, max));
            simulator.set_latency((a, b), range);
        }
    }
}

impl Distribution {
    /// A latency in milliseconds between `min` and `max`; `None` if turmoil draws, which knows only the exponential one.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn draw(self, min: u32, max: u32, stream: &mut Stream) -> Option<u32> {
        let span = f64::from(max.saturating_sub(min));
        let share = match self {
            Self::Exponential => return None,
            Self::Uniform => stream.share(),
            // The sum of twelve uniform draws is as good as normal (Irwin-Hall).
            Self::Normal => {
                let sum: f64 = (0..12).map(|_| stream.share()).sum();
                ((sum - 6.0) / 6.0 + 0.5).clamp(0.0, 1.0)
            }
            Self::HeavyTailed => {
                let tail = (1.0 - stream.share()).powf(-1.0 / 1.2) - 1.0;
                (tail / 20.0).min(1.0)
            }
        };
        Some(min + (share * span).round() as u32)
    }
}

#[cfg(test)]
mod tests;
