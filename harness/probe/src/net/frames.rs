//! Length-delimited frames: each is preceded by its length (four bytes, big endian).

#[cfg(feature = "sim")]
use super::halves::{Read, Write};
use super::{
    halves::{OwnedReadHalf, OwnedWriteHalf},
    queue::{MAX_FRAME, Queued, put_frame},
};
#[cfg(feature = "sim")]
use crate::sim;
use bytes::{Bytes, BytesMut};
use std::io;
#[cfg(feature = "sim")]
use std::{sync::Arc, task::Poll};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc,
};

/// How many frames may wait for the network before [`FrameSender::send`] waits.
const QUEUE: usize = 1024;

/// Frames over a connection.
pub(super) fn over(read: OwnedReadHalf, write: OwnedWriteHalf) -> (FrameSender, FrameReceiver) {
    #[cfg(feature = "sim")]
    if let Write::Simulated(writer) = write.0 {
        return (FrameSender(Sender::Simulated(Arc::new(writer))), FrameReceiver::new(read));
    }
    let (queue, frames) = mpsc::channel(QUEUE);
    tokio::spawn(write_frames(write, frames));
    (FrameSender(Sender::Queue(queue)), FrameReceiver::new(read))
}

/// Sends frames. Clones share one connection, which closes when the last is dropped.
#[derive(Clone, Debug)]
pub struct FrameSender(Sender);

#[derive(Clone, Debug)]
enum Sender {
    Queue(mpsc::Sender<Queued>),
    #[cfg(feature = "sim")]
    Simulated(Arc<sim::Writer>),
}

impl FrameSender {
    /// Queues a frame of a kind; waits while the queue is full.
    ///
    /// # Errors
    /// `BrokenPipe` when the connection is gone. That the frame was queued does not say that it arrives.
    pub async fn send(&self, kind: &'static str, frame: Bytes) -> io::Result<()> {
        #[cfg(not(feature = "sim"))]
        let _ = kind;
        match &self.0 {
            Sender::Queue(queue) => {
                let queued = Queued { frame };
                queue.send(queued).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
            }
            #[cfg(feature = "sim")]
            Sender::Simulated(writer) => {
                let mut frame = Some(frame);
                std::future::poll_fn(|context| {
                    writer.poll_send(Some(context.waker()), kind, &mut frame)
                })
                .await
            }
        }
    }

    /// Queues a frame of a kind, unless the queue is full.
    ///
    /// # Errors
    /// `BrokenPipe` when the connection is gone, `WouldBlock` when the queue is full.
    pub fn try_send(&self, kind: &'static str, frame: Bytes) -> io::Result<()> {
        #[cfg(not(feature = "sim"))]
        let _ = kind;
        match &self.0 {
            Sender::Queue(queue) => queue.try_send(Queued { frame }).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => io::ErrorKind::WouldBlock.into(),
                mpsc::error::TrySendError::Closed(_) => io::ErrorKind::BrokenPipe.into(),
            }),
            #[cfg(feature = "sim")]
            Sender::Simulated(writer) => match writer.poll_send(None, kind, &mut Some(frame)) {
                Poll::Ready(sent) => sent,
                Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
            },
        }
    }

    /// The connection is known to be gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match &self.0 {
            Sender::Queue(queue) => queue.is_closed(),
            #[cfg(feature = "sim")]
            Sender::Simulated(writer) => writer.is_closed(),
        }
    }

    /// Returns when the connection's sending side is gone.
    pub async fn closed(&self) {
        match &self.0 {
            Sender::Queue(queue) => queue.closed().await,
            #[cfg(feature = "sim")]
            Sender::Simulated(writer) => writer.closed().await,
        }
    }
}

/// Receives frames.
#[derive(Debug)]
pub struct FrameReceiver {
    read: OwnedReadHalf,
    buffer: BytesMut,
    /// A slow reader is done with the first frame of the buffer at this time.
    #[cfg(feature = "sim")]
    busy: Option<Busy>,
}

/// A reader is slow: until when, and by which fault.
#[cfg(feature = "sim")]
#[derive(Debug)]
struct Busy {
    until: crate::time::Instant,
    fault: u16,
    _under_way: sim::UnderWay,
}

impl FrameReceiver {
    fn new(read: OwnedReadHalf) -> Self {
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
            && let Read::Simulated(reader) = &self.read.0
            && let Some((takes, fault)) = sim::with(|world| world.reading_takes_here())
        {
            let until = crate::time::Instant::now() + takes;
            let _under_way =
                reader.being_read("a message that a slow reader takes its time over", takes);
            self.busy = Some(Busy { until, fault, _under_way });
        }
        if let Some(Busy { until, fault, .. }) = &self.busy {
            let fault = *fault;
            crate::time::sleep_until(*until).await;
            self.busy = None;
            sim::with(|world| world.feel(fault));
        }
    }

    /// The frame that has come, whole.
    #[cfg(feature = "sim")]
    fn take_frame(&self) -> io::Result<Option<Bytes>> {
        let Read::Simulated(reader) = &self.read.0 else { return Ok(None) };
        match reader.take_frame() {
            Some(frame) if frame.len() > MAX_FRAME => Err(too_long(frame.len())),
            frame => Ok(frame),
        }
    }

    /// The next frame; `None` when the peer has closed the connection between two frames.
    /// Cancel safe.
    ///
    /// # Errors
    /// The connection was reset, ended inside a frame, or the frame exceeds [`MAX_FRAME`].
    pub async fn recv(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            #[cfg(feature = "sim")]
            if self.buffer.is_empty()
                && let Read::Simulated(reader) = &self.read.0
            {
                match std::future::poll_fn(|context| reader.poll_next(context)).await? {
                    sim::Next::Frame => {
                        self.take_time().await;
                        return self.take_frame();
                    }
                    sim::Next::Bytes(bytes) => self.buffer.extend_from_slice(&bytes),
                    sim::Next::End => return Ok(None),
                }
            }
            if let Some(prefix) = self.buffer.first_chunk::<4>() {
                let length = u32::from_be_bytes(*prefix) as usize;
                if length > MAX_FRAME {
                    return Err(too_long(length));
                }
                if self.buffer.len() >= 4 + length {
                    #[cfg(feature = "sim")]
                    self.take_time().await;
                    let mut frame = self.buffer.split_to(4 + length);
                    let _ = frame.split_to(4);
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

fn too_long(length: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("a frame of {length} bytes; at most {MAX_FRAME} are accepted"),
    )
}

async fn write_frames(mut write: OwnedWriteHalf, mut queue: mpsc::Receiver<Queued>) {
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
