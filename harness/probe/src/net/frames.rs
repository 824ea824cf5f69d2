//! Length-delimited frames: each is preceded by its length (four bytes, big endian).

#[cfg(feature = "sim")]
use super::{
    halves::{Read, Write},
    tampering,
};
use super::{
    halves::{ReadHalf, WriteHalf},
    queue::{MAX_FRAME, Queued, put_frame},
};
#[cfg(feature = "sim")]
use crate::sim;
use bytes::{Bytes, BytesMut};
use std::io;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc,
};

/// How many frames may wait for the network before [`FrameSender::send`] waits.
const QUEUE: usize = 1024;

/// Frames over a connection.
pub(super) fn over(read: ReadHalf, write: WriteHalf) -> (FrameSender, FrameReceiver) {
    let (queue, frames) = mpsc::channel(QUEUE);
    crate::task::spawn_sender(write_frames(write, frames));
    (FrameSender { queue }, FrameReceiver::new(read))
}

/// Sends frames. Clones share one connection, which closes when the last is dropped.
#[derive(Clone, Debug)]
pub struct FrameSender {
    queue: mpsc::Sender<Queued>,
}

impl FrameSender {
    /// Queues a frame of a kind; waits while the queue is full.
    ///
    /// # Errors
    /// `BrokenPipe` when the connection is gone. That the frame was queued does not say that it arrives.
    pub async fn send(&self, kind: &'static str, frame: Bytes) -> io::Result<()> {
        #[cfg(feature = "sim")]
        if sim::try_with(|world| world.is_dead_here()) == Some(true) {
            // A node that has died and does not know sends nothing any more.
            return Ok(());
        }
        let queued = Queued::new(kind, frame);
        self.queue.send(queued).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Queues a frame of a kind, unless the queue is full.
    ///
    /// # Errors
    /// `BrokenPipe` when the connection is gone, `WouldBlock` when the queue is full.
    pub fn try_send(&self, kind: &'static str, frame: Bytes) -> io::Result<()> {
        #[cfg(feature = "sim")]
        if sim::try_with(|world| world.is_dead_here()) == Some(true) {
            return Ok(());
        }
        self.queue.try_send(Queued::new(kind, frame)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => io::ErrorKind::WouldBlock.into(),
            mpsc::error::TrySendError::Closed(_) => io::ErrorKind::BrokenPipe.into(),
        })
    }

    /// The connection is known to be gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Returns when the connection's sending side is gone.
    pub async fn closed(&self) {
        self.queue.closed().await;
    }
}

/// Receives frames.
#[derive(Debug)]
pub struct FrameReceiver {
    read: ReadHalf,
    buffer: BytesMut,
    /// A slow reader is done with the first frame of the buffer at this time.
    #[cfg(feature = "sim")]
    busy: Option<Busy>,
}

/// A reader is slow: until when, and by which fault.
#[cfg(feature = "sim")]
#[derive(Debug)]
struct Busy {
    until: tokio::time::Instant,
    fault: u16,
    _under_way: sim::UnderWay,
}

impl FrameReceiver {
    #[cfg_attr(not(feature = "sim"), allow(unused_mut))]
    fn new(mut read: ReadHalf) -> Self {
        #[cfg(feature = "sim")]
        if let Read::Simulated(_, wire) = &mut read.0 {
            wire.carries_frames();
        }
        Self {
            read,
            buffer: BytesMut::new(),
            #[cfg(feature = "sim")]
            busy: None,
        }
    }

    /// The time that a slow reader takes over a frame, however often it is asked meanwhile.
    #[cfg(feature = "sim")]
    async fn take_time(&mut self) {
        if self.busy.is_none()
            && let Read::Simulated(_, wire) = &self.read.0
            && let Some((takes, fault)) = sim::with(|world| world.reading_takes_here())
        {
            let until = tokio::time::Instant::now() + takes;
            let _under_way =
                wire.being_read("a message that a slow reader takes its time over", takes);
            self.busy = Some(Busy { until, fault, _under_way });
        }
        if let Some(Busy { until, fault, .. }) = &self.busy {
            let fault = *fault;
            tokio::time::sleep_until(*until).await;
            self.busy = None;
            sim::with(|world| world.feel(fault));
        }
    }

    /// The next frame; `None` when the peer has closed the connection between two frames.
    /// Cancel safe.
    ///
    /// # Errors
    /// The connection was reset, ended inside a frame, or the frame exceeds [`MAX_FRAME`].
    pub async fn recv(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(prefix) = self.buffer.first_chunk::<4>() {
                let length = u32::from_be_bytes(*prefix) as usize;
                if length > MAX_FRAME {
                    return Err(io::Error::new(
                        io::ErrorKind::InvalidData,
                        format!("a frame of {length} bytes; at most {MAX_FRAME} are accepted"),
                    ));
                }
                if self.buffer.len() >= 4 + length {
                    #[cfg(feature = "sim")]
                    self.take_time().await;
                    let mut frame = self.buffer.split_to(4 + length);
                    let _ = frame.split_to(4);
                    #[cfg(feature = "sim")]
                    if let Read::Simulated(_, wire) = &self.read.0 {
                        wire.reads_frame(4 + length);
                    }
                    return Ok(Some(frame.freeze()));
                }
            }
            if self.read.read_buf(&mut self.buffer).await? == 0 {
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

async fn write_frames(mut write: WriteHalf, mut queue: mpsc::Receiver<Queued>) {
    #[cfg(feature = "sim")]
    if let Write::Simulated(_, wire, _) = &write.0 {
        let wire = wire.twin();
        return tampering::write_frames(write, queue, wire).await;
    }
    let mut batch = Vec::new();
    let mut out = BytesMut::new();
    while queue.recv_many(&mut batch, 64).await > 0 {
        for queued in batch.drain(..) {
            put_frame(&mut out, &queued.frame);
        }
        if write.write_all_buf(&mut out).await.is_err() {
            return;
        }
    }
    let _ = write.shutdown().await;
}
