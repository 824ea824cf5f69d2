//! Frames on their way, for diagrams of a run: no part of the history.

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

/// How many are kept of a run: those of hours.
const MOST: usize = 4_000_000;

/// The frames of a run.
#[derive(Debug, Default)]
pub struct Flights {
    all: Vec<Flight>,
}

impl Flights {
    /// The first few million frames, in the order of sending.
    pub(in crate::sim) fn into_all(self) -> Vec<Flight> {
        self.all
    }

    /// A frame is sent, or would be if nothing took it away: its place, if it is kept.
    pub(in crate::sim) fn sent(&mut self, flight: Flight) -> Option<usize> {
        let place = self.all.len();
        (place < MOST).then(|| self.all.push(flight))?;
        Some(place)
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
        assert_eq!(places, [Some(0), Some(1), Some(2)]);
        flights.read(2, 10);
        flights.read(0, 11);
        flights.read(2, 12);
        let read: Vec<_> = flights.into_all().iter().map(|flight| flight.read).collect();
        assert_eq!(read, [Some(11), None, Some(10)]);
    }
}
