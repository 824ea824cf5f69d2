//! Files, with std's names: in a program that does `use std::fs`, put `squall_probe::fs` there; for `tokio::fs` there is
//! [`squall_probe::fs::tokio`](self::tokio). Calls block, as std's do; the simulated disk answers at once.
//!
//! The simulated disk keeps what a real one keeps. After a power cut, of what was written and not synced
//! nothing may be left, all of it, or any of its pages, the last of them torn. A file that was made, renamed
//! or removed may be so or not, until its directory is synced ([`sync_dir`], or [`File::sync_all`] of the directory);
//! whether its content is there is another matter, so a renamed file whose content was not synced may be empty. After a
//! sync that failed, what it should have saved may still be read, and no later sync saves it: write it again.
//! Directories themselves are durable when made, renamed or removed. A process that ends or is killed loses nothing it
//! wrote. Each node has a disk of its own, with a root and `/tmp`; relative paths begin at the root.
//!
//! ```
//! use squall_probe::fs;
//! use std::io::Write as _;
//!
//! # let folder = std::env::temp_dir().join(format!("squall-probe-fs-{}", std::process::id()));
//! # fs::create_dir_all(&folder)?;
//! // Replaced as a whole, and durable when this is done.
//! let (new, path) = (folder.join("state.new"), folder.join("state"));
//! let mut file = fs::File::create(&new)?;
//! file.write_all(b"7")?;
//! file.sync_all()?;
//! fs::rename(&new, &path)?;
//! fs::sync_dir(&folder)?;
//! assert_eq!(fs::read_to_string(&path)?, "7");
//! # fs::remove_dir_all(&folder)?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! What std has beside and this module has not: symbolic links, locks, times that can be set. Permissions are those of
//! the real disk in production, and of no effect on the simulated one.

mod dir;
mod file;
mod functions;
mod metadata;
mod options;
#[cfg(all(test, feature = "sim"))]
mod tests;
pub mod tokio;

pub use dir::{DirBuilder, DirEntry, ReadDir, read_dir};
pub use file::File;
pub use functions::{
    canonicalize, copy, create_dir, create_dir_all, exists, hard_link, list, metadata, open, read,
    read_to_string, remove_dir, remove_dir_all, remove_file, rename, set_permissions,
    symlink_metadata, sync_dir, write,
};
pub use metadata::{FileType, Metadata};
pub use options::OpenOptions;
