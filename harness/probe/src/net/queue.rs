//! Frames on their way out: what waits for the network, and how it is written.

use bytes::{BufMut as _, Bytes, BytesMut};

/// Frames above this size are refused by the receiver, in bytes.
pub const MAX_FRAME: usize = 64 * 1024 * 1024;

/// A frame that waits for the network.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) frame: Bytes,
}

/// Writes a frame behind its length.
pub(super) fn put_frame(out: &mut BytesMut, frame: &[u8]) {
    // A frame whose length has more than 32 bits is far above MAX_FRAME: the receiver refuses it by the largest length
    // that there is.
    out.put_u32(u32::try_from(frame.len()).unwrap_or(u32::MAX));
    out.put_slice(frame);
}
