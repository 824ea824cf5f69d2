//! Files, with std's names. Calls block, as std's do; the simulated disk answers at once.
//!
//! The simulated disk keeps what a real one keeps. After a power cut, of what was written and not synced
//! nothing may be left, all of it, or any of its pages, the last of them torn. A file that was made, renamed
//! or removed may be so or not, until its directory is synced ([`sync_dir`]); whether its content is there is
//! another matter, so a renamed file whose content was not synced may be empty. After a sync that failed, what
//! it should have saved may still be read, and no later sync saves it: write it again.
//! Directories themselves are durable when made. A process that ends or is killed loses nothing it wrote.

use std::{
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

#[cfg(feature = "sim")]
use crate::sim::{self, Handle};

/// An open file.
#[derive(Debug)]
pub struct File(Kind);

#[derive(Debug)]
enum Kind {
    Real(std::fs::File),
    #[cfg(feature = "sim")]
    Simulated(Handle),
}

/// Opens `path` for reading and writing at any place; makes it when it is not there.
///
/// # Errors
/// As `std::fs::OpenOptions::open`.
pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
    #[cfg(feature = "sim")]
    if let Some(opened) = sim::open(path.as_ref()) {
        return opened.map(|handle| File(Kind::Simulated(handle)));
    }
    std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map(|real| File(Kind::Real(real)))
}

/// The whole content of a file.
///
/// # Errors
/// As `std::fs::read`.
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    #[cfg(feature = "sim")]
    if let Some(content) = sim::on_disk(|disk| disk.read(path.as_ref())) {
        return content;
    }
    std::fs::read(path)
}

/// Makes a directory and those above it.
///
/// # Errors
/// As `std::fs::create_dir_all`.
pub fn create_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if sim::is_active() {
        // Directories are implied by the files in them.
        return Ok(());
    }
    std::fs::create_dir_all(path)
}

/// Renames a file, replacing what was there. Durable after [`sync_dir`].
///
/// # Errors
/// As `std::fs::rename`.
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if let Some(done) = sim::on_disk(|disk| disk.rename(from.as_ref(), to.as_ref())) {
        return done;
    }
    std::fs::rename(from, to)
}

/// Removes a file. Durable after [`sync_dir`].
///
/// # Errors
/// As `std::fs::remove_file`.
pub fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if let Some(done) = sim::on_disk(|disk| disk.remove(path.as_ref())) {
        return done;
    }
    std::fs::remove_file(path)
}

/// The names of the files in a directory, sorted.
///
/// # Errors
/// As `std::fs::read_dir`.
pub fn list(path: impl AsRef<Path>) -> io::Result<Vec<String>> {
    #[cfg(feature = "sim")]
    if let Some(names) = sim::on_disk(|disk| Ok(disk.list(path.as_ref()))) {
        return names;
    }
    let mut names = std::fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// Makes the directory's entries durable: files made, renamed and removed in it.
///
/// # Errors
/// As `File::sync_all`.
pub fn sync_dir(path: impl AsRef<Path>) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if let Some(done) = sim::on_disk(|disk| disk.sync_dir(path.as_ref())) {
        return done;
    }
    std::fs::File::open(path)?.sync_all()
}

impl File {
    /// Makes all that was written durable.
    ///
    /// # Errors
    /// As `std::fs::File::sync_all`. After an error the kernel may have dropped what was not yet
    /// synced, and a second call that succeeds says nothing about it: stop, and recover from what is
    /// on disk.
    pub fn sync_all(&self) -> io::Result<()> {
        match &self.0 {
            Kind::Real(real) => real.sync_all(),
            #[cfg(feature = "sim")]
            Kind::Simulated(handle) => handle.with(sim::disk::Disk::sync),
        }
    }

    /// Cuts or extends the file.
    ///
    /// # Errors
    /// As `std::fs::File::set_len`.
    pub fn set_len(&self, length: u64) -> io::Result<()> {
        match &self.0 {
            Kind::Real(real) => real.set_len(length),
            #[cfg(feature = "sim")]
            Kind::Simulated(handle) => handle.with(|disk, inode| disk.set_len(inode, length)),
        }
    }

    /// The file's length in bytes.
    ///
    /// # Errors
    /// As `std::fs::File::metadata`.
    pub fn len(&self) -> io::Result<u64> {
        match &self.0 {
            Kind::Real(real) => real.metadata().map(|metadata| metadata.len()),
            #[cfg(feature = "sim")]
            Kind::Simulated(handle) => handle.with(|disk, inode| Ok(disk.len(inode))),
        }
    }

    /// The file holds nothing.
    ///
    /// # Errors
    /// As [`File::len`].
    pub fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|length| length == 0)
    }
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::Real(real) => real.read(buffer),
            #[cfg(feature = "sim")]
            Kind::Simulated(handle) => handle.read(buffer),
        }
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::Real(real) => real.write(bytes),
            #[cfg(feature = "sim")]
            Kind::Simulated(handle) => handle.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Kind::Real(real) => real.flush(),
            #[cfg(feature = "sim")]
            Kind::Simulated(_) => Ok(()),
        }
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.0 {
            Kind::Real(real) => real.seek(to),
            #[cfg(feature = "sim")]
            Kind::Simulated(handle) => handle.seek(to),
        }
    }
}
