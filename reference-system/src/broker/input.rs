//! What comes in to a broker.

use crate::{
    calls::Caller,
    wire::{broker::BrokerRequest, peers::PeerMessage},
};

/// What comes in.
#[derive(Debug)]
pub(super) enum Input {
    /// A peer says something; `connection` counts the connections that this broker has taken.
    Peer { from: u64, connection: u64, message: PeerMessage },
    /// This broker has dialled this peer anew: what was sent before may be lost.
    LinkUp(u64),
    /// A client asks, or a peer that begins anew, over this connection.
    Request { request: BrokerRequest, caller: Caller, connection: u64 },
}
