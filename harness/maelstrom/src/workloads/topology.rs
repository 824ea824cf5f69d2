//! Who is whose neighbour.

use serde_json::{Value, json};

/// How the nodes of a broadcast are told to be arranged; they may ignore it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// One after the other.
    Line,
    /// In a square, each beside at most four.
    #[default]
    Grid,
    /// A tree in which each has this many children at most, at least 1.
    Tree(usize),
    /// Everybody beside everybody.
    Total,
}

impl Topology {
    /// By Maelstrom's names.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("grid", Self::Grid),
        ("line", Self::Line),
        ("total", Self::Total),
        ("tree", Self::Tree(2)),
        ("tree2", Self::Tree(2)),
        ("tree3", Self::Tree(3)),
        ("tree4", Self::Tree(4)),
    ];

    /// The neighbours of each node, as a message has them.
    pub(crate) fn of(self, nodes: &[String]) -> Value {
        let count = nodes.len();
        let side = (1..=count).find(|side| side * side >= count).unwrap_or(1);
        let beside = |a: usize, b: usize| {
            let (low, high) = (a.min(b), a.max(b));
            low != high
                && match self {
                    Self::Line => high - low == 1,
                    Self::Grid => high - low == side || (high - low == 1 && high % side != 0),
                    Self::Tree(children) => (high - 1) / children.max(1) == low,
                    Self::Total => true,
                }
        };
        let neighbours = |a: usize| -> Vec<&String> {
            (0..count).filter(|b| beside(a, *b)).map(|b| &nodes[b]).collect()
        };
        nodes.iter().enumerate().map(|(a, node)| (node.clone(), json!(neighbours(a)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(topology: Topology, count: usize) -> Value {
        topology.of(&(0..count).map(|n| format!("n{n}")).collect::<Vec<_>>())
    }

    #[test]
    fn neighbours_are_those_of_the_shape() {
        let grid = of(Topology::Grid, 5);
        // n0 n1 n2
        // n3 n4
        assert_eq!(grid["n0"], json!(["n1", "n3"]));
        assert_eq!(grid["n2"], json!(["n1"]));
        assert_eq!(grid["n4"], json!(["n1", "n3"]));
        assert_eq!(of(Topology::Line, 3)["n1"], json!(["n0", "n2"]));
        assert_eq!(of(Topology::Tree(2), 6)["n1"], json!(["n0", "n3", "n4"]));
        assert_eq!(of(Topology::Total, 3)["n1"], json!(["n0", "n2"]));
        assert_eq!(of(Topology::Grid, 1)["n0"], json!([]));
    }
}
