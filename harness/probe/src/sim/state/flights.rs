//! Frames on their way, for diagrams of a run: kept only when somebody will look at them, and no part
//! of the history.

use crate::record::NodeId;
use std::collections::{BTreeMap, VecDeque};

/// A frame from one node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flight {
    /// The sender.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
    /// Its kind.
    pub kind: &'static str,
    /// When it was sent, in microseconds of virtual time.
    pub sent: u64,
    /// When the receiver read it, if it did.
    pub read: Option<u64>,
}

/// What both ends of a connection call it, and the end that sends.
pub(in crate::sim) type Channel = ((NodeId, u16), NodeId);

/// All frames of a run.
#[derive(Debug, Default)]
pub struct Flights {
    all: Vec<Flight>,
    under_way: BTreeMap<Channel, VecDeque<usize>>,
}

impl Flights {
    /// Every frame, in the order of sending.
    #[must_use]
    pub fn all(&self) -> &[Flight] {
        &self.all
    }

    /// A connection begins; what an older one of the same name carried will not be read any more.
    pub(in crate::sim) fn opened(&mut self, direction: Channel) {
        self.under_way.remove(&direction);
    }

    /// A frame is sent, or would be if nothing took it away.
    pub(in crate::sim) fn sent(&mut self, direction: Channel, flight: Flight, lost: bool) {
        if !lost {
            self.under_way.entry(direction).or_default().push_back(self.all.len());
        }
        self.all.push(flight);
    }

    /// The receiver read the next frame: frames of one direction arrive in the order of sending.
    pub(in crate::sim) fn read(&mut self, direction: Channel, now: u64) {
        let next = self.under_way.get_mut(&direction).and_then(VecDeque::pop_front);
        if let Some(flight) = next.and_then(|index| self.all.get_mut(index)) {
            flight.read = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_not_read_and_the_next_frame_is() {
        let (a, b) = (NodeId(0), NodeId(1));
        let direction = ((a, 5), a);
        let flight = |sent| Flight { from: a, to: b, kind: "publish", sent, read: None };
        let mut flights = Flights::default();
        flights.opened(direction);
        flights.sent(direction, flight(1), false);
        flights.sent(direction, flight(2), true);
        flights.sent(direction, flight(3), false);
        flights.read(direction, 10);
        flights.read(direction, 11);
        flights.read(direction, 12);
        let read: Vec<_> = flights.all().iter().map(|flight| flight.read).collect();
        assert_eq!(read, [Some(10), None, Some(11)]);
    }

    #[test]
    fn what_an_older_connection_of_its_name_carried_is_not_read_from_a_new_one() {
        let (a, b) = (NodeId(0), NodeId(1));
        let (direction, other) = (((a, 5), a), ((a, 6), a));
        let flight = |sent| Flight { from: a, to: b, kind: "publish", sent, read: None };
        let mut flights = Flights::default();
        flights.sent(direction, flight(1), false);
        flights.opened(other);
        flights.sent(other, flight(2), false);
        flights.opened(direction);
        flights.read(direction, 10);
        flights.read(other, 11);
        let read: Vec<_> = flights.all().iter().map(|flight| flight.read).collect();
        assert_eq!(read, [None, Some(11)]);
    }
}
