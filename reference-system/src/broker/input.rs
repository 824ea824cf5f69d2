//! What comes in to a broker, and the way back.

use crate::wire::{
    self, Frame,
    broker::{BrokerReply, BrokerRequest},
    peers::PeerMessage,
};
use squall_probe::net::FrameSender;

/// What comes in.
#[derive(Debug)]
pub(super) enum Input {
    /// A peer says something; `connection` counts the connections that this broker has taken.
    Peer { from: u64, connection: u64, message: PeerMessage },
    /// This broker has dialled this peer anew: what was sent before may be lost.
    LinkUp(u64),
    /// A client asks.
    Request { request: BrokerRequest, caller: Caller },
}

/// Where an answer goes.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(super) sender: FrameSender,
    /// The question's id in its connection.
    pub(super) id: u64,
}

impl Caller {
    /// Answers. A caller that is gone, or does not read its answers, does without.
    pub(crate) fn answer(&self, kind: &'static str, body: BrokerReply) {
        let frame = wire::encode(&Frame::Call { id: self.id, body });
        let _ = self.sender.try_send(kind, frame);
    }

    pub(super) fn is_gone(&self) -> bool {
        self.sender.is_closed()
    }
}
