//! Frames on their way, for diagrams of a run: kept only when somebody will look at them, and no part
//! of the history.

use crate::record::NodeId;

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

/// All frames of a run.
#[derive(Debug, Default)]
pub struct Flights {
    all: Vec<Flight>,
}

impl Flights {
    /// Every frame, in the order of sending.
    #[must_use]
    pub fn all(&self) -> &[Flight] {
        &self.all
    }

    /// A frame is sent, or would be if nothing took it away: its place.
    pub(in crate::sim) fn sent(&mut self, flight: Flight) -> usize {
        self.all.push(flight);
        self.all.len() - 1
    }

    /// Its receiver read the frame in this place.
    pub(in crate::sim) fn read(&mut self, place: usize, now: u64) {
        self.all[place].read.get_or_insert(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_frame_is_read_once() {
        let (a, b) = (NodeId(0), NodeId(1));
        let flight = |sent| Flight { from: a, to: b, kind: "publish", sent, read: None };
        let mut flights = Flights::default();
        let places = [1, 2, 3].map(|sent| flights.sent(flight(sent)));
        flights.read(places[2], 10);
        flights.read(places[0], 11);
        flights.read(places[2], 12);
        let read: Vec<_> = flights.all().iter().map(|flight| flight.read).collect();
        assert_eq!(read, [Some(11), None, Some(10)]);
    }
}
