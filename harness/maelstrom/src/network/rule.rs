//! What can be wrong with links between nodes.

use crate::draws::Draws;
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
    Delay(u32, u32, Shape),
    /// A share, 0 to 1, is lost.
    Lose(f64),
    /// A share, 0 to 1, comes once more, this much later.
    Duplicate(f64, u32, u32),
    /// A share, 0 to 1, comes this much later.
    Late(f64, u32, u32),
    /// A share, 0 to 1, comes this much later; it is hit if a message of the same link that was sent after it comes first.
    Reorder(f64, u32, u32),
}

/// How a delay is drawn between its least and its most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Every value is as likely.
    Uniform,
    /// Near the least for most messages: the mean is a fifth of the way.
    Exponential,
    /// Around the middle, which is three standard deviations from both ends.
    Normal,
    /// Near the least, and now and then very long (a Pareto distribution of shape 1.2, cut off at the most).
    HeavyTailed,
}

impl Shape {
    /// How far between the least and the most, 0 to 1, by a draw from 0 to 1.
    pub(super) fn place(self, draws: &mut Draws) -> f64 {
        let left = 1.0 - draws.share();
        let place = match self {
            Self::Uniform => left,
            Self::Exponential => -left.ln() / 5.0,
            Self::HeavyTailed => (left.powf(-1.0 / 1.2) - 1.0) / 20.0,
            // Of twelve numbers from 0 to 1 the sum has the standard deviation 1 (Irwin and Hall).
            Self::Normal => (0..11).fold(left, |sum, _| sum + draws.share()) / 6.0 - 0.5,
        };
        place.clamp(0.0, 1.0)
    }
}

impl Rule {
    pub(super) fn touches(&self, from: &str, to: &str, kind: &str) -> bool {
        (self.kinds.is_empty() || self.kinds.iter().any(|k| k == kind))
            && self.links.contains(&(from.to_owned(), to.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_drawn_as_their_shape_says() {
        // The mean, in thousandths of the span.
        for (shape, mean) in [
            (Shape::Uniform, 490..510),
            (Shape::Exponential, 190..210),
            (Shape::Normal, 490..510),
            (Shape::HeavyTailed, 95..155),
        ] {
            let mut draws = Draws::new(7, 1);
            let all: Vec<f64> = (0..10_000).map(|_| shape.place(&mut draws)).collect();
            assert!(all.iter().all(|place| (0.0..=1.0).contains(place)), "{shape:?}");
            #[allow(clippy::cast_possible_truncation)]
            let found = (all.iter().sum::<f64>() / 10.0) as i64;
            assert!(mean.contains(&found), "{shape:?}: {found}");
        }
    }
}
