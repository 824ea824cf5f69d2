//! The state of links, by direction.

use super::{feels::Feels, segment::Direction};
use crate::sim::{derive::derive, occurrence::OccurrenceId};
use std::collections::{BTreeMap, BTreeSet};

/// How latencies between the shortest and the longest are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Most are short: exponential with rate 5 in the span, capped at the longest.
    Exponential,
    /// All are equally likely.
    Uniform,
    /// Most are in the middle.
    Normal,
    /// Nearly all are short, and a few are very long.
    HeavyTailed,
}

impl Distribution {
    /// The share of the span from the shortest to the longest that a latency takes, 0 to 1. `draw` gives as many
    /// independent numbers from 0 to 1 (excluded) as it is asked for, by their place.
    fn share(self, draw: impl Fn(u64) -> f64) -> f64 {
        match self {
            Self::Exponential => (-(1.0 - draw(0)).ln() / 5.0).min(1.0),
            Self::Uniform => draw(0),
            // The sum of twelve uniform draws is as good as normal (Irwin-Hall).
            Self::Normal => {
                let sum: f64 = (0..12).map(draw).sum();
                ((sum - 6.0) / 6.0 + 0.5).clamp(0.0, 1.0)
            }
            Self::HeavyTailed => {
                let tail = (1.0 - draw(0)).powf(-1.0 / 1.2) - 1.0;
                (tail / 20.0).min(1.0)
            }
        }
    }
}

/// How long a segment takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// At least, in milliseconds.
    pub min_ms: u32,
    /// At most, in milliseconds.
    pub max_ms: u32,
    /// And between them.
    pub distribution: Distribution,
}

impl Latency {
    /// The latency that follows from a draw, in microseconds.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(in crate::sim) fn of(self, draw: u64) -> u64 {
        let span = f64::from(self.max_ms.saturating_sub(self.min_ms));
        if span == 0.0 {
            return u64::from(self.min_ms) * 1_000;
        }
        #[allow(clippy::cast_precision_loss)]
        let unit = |number: u64| {
            let draw = if number == 0 { draw } else { derive(draw, "further", &[number]) };
            (draw >> 11) as f64 / (1_u64 << 53) as f64
        };
        (u64::from(self.min_ms) + (self.distribution.share(unit) * span).round() as u64) * 1_000
    }
}

/// What link faults do to one direction. Faults are named by their steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkState {
    /// Those that cut it: nothing gets through.
    pub cuts: Vec<u16>,
    /// Everything waits until it is released.
    pub held: bool,
    /// It is slow.
    pub slow: Option<Latency>,
    /// Those that slow it down, and whether by more than the network's own latency ever is.
    pub slowed_by: Vec<(u16, bool)>,
}

impl LinkState {
    pub(in crate::sim) fn is_cut(&self) -> bool {
        !self.cuts.is_empty()
    }

    /// When the faults that slow it down feel that.
    pub(in crate::sim) fn feels(&self) -> impl Iterator<Item = Feels> {
        self.slowed_by.iter().map(
            |(fault, surely)| {
                if *surely { Feels::Read(*fault) } else { Feels::Slow(*fault) }
            },
        )
    }
}

/// A fault that limits what a direction carries.
#[derive(Clone, Debug)]
struct Bandwidth {
    id: OccurrenceId,
    /// Bytes a second, on each direction.
    bytes_per_second: u64,
    directions: BTreeSet<Direction>,
}

/// All links.
#[derive(Debug)]
pub(in crate::sim) struct Links {
    /// Those that faults have changed.
    disturbed: BTreeMap<Direction, LinkState>,
    bandwidth: Vec<Bandwidth>,
    /// When each narrow direction has carried all that it was given, in microseconds of virtual time. It is one time for
    /// all limits, so that nothing overtakes what waits already when one of them ends or another begins.
    busy_until: BTreeMap<Direction, u64>,
    /// That of all links that no fault slows down.
    base: Latency,
    seed: u64,
    /// Segments sent over each direction so far.
    sent: BTreeMap<Direction, u64>,
}

impl Links {
    pub(in crate::sim) fn new(seed: u64) -> Self {
        let base = Latency { min_ms: 1, max_ms: 1, distribution: Distribution::Exponential };
        Self {
            disturbed: BTreeMap::new(),
            bandwidth: Vec::new(),
            busy_until: BTreeMap::new(),
            base,
            seed,
            sent: BTreeMap::new(),
        }
    }

    pub(in crate::sim) fn set_base(&mut self, base: Latency) {
        self.base = base;
    }

