//! What faults do to links, for those who send and connect over them.

use super::{
    nodes::current_node,
    occurrence::OccurrenceId,
    state::Disturbance,
    wire::feels::Feels,
    world::{World, with},
};
use crate::record::NodeId;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    task::Poll,
    time::Duration,
};

impl World {
    /// What link faults do to each direction from now on.
    pub fn disturb(&mut self, disturbed: BTreeMap<(NodeId, NodeId), Disturbance>) {
        self.links.disturb(disturbed);
    }

    /// The longest that the network itself takes for a frame, in milliseconds.
    pub fn set_latency(&mut self, latency_ms: u32) {
        self.links.set_latency(latency_ms);
    }

    /// A fault lets directions carry at most `bytes_per_second` each.
    pub fn narrow(
        &mut self,
        id: OccurrenceId,
        bytes_per_second: u64,
        directions: BTreeSet<(NodeId, NodeId)>,
    ) {
        self.links.narrow(id, bytes_per_second, directions);
    }

    /// Some cut was healed: lets waiting connects look again.
    pub fn wake_connects(&mut self) {
        self.links.wake_connects();
    }

    /// Nothing gets through.
    pub(super) fn cut(&self, from: NodeId, to: NodeId) -> bool {
        !self.links.cuts(from, to).is_empty()
    }

    /// In one direction or the other nothing gets through.
    fn cut_between(&self, a: NodeId, b: NodeId) -> bool {
        self.cut(a, b) || self.cut(b, a)
    }

    /// Something was sent into a cut, if the direction is cut.
    pub(super) fn meet_cut(&mut self, from: NodeId, to: NodeId) {
        self.links.cuts(from, to).iter().for_each(|fault| self.felt.feel(*fault));
    }
}

/// Returns when this node's packets reach `host` and come back; an error if one of the two may not have
/// another connection.
pub(crate) async fn reachable(host: &str) -> io::Result<()> {
    let from = current_node();
    let mut felt = false;
    std::future::poll_fn(|context| {
        with(|world| {
            let Some(to) = world.node_named(host) else { return Poll::Ready(Ok(())) };
            if world.is_dead(from) {
                return Poll::Pending;
            }
            if world.unavailable(to) || world.out_of_connections(to) {
                return Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into()));
            }
            if world.out_of_connections(from) {
                return Poll::Ready(Err(io::Error::other("too many open files")));
            }
            if !world.cut_between(from, to) {
                return Poll::Ready(Ok(()));
            }
            if !std::mem::replace(&mut felt, true) {
                world.meet_cut(from, to);
                world.meet_cut(to, from);
            }
            world.links.wait_to_connect(context.waker());
            Poll::Pending
        })
    })
    .await
}

/// Nothing that `host` says reaches this node: a link is cut, or its machine is down.
pub(crate) fn silent(host: &str) -> bool {
    let from = current_node();
    with(|world| {
        world
            .node_named(host)
            .is_some_and(|to| !world.has_software(to) || world.cut_between(from, to))
    })
}

/// The first packet of a connection is on its way, by links that may be slow.
pub(crate) struct Handshake {
    since: u64,
    feels: Vec<Feels>,
}

/// A connection to `host` is being made.
pub(crate) fn slows(host: &str) -> Handshake {
    let from = current_node();
    with(|world| {
        let to = world.node_named(host);
        let slow = to.and_then(|to| world.links.disturbance(from, to));
        let feels = slow.map(Feels::slow).unwrap_or_default();
        Handshake { since: world.now_here(), feels }
    })
}

impl Handshake {
    /// It has been accepted or refused.
    pub(crate) fn over(self) {
        if !self.feels.is_empty() {
            with(|world| world.feel_arrival(&self.feels, self.since));
        }
    }
}

/// Returns when `takes` has passed, or as soon as nothing limits the direction any more.
pub(crate) async fn room(direction: (NodeId, NodeId), takes: Duration) {
    let sleep = tokio::time::sleep(takes);
    let wide = std::future::poll_fn(|context| {
        with(|world| {
            if !world.links.is_narrow(direction) {
                return Poll::Ready(());
            }
            world.links.wait_for_room(context.waker());
            Poll::Pending
        })
    });
    tokio::select! {
        biased;
        () = sleep => {}
        () = wide => {}
    }
}
