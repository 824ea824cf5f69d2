//! Which connections there are, and what is on its way over them that matters to faults.

use super::feels::Feels;
use crate::record::NodeId;
use std::{
    collections::{BTreeMap, VecDeque},
    task::Waker,
};

/// Who connected, and from which port: what both ends of a connection have in common.
pub(super) type Number = (NodeId, u16);

#[derive(Debug, Default)]
pub(in crate::sim) struct Wires {
    pub(super) connections: BTreeMap<Number, Connection>,
    /// Connections made so far for each direction.
    made: BTreeMap<(NodeId, NodeId), u64>,
    /// Frames that others may overtake, in each direction.
    pub(super) overtaken: BTreeMap<(NodeId, NodeId), Vec<Overtaken>>,
    /// There are some, or were: the order of frames matters.
    pub(super) ordered: bool,
    /// Ends opened so far.
    ends: u64,
}

/// A frame that others may overtake.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overtaken {
    pub(super) number: u64,
    /// On which connection, and to which of its ends.
    pub(super) connection: Number,
    pub(super) end: usize,
    /// Who makes it wait.
    pub(super) fault: u16,
}

#[derive(Debug)]
pub(super) struct Connection {
    /// Of who connected, and of who accepted.
    pub(super) ends: [Endpoint; 2],
    /// It was reset, by a fault or by a cut that was healed.
    pub(super) broken: Option<Option<u16>>,
}

#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) node: NodeId,
    /// Ports are used again: which of the ends that had this one.
    pub(super) serial: u64,
    /// It will be opened once the connecting side hears that it was accepted.
    pub(super) awaited: bool,
    /// Its software dropped it; else, if it is gone, its node crashed.
    pub(super) left: bool,
    /// It said that nothing more comes from it, before the connection was reset.
    pub(super) ended: bool,
    /// The machine of its peer lost power: what that had sent still arrives, and then nothing ever again.
    pub(super) silent: bool,
    pub(super) halves: u8,
    pub(super) waker: Option<Waker>,
    /// Bytes sent to it so far, and how many of them it has read.
    pub(super) sent: u64,
    pub(super) read: u64,
    /// What it has not read yet, of what matters to a fault.
    pub(super) coming: VecDeque<Coming>,
}

/// A frame, or a piece of the stream, that matters to a fault.
#[derive(Debug)]
pub(super) struct Coming {
    /// Where in the stream it ends.
    pub(super) end: u64,
    /// When it was sent, and when it has surely arrived if nothing holds it up, in microseconds.
    pub(super) sent: u64,
    pub(super) lands_by: u64,
    /// The number of a frame.
    pub(super) number: Option<u64>,
    pub(super) feels: Vec<Feels>,
}

impl Endpoint {
    fn new(node: NodeId, awaited: bool, serial: u64, halves: u8) -> Self {
        Self {
            node,
            serial,
            awaited,
            left: false,
            ended: false,
            silent: false,
            halves,
            waker: None,
            sent: 0,
            read: 0,
            coming: VecDeque::new(),
        }
    }

    pub(super) fn gone(&self) -> bool {
        self.halves == 0 && !self.awaited
    }
}

impl Wires {
    /// An end of a connection is opened: its serial number, and how many connections in this direction came before. Who
    /// accepts opens its end first, and the other when it hears of it.
    pub(super) fn open(
        &mut self,
        number: Number,
        end: usize,
        here: NodeId,
        peer: NodeId,
    ) -> (u64, u64) {
        let made = self.made.entry((here, peer)).or_default();
        let connection = *made;
        *made += 1;
        self.ends += 1;
        let serial = self.ends;
        if end == 1 {
            let ends = [Endpoint::new(peer, true, 0, 0), Endpoint::new(here, false, serial, 1)];
            self.connections.insert(number, Connection { ends, broken: None });
        } else {
            // If it is unknown, the other end is gone already.
            let known = self.connections.entry(number).or_insert_with(|| Connection {
                ends: [Endpoint::new(here, true, 0, 0), Endpoint::new(peer, false, 0, 0)],
                broken: None,
            });
            let end = &mut known.ends[0];
            (end.awaited, end.serial, end.halves) = (false, serial, 1);
        }
        (serial, connection)
    }

    /// What is lost with its connection comes behind nothing.
    pub(super) fn still_comes(&self, overtaken: &Overtaken) -> bool {
        self.connections.get(&overtaken.connection).is_some_and(|known| {
            let sender = &known.ends[1 - overtaken.end];
            known.broken.is_none()
                && !known.ends[overtaken.end].gone()
                && (sender.halves > 0 || sender.left)
        })
    }

    /// Breaks the connections between the two.
    pub(in crate::sim) fn reset(&mut self, a: NodeId, b: NodeId, by: Option<u16>) {
        self.reset_if(by, |x, y| (x, y) == (a, b) || (x, y) == (b, a));
    }

    /// Breaks all connections of a node.
    pub(in crate::sim) fn reset_all_of(&mut self, node: NodeId, by: Option<u16>) {
        self.reset_if(by, |x, y| x == node || y == node);
    }

    fn reset_if(&mut self, by: Option<u16>, which: impl Fn(NodeId, NodeId) -> bool) {
        for connection in self.connections.values_mut() {
            if which(connection.ends[0].node, connection.ends[1].node) {
                connection.reset(by);
            }
        }
    }

    /// The machine of `node` has lost power: its peers' ends of its connections hear nothing of it.
    pub(in crate::sim) fn fall_silent(&mut self, node: NodeId) {
        for Connection { ends: [a, b], .. } in self.connections.values_mut() {
            a.silent |= b.node == node;
            b.silent |= a.node == node;
        }
    }

    /// Whoever waits for `node` to say something looks again.
    pub(in crate::sim) fn wake_peers_of(&mut self, node: NodeId) {
        for Connection { ends: [a, b], .. } in self.connections.values_mut() {
            let (of_a, of_b) = (a.node == node, b.node == node);
            for waker in
                [b.waker.take_if(|_| of_a), a.waker.take_if(|_| of_b)].into_iter().flatten()
            {
                waker.wake();
            }
        }
    }

    /// How many ends of connections a node has.
    pub(in crate::sim) fn open_of(&self, node: NodeId) -> usize {
        let live = self.connections.values().filter(|connection| connection.broken.is_none());
        live.flat_map(|connection| &connection.ends)
            .filter(|end| end.node == node && end.halves > 0)
            .count()
    }

    /// From whom to whom something goes that a fault has to do with and that has not landed.
    pub(in crate::sim) fn on_its_way(&self, now: u64) -> Option<(NodeId, NodeId)> {
        self.connections.values().filter(|connection| connection.broken.is_none()).find_map(
            |Connection { ends, .. }| {
                let lands = |end: &Endpoint| {
                    let felt = end.coming.iter().filter(|coming| !coming.feels.is_empty());
                    felt.map(|coming| coming.lands_by).max().is_some_and(|by| by > now)
                };
                let to = ends.iter().position(lands)?;
                Some((ends[1 - to].node, ends[to].node))
            },
        )
    }
}

impl Connection {
    pub(super) fn reset(&mut self, by: Option<u16>) {
        if self.broken.is_some() {
            return;
        }
        self.broken = Some(by);
        for end in &mut self.ends {
            if let Some(waker) = end.waker.take() {
                waker.wake();
            }
        }
    }
}