    /// Sets the state of all links, and returns what it was.
    pub(in crate::sim) fn set(
        &mut self,
        links: BTreeMap<Direction, LinkState>,
    ) -> BTreeMap<Direction, LinkState> {
        std::mem::replace(&mut self.disturbed, links)
    }

    pub(in crate::sim) fn state(&self, direction: Direction) -> Option<&LinkState> {
        if self.disturbed.is_empty() {
            return None;
        }
        self.disturbed.get(&direction)
    }

    /// All that faults have changed.
    pub(in crate::sim) fn disturbed(&self) -> &BTreeMap<Direction, LinkState> {
        &self.disturbed
    }

    pub(in crate::sim) fn is_cut(&self, direction: Direction) -> bool {
        self.state(direction).is_some_and(LinkState::is_cut)
    }

    pub(in crate::sim) fn is_held(&self, direction: Direction) -> bool {
        self.state(direction).is_some_and(|state| state.held)
    }

    /// The latency of the next segment in a direction, in microseconds: a function of the seed, the direction and
    /// how many went before.
    pub(in crate::sim) fn draw(&mut self, direction: Direction) -> u64 {
        let latency = self.state(direction).and_then(|state| state.slow).unwrap_or(self.base);
        let number = self.sent.entry(direction).or_default();
        *number += 1;
        if latency.min_ms == latency.max_ms {
            return u64::from(latency.min_ms) * 1_000;
        }
        let identities = [u64::from(direction.0.0), u64::from(direction.1.0), *number];
        latency.of(derive(self.seed, "latency", &identities))
    }

    /// The longest that the network takes where no fault slows it down, in microseconds.
    pub(in crate::sim) fn longest_us(&self) -> u64 {
        u64::from(self.base.max_ms) * 1_000
    }

    /// A fault lets directions carry at most `bytes_per_second` each.
    pub(in crate::sim) fn narrow(
        &mut self,
        id: OccurrenceId,
        bytes_per_second: u64,
        directions: BTreeSet<Direction>,
    ) {
        self.bandwidth.push(Bandwidth { id, bytes_per_second, directions });
    }

    /// The limits of an occurrence are over: whether there were any.
    pub(in crate::sim) fn end(&mut self, id: OccurrenceId) -> bool {
        let before = self.bandwidth.len();
        self.bandwidth.retain(|limit| limit.id != id);
        let left = &self.bandwidth;
        self.busy_until.retain(|way, _| left.iter().any(|limit| limit.directions.contains(way)));
        left.len() < before
    }

    /// A fault limits what this direction carries.
    pub(in crate::sim) fn is_narrow(&self, direction: Direction) -> bool {
        self.bandwidth.iter().any(|limit| limit.directions.contains(&direction))
    }

    /// What waited in a node for a narrow link takes no room any more.
    pub(in crate::sim) fn forget(&mut self, node: crate::record::NodeId) {
        self.busy_until.retain(|(from, _), _| *from != node);
    }

    /// When a direction has carried `bytes`, behind what it carries already, in microseconds of virtual time, and by
    /// which faults it is narrow; `None` if that takes no time.
    pub(in crate::sim) fn carry(
        &mut self,
        direction: Direction,
        bytes: usize,
        now: u64,
    ) -> Option<(u64, Vec<u16>)> {
        if self.bandwidth.is_empty() {
            return None;
        }
        let limits = self.bandwidth.iter().filter(|one| one.directions.contains(&direction));
        let narrow: Vec<u16> = limits.map(|limit| limit.id.step).collect();
        if narrow.is_empty() {
            return None;
        }
        let takes = self.carrying_takes(direction, bytes);
        let busy = self.busy_until.entry(direction).or_default();
        *busy = (*busy).max(now).saturating_add(takes);
        (*busy > now).then_some((*busy, narrow))
    }

    /// How long a narrow link is busy with so many bytes, in microseconds; 0 if it is not narrow.
    fn carrying_takes(&self, direction: Direction, bytes: usize) -> u64 {
        let limits = self.bandwidth.iter().filter(|one| one.directions.contains(&direction));
        let alone = limits
            .map(|limit| (bytes as u64).saturating_mul(1_000_000) / limit.bytes_per_second.max(1));
        alone.max().unwrap_or(0)
    }

    /// Bytes that a narrow link was to have carried by `leaves` are given up `now`: so much sooner it is free, in
    /// microseconds.
    pub(in crate::sim) fn carry_no_more(
        &mut self,
        direction: Direction,
        bytes: usize,
        leaves: u64,
        now: u64,
    ) -> u64 {
        let sooner = self.carrying_takes(direction, bytes).min(leaves.saturating_sub(now));
        if let Some(busy) = self.busy_until.get_mut(&direction) {
            *busy = busy.saturating_sub(sooner);
        }
        sooner
    }
}
