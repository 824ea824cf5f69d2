//! One connection: its two ends, and what has arrived at each and was not read yet.

use super::{feels::Feels, framing::Framing, segment::Chunk};
use crate::{record::NodeId, sim::state::Waiters};
use bytes::{Bytes, BytesMut};
use std::{collections::VecDeque, net::SocketAddr, task::Waker, time::Duration};

/// What who connects knows of how that goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Handshake {
    /// Its first segment, or the answer, is on the wire.
    UnderWay,
    /// The connection is made.
    Done,
    /// Nobody listens there, or a fault reset it.
    Refused,
    /// The first segment, or the answer to it, was lost: nothing more will be heard.
    Lost,
}

/// A piece of a stream that has arrived.
#[derive(Debug)]
pub(in crate::sim) struct Arrived {
    pub(in crate::sim) chunk: Chunk,
    /// When it was sent, in microseconds.
    pub(in crate::sim) sent: u64,
    pub(in crate::sim) feels: Vec<Feels>,
}

/// A frame that was sent: its kind, its bytes, and whether they go behind their length.
pub(in crate::sim) type Remembered = (&'static str, Bytes, bool);

/// What is known of the bytes that are written on a connection.
#[derive(Debug)]
pub(in crate::sim) enum Written {
    /// Nothing was.
    Nothing,
    /// They are messages of a protocol.
    Messages(Framing),
    /// They are bytes.
    Bytes,
}

/// A connection.
#[derive(Debug)]
pub(in crate::sim) struct Connection {
    /// Of who connected, and of who accepted.
    pub(in crate::sim) ends: [End; 2],
    pub(in crate::sim) handshake: Handshake,
    pub(in crate::sim) written: Written,
    /// Segments of it that are on the wire.
    pub(in crate::sim) segments: usize,
    /// It was reset, by a fault or by a cut that was healed. The fault feels that once, when an end meets it.
    pub(in crate::sim) broken: Option<Option<u16>>,
}

/// What software asks of its socket.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Told back, and of no other effect: what is written leaves at once.
    pub(crate) nodelay: bool,
    /// Zero: closing it resets the connection. Else told back.
    pub(crate) linger: Option<Duration>,
    /// Told back.
    pub(crate) ttl: u32,
    /// Told back.
    pub(crate) keepalive: bool,
}

impl Default for Options {
    fn default() -> Self {
        // Linux begins with 64.
        Self { nodelay: false, linger: None, ttl: 64, keepalive: false }
    }
}

/// One end of a connection.
#[derive(Debug)]
pub(in crate::sim) struct End {
    pub(in crate::sim) node: NodeId,
    pub(in crate::sim) address: SocketAddr,
    /// How many connections in this direction came before: what draws of its frames follow from.
    pub(in crate::sim) serial: u64,
    /// Frames sent from it so far.
    pub(in crate::sim) frames: u64,
    /// Handles of software on it.
    pub(in crate::sim) reads: bool,
    pub(in crate::sim) writes: bool,
    /// The half that writes was dropped, and is closed with the one that reads.
    pub(in crate::sim) forgotten: bool,
    /// Its software closed it, or a half of it; else, if it is gone, its node crashed.
    pub(in crate::sim) left: bool,
    /// Its software will open it.
    pub(in crate::sim) awaited: bool,
    /// Faults keep the end of what it sends from leaving.
    pub(in crate::sim) closing: bool,
    /// What has come and was not read.
    pub(in crate::sim) inbox: VecDeque<Arrived>,
    /// The end of the stream has come.
    pub(in crate::sim) ended: bool,
    /// Its peer answered that there is no such connection.
    pub(in crate::sim) reset: bool,
    /// It sent something that reached no machine: it will be sent again until one answers.
    pub(in crate::sim) unanswered: bool,
    /// Segments that it sent and that its peer has not read.
    pub(in crate::sim) unread: usize,
    /// What it sends arrives no earlier than this, in microseconds: a stream keeps its order.
    pub(in crate::sim) lands: u64,
    /// What it sends leaves no earlier than this: faults hold up what went before.
    pub(in crate::sim) leaves: u64,
    /// The last frames that it sent, for faults that send one again.
    pub(in crate::sim) remembered: VecDeque<Remembered>,
    /// Of the bytes that it writes, what is no whole message yet.
    pub(in crate::sim) partial: BytesMut,
    /// How many of them have left.
    pub(in crate::sim) partial_sent: usize,
    pub(in crate::sim) reader: Option<Waker>,
    /// Who waits for something to read beside it, without reading it.
    pub(in crate::sim) lookers: Waiters,
    /// Who waits for room to write, or for the connection to be gone.
    pub(in crate::sim) writers: Waiters,
    pub(in crate::sim) options: Options,
}

impl End {
    pub(in crate::sim) fn new(node: NodeId, address: SocketAddr, serial: u64) -> Self {
        Self {
            node,
            address,
            serial,
            frames: 0,
            reads: false,
            writes: false,
            forgotten: false,
            left: false,
            awaited: true,
            closing: false,
            inbox: VecDeque::new(),
            ended: false,
            reset: false,
            unanswered: false,
            unread: 0,
            lands: 0,
            leaves: 0,
            remembered: VecDeque::new(),
            partial: BytesMut::new(),
            partial_sent: 0,
            reader: None,
            lookers: Waiters::default(),
            options: Options::default(),
            writers: Waiters::default(),
        }
    }

    /// Its software has opened it.
    pub(in crate::sim) fn open(&mut self) {
        (self.awaited, self.reads, self.writes) = (false, true, true);
    }

    /// No software has it any more.
    pub(in crate::sim) fn gone(&self) -> bool {
        !self.reads && !self.writes && !self.awaited
    }

    /// Its software asked for a reset when it closes it.
    pub(in crate::sim) fn resets_when_closed(&self) -> bool {
        self.options.linger == Some(Duration::ZERO)
    }

    /// Whoever waits for something to happen at it looks again.
    pub(in crate::sim) fn wake(&mut self) {
        self.wake_reader();
        self.writers.wake();
    }

    pub(in crate::sim) fn wake_reader(&mut self) {
        if let Some(waker) = self.reader.take() {
            waker.wake();
        }
        self.lookers.wake();
    }
}

impl Connection {
    pub(in crate::sim) fn new(ends: [End; 2]) -> Self {
        let (handshake, written) = (Handshake::UnderWay, Written::Nothing);
        Self { ends, handshake, written, segments: 0, broken: None }
    }

    /// One of its ends is at this node.
    pub(in crate::sim) fn is_of(&self, node: NodeId) -> bool {
        self.ends.iter().any(|end| end.node == node)
    }

    /// No software has it any more, and nothing of it is on the wire or will be.
    pub(in crate::sim) fn is_over(&self) -> bool {
        self.segments == 0 && self.ends.iter().all(|end| end.gone() && !end.closing)
    }

    /// Both ends meet a reset; who still connects is refused.
    pub(in crate::sim) fn break_by(&mut self, by: Option<u16>) {
        if self.broken.is_some() {
            return;
        }
        self.broken = Some(by);
        if self.handshake == Handshake::UnderWay {
            self.handshake = Handshake::Refused;
        }
        self.ends.iter_mut().for_each(End::wake);
    }
}
