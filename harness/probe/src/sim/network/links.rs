//! Links as faults change them.

use super::{
    link::{Latency, LinkState},
    segment::{Direction, EndId, Payload, Segment},
};
use crate::{
    record::NodeId,
    sim::{occurrence::OccurrenceId, world::World},
};
use std::collections::{BTreeMap, BTreeSet};

impl World {
    /// The latency of all links that no fault slows down.
    pub fn set_latency(&mut self, latency: Latency) {
        self.network.links.set_base(latency);
    }

    /// What link faults do to each direction from now on, all others being as they were planned. What is on the wire
    /// of one that begins to be cut is lost; what is on the wire of one that begins to be held waits, and is let go in
    /// its order when nothing holds it any more; nothing lands sooner for that. Connections of a link that was cut and is
    /// whole again are reset: TCP would have sent again or given up; here a connection that lost something would be
    /// silent for ever, so it meets a reset instead, as behind a firewall that has forgotten it.
    pub fn set_links(&mut self, links: BTreeMap<Direction, LinkState>) {
        let before = self.network.links.set(links);
        let whole = |links: &BTreeMap<Direction, LinkState>, (a, b): Direction| {
            ![(a, b), (b, a)]
                .iter()
                .any(|direction| links.get(direction).is_some_and(LinkState::is_cut))
        };
        let after = self.network.links.disturbed();
        let cut: BTreeSet<Direction> =
            after.iter().filter(|(_, state)| state.is_cut()).map(|(way, _)| *way).collect();
        let held: BTreeSet<Direction> =
            after.iter().filter(|(_, state)| state.held).map(|(way, _)| *way).collect();
        let healed: BTreeSet<Direction> = before
            .keys()
            .map(|(a, b)| (*a.min(b), *a.max(b)))
            .filter(|pair| !whole(&before, *pair) && whole(after, *pair))
            .collect();
        if !cut.is_empty() {
            let lost = self.network.take_off(|segment| cut.contains(&segment.direction));
            for segment in lost {
                let connection = segment.to.connection;
                self.lose(segment);
                self.network.forget_if_over(connection);
            }
        }
        if !held.is_empty() {
            // In the order in which they would have landed.
            let mut caught = self.network.take_off(|segment| held.contains(&segment.direction));
            caught.sort_by_key(|segment| segment.lands);
            caught.into_iter().for_each(|segment| self.network.post(segment));
        }
        for direction in before.iter().filter(|(_, state)| state.held).map(|(way, _)| *way) {
            if !held.contains(&direction) {
                for segment in self.network.take_held(direction) {
                    // Nothing comes earlier for having been held.
                    let lands = segment.lands.max(self.now);
                    self.network.post(Segment { lands, ..segment });
                }
            }
        }
        for (a, b) in healed {
            self.reset_connections(a, b, None);
        }
        self.wake_connects();
    }

    /// How many segments are on the wire, or held up, in each direction of some.
    #[must_use]
    pub fn on_the_wire(&self, directions: &BTreeSet<Direction>) -> BTreeMap<Direction, u64> {
        self.network.on_the_wire(directions)
    }

    /// A fault lets directions carry at most `bytes_per_second` each.
    pub fn narrow(
        &mut self,
        id: OccurrenceId,
        bytes_per_second: u64,
        directions: BTreeSet<Direction>,
    ) {
        self.network.links.narrow(id, bytes_per_second, directions);
    }

    /// Limits of an occurrence are over: what waited for them leaves now, unless others keep it.
    pub(in crate::sim) fn widen(&mut self, id: OccurrenceId) {
        if !self.network.links.end(id) {
            return;
        }
        let now = self.now;
        let links = &self.network.links;
        let wide: BTreeSet<Direction> =
            self.network.waiting_ways().filter(|way| !links.is_narrow(*way)).collect();
        let free = self.network.take_waiting(|waiting| {
            !waiting.narrow.is_empty() && wide.contains(&waiting.direction)
        });
        let ends: Vec<EndId> = free.iter().map(|(_, waiting)| waiting.from).collect();
        for (leaves, waiting) in free {
            self.network.wait(leaves.min(now), waiting);
        }
        // The end of a stream goes out behind what is left of it.
        let ended = self.network.take_waiting(|waiting| {
            ends.contains(&waiting.from)
                && waiting.felt_leaving.is_none()
                && matches!(waiting.payload, Payload::End)
        });
        for (_, waiting) in ended {
            let last = self.network.last_leaving(waiting.from).unwrap_or(now);
            self.network.wait(last, waiting);
        }
    }

    /// Nothing gets through.
    pub(in crate::sim) fn cut(&self, from: NodeId, to: NodeId) -> bool {
        self.network.links.is_cut((from, to))
    }

    /// Something was sent into a cut, if the direction is cut.
    pub(super) fn meet_cut(&mut self, direction: Direction) -> bool {
        let cuts = self.network.links.state(direction).map(|state| state.cuts.clone());
        let cuts = cuts.unwrap_or_default();
        for fault in &cuts {
            self.feel(*fault);
        }
        !cuts.is_empty()
    }

    /// A segment is lost. Who connects would hear nothing.
    pub(super) fn lose(&mut self, segment: Segment) {
        if let Payload::Connect { .. } | Payload::Accepted | Payload::Refused = segment.payload {
            self.lose_handshake(segment.to.connection);
        }
    }

    /// A way may be open again: lets those who wait to connect try.
    pub(in crate::sim) fn wake_connects(&mut self) {
        self.network.openings += 1;
        self.network.waiting_to_connect.wake();
    }
}
