//! How files are opened.

use super::file::{File, Kind};
#[cfg(feature = "sim")]
use crate::sim;
use std::{io, path::Path};

/// How a file is opened, as std's of this name.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    real: std::fs::OpenOptions,
    #[cfg(feature = "sim")]
    simulated: sim::disk::Opening,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self::new()
    }
}

macro_rules! options {
    ($($(#[$about:meta])* $name:ident;)*) => {
        $($(#[$about])*
        pub fn $name(&mut self, yes: bool) -> &mut Self {
            self.real.$name(yes);
            #[cfg(feature = "sim")]
            {
                self.simulated.$name = yes;
            }
            self
        })*
    };
}

impl OpenOptions {
    /// For nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            real: std::fs::OpenOptions::new(),
            #[cfg(feature = "sim")]
            simulated: sim::disk::Opening::default(),
        }
    }

    options! {
        /// It is read.
        read;
        /// It is written.
        write;
        /// What is written goes to its end.
        append;
        /// What it holds is dropped.
        truncate;
        /// It is made if it is not there.
        create;
        /// It is made, and must not be there.
        create_new;
    }

    /// Opens a file.
    ///
    /// # Errors
    /// As `std::fs::OpenOptions::open`.
    pub fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        #[cfg(feature = "sim")]
        if sim::is_active() {
            return self.open_simulated(path.as_ref(), self.simulated);
        }
        self.real.open(path).map(|real| File(Kind::Real(real)))
    }

    /// As that; in a simulation the directories above it are made.
    pub(super) fn open_anywhere(&self, path: impl AsRef<Path>) -> io::Result<File> {
        #[cfg(feature = "sim")]
        if sim::is_active() {
            let opening = sim::disk::Opening { anywhere: true, ..self.simulated };
            return self.open_simulated(path.as_ref(), opening);
        }
        self.open(path)
    }

    #[cfg(feature = "sim")]
    fn open_simulated(&self, path: &Path, opening: sim::disk::Opening) -> io::Result<File> {
        let nobody = || Err(io::Error::other("no simulation runs here"));
        let opened = sim::open(path, opening).unwrap_or_else(nobody);
        match opened {
            // A directory can be opened, and synced.
            Err(error)
                if error.kind() == io::ErrorKind::IsADirectory
                    && !opening.write
                    && !opening.append =>
            {
                Ok(File(Kind::Directory(path.to_owned())))
            }
            opened => opened.map(|handle| File(Kind::Simulated(handle))),
        }
    }
}

/// What a Unix has beside. Of no effect on a simulated disk.
#[cfg(unix)]
impl std::os::unix::fs::OpenOptionsExt for OpenOptions {
    fn mode(&mut self, mode: u32) -> &mut Self {
        self.real.mode(mode);
        self
    }

    fn custom_flags(&mut self, flags: i32) -> &mut Self {
        self.real.custom_flags(flags);
        self
    }
}

impl File {
    /// Opens a file, or in a simulation a directory, for reading.
    ///
    /// # Errors
    /// As `std::fs::File::open`.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        OpenOptions::new().read(true).open(path)
    }

    /// Opens a file for writing, without what it held; makes it when it is not there.
    ///
    /// # Errors
    /// As `std::fs::File::create`.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        OpenOptions::new().write(true).create(true).truncate(true).open(path)
    }

    /// Makes a file, for reading and writing.
    ///
    /// # Errors
    /// As `std::fs::File::create_new`.
    pub fn create_new(path: impl AsRef<Path>) -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path)
    }

    /// How a file is opened.
    #[must_use]
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }
}
