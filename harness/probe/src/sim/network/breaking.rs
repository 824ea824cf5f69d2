//! Connections that end before their software says so.

use super::{
    connection::{Connection, Handshake},
    segment::EndId,
    tables::Network,
    transmit::WINDOW,
};
use crate::{record::NodeId, sim::world::World};

impl World {
    /// Breaks the open connections between two nodes, in both directions: each end meets a reset, which a
    /// fault feels if it is the cause. Those that are being made are not touched.
    pub fn reset_connections(&mut self, a: NodeId, b: NodeId, by: Option<u16>) {
        self.break_if(by, |known| {
            let nodes = known.ends.each_ref().map(|end| end.node);
            known.handshake != Handshake::UnderWay && (nodes == [a, b] || nodes == [b, a])
        });
    }

    /// Breaks all connections of a node.
    pub(in crate::sim) fn reset_all_of(&mut self, node: NodeId, by: Option<u16>) {
        self.break_if(by, |known| known.is_of(node));
    }

    fn break_if(&mut self, by: Option<u16>, which: impl Fn(&Connection) -> bool) {
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
        for number in numbers(&self.network, |known| known.is_of(node)) {
            if let Some(known) = self.network.connection_mut(number) {
                for end in &mut known.ends {
                    if end.node == node {
                        (end.reads, end.writes, end.awaited) = (false, false, false);
                        end.left = false;
                        end.inbox.clear();
                    } else if end.unread >= WINDOW {
                        // Who waits for room asks for it again and again.
                        end.unanswered = true;
                    }
                }
            }
            self.network.forget_if_over(number);
        }
    }

    /// The machine of `node` has power again: what its peers sent meanwhile, and send again, it answers with a reset,
    /// for it knows of no connection.
    pub(in crate::sim) fn answer_peers_of(&mut self, node: NodeId) {
        let now = self.now;
        for connection in numbers(&self.network, |known| known.is_of(node)) {
            for end in 0..2 {
                let id = EndId { connection, end };
                let Some(known) = self.network.connection_mut(connection) else { continue };
                let (own, peer) = (&known.ends[end], &known.ends[1 - end]);
                if own.node == node && own.gone() && peer.unanswered {
                    known.ends[1 - end].unanswered = false;
                    self.send_reset(id, now);
                }
            }
        }
    }
}

/// Certain connections.
fn numbers(network: &Network, which: impl Fn(&Connection) -> bool) -> Vec<usize> {
    network.all().filter(|(_, known)| which(known)).map(|(number, _)| number).collect()
}
