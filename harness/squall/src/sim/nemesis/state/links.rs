//! Which directions are cut, held or slow, by which faults, and telling the network so.
//!
//! Changes take effect together, once a step, so that a link which one fault gives back and another takes in the same
//! moment does not notice.

use crate::{injection::Distribution, schedule::Direction};
use squall_probe::sim::{self, OccurrenceId};
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

/// The state of all links.
#[derive(Debug)]
pub(in crate::sim::nemesis) struct LinkTable {
    /// The longest latency where no fault slows it down, in milliseconds.
    longest_ms: u32,
    /// Directions that always take longer or shorter than others, in milliseconds.
    standing: BTreeMap<Direction, (u32, u32)>,
    active: Vec<Disturbed>,
    /// What ended since the network was told.
    ended: Vec<Disturbed>,
    changed: bool,
    /// Directions that are cut, as the network was told.
    cut: BTreeSet<Direction>,
}

impl LinkTable {
    /// All links as the plan's network has them: with a latency from `min_ms` to `max_ms`.
    #[must_use]
    pub(in crate::sim::nemesis) fn new(
        min_ms: u32,
        max_ms: u32,
        standing: &BTreeMap<Direction, (u32, u32)>,
    ) -> Self {
        let distribution = sim::Distribution::Exponential;
        sim::with(|world| world.set_latency(sim::Latency { min_ms, max_ms, distribution }));
        let table = Self {
            longest_ms: max_ms,
            standing: standing.clone(),
            active: Vec::new(),
            ended: Vec::new(),
            changed: false,
            cut: BTreeSet::new(),
        };
        if !standing.is_empty() {
            sim::with(|world| world.set_links(table.states()));
        }
        table
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

    /// The network is told what changed.
    pub(in crate::sim::nemesis) fn settle(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let ended = std::mem::take(&mut self.ended);
        self.feel(&ended);
        let states = self.states();
        self.cut = states
            .iter()
            .filter(|(_, state)| !state.cuts.is_empty())
            .map(|(direction, _)| *direction)
            .collect();
        sim::with(|world| world.set_links(states));
    }

    /// What is on the wire now feels the cuts that begin, which take it away, and felt the holds that end,
    /// which kept it waiting.
    fn feel(&self, ended: &[Disturbed]) {
        let directions =
            ended.iter().chain(&self.active).flat_map(|disturbed| both_ways(&disturbed.directions));
        let directions = directions.collect();
        let on_the_wire = sim::with(|world| world.on_the_wire(&directions));
        if on_the_wire.is_empty() {
            return;
        }
        let frames = |direction: Direction| on_the_wire.get(&direction).copied().unwrap_or(0);
        let held = ended.iter().filter(|ended| ended.effect == LinkEffect::Hold).map(|ended| {
            (ended.id, both_ways(&ended.directions).into_iter().map(frames).sum::<u64>())
        });
        let cut =
            self.active.iter().filter(|active| active.effect == LinkEffect::Cut).map(|active| {
                let lost =
                    active.directions.iter().filter(|direction| !self.cut.contains(direction));
                (active.id, lost.copied().map(frames).sum())
            });
        sim::with(|world| {
            for (id, count) in held.chain(cut) {
                for _ in 0..count {
                    world.feel(id.step);
                }
            }
        });
    }

    /// What the faults do to each direction. Holds and latencies act both ways.
    fn states(&self) -> BTreeMap<Direction, sim::LinkState> {
        let always = |latency: &(u32, u32)| sim::LinkState {
            slow: Some(sim::Latency {
                min_ms: latency.0,
                max_ms: latency.1,
                distribution: sim::Distribution::Exponential,
            }),
            ..sim::LinkState::default()
        };
        let mut states: BTreeMap<Direction, sim::LinkState> = self
            .standing
            .iter()
            .map(|(direction, latency)| (*direction, always(latency)))
            .collect();
        for Disturbed { id, effect, directions, .. } in &self.active {
            match effect {
                LinkEffect::Cut => {
                    for direction in directions {
                        states.entry(*direction).or_default().cuts.push(id.step);
                    }
                }
                LinkEffect::Hold => {
                    for direction in both_ways(directions) {
                        states.entry(direction).or_default().held = true;
                    }
                }
                LinkEffect::Slow(min_ms, max_ms, distribution) => {
                    for direction in both_ways(directions) {
                        let usual = self.standing.get(&direction).map_or(0, |(_, most)| *most);
                        if *max_ms <= usual {
                            // It takes as long anyhow.
                            continue;
                        }
                        let surely = *min_ms > self.longest_ms.max(usual);
                        let state = states.entry(direction).or_default();
                        let other = state.slow.map_or((0, 0), |slow| (slow.min_ms, slow.max_ms));
                        state.slow = Some(sim::Latency {
                            min_ms: other.0.max(*min_ms),
                            max_ms: other.1.max(*max_ms),
                            distribution: shape(*distribution),
                        });
                        state.slowed_by.retain(|(step, _)| *step != id.step);
                        state.slowed_by.push((id.step, surely));
                    }
                }
            }
        }
        states
    }
}

/// Each direction and its opposite.
fn both_ways(directions: &BTreeSet<Direction>) -> BTreeSet<Direction> {
    directions.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]).collect()
}

/// Faults name distributions and know nothing of the network, which draws them.
fn shape(distribution: Distribution) -> sim::Distribution {
    match distribution {
        Distribution::Exponential => sim::Distribution::Exponential,
        Distribution::Uniform => sim::Distribution::Uniform,
        Distribution::Normal => sim::Distribution::Normal,
        Distribution::HeavyTailed => sim::Distribution::HeavyTailed,
    }
}

#[cfg(test)]
mod tests;
