//! Connections that end before their software says so.

use super::{
    segment::{EndId, Payload},
    tables::Network,
};
use crate::{record::NodeId, sim::world::World};

impl World {
    /// Breaks the open connections between two nodes, in both directions: each end meets a reset, which a
    /// fault feels if it is the cause.
    pub fn reset_connections(&mut self, a: NodeId, b: NodeId, by: Option<u16>) {
        self.break_if(by, |x, y| (x, y) == (a, b) || (x, y) == (b, a));
    }

    /// Breaks all connections of a node.
    pub(in crate::sim) fn reset_all_of(&mut self, node: NodeId, by: Option<u16>) {
        self.break_if(by, |x, y| x == node || y == node);
    }

    fn break_if(&mut self, by: Option<u16>, which: impl Fn(NodeId, NodeId) -> bool) {
        let numbers = numbers(&self.network, which);
        numbers.into_iter().for_each(|number| self.break_connection(number, by));
    }

    /// A connection is reset: what was on its way over it is gone.
    pub(super) fn break_connection(&mut self, connection: usize, by: Option<u16>) {
        if let Some(known) = self.network.connection_mut(connection) {
            known.break_by(by);
        }
        self.give_up(|waiting| waiting.from.connection == connection);
        self.network.take_off(|segment| segment.to.connection == connection);
        self.network.forget_if_over(connection);
    }

    /// The machine of `node` has lost power. What it had sent still arrives, and then nothing of it, no end either.
    pub(in crate::sim) fn fall_silent(&mut self, node: NodeId) {
        self.give_up(|waiting| waiting.direction.0 == node);
        for number in numbers(&self.network, |a, b| a == node || b == node) {
            if let Some(known) = self.network.connection_mut(number) {
                for end in known.ends.iter_mut().filter(|end| end.node == node) {
                    (end.reads, end.writes, end.awaited, end.left) = (false, false, false, false);
                    end.inbox.clear();
                }
            }
            self.network.forget_if_over(number);
        }
    }

    /// The machine of `node` has power again: what its peers sent meanwhile, and send again, it answers with a reset,
    /// for it knows of no connection.
    pub(in crate::sim) fn answer_peers_of(&mut self, node: NodeId) {
        let now = self.now;
        for connection in numbers(&self.network, |a, b| a == node || b == node) {
            for end in 0..2 {
                let id = EndId { connection, end };
                let Some(known) = self.network.connection_mut(connection) else { continue };
                let (own, peer) = (&known.ends[end], &known.ends[1 - end]);
                if own.node == node && own.gone() && peer.unanswered {
                    known.ends[1 - end].unanswered = false;
                    self.transmit(id, Payload::Reset, Vec::new(), now);
                }
            }
        }
    }
}

/// Connections that are not broken, between certain nodes.
fn numbers(network: &Network, which: impl Fn(NodeId, NodeId) -> bool) -> Vec<usize> {
    let between = network.all().filter(|(_, known)| {
        known.broken.is_none() && which(known.ends[0].node, known.ends[1].node)
    });
    between.map(|(number, _)| number).collect()
}
