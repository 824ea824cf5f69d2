//! Files, with tokio's names: in a program that does `use tokio::fs`, put `squall_probe::fs::tokio` there.
//!
//! In production each is tokio's own inside, and blocks a thread of tokio's. In a simulation it is the disk that
//! [`squall_probe::fs`](super) tells of, which answers at once.

#[cfg(feature = "sim")]
use super::functions;
use super::{dir, file::File as Blocking, options::OpenOptions as BlockingOptions};
#[cfg(feature = "sim")]
use crate::sim;
use std::{
    io::{self, SeekFrom},
    path::{Path, PathBuf},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    fs as real,
    io::{AsyncRead, AsyncSeek, AsyncWrite, ReadBuf},
};

pub use super::metadata::{FileType, Metadata};

/// Does on the simulated disk what blocks nobody there, or else in a thread of tokio's.
macro_rules! either {
    ($simulated:expr, $real:expr) => {{
        #[cfg(feature = "sim")]
        if sim::is_active() {
            return $simulated;
        }
        $real
    }};
}

macro_rules! functions {
    ($($(#[$about:meta])* $name:ident($($path:ident),*) -> $out:ty;)*) => {
        $($(#[$about])*
        ///
        /// # Errors
        /// As tokio's.
        pub async fn $name($($path: impl AsRef<Path>),*) -> io::Result<$out> {
            either!(functions::$name($($path),*), real::$name($($path),*).await)
        })*
    };
}

functions! {
    /// The whole content of a file.
    read(path) -> Vec<u8>;
    /// The whole content of a file that is a text.
    read_to_string(path) -> String;
    /// Copies the content of a file: how many bytes.
    copy(from, to) -> u64;
    /// Makes a directory.
    create_dir(path) -> ();
    /// Makes a directory and those above it.
    create_dir_all(path) -> ();
    /// Renames a file or a directory, replacing what was there.
    rename(from, to) -> ();
    /// Gives a file another name.
    hard_link(original, link) -> ();
    /// Removes a file.
    remove_file(path) -> ();
    /// Removes a directory that is empty.
    remove_dir(path) -> ();
    /// Removes a directory with all that is in it.
    remove_dir_all(path) -> ();
    /// The whole path of something that is there.
    canonicalize(path) -> PathBuf;
}

/// Writes a file as a whole; makes it when it is not there.
///
/// # Errors
/// As tokio's.
pub async fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> io::Result<()> {
    either!(functions::write(path, content), real::write(path, content).await)
}

/// What is known of a file or a directory.
///
/// # Errors
/// As tokio's.
pub async fn metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    either!(functions::metadata(path), real::metadata(path).await.map(Metadata::real))
}

/// As [`metadata`], of a symbolic link itself. On a simulated disk there is none.
///
/// # Errors
/// As tokio's.
pub async fn symlink_metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    either!(
        functions::symlink_metadata(path),
        real::symlink_metadata(path).await.map(Metadata::real)
    )
}

/// Whether something is at a path.
///
/// # Errors
/// As tokio's.
pub async fn try_exists(path: impl AsRef<Path>) -> io::Result<bool> {
    either!(functions::exists(path), real::try_exists(path).await)
}

/// Says who may do what with a file. Of no effect on a simulated disk.
///
/// # Errors
/// As tokio's.
pub async fn set_permissions(
    path: impl AsRef<Path>,
    permissions: std::fs::Permissions,
) -> io::Result<()> {
    either!(
        functions::set_permissions(path, permissions),
        real::set_permissions(path, permissions).await
    )
}

/// What is in a directory, in an order that on a simulated disk is that of the names.
///
/// # Errors
/// As tokio's.
pub async fn read_dir(path: impl AsRef<Path>) -> io::Result<ReadDir> {
    either!(dir::read_dir(path).map(ReadDir), {
        let path = path.as_ref().to_owned();
        let listed = tokio::task::spawn_blocking(|| dir::read_dir(path)).await;
        listed.map_err(io::Error::other)?.map(ReadDir)
    })
}

/// What is in a directory, as tokio's of this name.
#[derive(Debug)]
pub struct ReadDir(dir::ReadDir);

impl ReadDir {
    /// The next, if there is one.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn next_entry(&mut self) -> io::Result<Option<DirEntry>> {
        Ok(self.0.next().transpose()?.map(DirEntry))
    }

    /// As [`ReadDir::next_entry`].
    pub fn poll_next_entry(&mut self, _: &mut Context<'_>) -> Poll<io::Result<Option<DirEntry>>> {
        Poll::Ready(self.0.next().transpose().map(|entry| entry.map(DirEntry)))
    }
}

