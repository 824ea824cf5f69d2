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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{self, Hindrance, Names, tests::Woken};
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    const A: NodeId = NodeId(0);
    const B: NodeId = NodeId(1);

    /// Acts in a world of two nodes; the first runs here.
    async fn of_two(act: impl AsyncFnOnce()) {
        sim::install(1, &["a".to_owned(), "b".to_owned()], Names::default(), Box::new(|_| ()));
        with(|world| world.node_starts(A));
        act().await;
        let _ = sim::uninstall();
    }

    fn cut(from: NodeId, to: NodeId) {
        let disturbance = Disturbance { cuts: vec![3], ..Disturbance::default() };
        with(|world| world.disturb([((from, to), disturbance)].into()));
    }

    fn felt(fault: u16) -> u64 {
        with(|world| world.felt(fault))
    }

    /// What connecting comes to, if it does not wait.
    fn connects(to: &str) -> Option<Result<(), io::ErrorKind>> {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(reachable(to)).poll(&mut context) {
            Poll::Ready(result) => Some(result.map_err(|error| error.kind())),
            Poll::Pending => None,
        }
    }

    #[tokio::test]
    async fn who_connects_over_a_cut_waits_and_both_directions_count() {
        of_two(async || {
            assert_eq!(connects("b"), Some(Ok(())));
            for (from, to) in [(A, B), (B, A)] {
                cut(from, to);
                let before = felt(3);
                let woken = Woken::default();
                let waker = woken.waker();
                let mut context = Context::from_waker(&waker);
                let mut connecting = pin!(reachable("b"));
                for _ in 0..2 {
                    assert!(connecting.as_mut().poll(&mut context).is_pending());
                    assert_eq!(felt(3), before + 1, "it is felt once, at once");
                }
                with(|world| world.disturb(BTreeMap::new()));
                with(World::wake_connects);
                // It had looked twice.
                assert_eq!(woken.times(), 2);
                assert!(connecting.as_mut().poll(&mut context).is_ready());
            }
            // What is not of the simulation can be reached.
            assert_eq!(connects("elsewhere"), Some(Ok(())));
        })
        .await;
    }

    #[tokio::test]
    async fn who_may_have_no_more_connections_is_refused() {
        let id = |step| OccurrenceId { step, occurrence: 0 };
        of_two(async || {
            with(|world| world.hinder(B, id(4), Hindrance::Unavailable));
            assert_eq!(connects("b"), Some(Err(io::ErrorKind::ConnectionRefused)));
            with(|world| world.end(id(4)));
            with(|world| world.hinder(B, id(5), Hindrance::Connections { most: 0 }));
            assert_eq!(connects("b"), Some(Err(io::ErrorKind::ConnectionRefused)));
            with(|world| world.end(id(5)));
            with(|world| world.hinder(A, id(6), Hindrance::Connections { most: 0 }));
            assert_eq!(connects("b"), Some(Err(io::ErrorKind::Other)));
            with(|world| world.end(id(6)));
            assert_eq!([felt(4), felt(5), felt(6)], [1, 1, 1]);
            with(|world| world.kill(A));
            assert_eq!(connects("b"), None);
        })
        .await;
    }

    #[tokio::test]
    async fn who_is_cut_off_or_has_no_software_is_silent() {
        of_two(async || {
            assert!(silent("b"), "nothing runs there");
            with(|world| world.node_starts(B));
            assert!(!silent("b") && !silent("elsewhere"));
            cut(B, A);
            assert!(silent("b"));
        })
        .await;
    }

    #[tokio::test]
    async fn who_slows_a_link_feels_the_first_packet_of_a_connection() {
        of_two(async || {
            slows("b").over();
            slows("elsewhere").over();
            let slows_of = vec![(3, true), (4, false)];
            let disturbance =
                Disturbance { slows: slows_of, most_ms: 70, ..Disturbance::default() };
            with(|world| world.disturb([((A, B), disturbance)].into()));
            let handshake = slows("b");
            with(|world| world.end_step(10_000));
            handshake.over();
            assert_eq!((felt(3), felt(4)), (1, 0));
            // It took longer than the network ever does.
            let handshake = slows("b");
            with(|world| world.end_step(20_001));
            handshake.over();
            assert_eq!((felt(3), felt(4)), (2, 1));
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_for_room_waits_until_it_is_carried_or_nothing_limits_the_link() {
        let id = OccurrenceId { step: 3, occurrence: 0 };
        of_two(async || {
            with(|world| world.narrow(id, 1_000, [(A, B)].into()));
            let began = tokio::time::Instant::now();
            room((A, B), Duration::from_secs(2)).await;
            assert_eq!(began.elapsed(), Duration::from_secs(2));
            room((B, A), Duration::from_secs(2)).await;
            assert_eq!(began.elapsed(), Duration::from_secs(2));
            let mut waits = pin!(room((A, B), Duration::from_secs(2)));
            let woken = Woken::default();
            let waker = woken.waker();
            let mut context = Context::from_waker(&waker);
            assert!(waits.as_mut().poll(&mut context).is_pending());
            with(|world| world.end(id));
            assert_eq!(woken.times(), 1);
            waits.await;
            assert_eq!(began.elapsed(), Duration::from_secs(2));
        })
        .await;
    }
}
