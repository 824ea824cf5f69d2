//! What can go wrong, told so that somebody can act on it.

use std::{io, time::Duration};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused.
    #[error("{doing}: {source}")]
    System {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// This machine, or this lab, cannot do that.
    #[error("not supported here: {why}; {remedy}")]
    Unsupported {
        /// What is missing.
        why: String,
        /// What would help, in a sentence.
        remedy: String,
    },
    /// A caller's mistake: a node that is off, a name that is taken.
    #[error("{0}")]
    Misuse(String),
    /// What was waited for did not happen.
    #[error("{what}: not within {limit:?}")]
    Late {
        /// What was waited for.
        what: String,
        /// For how long.
        limit: Duration,
    },
}

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// Says what was being done when the system refused.
pub(crate) trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|source| Error::System { doing: what(), source })
    }
}
