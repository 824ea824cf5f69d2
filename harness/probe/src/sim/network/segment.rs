//! What is on the wire.

use super::feels::Feels;
use crate::record::NodeId;
use bytes::Bytes;
use std::net::SocketAddr;

/// From whom to whom.
pub type Direction = (NodeId, NodeId);

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct EndId {
    /// Which connection.
    pub(in crate::sim) connection: usize,
    /// 0 is who connected, 1 is who accepted.
    pub(in crate::sim) end: usize,
}

impl EndId {
    /// What belongs to no connection: datagrams.
    pub(in crate::sim) const NONE: Self = Self { connection: usize::MAX, end: 0 };

    /// The other end of the same connection.
    pub(in crate::sim) fn peer(self) -> Self {
        Self { end: 1 - self.end, ..self }
    }
}

/// A piece of a stream. Frames stay whole, so that a receiver of frames need not look for their ends.
#[derive(Clone, Debug)]
pub(in crate::sim) enum Chunk {
    /// Bytes as they were written.
    Bytes(Bytes),
    /// A frame.
    Frame {
        bytes: Bytes,
        /// Its length goes before it on the wire; else its bytes are all that there is of it.
        prefixed: bool,
        /// Its place among all frames of the run.
        number: u64,
        /// Where it stands among those that are kept for diagrams.
        flight: Option<usize>,
        /// A fault made it of another one: who sent that one does not keep it.
        copy: bool,
    },
}

impl Chunk {
    /// How many bytes of the stream it is.
    pub(in crate::sim) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Frame { bytes, prefixed: true, .. } => 4 + bytes.len(),
            Self::Frame { bytes, .. } => bytes.len(),
        }
    }
}

/// What a segment says.
#[derive(Debug)]
pub(in crate::sim) enum Payload {
    /// Somebody wants to connect, to this port.
    Connect { port: u16 },
    /// The connection is made.
    Accepted,
    /// Nobody listens there.
    Refused,
    /// A piece of the stream.
    Data(Chunk),
    /// Nothing more comes.
    End,
    /// There is no such connection.
    Reset,
    /// A datagram.
    Datagram(Datagram),
    /// No socket takes datagrams at the address `peer`; told to that of this port.
    Unreachable { port: u16, peer: SocketAddr },
}

/// A datagram on its way.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Datagram {
    pub(in crate::sim) from: SocketAddr,
    /// The port that it goes to.
    pub(in crate::sim) port: u16,
    pub(in crate::sim) bytes: Bytes,
    /// Its place among all frames of the run.
    pub(in crate::sim) number: u64,
    /// Where it stands among those that are kept for diagrams.
    pub(in crate::sim) flight: Option<usize>,
    /// A fault made it of another one: who sent that one does not keep it.
    pub(in crate::sim) copy: bool,
}

impl Payload {
    /// How many bytes of its sender's memory it takes until it leaves.
    pub(in crate::sim) fn held(&self) -> usize {
        match self {
            Self::Data(Chunk::Frame { copy: true, .. })
            | Self::Datagram(Datagram { copy: true, .. }) => 0,
            _ => self.len(),
        }
    }

    /// How many bytes of the software's it carries.
    pub(in crate::sim) fn len(&self) -> usize {
        match self {
            Self::Data(chunk) => chunk.len(),
            Self::Datagram(datagram) => datagram.bytes.len(),
            _ => 0,
        }
    }
}

/// A segment on its way.
#[derive(Debug)]
pub(in crate::sim) struct Segment {
    pub(in crate::sim) direction: Direction,
    /// The end that it goes to.
    pub(in crate::sim) to: EndId,
    pub(in crate::sim) payload: Payload,
    /// When it left, in microseconds of virtual time.
    pub(in crate::sim) sent: u64,
    /// When it arrives, if nothing holds it up.
    pub(in crate::sim) lands: u64,
    pub(in crate::sim) feels: Vec<Feels>,
}

/// A segment that faults keep from leaving yet.
#[derive(Debug)]
pub(in crate::sim) struct Waiting {
    /// The end that sends it.
    pub(in crate::sim) from: EndId,
    pub(in crate::sim) direction: Direction,
    pub(in crate::sim) payload: Payload,
    pub(in crate::sim) feels: Vec<Feels>,
    /// Faults that make the link narrow that it waits for.
    pub(in crate::sim) narrow: Vec<u16>,
    /// The fault that is felt when it leaves, if any.
    pub(in crate::sim) felt_leaving: Option<u16>,
    /// What it is, in words, and of which kind.
    pub(in crate::sim) what: (&'static str, &'static str),
}
