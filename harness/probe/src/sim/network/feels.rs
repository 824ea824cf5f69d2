//! When faults feel what they did to a segment.

/// When a fault feels what it did to a segment. Faults are named by their steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feels {
    /// When its receiver reads it.
    Read(u16),
    /// As that, or when it comes and its receiver has stopped listening.
    Late(u16),
    /// When its receiver reads a frame that was sent after it, and has not had this one.
    Overtaken(u16),
    /// When its receiver reads it, and it took longer than the network ever does.
    Slow(u16),
}
