//! What happens to packets from one node to another, and what did.

use std::time::Duration;

/// What happens to packets that one node sends to another. The other direction has a rule of its own. The default lets
/// everything pass at once.
///
/// Where several parts of a rule apply, they do so in the order in which they stand here.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rule {
    /// Nothing passes, nor does what is under way.
    pub cut: bool,
    /// The share of packets, 0 to 1, that is lost.
    pub lose: f64,
    /// The share of packets, 0 to 1, that arrives twice.
    pub duplicate: f64,
    /// At most so many bytes pass in a second, headers included. What would wait for more than a second is lost.
    pub bytes_per_second: Option<u64>,
    /// How long a packet is under way, drawn between the two for each. Packets do not overtake each other: one that drew
    /// less than the one before it arrives with it.
    pub delay: (Duration, Duration),
    /// The share of packets, 0 to 1, that is kept back for another 1 to 10 ms, while later ones overtake it.
    pub reorder: f64,
    /// Nothing arrives, and nothing is lost: what comes waits (up to 16 MiB) until the rule does not say so any more.
    pub hold: bool,
}

impl Rule {
    /// Nothing passes.
    #[must_use]
    pub fn cut() -> Self {
        Self { cut: true, ..Self::default() }
    }

    /// Whether packets pass as if there were no rule.
    pub(super) fn is_idle(&self) -> bool {
        *self == Self::default()
    }
}

/// What happened to packets that one node sent to another, since the nodes are there. A fault was felt if its number grew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Arrived, duplicates included.
    pub delivered: u64,
    /// Lost since the link was cut.
    pub cut: u64,
    /// Lost since one of the two nodes was without power.
    pub unplugged: u64,
    /// Lost by [`Rule::lose`].
    pub lost: u64,
    /// Sent again by [`Rule::duplicate`].
    pub duplicated: u64,
    /// Waited for others by [`Rule::bytes_per_second`].
    pub throttled: u64,
    /// Made late by [`Rule::delay`].
    pub delayed: u64,
    /// Overtaken by a later one, by [`Rule::reorder`].
    pub reordered: u64,
    /// Made to wait by [`Rule::hold`].
    pub held: u64,
    /// Lost because too much was waiting.
    pub overflowed: u64,
    /// Connections between the two that were reset, whichever side opened them.
    pub reset: u64,
}
