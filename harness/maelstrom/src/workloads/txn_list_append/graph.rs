//! A graph of transactions, by what must have come before what.

use std::collections::{BTreeMap, VecDeque};

/// Why one transaction must come before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Edge {
    /// It wrote what the other wrote over.
    WriteWrite,
    /// The other read what it wrote.
    WriteRead,
    /// It read what the other wrote over.
    ReadWrite,
    /// It had ended when the other began.
    Realtime,
}

/// Transactions by number, and edges.
#[derive(Debug, Default)]
pub(super) struct Graph(BTreeMap<usize, BTreeMap<usize, Edge>>);

impl Graph {
    /// `from` comes before `to`. Of several reasons the first kind stays.
    pub(super) fn add(&mut self, from: usize, to: usize, edge: Edge) {
        if from != to {
            let known = self.0.entry(from).or_default().entry(to).or_insert(edge);
            *known = edge.min(*known);
        }
    }

    /// The shortest circle with edges of some kinds alone, as its transactions and the kind of edge that leaves each.
    pub(super) fn circle(&self, kinds: &[Edge]) -> Option<Vec<(usize, Edge)>> {
        let circles = self.0.keys().filter_map(|start| self.back_to(*start, kinds));
        circles.min_by_key(Vec::len)
    }

    fn back_to(&self, start: usize, kinds: &[Edge]) -> Option<Vec<(usize, Edge)>> {
        let mut came: BTreeMap<usize, (usize, Edge)> = BTreeMap::new();
        let mut open = VecDeque::from([start]);
        while let Some(at) = open.pop_front() {
            for (to, edge) in self.0.get(&at).into_iter().flatten() {
                if !kinds.contains(edge) || came.contains_key(to) {
                    continue;
                }
                came.insert(*to, (at, *edge));
                if *to == start {
                    let mut circle = Vec::new();
                    let mut next = start;
                    while let Some((from, edge)) = came.get(&next) {
                        circle.push((*from, *edge));
                        next = *from;
                        if next == start {
                            break;
                        }
                    }
                    circle.reverse();
                    return Some(circle);
                }
                open.push_back(*to);
            }
        }
        None
    }
}
