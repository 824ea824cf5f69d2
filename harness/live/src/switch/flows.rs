//! TCP connections that pass the switch, as far as resetting them needs it.
//!
//! An end believes in a reset whose sequence number is exactly what it waits for (RFC 5961). What an end acknowledged last is
//! that number unless it has not acknowledged yet what arrived; then the end of what arrived is. Both are tried. Where neither
//! hits, the end answers with what it waits for; that answer, and whatever else it says on a connection that was reset,
//! gets a reset with the number that it names itself.

use super::packet::{ACK, End, FIN, RST, SYN, Segment, reset};
use std::{collections::BTreeMap, net::Ipv4Addr};

/// Connections remembered; beyond it those that both ends have closed are forgotten.
const MANY: usize = 65_536;

/// What one end said and was told.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    /// The end of what it sent and what arrived.
    arrived: Option<u32>,
    /// What it waits for, as it said last.
    awaits: Option<u32>,
    finished: bool,
}

#[derive(Debug, Default)]
struct Flow {
    /// Of the lower end, and of the higher.
    sides: [Side; 2],
    reset: bool,
}

/// What becomes of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Pass,
    /// It belongs to a connection that was reset.
    Swallow,
    /// Likewise, and its sender gets this.
    Answer([u8; 40]),
}

#[derive(Debug, Default)]
pub(super) struct Flows {
    flows: BTreeMap<(End, End), Flow>,
}

/// The connection, and which of its sides the first end is.
fn key(from: End, to: End) -> ((End, End), usize) {
    if from < to { ((from, to), 0) } else { ((to, from), 1) }
}

impl Flows {
    /// A segment left its sender.
    pub(super) fn sent(&mut self, segment: &Segment) -> Verdict {
        let (key, side) = key(segment.from, segment.to);
        if segment.flags & (SYN | ACK) == SYN {
            if self.flows.len() >= MANY {
                self.flows.retain(|_, flow| !flow.sides.iter().all(|side| side.finished));
            }
            self.flows.insert(key, Flow::default());
            return Verdict::Pass;
        }
        let flow = self.flows.entry(key).or_default();
        if flow.reset {
            return match segment.flags & RST {
                0 => Verdict::Answer(reset(
                    segment.to,
                    segment.from,
                    segment.acknowledged,
                    segment.end(),
                )),
                _ => Verdict::Swallow,
            };
        }
        if segment.flags & RST != 0 {
            self.flows.remove(&key);
            return Verdict::Pass;
        }
        let side = &mut flow.sides[side];
        if segment.flags & ACK != 0 {
            side.awaits = Some(segment.acknowledged);
        }
        side.finished |= segment.flags & FIN != 0;
        Verdict::Pass
    }

    /// A segment arrived.
    pub(super) fn arrived(&mut self, segment: &Segment) {
        let (key, side) = key(segment.from, segment.to);
        let Some(flow) = self.flows.get_mut(&key) else { return };
        let arrived = &mut flow.sides[side].arrived;
        let further = |before: u32| (segment.end().wrapping_sub(before) as i32) > 0;
        if arrived.is_none_or(further) {
            *arrived = Some(segment.end());
        }
    }

    /// Resets all connections between two machines that both ends have spoken on and have not both closed. Returns how many,
    /// and the packets to deliver to their destinations.
    pub(super) fn reset(&mut self, one: Ipv4Addr, other: Ipv4Addr) -> (u64, Vec<[u8; 40]>) {
        let (mut count, mut packets) = (0, Vec::new());
        for (&(low, high), flow) in &mut self.flows {
            let between = [(low.0, high.0), (high.0, low.0)].contains(&(one, other));
            let spoken = flow.sides.iter().all(|side| side.awaits.is_some());
            let closed = flow.sides.iter().all(|side| side.finished);
            if !between || !spoken || closed || flow.reset {
                continue;
            }
            flow.reset = true;
            count += 1;
            for (to, from, at) in [(low, high, 0), (high, low, 1)] {
                let (own, peer) = (flow.sides[at], flow.sides[1 - at]);
                let acknowledged = own.arrived.unwrap_or(0);
                let guesses = [own.awaits, peer.arrived.filter(|end| Some(*end) != own.awaits)];
                for sequence in guesses.into_iter().flatten() {
                    packets.push(reset(from, to, sequence, acknowledged));
                }
            }
        }
        (count, packets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: End = (Ipv4Addr::new(10, 0, 0, 1), 1000);
    const B: End = (Ipv4Addr::new(10, 0, 0, 2), 80);

    fn segment(
        from: End,
        to: End,
        flags: u8,
        sequence: u32,
        acknowledged: u32,
        length: u32,
    ) -> Segment {
        Segment { from, to, sequence, acknowledged, flags, length }
    }

    fn pass(flows: &mut Flows, segment: Segment) {
        assert_eq!(flows.sent(&segment), Verdict::Pass);
        flows.arrived(&segment);
    }

    fn established() -> Flows {
        let mut flows = Flows::default();
        pass(&mut flows, segment(A, B, SYN, 100, 0, 1));
        pass(&mut flows, segment(B, A, SYN | ACK, 500, 101, 1));
        pass(&mut flows, segment(A, B, ACK, 101, 501, 0));
        flows
    }

    fn resets(flows: &mut Flows) -> Vec<(End, u32)> {
        let (_, packets) = flows.reset(A.0, B.0);
        let parsed = packets.iter().map(|packet| Segment::parse(packet).unwrap());
        parsed.map(|segment| (segment.to, segment.sequence)).collect()
    }

    #[test]
    fn each_end_gets_the_number_that_it_waits_for() {
        assert_eq!(resets(&mut established()), [(A, 501), (B, 101)]);
    }

    #[test]
    fn what_arrived_and_is_not_acknowledged_yet_is_tried_too() {
        let mut flows = established();
        pass(&mut flows, segment(A, B, ACK, 101, 501, 10));
        assert_eq!(resets(&mut flows), [(A, 501), (B, 101), (B, 111)]);
    }

    #[test]
    fn what_got_lost_is_not() {
        let mut flows = established();
        assert_eq!(flows.sent(&segment(A, B, ACK, 101, 501, 10)), Verdict::Pass);
        assert_eq!(resets(&mut flows), [(A, 501), (B, 101)]);
    }

    #[test]
    fn who_still_talks_is_told_again_until_a_new_connection() {
        let mut flows = established();
        resets(&mut flows);
        let Verdict::Answer(packet) = flows.sent(&segment(B, A, ACK, 501, 777, 5)) else {
            panic!()
        };
        let answer = Segment::parse(&packet).unwrap();
        assert_eq!((answer.to, answer.sequence, answer.acknowledged), (B, 777, 506));
        assert_eq!(flows.sent(&segment(A, B, RST, 777, 0, 0)), Verdict::Swallow);
        assert_eq!(flows.sent(&segment(A, B, SYN, 9, 0, 1)), Verdict::Pass);
        assert_eq!(flows.sent(&segment(B, A, SYN | ACK, 7, 10, 1)), Verdict::Pass);
    }

    #[test]
    fn closed_half_open_and_strange_connections_are_left_alone() {
        let mut flows = established();
        pass(&mut flows, segment(A, B, FIN | ACK, 101, 501, 1));
        pass(&mut flows, segment(B, A, FIN | ACK, 501, 102, 1));
        pass(&mut flows, segment((A.0, 1001), B, SYN, 1, 0, 1));
        pass(&mut flows, segment(A, (Ipv4Addr::new(10, 0, 0, 3), 80), ACK, 1, 1, 1));
        assert_eq!(flows.reset(A.0, B.0).0, 0);
    }
}
