//! Which directions are cut, held or slow, by which faults, and telling turmoil so.
//!
//! turmoil keeps one state a link and its `repair` and `release` undo each other's: so what should
//! hold is kept here, and a link that changed is set anew.

use crate::{faults::Distribution, stream::Stream};
use squall_probe::{NodeId, sim};
use std::collections::BTreeSet;
use turmoil::Sim;

/// A direction: frames from the first node to the second.
pub type Direction = (NodeId, NodeId);

/// What a fault does to a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing arrives, and what was under way is lost.
    Cut,
    /// Everything waits.
    Hold,
    /// Everything takes between so many milliseconds and so many.
    Slow(u32, u32, Distribution),
}

/// What disturbs links: a step, its occurrence, and a part of that, each of which ends by itself.
pub type Cause = (u16, u32, u32);

/// The state of all links.
#[derive(Debug)]
pub struct LinkTable {
    base: (u32, u32),
    active: Vec<(Cause, Effect, BTreeSet<Direction>)>,
    draws: Stream,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Link {
    /// Cut forwards, cut backwards.
    cut: (bool, bool),
    held: bool,
    slow: Option<(u32, u32, Distribution)>,
}

impl LinkTable {
    /// All links as the plan's network has them: latency between so many milliseconds and so many.
    #[must_use]
    pub fn new(min_ms: u32, max_ms: u32, draws: Stream) -> Self {
        Self { base: (min_ms, max_ms), active: Vec::new(), draws }
    }

    fn link(&self, a: NodeId, b: NodeId) -> Link {
        let mut link = Link::default();
        for (_, effect, directions) in &self.active {
            let forwards = directions.contains(&(a, b));
            let backwards = directions.contains(&(b, a));
            if !forwards && !backwards {
                continue;
            }
            match effect {
                Effect::Cut => {
                    link.cut.0 |= forwards;
                    link.cut.1 |= backwards;
                }
                Effect::Hold => link.held = true,
                Effect::Slow(min, max, distribution) => {
                    let (low, high, _) = link.slow.unwrap_or((0, 0, *distribution));
                    link.slow = Some((low.max(*min), high.max(*max), *distribution));
                }
            }
        }
        link
    }

    /// A fault begins to act on `directions`.
    pub fn begin(
        &mut self,
        cause: Cause,
        effect: Effect,
        directions: BTreeSet<Direction>,
        sim: &Sim<'_>,
        names: &[String],
    ) {
        self.change(sim, names, |table| {
            table.active.push((cause, effect, directions));
        });
    }

    /// A fault is over, with all its parts.
    pub fn heal(&mut self, step: u16, occurrence: u32, sim: &Sim<'_>, names: &[String]) {
        self.change(sim, names, |table| {
            table.active.retain(|((s, o, _), _, _)| (*s, *o) != (step, occurrence));
        });
    }

    /// A part of a fault is over.
    pub fn heal_part(&mut self, cause: Cause, sim: &Sim<'_>, names: &[String]) {
        self.change(sim, names, |table| {
            table.active.retain(|(active, _, _)| *active != cause);
        });
    }

    /// A step begins: latencies that the simulator cannot draw by itself are drawn.
    pub fn draw_latencies(&mut self, sim: &Sim<'_>, names: &[String]) {
        let drawn: BTreeSet<Direction> = self
            .active
            .iter()
            .filter(|(_, effect, _)| {
                matches!(effect, Effect::Slow(_, _, how) if *how != Distribution::Exponential)
            })
            .flat_map(|(_, _, directions)| directions)
            .map(|(a, b)| (*a.min(b), *a.max(b)))
            .collect();
        for (a, b) in drawn {
            let Some((min, max, distribution)) = self.link(a, b).slow else { continue };
            if let Some(ms) = distribution.draw(min, max, &mut self.draws) {
                set_latency(sim, (a, b), (ms, ms), names);
            }
        }
    }

