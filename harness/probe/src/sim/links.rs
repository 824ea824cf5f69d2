//! What faults do to links, for those who send and connect over them.

use super::{Feels, OccurrenceId, World, here, with};
use crate::NodeId;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    task::{Poll, Waker},
    time::Duration,
};

/// What link faults do to one direction. Faults are named by their steps.
#[derive(Debug, Clone, Default)]
pub struct Disturbance {
    /// Those that cut it: nothing gets through.
    pub cuts: Vec<u16>,
    /// Those that slow it down, and whether by more than the network's own latency ever is.
    pub slows: Vec<(u16, bool)>,
    /// The longest that a slow frame takes, in milliseconds.
    pub most_ms: u32,
}

/// A fault that limits what a direction carries.
#[derive(Clone, Debug)]
struct Bandwidth {
    id: OccurrenceId,
    /// Bytes a second, on each direction.
    bytes_per_second: u64,
    directions: BTreeSet<(NodeId, NodeId)>,
    /// When each has carried all that it was given, in microseconds of virtual time.
    busy_until: BTreeMap<(NodeId, NodeId), u64>,
}

/// The state of all links, by direction (from, to).
#[derive(Debug, Default)]
pub(super) struct LinkFaults {
    disturbed: BTreeMap<(NodeId, NodeId), Disturbance>,
    bandwidth: Vec<Bandwidth>,
    /// The longest that the network itself takes for a frame, in milliseconds.
    latency_ms: u32,
    waiting_to_connect: Vec<Waker>,
    waiting_for_room: Vec<Waker>,
}

impl LinkFaults {
    pub(super) fn disturbance(&self, from: NodeId, to: NodeId) -> Option<&Disturbance> {
        self.disturbed.get(&(from, to))
    }

    /// The longest that the network takes for a frame of which link faults make it take `most_ms`, in microseconds.
    pub(super) fn latency_us(&self, most_ms: u32) -> u64 {
        u64::from(most_ms.max(self.latency_ms)) * 1_000
    }

    fn wake_who_waits_for_room(&mut self) {
        self.waiting_for_room.drain(..).for_each(Waker::wake);
    }

    /// The limits of an occurrence are over.
    pub(super) fn end(&mut self, id: OccurrenceId) {
        let before = self.bandwidth.len();
        self.bandwidth.retain(|limit| limit.id != id);
        if self.bandwidth.len() < before {
            self.wake_who_waits_for_room();
        }
    }

    /// What waited in `node` for a narrow link takes no room any more.
    pub(super) fn forget(&mut self, node: NodeId) {
        for limit in &mut self.bandwidth {
            limit.busy_until.retain(|(from, _), _| *from != node);
        }
    }

    /// How long a direction takes to carry `bytes`, with what it carries already, and by which faults it is narrow;
    /// `None` if it is not.
    pub(super) fn carry(
        &mut self,
        direction: (NodeId, NodeId),
        bytes: usize,
        now: u64,
    ) -> Option<(Duration, Vec<u16>)> {
        let mut free = now;
        let mut narrow = Vec::new();
        for limit in self.bandwidth.iter_mut().filter(|one| one.directions.contains(&direction)) {
            let takes = (bytes as u64).saturating_mul(1_000_000) / limit.bytes_per_second.max(1);
            let busy = limit.busy_until.entry(direction).or_default();
            *busy = (*busy).max(now).saturating_add(takes);
            free = free.max(*busy);
            narrow.push(limit.id.step);
        }
        (free > now).then(|| (Duration::from_micros(free - now), narrow))
    }
}

impl World {
    /// What link faults do to each direction from now on.
    pub fn disturb(&mut self, disturbed: BTreeMap<(NodeId, NodeId), Disturbance>) {
        self.links.disturbed = disturbed;
    }

    /// The longest that the network itself takes for a frame, in milliseconds.
    pub fn set_latency(&mut self, latency_ms: u32) {
        self.links.latency_ms = latency_ms;
    }

    /// A fault lets directions carry at most `bytes_per_second` each.
    pub fn narrow(
        &mut self,
        id: OccurrenceId,
        bytes_per_second: u64,
        directions: BTreeSet<(NodeId, NodeId)>,
    ) {
        let busy_until = BTreeMap::new();
        self.links.bandwidth.push(Bandwidth { id, bytes_per_second, directions, busy_until });
    }

    /// Some cut was healed: lets waiting connects look again.
    pub fn wake_connects(&mut self) {
        self.links.waiting_to_connect.drain(..).for_each(Waker::wake);
    }

    /// Nothing gets through.
    pub(super) fn cut(&self, from: NodeId, to: NodeId) -> bool {
        self.links.disturbance(from, to).is_some_and(|disturbance| !disturbance.cuts.is_empty())
    }

    /// In one direction or the other nothing gets through.
    fn cut_between(&self, a: NodeId, b: NodeId) -> bool {
        self.cut(a, b) || self.cut(b, a)
    }

    /// Something was sent into a cut, if the direction is cut.
    pub(super) fn meet_cut(&mut self, from: NodeId, to: NodeId) {
        let cuts = self.links.disturbance(from, to).map(|disturbance| disturbance.cuts.clone());
        cuts.into_iter().flatten().for_each(|fault| self.feel(fault));
    }
}

/// Returns when this node's packets reach `host` and come back; an error if one of the two may not have
/// another connection.
pub(crate) async fn reachable(host: &str) -> io::Result<()> {
    let from = here();
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
            world.links.waiting_to_connect.push(context.waker().clone());
            Poll::Pending
        })
    })
    .await
}

/// Nothing that `host` says reaches this node: a link is cut, or its machine is down.
pub(crate) fn silent(host: &str) -> bool {
    let from = here();
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
    let from = here();
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
            if !world.links.bandwidth.iter().any(|limit| limit.directions.contains(&direction)) {
                return Poll::Ready(());
            }
            world.links.waiting_for_room.push(context.waker().clone());
            Poll::Pending
        })
    });
    tokio::select! {
        biased;
        () = sleep => {}
        () = wide => {}
    }
}
