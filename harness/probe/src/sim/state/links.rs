//! What link faults do to each direction, and who waits for that to be over.

use crate::{record::NodeId, sim::occurrence::OccurrenceId};
use std::{
    collections::{BTreeMap, BTreeSet},
    task::Waker,
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
pub(in crate::sim) struct LinkFaults {
    disturbed: BTreeMap<(NodeId, NodeId), Disturbance>,
    bandwidth: Vec<Bandwidth>,
    /// The longest that the network itself takes for a frame, in milliseconds.
    latency_ms: u32,
    waiting_to_connect: Vec<Waker>,
    waiting_for_room: Vec<Waker>,
}

impl LinkFaults {
    pub(in crate::sim) fn disturbance(&self, from: NodeId, to: NodeId) -> Option<&Disturbance> {
        self.disturbed.get(&(from, to))
    }

    /// The longest that the network takes for a frame of which link faults make it take `most_ms`, in microseconds.
    pub(in crate::sim) fn latency_us(&self, most_ms: u32) -> u64 {
        u64::from(most_ms.max(self.latency_ms)) * 1_000
    }

    /// Faults that cut the direction.
    pub(in crate::sim) fn cuts(&self, from: NodeId, to: NodeId) -> &[u16] {
        self.disturbance(from, to).map_or(&[], |disturbance| &disturbance.cuts)
    }

    /// What link faults do to each direction from now on.
    pub(in crate::sim) fn disturb(&mut self, disturbed: BTreeMap<(NodeId, NodeId), Disturbance>) {
        self.disturbed = disturbed;
    }

    /// The longest that the network itself takes for a frame, in milliseconds.
    pub(in crate::sim) fn set_latency(&mut self, latency_ms: u32) {
        self.latency_ms = latency_ms;
    }

    /// A fault lets directions carry at most `bytes_per_second` each.
    pub(in crate::sim) fn narrow(
        &mut self,
        id: OccurrenceId,
        bytes_per_second: u64,
        directions: BTreeSet<(NodeId, NodeId)>,
    ) {
        let busy_until = BTreeMap::new();
        self.bandwidth.push(Bandwidth { id, bytes_per_second, directions, busy_until });
    }

    /// Whether something limits the direction.
    pub(in crate::sim) fn is_narrow(&self, direction: (NodeId, NodeId)) -> bool {
        self.bandwidth.iter().any(|limit| limit.directions.contains(&direction))
    }

    /// To be woken when a cut was healed.
    pub(in crate::sim) fn wait_to_connect(&mut self, waker: &Waker) {
        self.waiting_to_connect.push(waker.clone());
    }

    pub(in crate::sim) fn wake_connects(&mut self) {
        self.waiting_to_connect.drain(..).for_each(Waker::wake);
    }

    /// To be woken when a limit is over.
    pub(in crate::sim) fn wait_for_room(&mut self, waker: &Waker) {
        self.waiting_for_room.push(waker.clone());
    }

    fn wake_who_waits_for_room(&mut self) {
        self.waiting_for_room.drain(..).for_each(Waker::wake);
    }

    /// The limits of an occurrence are over.
    pub(in crate::sim) fn end(&mut self, id: OccurrenceId) {
        let before = self.bandwidth.len();
        self.bandwidth.retain(|limit| limit.id != id);
        if self.bandwidth.len() < before {
            self.wake_who_waits_for_room();
        }
    }

    /// What waited in `node` for a narrow link takes no room any more.
    pub(in crate::sim) fn forget(&mut self, node: NodeId) {
        for limit in &mut self.bandwidth {
            limit.busy_until.retain(|(from, _), _| *from != node);
        }
    }

    /// How long a direction takes to carry `bytes`, with what it carries already, and by which faults it is narrow;
    /// `None` if it is not.
    pub(in crate::sim) fn carry(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::tests::Woken;

    const A: NodeId = NodeId(0);
    const B: NodeId = NodeId(1);

    fn id(step: u16) -> OccurrenceId {
        OccurrenceId { step, occurrence: 0 }
    }

    #[test]
    fn what_is_disturbed_is_one_direction() {
        let mut links = LinkFaults::default();
        let disturbance = Disturbance { cuts: vec![3, 4], slows: Vec::new(), most_ms: 70 };
        links.disturb([((A, B), disturbance)].into());
        assert_eq!((links.cuts(A, B), links.cuts(B, A)), (&[3, 4][..], &[][..]));
        assert_eq!(links.disturbance(A, B).unwrap().most_ms, 70);
        assert!(links.disturbance(B, A).is_none());
        links.disturb(BTreeMap::new());
        assert_eq!(links.cuts(A, B), [] as [u16; 0]);
    }

    #[test]
    fn a_frame_takes_as_long_as_the_slowest_of_network_and_faults() {
        let mut links = LinkFaults::default();
        links.set_latency(20);
        assert_eq!([0, 20, 70].map(|most| links.latency_us(most)), [20_000, 20_000, 70_000]);
    }

    #[test]
    fn a_narrow_direction_carries_one_frame_after_the_other() {
        let mut links = LinkFaults::default();
        links.narrow(id(3), 1_000, [(A, B)].into());
        assert_eq!((links.is_narrow((A, B)), links.is_narrow((B, A))), (true, false));
        let mut carry = |direction, bytes, now| {
            let (takes, by) = links.carry(direction, bytes, now)?;
            Some((takes.as_millis(), by))
        };
        assert_eq!(carry((B, A), 500, 0), None);
        assert_eq!(carry((A, B), 500, 0), Some((500, vec![3])));
        // It waits for what is before it, and not for what has arrived.
        assert_eq!(carry((A, B), 250, 100_000), Some((650, vec![3])));
        assert_eq!(carry((A, B), 100, 2_000_000), Some((100, vec![3])));
        assert_eq!(carry((A, B), 0, 3_000_000), None);
    }

    #[test]
    fn of_several_limits_the_narrowest_counts_and_all_are_felt() {
        let mut links = LinkFaults::default();
        links.narrow(id(3), 1_000, [(A, B), (B, A)].into());
        links.narrow(id(5), 100, [(A, B)].into());
        let second = Duration::from_secs(1);
        assert_eq!(links.carry((A, B), 100, 7), Some((second, vec![3, 5])));
        assert_eq!(links.carry((B, A), 1_000, 7), Some((second, vec![3])));
        // What waits in a node that goes down is gone with it.
        links.forget(B);
        assert_eq!(links.carry((A, B), 100, 7), Some((2 * second, vec![3, 5])));
        assert_eq!(links.carry((B, A), 1_000, 7), Some((second, vec![3])));
        links.forget(A);
        assert_eq!(links.carry((A, B), 100, 7), Some((second, vec![3, 5])));
        assert_eq!(links.carry((B, A), 1_000, 7), Some((2 * second, vec![3])));
        links.end(id(5));
        assert_eq!(links.carry((B, A), 1_000, 7), Some((3 * second, vec![3])));
        links.forget(A);
        assert_eq!(links.carry((A, B), 1_000, 7), Some((second, vec![3])));
    }

    #[test]
    fn who_waits_is_woken_when_there_is_reason_to_look_again() {
        let (connects, room) = (Woken::default(), Woken::default());
        let mut links = LinkFaults::default();
        links.narrow(id(3), 1_000, [(A, B)].into());
        links.wait_to_connect(&connects.waker());
        links.wait_for_room(&room.waker());
        links.end(id(4));
        assert_eq!((connects.times(), room.times()), (0, 0));
        links.end(id(3));
        assert!(!links.is_narrow((A, B)));
        links.wake_connects();
        assert_eq!((connects.times(), room.times()), (1, 1));
        // Once.
        links.wake_connects();
        links.narrow(id(3), 1_000, [(A, B)].into());
        links.end(id(3));
        assert_eq!((connects.times(), room.times()), (1, 1));
    }
}
