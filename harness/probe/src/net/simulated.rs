//! What connections and their halves have in common in a simulation.

use crate::sim::{Reader, Wait, Writer};
use bytes::BufMut;
use std::{
    io::{self, IoSlice, IoSliceMut},
    task::{Context, Poll},
};
use tokio::io::{Interest, ReadBuf, Ready};

/// As much as a system call takes in a simulation, in bytes.
const CALL: usize = 64 << 10;

/// Ready as soon as something is that was asked for.
pub(super) fn poll_ready(
    reader: Option<&Reader>,
    writer: Option<&Writer>,
    interest: Interest,
    context: &mut Context<'_>,
) -> Poll<io::Result<Ready>> {
    let mut ready = Ready::EMPTY;
    if let Some(reader) = reader.filter(|_| interest.is_readable())
        && let Poll::Ready(ended) = reader.poll_readable(Wait::Looks(context.waker()))
    {
        ready |= if ended { Ready::READABLE | Ready::READ_CLOSED } else { Ready::READABLE };
    }
    if let Some(writer) = writer.filter(|_| interest.is_writable())
        && let Poll::Ready(gone) = writer.poll_writable(Some(context.waker()))
    {
        ready |= if gone { Ready::WRITABLE | Ready::WRITE_CLOSED } else { Ready::WRITABLE };
    }
    if ready.is_empty() { Poll::Pending } else { Poll::Ready(Ok(ready)) }
}

pub(super) fn poll_peek(
    reader: &Reader,
    context: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
) -> Poll<io::Result<usize>> {
    let before = buffer.filled().len();
    let peeked = reader.poll_peek(Wait::Looks(context.waker()), buffer);
    peeked.map_ok(|()| buffer.filled().len() - before)
}

/// What is told of something that does not wait.
pub(super) fn or_would_block<R>(done: Poll<io::Result<R>>) -> io::Result<R> {
    match done {
        Poll::Ready(done) => done,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

pub(super) fn try_read(reader: &Reader, buffer: &mut [u8]) -> io::Result<usize> {
    let mut buffer = ReadBuf::new(buffer);
    or_would_block(reader.poll_read(Wait::No, &mut buffer))?;
    Ok(buffer.filled().len())
}

pub(super) fn try_read_vectored(
    reader: &Reader,
    buffers: &mut [IoSliceMut<'_>],
) -> io::Result<usize> {
    let mut read = 0;
    for buffer in buffers.iter_mut().filter(|buffer| !buffer.is_empty()) {
        match try_read(reader, buffer) {
            Ok(count) => {
                read += count;
                if count < buffer.len() {
                    break;
                }
            }
            Err(_) if read > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

pub(super) fn try_read_buf(reader: &Reader, buffer: &mut impl BufMut) -> io::Result<usize> {
    if !buffer.has_remaining_mut() {
        return Ok(0);
    }
    let mut bytes = vec![0; buffer.remaining_mut().min(CALL)];
    let count = try_read(reader, &mut bytes)?;
    buffer.put_slice(&bytes[..count]);
    Ok(count)
}

/// Several buffers as the one that a kernel makes of them.
pub(super) fn gathered(buffers: &[IoSlice<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for buffer in buffers {
        bytes.extend_from_slice(&buffer[..buffer.len().min(CALL - bytes.len())]);
    }
    bytes
}
