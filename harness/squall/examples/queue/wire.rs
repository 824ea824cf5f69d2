//! What goes over the wire: a request and its answer, each a frame with a checksum.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use squall::system::Error;
use squall_probe::{
    net::{FrameReceiver, FrameSender, TcpStream},
    time::timeout,
};
use std::time::Duration;
use xxhash_rust::xxh3::xxh3_64;

pub const PORT: u16 = 7000;

/// The kinds of frame.
pub const KINDS: &[&str] =
    &["publish", "receive", "acknowledge", "extend", "refuse", "describe", "answer", "delivery"];

/// How long anybody waits for an answer.
const PATIENCE: Duration = Duration::from_millis(300);

/// A message that is out: its queue, its number, and the delivery count under which it was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handle {
    pub queue: u16,
    pub message: u64,
    pub count: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Request {
    Publish { event: u64, group: u32, deduplication: u64, poison: bool },
    Receive { consumer: String, queue: u16 },
    Acknowledge(Handle),
    Extend(Handle),
    Refuse { handle: Handle, requeue: bool },
    Describe,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Answer {
    Done,
    /// The lease is over.
    Over,
    Delivery {
        handle: Handle,
        event: u64,
        poison: bool,
    },
    /// There is no message now.
    Nothing,
    /// Of each queue, how many messages it holds, and their digest.
    Holds(Vec<(u64, u64)>),
}

impl Request {
    fn kind(&self) -> &'static str {
        match self {
            Self::Publish { .. } => "publish",
            Self::Receive { .. } => "receive",
            Self::Acknowledge(_) => "acknowledge",
            Self::Extend(_) => "extend",
            Self::Refuse { .. } => "refuse",
            Self::Describe => "describe",
        }
    }
}

impl Answer {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Delivery { .. } => "delivery",
            _ => "answer",
        }
    }
}

/// A value and its checksum, by which damage shows.
pub fn frame_of(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut bytes = postcard::to_allocvec(value)?;
    bytes.extend(xxh3_64(&bytes).to_be_bytes());
    Ok(bytes)
}

/// The value in a frame, unless it is damaged.
pub fn read<'b, T: Deserialize<'b>>(frame: &'b [u8]) -> Option<T> {
    let (bytes, sum) = frame.split_last_chunk::<8>()?;
    (xxh3_64(bytes) == u64::from_be_bytes(*sum)).then(|| postcard::from_bytes(bytes).ok())?
}

/// A connection to the broker, for one request after the other. Each has a number, and its answer has it too: a frame that
/// comes twice, or late, is no answer to something else.
pub struct Connection {
    sender: FrameSender,
    receiver: FrameReceiver,
    number: u64,
}

impl Connection {
    pub async fn open() -> Result<Self, Error> {
        let stream = timeout(PATIENCE, TcpStream::connect(&format!("broker-1:{PORT}"))).await??;
        let (sender, receiver) = stream.into_frames();
        Ok(Self { sender, receiver, number: 0 })
    }

    /// The answer to a request. After an error the connection is of no more use.
    pub async fn ask(&mut self, request: &Request) -> Result<Answer, Error> {
        self.number += 1;
        let frame = frame_of(&(self.number, request))?;
        self.sender.send(request.kind(), Bytes::from(frame)).await?;
        timeout(PATIENCE, self.answer()).await?
    }

    async fn answer(&mut self) -> Result<Answer, Error> {
        loop {
            let frame = self.receiver.recv().await?.ok_or("it is closed")?;
            let (number, answer) = read::<(u64, Answer)>(&frame).ok_or("a damaged frame")?;
            if number == self.number {
                return Ok(answer);
            }
        }
    }
}
