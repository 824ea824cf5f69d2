//! What is at a path, and how it is opened.

use std::time::Duration;

/// How a file is opened, as by std's `OpenOptions`.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools)]
pub(crate) struct Opening {
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) append: bool,
    pub(crate) truncate: bool,
    pub(crate) create: bool,
    pub(crate) create_new: bool,
    /// Directories above it are made, too.
    pub(crate) anywhere: bool,
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Directory,
    File {
        /// In bytes.
        length: u64,
        /// When its content changed, since the Unix epoch.
        modified: Duration,
    },
}