/// Something in a directory, as tokio's of this name.
#[derive(Debug)]
pub struct DirEntry(dir::DirEntry);

impl DirEntry {
    /// Its path, behind that of the directory as it was given.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.0.path()
    }

    /// Its name.
    #[must_use]
    pub fn file_name(&self) -> std::ffi::OsString {
        self.0.file_name()
    }

    /// What it is.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn file_type(&self) -> io::Result<FileType> {
        self.0.file_type()
    }

    /// What is known of it.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata()
    }
}

/// How a file is opened, as tokio's of this name.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions(BlockingOptions);

macro_rules! options {
    ($($(#[$about:meta])* $name:ident;)*) => {
        $($(#[$about])*
        pub fn $name(&mut self, yes: bool) -> &mut Self {
            self.0.$name(yes);
            self
        })*
    };
}

impl OpenOptions {
    /// For nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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
    /// As tokio's.
    pub async fn open(&self, path: impl AsRef<Path>) -> io::Result<File> {
        either!(self.0.open(path).map(File::from_std), {
            let (options, path) = (self.0.clone(), path.as_ref().to_owned());
            let opened = tokio::task::spawn_blocking(move || options.open(path)).await;
            opened.map_err(io::Error::other)?.map(File::from_std)
        })
    }
}

impl From<BlockingOptions> for OpenOptions {
    fn from(options: BlockingOptions) -> Self {
        Self(options)
    }
}

/// An open file, as tokio's of this name. What was written to one of production is handed to the kernel by a thread of
/// tokio's: flush it before it is dropped. On a simulated disk each write is made at once.
#[derive(Debug)]
pub struct File(Kind);

#[derive(Debug)]
enum Kind {
    Real(real::File),
    #[cfg(feature = "sim")]
    Simulated {
        file: Blocking,
        /// Where the last seek went.
        sought: u64,
    },
}

impl From<Blocking> for File {
    fn from(file: Blocking) -> Self {
        Self::from_std(file)
    }
}

impl File {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::options().read(true).open(path).await
    }

    /// Opens a file for writing, without what it held; makes it when it is not there.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::options().write(true).create(true).truncate(true).open(path).await
    }

    /// Makes a file, for reading and writing.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn create_new(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::options().read(true).write(true).create_new(true).open(path).await
    }

    /// How a file is opened.
    #[must_use]
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// Of an open file whose calls block.
    #[must_use]
    pub fn from_std(file: Blocking) -> Self {
        match file.into_real() {
            Ok(file) => Self(Kind::Real(real::File::from_std(file))),
            #[cfg(feature = "sim")]
            Err(file) => Self(Kind::Simulated { file, sought: 0 }),
            #[cfg(not(feature = "sim"))]
            Err(never) => match never {},
        }
    }

    /// The open file, whose calls block.
    pub async fn into_std(self) -> Blocking {
        match self.0 {
            Kind::Real(real) => Blocking::real(real.into_std().await),
            #[cfg(feature = "sim")]
            Kind::Simulated { file, .. } => file,
        }
    }

    /// Makes all that was written durable.
    ///
    /// # Errors
    /// As those of [`squall_probe::fs::File::sync_all`](super::File::sync_all).
    pub async fn sync_all(&self) -> io::Result<()> {
        match &self.0 {
            Kind::Real(real) => real.sync_all().await,
            #[cfg(feature = "sim")]
            Kind::Simulated { file, .. } => file.sync_all(),
        }
    }

    /// Makes what it holds durable.
    ///
    /// # Errors
    /// As those of [`File::sync_all`].
    pub async fn sync_data(&self) -> io::Result<()> {
        match &self.0 {
            Kind::Real(real) => real.sync_data().await,
            #[cfg(feature = "sim")]
            Kind::Simulated { file, .. } => file.sync_data(),
        }
    }

    /// Cuts or extends the file.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn set_len(&self, length: u64) -> io::Result<()> {
        match &self.0 {
            Kind::Real(real) => real.set_len(length).await,
            #[cfg(feature = "sim")]
            Kind::Simulated { file, .. } => file.set_len(length),
        }
    }

    /// What is known of it.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn metadata(&self) -> io::Result<Metadata> {
        match &self.0 {
            Kind::Real(real) => real.metadata().await.map(Metadata::real),
            #[cfg(feature = "sim")]
            Kind::Simulated { file, .. } => file.metadata(),
        }
    }

    /// Another handle on it, which shares its place.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn try_clone(&self) -> io::Result<Self> {
        match &self.0 {
            Kind::Real(real) => real.try_clone().await.map(|real| Self(Kind::Real(real))),
            #[cfg(feature = "sim")]
            Kind::Simulated { file, .. } => file.try_clone().map(Self::from_std),
        }
    }

    /// Says who may do what with it. Of no effect on a simulated disk.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn set_permissions(&self, permissions: std::fs::Permissions) -> io::Result<()> {
        match &self.0 {
            Kind::Real(real) => real.set_permissions(permissions).await,
            #[cfg(feature = "sim")]
            Kind::Simulated { file, .. } => file.set_permissions(permissions),
        }
    }

    /// Says how much is handed to a thread at once, in bytes. Of no effect on a simulated disk.
    pub fn set_max_buf_size(&mut self, bytes: usize) {
        match &mut self.0 {
            Kind::Real(real) => real.set_max_buf_size(bytes),
            #[cfg(feature = "sim")]
            Kind::Simulated { .. } => {}
        }
    }
}

