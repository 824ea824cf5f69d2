//! What lands at a node: what its machine does with it, whether or not software runs there.

use super::{
    connection::{Arrived, Connection, End, Handshake},
    feels::Feels,
    segment::{Chunk, Direction, EndId, Payload, Segment},
};
use crate::{
    record::NodeId,
    sim::{state::SLACK, world::World},
};

impl World {
    pub(super) fn end_mut(&mut self, id: EndId) -> Option<&mut End> {
        self.network.connection_mut(id.connection).map(|known| &mut known.ends[id.end])
    }

    /// The direction in which an end sends.
    pub(super) fn direction(&self, id: EndId) -> Option<Direction> {
        let known = self.network.connection(id.connection)?;
        Some((known.ends[id.end].node, known.ends[1 - id.end].node))
    }

    /// Everything lands at a node that does so by then.
    pub(in crate::sim) fn land_by(&mut self, node: NodeId, by: u64) {
        while let Some(segment) = self.network.take_landed(node, by) {
            let connection = segment.to.connection;
            self.land(segment);
            self.network.forget_if_over(connection);
        }
    }

    pub(super) fn land(&mut self, segment: Segment) {
        let node = segment.direction.1;
        let lands = segment.lands;
        if self.is_dark(node) {
            return self.lose_in_the_dark(segment);
        }
        let Segment { to, payload, sent, feels, .. } = segment;
        match payload {
            Payload::Connect { port } => {
                self.feel_arrival(&feels, sent, lands);
                self.somebody_connects(to, node, port, lands);
            }
            Payload::Accepted => {
                self.feel_arrival(&feels, sent, lands);
                self.is_accepted(to, lands);
            }
            Payload::Refused => {
                if let Some(known) = self.network.connection_mut(to.connection) {
                    known.handshake = Handshake::Refused;
                    known.ends[0].wake();
                }
            }
            Payload::Data(chunk) => self.data_lands(to, chunk, sent, feels, lands),
            Payload::End => {
                if let Some(end) = self.end_mut(to) {
                    end.ended = true;
                    end.wake_reader();
                }
            }
            Payload::Reset => {
                if let Some(end) = self.end_mut(to) {
                    end.reset = true;
                    end.wake();
                }
            }
            Payload::Datagram(datagram) => {
                let from = segment.direction.0;
                self.datagram_lands((from, node), datagram, sent, feels, lands);
            }
            Payload::Unreachable { port, peer } => self.is_unreachable(node, port, peer),
        }
    }

    /// A machine without power answers nothing: what was sent will be sent again until it can.
    fn lose_in_the_dark(&mut self, segment: Segment) {
        match segment.payload {
            Payload::Connect { .. } | Payload::Accepted => self.lose(segment),
            Payload::Data(_) | Payload::End => {
                if let Some(sender) = self.end_mut(segment.to.peer()) {
                    sender.unanswered = true;
                }
            }
            Payload::Refused
            | Payload::Reset
            | Payload::Datagram(_)
            | Payload::Unreachable { .. } => {}
        }
    }

    fn data_lands(&mut self, to: EndId, chunk: Chunk, sent: u64, feels: Vec<Feels>, lands: u64) {
        let Some(known) = self.network.connection_mut(to.connection) else { return };
        let end = &mut known.ends[to.end];
        if end.reads || end.awaited {
            end.inbox.push_back(Arrived { chunk, sent, feels });
            end.wake_reader();
            return;
        }
        let (left, gone) = (end.left, end.gone());
        self.is_read(to);
        self.feel_late(left, &feels);
        if gone {
            self.send_reset(to, lands);
        }
    }

    /// Somebody has taken a piece out of what came to an end: there is room for another.
    pub(super) fn is_read(&mut self, to: EndId) {
        if let Some(sender) = self.end_mut(to.peer()) {
            sender.unread -= 1;
            sender.writers.wake();
        }
    }

    /// What was read matters to these faults.
    pub(super) fn feel_arrival(&mut self, feels: &[Feels], sent: u64, now: u64) {
        if feels.is_empty() {
            return;
        }
        let usual = self.network.links.longest_us() + SLACK;
        let slow = now.saturating_sub(sent) > usual;
        for feels in feels {
            match feels {
                Feels::Read(fault) | Feels::Late(fault) => self.feel(*fault),
                Feels::Slow(fault) if slow => self.feel(*fault),
                Feels::Slow(_) | Feels::Overtaken(_) => {}
            }
        }
    }

    /// A frame was read: those that were sent before it, and have not come, feel that.
    pub(super) fn overtake(&mut self, direction: Direction, number: u64) {
        let Some(waiting) = self.network.overtaken.get_mut(&direction) else { return };
        let over: Vec<_> = waiting.extract_if(.., |before| before.number <= number).collect();
        for before in over.into_iter().filter(|before| before.number < number) {
            let known = self.network.connection(before.to.connection);
            // Nothing but a datagram that is lost does not come.
            let is_datagram = before.to == EndId::NONE;
            if is_datagram || known.is_some_and(|known| still_comes(known, before.to.end)) {
                self.feel(before.fault);
            }
        }
    }

    /// Frames came, or would have, and nobody listens any more: since its software `left`, or it crashed.
    pub(super) fn feel_late(&mut self, left: bool, feels: &[Feels]) {
        for feels in feels {
            if let Feels::Late(fault) = feels
                && left
            {
                self.feel(*fault);
            }
        }
    }
}

/// What is lost with its connection comes behind nothing.
fn still_comes(known: &Connection, end: usize) -> bool {
    let sender = &known.ends[1 - end];
    known.broken.is_none() && !known.ends[end].gone() && (!sender.gone() || sender.left)
}
