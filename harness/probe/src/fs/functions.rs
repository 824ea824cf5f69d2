//! What is done to files by their paths.

#[cfg(feature = "sim")]
use super::metadata::Kind;
use super::{file::File, metadata::Metadata, options::OpenOptions};
#[cfg(feature = "sim")]
use crate::sim;
#[cfg(feature = "sim")]
use std::io::Read as _;
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Opens `path` for reading and writing at any place; makes it when it is not there, and in a simulation the directories
/// above it.
///
/// # Errors
/// As `std::fs::OpenOptions::open`.
pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open_anywhere(path)
}

/// The whole content of a file.
///
/// # Errors
/// As `std::fs::read`.
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    #[cfg(feature = "sim")]
    if let Some(content) = sim::at_path(path.as_ref(), sim::disk::Disk::read) {
        return content;
    }
    std::fs::read(path)
}

/// The whole content of a file that is a text.
///
/// # Errors
/// As `std::fs::read_to_string`.
pub fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8")
    })
}

/// Writes a file as a whole; makes it when it is not there.
///
/// # Errors
/// As `std::fs::write`.
pub fn write(path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> io::Result<()> {
    File::create(path)?.write_all(content.as_ref())
}

/// Copies the content of a file: how many bytes.
///
/// # Errors
/// As `std::fs::copy`.
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<u64> {
    #[cfg(feature = "sim")]
    if sim::is_active() {
        let mut content = Vec::new();
        File::open(from)?.read_to_end(&mut content)?;
        write(to, &content)?;
        return Ok(content.len() as u64);
    }
    std::fs::copy(from, to)
}

/// Makes a directory.
///
/// # Errors
/// As `std::fs::create_dir`.
pub fn create_dir(path: impl AsRef<Path>) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if let Some(done) = sim::at_path(path.as_ref(), sim::disk::Disk::make_directory) {
        return done;
    }
    std::fs::create_dir(path)
}

/// Makes a directory and those above it.
///
/// # Errors
/// As `std::fs::create_dir_all`.
pub fn create_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if let Some(done) = sim::at_path(path.as_ref(), sim::disk::Disk::make_directories) {
        return done;
    }
    std::fs::create_dir_all(path)
}

/// Renames a file or a directory, replacing what was there. A file's new name is durable after [`sync_dir`].
///
/// # Errors
/// As `std::fs::rename`.
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if let Some(done) = two_paths(from.as_ref(), to.as_ref(), sim::disk::Disk::move_entry) {
        return done;
    }
    std::fs::rename(from, to)
}

/// Gives a file another name.
///
/// # Errors
/// As `std::fs::hard_link`.
pub fn hard_link(original: impl AsRef<Path>, link: impl AsRef<Path>) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if let Some(done) = two_paths(original.as_ref(), link.as_ref(), sim::disk::Disk::link) {
        return done;
    }
    std::fs::hard_link(original, link)
}

#[cfg(feature = "sim")]
fn two_paths(
    from: &Path,
    to: &Path,
    act: impl FnOnce(&mut sim::disk::Disk, &Path, &Path) -> io::Result<()>,
) -> Option<io::Result<()>> {
    let to = sim::whole(to);
    sim::at_path(from, |disk, from| act(disk, from, &to))
}

/// Removes a file. Durable after [`sync_dir`].
///
/// # Errors
/// As `std::fs::remove_file`.
pub fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if let Some(done) = sim::at_path(path.as_ref(), sim::disk::Disk::remove) {
        return done;
    }
    std::fs::remove_file(path)
}

/// Removes a directory that is empty.
///
/// # Errors
/// As `std::fs::remove_dir`.
pub fn remove_dir(path: impl AsRef<Path>) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if let Some(done) = sim::at_path(path.as_ref(), sim::disk::Disk::remove_directory) {
        return done;
    }
    std::fs::remove_dir(path)
}

/// Removes a directory with all that is in it.
///
/// # Errors
/// As `std::fs::remove_dir_all`.
pub fn remove_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if let Some(done) = sim::at_path(path.as_ref(), sim::disk::Disk::remove_all) {
        return done;
    }
    std::fs::remove_dir_all(path)
}

/// What is known of a file or a directory.
///
/// # Errors
/// As `std::fs::metadata`.
pub fn metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    #[cfg(feature = "sim")]
    if let Some(entry) = sim::at_path(path.as_ref(), |disk, path| disk.found(path)) {
        return entry.map(|entry| Metadata(Kind::Simulated(entry)));
    }
    std::fs::metadata(path).map(Metadata::real)
}

/// As [`metadata`], of a symbolic link itself. On a simulated disk there is none.
///
/// # Errors
/// As `std::fs::symlink_metadata`.
pub fn symlink_metadata(path: impl AsRef<Path>) -> io::Result<Metadata> {
    #[cfg(feature = "sim")]
    if sim::is_active() {
        return metadata(path);
    }
    std::fs::symlink_metadata(path).map(Metadata::real)
}

/// Whether something is at a path.
///
/// # Errors
/// As `std::fs::exists`.
pub fn exists(path: impl AsRef<Path>) -> io::Result<bool> {
    match metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The whole path of something that is there.
///
/// # Errors
/// As `std::fs::canonicalize`.
pub fn canonicalize(path: impl AsRef<Path>) -> io::Result<PathBuf> {
    #[cfg(feature = "sim")]
    if let Some(path) = sim::at_path(path.as_ref(), |disk, path| {
        disk.found(path)?;
        Ok(path.to_owned())
    }) {
        return path;
    }
    std::fs::canonicalize(path)
}

/// Says who may do what with a file. Of no effect on a simulated disk.
///
/// # Errors
/// As `std::fs::set_permissions`.
pub fn set_permissions(
    path: impl AsRef<Path>,
    permissions: std::fs::Permissions,
) -> io::Result<()> {
    #[cfg(feature = "sim")]
    if sim::is_active() {
        return metadata(path).map(|_| ());
    }
    std::fs::set_permissions(path, permissions)
}

/// The names of the files in a directory, sorted.
///
/// # Errors
/// As `std::fs::read_dir`; in a simulation a directory that is not there has none.
pub fn list(path: impl AsRef<Path>) -> io::Result<Vec<String>> {
    #[cfg(feature = "sim")]
    if let Some(names) = sim::at_path(path.as_ref(), |disk, path| Ok(disk.list(path))) {
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
    if let Some(done) = sim::at_path(path.as_ref(), sim::disk::Disk::sync_dir) {
        return done;
    }
    std::fs::File::open(path)?.sync_all()
}
