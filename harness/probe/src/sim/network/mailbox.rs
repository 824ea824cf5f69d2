//! What has come to a socket for datagrams and was not received yet.

use super::{feels::Feels, segment::Datagram, segment::Direction};
use crate::sim::state::Waiters;
use std::{collections::VecDeque, net::SocketAddr, task::Waker};

/// A datagram that has come.
#[derive(Debug)]
pub(in crate::sim) struct Letter {
    pub(in crate::sim) datagram: Datagram,
    pub(in crate::sim) direction: Direction,
    /// When it was sent, in microseconds.
    pub(in crate::sim) sent: u64,
    pub(in crate::sim) feels: Vec<Feels>,
}

/// A socket for datagrams.
#[derive(Debug, Default)]
pub(in crate::sim) struct Mailbox {
    pub(in crate::sim) letters: VecDeque<Letter>,
    /// How many bytes they have.
    pub(in crate::sim) bytes: usize,
    /// Only its own node can send to it.
    pub(in crate::sim) loopback: bool,
    /// Whose datagrams alone it takes.
    pub(in crate::sim) peer: Option<SocketAddr>,
    /// That peer has no such socket, and nobody was told yet.
    pub(in crate::sim) refused: bool,
    /// It may send to all.
    pub(in crate::sim) broadcast: bool,
    /// How many sockets of its node came before: what draws of its datagrams follow from.
    pub(in crate::sim) serial: u64,
    /// Datagrams sent from it so far.
    pub(in crate::sim) sent: u64,
    pub(in crate::sim) reader: Option<Waker>,
    /// Who waits for one beside it, without receiving it.
    pub(in crate::sim) lookers: Waiters,
}

impl Mailbox {
    /// Whoever waits for a datagram looks again.
    pub(in crate::sim) fn wake(&mut self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
        self.lookers.wake();
    }
}