    fn change(&mut self, sim: &Sim<'_>, names: &[String], act: impl FnOnce(&mut Self)) {
        let nodes: Vec<_> =
            (0..names.len()).filter_map(|i| u16::try_from(i).ok()).map(NodeId).collect();
        let pairs: Vec<_> = nodes
            .iter()
            .enumerate()
            .flat_map(|(i, a)| nodes[i + 1..].iter().map(move |b| (*a, *b)))
            .collect();
        let before: Vec<_> = pairs.iter().map(|(a, b)| self.link(*a, *b)).collect();
        act(self);
        let mut reset = Vec::new();
        for ((a, b), before) in pairs.into_iter().zip(before) {
            let after = self.link(a, b);
            if after == before {
                continue;
            }
            self.apply(sim, (a, b), before, after, names);
            let was_cut = before.cut.0 || before.cut.1;
            let is_cut = after.cut.0 || after.cut.1;
            if was_cut && !is_cut {
                reset.push((a, b));
            }
        }
        sim::with(|world| {
            world.disturbed.clear();
            for ((step, _, _), effect, directions) in &self.active {
                for direction in directions {
                    let entry = world.disturbed.entry(*direction).or_default();
                    entry.faults.push(*step);
                    entry.cut |= *effect == Effect::Cut;
                }
            }
            // TCP would have retransmitted or given up; turmoil does neither, so a connection that
            // was cut would stay silent for ever. It meets a reset instead, as behind a firewall
            // that has forgotten it.
            for (a, b) in reset {
                world.reset_connections(a, b);
            }
            world.wake_connects();
        });
    }

    /// The node's machine loses power: for its peers it just falls silent, with no FIN and no RST.
    /// Until [`LinkTable::replug`].
    pub fn unplug(&self, node: NodeId, sim: &Sim<'_>, names: &[String]) {
        self.each_link_of(node, names, |a, b| {
            let cut = Link { cut: (true, true), ..self.link(a, b) };
            self.apply(sim, (a, b), self.link(a, b), cut, names);
        });
    }

    /// Undoes [`LinkTable::unplug`]; what faults do to the node's links goes on.
    pub fn replug(&self, node: NodeId, sim: &Sim<'_>, names: &[String]) {
        self.each_link_of(node, names, |a, b| {
            let cut = Link { cut: (true, true), ..self.link(a, b) };
            self.apply(sim, (a, b), cut, self.link(a, b), names);
        });
    }

    fn each_link_of(&self, node: NodeId, names: &[String], act: impl Fn(NodeId, NodeId)) {
        let others = (0..names.len()).filter_map(|i| u16::try_from(i).ok()).map(NodeId);
        for other in others.filter(|other| *other != node) {
            act(node, other);
        }
    }

    fn apply(
        &self,
        sim: &Sim<'_>,
        link: (NodeId, NodeId),
        before: Link,
        after: Link,
        names: &[String],
    ) {
        let (Some(a), Some(b)) =
            (names.get(usize::from(link.0.0)), names.get(usize::from(link.1.0)))
        else {
            return;
        };
        let (a, b) = (a.as_str(), b.as_str());
        if (before.cut, before.held) != (after.cut, after.held) {
            match after.cut {
                (true, true) => sim.partition(a, b),
                (false, false) if after.held => sim.hold(a, b),
                // Ends a hold as well as a cut, and what was held goes on its way.
                _ => sim.release(a, b),
            }
            match after.cut {
                (true, false) => sim.partition_oneway(a, b),
                (false, true) => sim.partition_oneway(b, a),
                _ => {}
            }
        }
        if before.slow != after.slow {
            let range = after.slow.map_or(self.base, |(min, max, _)| (min, max));
            set_latency(sim, link, range, names);
        }
    }
}

fn set_latency(sim: &Sim<'_>, link: Direction, (min, max): (u32, u32), names: &[String]) {
    let name = |node: NodeId| names.get(usize::from(node.0)).map(String::as_str);
    let (Some(a), Some(b)) = (name(link.0), name(link.1)) else { return };
    let ms = |ms: u32| std::time::Duration::from_millis(u64::from(ms));
    sim.set_link_latency(a, b, ms(min));
    sim.set_link_max_message_latency(a, b, ms(max));
}
