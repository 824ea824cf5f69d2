//! Directories.

use super::metadata::{FileType, Kind, Metadata};
#[cfg(feature = "sim")]
use crate::sim::{self, disk::Entry};
use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

/// What is in a directory, in an order that on a simulated disk is that of the names.
///
/// # Errors
/// As `std::fs::read_dir`.
pub fn read_dir(path: impl AsRef<Path>) -> io::Result<ReadDir> {
    #[cfg(feature = "sim")]
    if let Some(found) = sim::at_path(path.as_ref(), |disk, path| disk.entries(path)) {
        let shown = path.as_ref();
        let entries = found?.into_iter().map(|(path, entry)| {
            let name = path.file_name().unwrap_or_default();
            SimulatedEntry { path: shown.join(name), entry }
        });
        return Ok(ReadDir(Listing::Simulated(entries.collect::<Vec<_>>().into_iter())));
    }
    std::fs::read_dir(path).map(|real| ReadDir(Listing::Real(real)))
}

/// What is in a directory, as std's of this name.
#[derive(Debug)]
pub struct ReadDir(Listing);

#[derive(Debug)]
enum Listing {
    Real(std::fs::ReadDir),
    #[cfg(feature = "sim")]
    Simulated(std::vec::IntoIter<SimulatedEntry>),
}

/// Something in a directory, as std's of this name.
#[derive(Debug)]
pub struct DirEntry(Item);

#[derive(Debug)]
enum Item {
    Real(std::fs::DirEntry),
    #[cfg(feature = "sim")]
    Simulated(SimulatedEntry),
}

#[cfg(feature = "sim")]
#[derive(Debug)]
struct SimulatedEntry {
    path: PathBuf,
    entry: Entry,
}

impl Iterator for ReadDir {
    type Item = io::Result<DirEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Listing::Real(real) => {
                real.next().map(|entry| entry.map(|real| DirEntry(Item::Real(real))))
            }
            #[cfg(feature = "sim")]
            Listing::Simulated(entries) => {
                entries.next().map(|entry| Ok(DirEntry(Item::Simulated(entry))))
            }
        }
    }
}

impl DirEntry {
    /// Its path, behind that of the directory as it was given.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        match &self.0 {
            Item::Real(real) => real.path(),
            #[cfg(feature = "sim")]
            Item::Simulated(SimulatedEntry { path, .. }) => path.clone(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn file_name(&self) -> OsString {
        match &self.0 {
            Item::Real(real) => real.file_name(),
            #[cfg(feature = "sim")]
            Item::Simulated(SimulatedEntry { path, .. }) => {
                path.file_name().unwrap_or_default().to_owned()
            }
        }
    }

    /// What it is.
    ///
    /// # Errors
    /// As std's.
    pub fn file_type(&self) -> io::Result<FileType> {
        match &self.0 {
            Item::Real(real) => real.file_type().map(FileType::from),
            #[cfg(feature = "sim")]
            Item::Simulated(_) => self.metadata().map(|metadata| metadata.file_type()),
        }
    }

    /// What is known of it.
    ///
    /// # Errors
    /// As std's.
    pub fn metadata(&self) -> io::Result<Metadata> {
        match &self.0 {
            Item::Real(real) => real.metadata().map(|real| Metadata(Kind::Real(real))),
            #[cfg(feature = "sim")]
            Item::Simulated(SimulatedEntry { entry, .. }) => Ok(Metadata(Kind::Simulated(*entry))),
        }
    }
}

/// How a directory is made, as std's of this name.
#[derive(Debug, Default)]
pub struct DirBuilder {
    recursive: bool,
}

impl DirBuilder {
    /// One directory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Those above it, too.
    pub fn recursive(&mut self, recursive: bool) -> &mut Self {
        self.recursive = recursive;
        self
    }

    /// Makes it.
    ///
    /// # Errors
    /// As `std::fs::DirBuilder::create`.
    pub fn create(&self, path: impl AsRef<Path>) -> io::Result<()> {
        #[cfg(feature = "sim")]
        if let Some(done) = sim::at_path(path.as_ref(), |disk, path| {
            if self.recursive { disk.make_directories(path) } else { disk.make_directory(path) }
        }) {
            return done;
        }
        std::fs::DirBuilder::new().recursive(self.recursive).create(path)
    }
}
