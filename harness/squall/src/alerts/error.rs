//! Why alerts cannot be judged.

use crate::worker::WorkerError;

/// Why alerts cannot be judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// What the user gave cannot be used.
    #[error("{0}")]
    Input(String),
    /// promtool did something that squall does not understand.
    #[error("promtool: {0}")]
    Promtool(String),
    /// The worker that has the run's numbers failed.
    #[error(transparent)]
    Worker(#[from] WorkerError),
}
