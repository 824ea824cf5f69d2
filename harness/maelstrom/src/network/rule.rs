//! What can be wrong with links between nodes.

use std::collections::BTreeSet;

/// Names a rule for as long as the network lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub(super) u64);

/// Something is wrong with links, from when the rule is added until it is removed.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// From whom to whom: names of nodes, clients and services.
    pub links: BTreeSet<(String, String)>,
    /// Only messages of these types; all if empty.
    pub kinds: Vec<String>,
    /// What is done to them.
    pub effect: Effect,
}

/// What is done to a message. Times are in milliseconds; each is drawn for each message by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// What is on its way or sent is lost.
    Cut,
    /// What is on its way or sent waits until the rule is removed, and comes then, in its order.
    Hold,
    /// Every message takes this much longer, from the first to the second.
    Delay(u32, u32),
    /// A share, 0 to 1, is lost.
    Lose(f64),
    /// A share, 0 to 1, comes once more, this much later.
    Duplicate(f64, u32, u32),
    /// A share, 0 to 1, comes this much later.
    Late(f64, u32, u32),
    /// A share, 0 to 1, comes this much later; it is hit if a message of the same link that was sent after it comes first.
    Reorder(f64, u32, u32),
}

impl Rule {
    pub(super) fn touches(&self, from: &str, to: &str, kind: &str) -> bool {
        (self.kinds.is_empty() || self.kinds.iter().any(|k| k == kind))
            && self.links.contains(&(from.to_owned(), to.to_owned()))
    }
}
