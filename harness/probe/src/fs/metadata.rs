//! What is known of files and directories.

#[cfg(feature = "sim")]
use crate::sim::disk::Entry;
use std::{io, time::SystemTime};

/// What is known of a file or a directory, as std's of this name.
#[derive(Clone, Debug)]
pub struct Metadata(pub(super) Kind);

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Real(std::fs::Metadata),
    #[cfg(feature = "sim")]
    Simulated(Entry),
}

/// What something is, as std's of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileType {
    file: bool,
    directory: bool,
    link: bool,
}

impl From<std::fs::FileType> for FileType {
    fn from(real: std::fs::FileType) -> Self {
        Self { file: real.is_file(), directory: real.is_dir(), link: real.is_symlink() }
    }
}

impl FileType {
    /// It is a file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.file
    }

    /// It is a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.directory
    }

    /// It is a symbolic link.
    #[must_use]
    pub fn is_symlink(&self) -> bool {
        self.link
    }
}

impl Metadata {
    pub(super) fn real(real: std::fs::Metadata) -> Self {
        Self(Kind::Real(real))
    }

    /// What it is.
    #[must_use]
    pub fn file_type(&self) -> FileType {
        match &self.0 {
            Kind::Real(real) => real.file_type().into(),
            #[cfg(feature = "sim")]
            Kind::Simulated(entry) => {
                let directory = *entry == Entry::Directory;
                FileType { file: !directory, directory, link: false }
            }
        }
    }

    /// It is a file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.file_type().is_file()
    }

    /// It is a directory.
    #[must_use]
    pub fn is_dir(&self) -> bool {
        self.file_type().is_dir()
    }

    /// It is a symbolic link.
    #[must_use]
    pub fn is_symlink(&self) -> bool {
        self.file_type().is_symlink()
    }

    /// How many bytes a file has.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // As std's.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Kind::Real(real) => real.len(),
            #[cfg(feature = "sim")]
            Kind::Simulated(Entry::File { length, .. }) => *length,
            #[cfg(feature = "sim")]
            Kind::Simulated(Entry::Directory) => 4_096,
        }
    }

    /// When its content changed. On a simulated disk in virtual time, whatever a fault does to the node's clock.
    ///
    /// # Errors
    /// As std's; [`Unsupported`](io::ErrorKind::Unsupported) of a directory on a simulated disk.
    pub fn modified(&self) -> io::Result<SystemTime> {
        match &self.0 {
            Kind::Real(real) => real.modified(),
            #[cfg(feature = "sim")]
            Kind::Simulated(Entry::File { modified, .. }) => Ok(SystemTime::UNIX_EPOCH + *modified),
            #[cfg(feature = "sim")]
            Kind::Simulated(Entry::Directory) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// When it was read.
    ///
    /// # Errors
    /// As std's; [`Unsupported`](io::ErrorKind::Unsupported) on a simulated disk, as on those that are mounted without.
    pub fn accessed(&self) -> io::Result<SystemTime> {
        match &self.0 {
            Kind::Real(real) => real.accessed(),
            #[cfg(feature = "sim")]
            Kind::Simulated(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// When it was made.
    ///
    /// # Errors
    /// As std's; [`Unsupported`](io::ErrorKind::Unsupported) on a simulated disk.
    pub fn created(&self) -> io::Result<SystemTime> {
        match &self.0 {
            Kind::Real(real) => real.created(),
            #[cfg(feature = "sim")]
            Kind::Simulated(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Who may do what with it: on a simulated disk its owner all, and others nothing but read.
    #[cfg(unix)]
    #[must_use]
    pub fn permissions(&self) -> std::fs::Permissions {
        match &self.0 {
            Kind::Real(real) => real.permissions(),
            #[cfg(feature = "sim")]
            Kind::Simulated(entry) => {
                let mode = if *entry == Entry::Directory { 0o755 } else { 0o644 };
                std::os::unix::fs::PermissionsExt::from_mode(mode)
            }
        }
    }
}