impl AsyncRead for File {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Real(real) => Pin::new(real).poll_read(context, buffer),
            #[cfg(feature = "sim")]
            Kind::Simulated { file, .. } => {
                let read = io::Read::read(file, buffer.initialize_unfilled());
                Poll::Ready(read.map(|count| buffer.advance(count)))
            }
        }
    }
}

impl AsyncWrite for File {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Kind::Real(real) => Pin::new(real).poll_write(context, bytes),
            #[cfg(feature = "sim")]
            Kind::Simulated { file, .. } => Poll::Ready(io::Write::write(file, bytes)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Kind::Real(real) => Pin::new(real).poll_flush(context),
            #[cfg(feature = "sim")]
            Kind::Simulated { .. } => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

impl AsyncSeek for File {
    fn start_seek(self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        match &mut self.get_mut().0 {
            Kind::Real(real) => Pin::new(real).start_seek(to),
            #[cfg(feature = "sim")]
            Kind::Simulated { file, sought } => {
                *sought = io::Seek::seek(file, to)?;
                Ok(())
            }
        }
    }

    fn poll_complete(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        match &mut self.get_mut().0 {
            Kind::Real(real) => Pin::new(real).poll_complete(context),
            #[cfg(feature = "sim")]
            Kind::Simulated { sought, .. } => Poll::Ready(Ok(*sought)),
        }
    }
}

/// How a directory is made, as tokio's of this name.
#[derive(Debug, Default)]
pub struct DirBuilder(dir::DirBuilder);

impl DirBuilder {
    /// One directory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Those above it, too.
    pub fn recursive(&mut self, recursive: bool) -> &mut Self {
        self.0.recursive(recursive);
        self
    }

    /// Makes it.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn create(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.0.create(path)
    }
}
