//! What happens to connections and to frames on them, and who feels it when.

mod arrival;
mod connections;
mod end;
mod messages;

use super::Wire;
use crate::{
    record::{NodeId, Tampering},
    sim::{
        self, Names, OccurrenceId,
        state::{Disturbance, MessageFault},
        world::with,
    },
};

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);

/// Acts on the two ends of a connection from one node to another, in a world of two nodes.
fn between(act: impl FnOnce(&mut Wire, &mut Wire)) {
    sim::install(1, &["a".to_owned(), "b".to_owned()], Names::default(), Box::new(|_| ()));
    let (mut from, mut to) = connect(5);
    act(&mut from, &mut to);
    drop((from, to));
    let _ = sim::uninstall();
}

/// A connection from the one to the other: who accepts opens its end first.
fn connect(port: u16) -> (Wire, Wire) {
    let to = end(port, 1);
    (end(port, 0), to)
}

fn end(port: u16, end: usize) -> Wire {
    let (here, peer) = if end == 0 { (A, B) } else { (B, A) };
    let number = (A, port);
    let (serial, connection) = with(|world| world.wires.open(number, end, here, peer));
    Wire { number, end, serial, here, peer, connection, frame: 0, framed: false }
}

fn felt(fault: u16) -> u64 {
    with(|world| world.felt(fault))
}

/// Link faults act from the one to the other.
fn disturb(disturbance: Disturbance) {
    with(|world| world.disturb([((A, B), disturbance)].into()));
}

/// A fault that acts on each frame.
fn fault(step: u16, tampering: Tampering) -> MessageFault {
    MessageFault {
        id: OccurrenceId { step, occurrence: 0 },
        draw: 7,
        tampering,
        share: 1.0,
        kinds: Vec::new(),
        links: None,
        delay_ms: (5, 5),
        by_order: false,
    }
}
