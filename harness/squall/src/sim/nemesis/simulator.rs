//! turmoil, spoken to by node ids.

use super::direction::Direction;
use crate::{determinism, plan::Micros};
use squall_probe::NodeId;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};
use turmoil::Sim;

/// The simulator, and the names of its hosts, by node id.
pub(in crate::sim) struct Simulator {
    sim: Sim<'static>,
    names: Vec<String>,
}

impl Simulator {
    pub(in crate::sim) fn new(sim: Sim<'static>, names: Vec<String>) -> Self {
        Self { sim, names }
    }

    /// All nodes.
    pub(super) fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.names.len()).map(NodeId::of_index)
    }

    pub(super) fn name(&self, node: NodeId) -> &str {
        &self.names[node.index()]
    }

    /// Virtual time.
    pub(super) fn now(&self) -> Micros {
        u64::try_from(self.sim.elapsed().as_micros()).expect("no run takes 500,000 years")
    }

    pub(super) fn step(&mut self) -> Result<(), String> {
        self.sim.step().map(|_over| ()).map_err(|error| error.to_string())
    }

    /// Drops the code of a node, with its connections and listeners. If its destructors panic, that is of no interest:
    /// they run outside of any runtime, which they may have reason not to expect.
    pub(super) fn crash(&mut self, node: NodeId) {
        let earlier = determinism::take_panics();
        let name = self.names[node.index()].as_str();
        let _ = catch_unwind(AssertUnwindSafe(|| self.sim.crash(name)));
        let _ = determinism::take_panics();
        determinism::put_panics(earlier);
    }

    /// Starts the code of a node again.
    pub(super) fn bounce(&mut self, node: NodeId) {
        self.sim.bounce(self.names[node.index()].as_str());
    }

    /// Ends it. Tasks are dropped here; what they do in their destructors is of no interest.
    pub(super) fn close(self) {
        let _ = catch_unwind(AssertUnwindSafe(move || drop(self.sim)));
        let _ = determinism::take_panics();
    }

    /// Nothing gets through between two nodes.
    pub(super) fn partition(&self, (a, b): Direction) {
        self.sim.partition(self.name(a), self.name(b));
    }

    /// Nothing gets through in one direction.
    pub(super) fn partition_oneway(&self, (from, to): Direction) {
        self.sim.partition_oneway(self.name(from), self.name(to));
    }

    /// Everything between two nodes waits.
    pub(super) fn hold(&self, (a, b): Direction) {
        self.sim.hold(self.name(a), self.name(b));
    }

    /// Ends a hold as well as a cut, and what was held goes on its way.
    pub(super) fn release(&self, (a, b): Direction) {
        self.sim.release(self.name(a), self.name(b));
    }

    /// The latency between two nodes, both ways: from and to, in milliseconds.
    pub(super) fn set_latency(&self, (a, b): Direction, (min, max): (u32, u32)) {
        let (a, b) = (self.name(a), self.name(b));
        let ms = |ms: u32| Duration::from_millis(u64::from(ms));
        self.sim.set_link_latency(a, b, ms(min));
        self.sim.set_link_max_message_latency(a, b, ms(max));
    }

    /// How many segments are on the wire in each direction of these links.
    pub(super) fn on_the_wire(&self, pairs: &BTreeSet<Direction>) -> BTreeMap<Direction, u64> {
        let nodes: BTreeSet<NodeId> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
        let node_of: BTreeMap<IpAddr, NodeId> =
            nodes.into_iter().map(|node| (self.sim.lookup(self.name(node)), node)).collect();
        let mut found = BTreeMap::new();
        self.sim.links(|links| {
            for segment in links.flatten() {
                let (from, to) = segment.pair();
                if let (Some(from), Some(to)) = (node_of.get(&from.ip()), node_of.get(&to.ip())) {
                    *found.entry((*from, *to)).or_default() += 1;
                }
            }
        });
        found
    }
}
