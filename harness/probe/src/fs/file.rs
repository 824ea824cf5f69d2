//! Open files.

#[cfg(feature = "sim")]
use super::metadata::Kind as Known;
use super::metadata::Metadata;
#[cfg(feature = "sim")]
use crate::sim::{self, Handle};
use std::io::{self, Read, Seek, SeekFrom, Write};

/// An open file, as std's of this name.
#[derive(Debug)]
pub struct File(pub(super) Kind);

#[derive(Debug)]
pub(super) enum Kind {
    Real(std::fs::File),
    #[cfg(feature = "sim")]
    Simulated(Handle),
    /// Of a simulated disk.
    #[cfg(feature = "sim")]
    Directory(std::path::PathBuf),
}

#[cfg(feature = "sim")]
fn is_a_directory<R>() -> io::Result<R> {
    Err(io::ErrorKind::IsADirectory.into())
}

/// A file that is none of std's.
#[cfg(feature = "sim")]
pub(super) type NotReal = File;
#[cfg(not(feature = "sim"))]
pub(super) type NotReal = std::convert::Infallible;

impl File {
    pub(super) fn real(real: std::fs::File) -> Self {
        Self(Kind::Real(real))
    }

    /// std's file, or itself if it is on a simulated disk.
    pub(super) fn into_real(self) -> Result<std::fs::File, NotReal> {
        match self.0 {
            Kind::Real(real) => Ok(real),
            #[cfg(feature = "sim")]
            simulated => Err(Self(simulated)),
        }
    }

    /// Makes all that was written durable; of a directory, its entries.
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
            #[cfg(feature = "sim")]
            Kind::Directory(path) => match sim::at_path(path, sim::disk::Disk::sync_dir) {
                Some(done) => done,
                None => Err(io::Error::other("the simulation of this file has ended")),
            },
        }
    }

    /// Makes what it holds durable. On a simulated disk this is [`File::sync_all`].
    ///
    /// # Errors
    /// As those of it.
    pub fn sync_data(&self) -> io::Result<()> {
        match &self.0 {
            Kind::Real(real) => real.sync_data(),
            #[cfg(feature = "sim")]
            Kind::Simulated(_) | Kind::Directory(_) => self.sync_all(),
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
            Kind::Simulated(handle) => handle.set_len(length),
            #[cfg(feature = "sim")]
            Kind::Directory(_) => is_a_directory(),
        }
    }

    /// What is known of it.
    ///
    /// # Errors
    /// As `std::fs::File::metadata`.
    pub fn metadata(&self) -> io::Result<Metadata> {
        match &self.0 {
            Kind::Real(real) => real.metadata().map(Metadata::real),
            #[cfg(feature = "sim")]
            Kind::Simulated(handle) => {
                let entry = handle.with(|disk, inode| Ok(disk.file_entry(inode)))?;
                Ok(Metadata(Known::Simulated(entry)))
            }
            #[cfg(feature = "sim")]
            Kind::Directory(_) => Ok(Metadata(Known::Simulated(sim::disk::Entry::Directory))),
        }
    }

    /// Another handle on it, which shares its place.
    ///
    /// # Errors
    /// As `std::fs::File::try_clone`.
    pub fn try_clone(&self) -> io::Result<Self> {
        match &self.0 {
            Kind::Real(real) => real.try_clone().map(|real| Self(Kind::Real(real))),
            #[cfg(feature = "sim")]
            Kind::Simulated(handle) => Ok(Self(Kind::Simulated(handle.clone()))),
            #[cfg(feature = "sim")]
            Kind::Directory(path) => Ok(Self(Kind::Directory(path.clone()))),
        }
    }

    /// Says who may do what with it. Of no effect on a simulated disk.
    ///
    /// # Errors
    /// As `std::fs::File::set_permissions`.
    pub fn set_permissions(&self, permissions: std::fs::Permissions) -> io::Result<()> {
        match &self.0 {
            Kind::Real(real) => real.set_permissions(permissions),
            #[cfg(feature = "sim")]
            Kind::Simulated(_) | Kind::Directory(_) => Ok(()),
        }
    }

    /// The file's length in bytes.
    ///
    /// # Errors
    /// As `std::fs::File::metadata`.
    pub fn len(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }

    /// The file holds nothing.
    ///
    /// # Errors
    /// As [`File::len`].
    pub fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|length| length == 0)
    }
}

impl Read for &File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.0 {
            Kind::Real(real) => {
                let mut real = real;
                real.read(buffer)
            }
            #[cfg(feature = "sim")]
            Kind::Simulated(handle) => handle.read(buffer),
            #[cfg(feature = "sim")]
            Kind::Directory(_) => is_a_directory(),
        }
    }
}

impl Write for &File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.0 {
            Kind::Real(real) => {
                let mut real = real;
                real.write(bytes)
            }
            #[cfg(feature = "sim")]
            Kind::Simulated(handle) => handle.write(bytes),
            #[cfg(feature = "sim")]
            Kind::Directory(_) => is_a_directory(),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        // As std's: nothing waits here.
        Ok(())
    }
}

impl Seek for &File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &self.0 {
            Kind::Real(real) => {
                let mut real = real;
                real.seek(to)
            }
            #[cfg(feature = "sim")]
            Kind::Simulated(handle) => handle.seek(to),
            #[cfg(feature = "sim")]
            Kind::Directory(_) => is_a_directory(),
        }
    }
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        (&*self).seek(to)
    }
}

/// Reading and writing at a place.
#[cfg(unix)]
impl std::os::unix::fs::FileExt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match &self.0 {
            Kind::Real(real) => real.read_at(buffer, offset),
            #[cfg(feature = "sim")]
            Kind::Simulated(handle) => handle.read_at(buffer, place(offset)?),
            #[cfg(feature = "sim")]
            Kind::Directory(_) => is_a_directory(),
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        match &self.0 {
            Kind::Real(real) => real.write_at(bytes, offset),
            #[cfg(feature = "sim")]
            Kind::Simulated(handle) => handle.write_at(bytes, place(offset)?),
            #[cfg(feature = "sim")]
            Kind::Directory(_) => is_a_directory(),
        }
    }
}

#[cfg(all(unix, feature = "sim"))]
fn place(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}
