//! The simulator: every node's code on a runtime of its own, whose clock stands still until it is moved on, and one
//! network between them.
//!
//! Virtual time goes on in steps that are no longer than the shortest latency. So what a node sends within a step lands
//! after it, and the nodes can go through a step one after the other, in an order that is drawn anew for each. Within a
//! step a node's clock runs from timer to timer and from landing to landing, as if it were alone. (This is conservative
//! discrete-event simulation, Chandy and Misra 1979, with the latency as lookahead.)

mod host;
#[cfg(test)]
mod tests;

use crate::{determinism, plan::Micros};
use host::{Host, LOOK, Software};
use squall_probe::{
    NodeId,
    sim::{self, derive},
};
use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// All nodes, and the time.
pub(super) struct Simulator {
    seed: u64,
    /// How long a step is, in microseconds.
    tick: Micros,
    /// Whether the nodes' code waits in time with `squall_probe::time` alone.
    jumps: bool,
    now: Micros,
    /// By node id; the last may be the harness's own.
    hosts: Vec<Host>,
    /// How many of them are nodes of the plan.
    nodes: usize,
    order: Vec<usize>,
}

impl Simulator {
    /// A simulator of this many nodes. `tick` is no longer than the shortest latency between them.
    /// Nodes for which nothing happens are passed over if all code `jumps`: waits in time with `squall_probe::time` alone.
    pub(super) fn new(seed: u64, tick: Micros, jumps: bool, nodes: usize) -> Self {
        let (hosts, order) = (Vec::new(), Vec::new());
        Self { seed, tick, jumps, now: 0, hosts, nodes, order }
    }

    /// The software of the next node by id, or after all of them the harness's; it starts now, and again after each
    /// crash.
    pub(super) fn host<F>(&mut self, node: NodeId, software: impl Fn() -> F + 'static)
    where
        F: Future<Output = ()> + 'static,
    {
        let software: Software = Box::new(move || Box::pin(software()));
        let seed = derive(self.seed, "runtime", &[u64::from(node.0)]);
        let mut host = Host::new(node, seed, self.jumps, software);
        host.start(self.now);
        self.hosts.push(host);
    }

    /// All nodes.
    pub(super) fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes).map(NodeId::of_index)
    }

    /// Virtual time.
    pub(super) fn now(&self) -> Micros {
        self.now
    }

    /// One step, or as many at once in which nothing happens, but none that begins at `limit` or later: the harness will
    /// act then. A panic that takes a node's runtime along unwinds out of it.
    pub(super) fn step(&mut self, limit: Micros) {
        let idle = self.idle_until(limit).saturating_sub(self.now) / self.tick;
        let steps = idle.max(1);
        let end = self.now + self.tick * steps;
        sim::with(|world| world.begin_step(end));
        self.shuffle();
        for place in &self.order {
            self.hosts[*place].run(self.now, end);
        }
        self.now = end;
        sim::with(|world| world.end_steps(steps, end));
    }

    /// Until when nothing happens, or `limit` if that is earlier, or until nodes are looked at.
    fn idle_until(&self, limit: Micros) -> Micros {
        if !self.jumps || limit <= self.now + self.tick || !self.hosts.iter().all(Host::rests) {
            return self.now;
        }
        sim::with(sim::World::idle_until).min(limit).min(self.now + LOOK)
    }

    /// Draws the order in which the nodes go through this step.
    fn shuffle(&mut self) {
        // A function of the time alone: steps that were not made draw nothing.
        self.order.clear();
        self.order.extend(0..self.hosts.len());
        let mut draw = 0;
        for last in (1..self.order.len()).rev() {
            // One draw has the bits for a dozen nodes.
            if draw < 1 << 32 {
                draw = derive(self.seed, "order of nodes", &[self.now, last as u64]);
            }
            let choices = last as u64 + 1;
            let choice = usize::try_from(draw % choices).expect("a place");
            draw /= choices;
            self.order.swap(last, choice);
        }
    }

    /// Drops the code of a node, with its connections and listeners. If its destructors panic, that is of no interest:
    /// they run outside of any runtime, which they may have reason not to expect.
    pub(super) fn crash(&mut self, node: NodeId) {
        let earlier = determinism::take_panics();
        let host = &mut self.hosts[node.index()];
        let _ = catch_unwind(AssertUnwindSafe(|| host.stop()));
        let _ = determinism::take_panics();
        determinism::put_panics(earlier);
    }

    /// Starts the code of a node again.
    pub(super) fn start(&mut self, node: NodeId) {
        self.hosts[node.index()].start(self.now);
    }

    /// Ends it. Tasks are dropped here; what they do in their destructors is of no interest.
    pub(super) fn close(self) {
        let _ = catch_unwind(AssertUnwindSafe(move || drop(self.hosts)));
        let _ = determinism::take_panics();
    }
}
