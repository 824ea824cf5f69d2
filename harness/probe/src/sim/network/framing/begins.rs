//! What bytes of a side begin with.

/// What bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Begins {
    /// A message of this length, in bytes, and kind.
    Message(usize, &'static str),
    /// The beginning of one.
    Incomplete,
    /// Something else: what follows is bytes.
    Else,
}

/// Whose bytes they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Side {
    Connected,
    Accepted,
}

impl Side {
    /// By the place of its end in a connection.
    pub(in crate::sim) fn of_end(end: usize) -> Self {
        if end == 0 { Self::Connected } else { Self::Accepted }
    }
}
