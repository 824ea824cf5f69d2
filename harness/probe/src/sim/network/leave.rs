//! What faults keep from leaving: when it does, what memory it takes until then, and what gives it up.

use super::{
    feels::Feels,
    segment::{Direction, EndId, Payload, Waiting},
};
use crate::{record::NodeId, sim::world::World};

impl World {
    /// A segment leaves as soon as the link has room for it.
    pub(super) fn leave_now(
        &mut self,
        id: EndId,
        direction: Direction,
        now: u64,
        payload: Payload,
        feels: Vec<Feels>,
        kind: &'static str,
    ) {
        let Some((leaves, narrow)) = self.network.links.carry(direction, payload.len(), now) else {
            return self.depart(id, direction, now, payload, feels);
        };
        let what = ("a message that waits for a narrow link", kind);
        let felt_leaving = None;
        let waiting = Waiting { from: id, direction, payload, feels, narrow, felt_leaving, what };
        self.network.wait(leaves, waiting);
    }

    /// A segment leaves later, because of a fault.
    pub(super) fn leave_later(
        &mut self,
        id: EndId,
        leaves: u64,
        payload: Payload,
        feels: Vec<Feels>,
        what: (&'static str, &'static str),
        felt_leaving: Option<u16>,
    ) {
        let Some(direction) = self.direction(id) else { return };
        self.wait_to_leave(id, direction, leaves, payload, feels, what, felt_leaving);
    }

    /// As that, in a direction.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn wait_to_leave(
        &mut self,
        id: EndId,
        direction: Direction,
        leaves: u64,
        payload: Payload,
        feels: Vec<Feels>,
        what: (&'static str, &'static str),
        felt_leaving: Option<u16>,
    ) {
        let narrow = Vec::new();
        let waiting = Waiting { from: id, direction, payload, feels, narrow, felt_leaving, what };
        self.network.wait(leaves, waiting);
    }

    /// What waits in a node takes memory. (A second copy that a fault makes waits in the network.)
    pub(super) fn hold_waiting(&mut self, node: NodeId, payload: &Payload, sign: i64) {
        if let Payload::Data(_) | Payload::Datagram(_) = payload {
            let bytes = i64::try_from(payload.held()).expect("no frame has 2^63 bytes");
            self.hold(node, sign * bytes);
        }
    }

    /// Nothing keeps a segment in its node any more.
    fn depart(
        &mut self,
        id: EndId,
        direction: Direction,
        at: u64,
        payload: Payload,
        feels: Vec<Feels>,
    ) {
        self.does_not_wait(id, direction.0, &payload);
        if id == EndId::NONE {
            self.transmit_loose(direction, payload, feels, at);
        } else {
            self.transmit(id, payload, feels, at);
        }
    }

    fn does_not_wait(&mut self, id: EndId, node: NodeId, payload: &Payload) {
        self.hold_waiting(node, payload, -1);
        if let Payload::End = payload
            && let Some(end) = self.end_mut(id)
        {
            end.closing = false;
        }
    }

    /// What is due before `end` leaves. Within a step it leaves as soon as that is known, so that what is sent later in
    /// the same step finds it gone.
    pub(in crate::sim) fn let_leave(&mut self, end: u64) {
        while let Some((at, waiting)) = self.network.take_leaving(end) {
            let Waiting { from, direction, payload, feels, narrow, felt_leaving, what } = waiting;
            let at = at.max(self.now);
            if narrow.is_empty() {
                if let Some(fault) = felt_leaving {
                    self.feel(fault);
                }
                self.leave_now(from, direction, at, payload, feels, what.1);
            } else {
                narrow.iter().for_each(|fault| self.feel(*fault));
                self.depart(from, direction, at, payload, feels);
            }
            self.network.forget_if_over(from.connection);
        }
    }

    /// What waits to leave and is picked is gone: the ends that were about to be closed.
    pub(super) fn give_up(&mut self, which: impl Fn(&Waiting) -> bool) -> Vec<EndId> {
        let mut closing = Vec::new();
        let now = self.now_here();
        // The last first: then nothing that is given up has moved up.
        for (leaves, waiting) in self.network.take_waiting(which).into_iter().rev() {
            if !waiting.narrow.is_empty() {
                let (direction, bytes) = (waiting.direction, waiting.payload.len());
                let sooner = self.network.links.carry_no_more(direction, bytes, leaves, now);
                self.network.move_up(direction, leaves, sooner);
            }
            self.does_not_wait(waiting.from, waiting.direction.0, &waiting.payload);
            if let Payload::End = &waiting.payload {
                closing.push(waiting.from);
            }
        }
        closing
    }

    /// The software of a node is gone, and what it had not sent yet with it: its machine closes what it was closing.
    pub(in crate::sim) fn send_no_more(&mut self, node: NodeId) {
        let now = self.now;
        for end in self.give_up(|waiting| waiting.direction.0 == node) {
            self.transmit(end, Payload::End, Vec::new(), now);
            self.network.forget_if_over(end.connection);
        }
    }
}
