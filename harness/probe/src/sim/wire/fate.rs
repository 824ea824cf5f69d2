//! What becomes of a frame.

use super::feels::Feels;
use std::time::Duration;

/// What becomes of one frame.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct FrameFate {
    /// Its place among all frames.
    pub(crate) number: u64,
    /// It never arrives, or its connection is reset in its place.
    pub(crate) lost: bool,
    /// It arrives late, after frames that were sent behind it.
    pub(crate) overtaken: Option<Duration>,
    /// It and all behind it arrive late, in order.
    pub(crate) delayed: Option<Duration>,
    /// It arrives a second time: how much later, and by which fault.
    pub(crate) again: Option<(Duration, u16)>,
    /// A bit of it is wrong: from which draw it follows which.
    pub(crate) corrupted: Option<u64>,
    /// An older frame of the same connection arrives behind it: from which draw it follows which, and by
    /// which fault.
    pub(crate) replayed: Option<(u64, u16)>,
    /// Who feels the frame itself.
    pub(crate) feels: Vec<Feels>,
}
