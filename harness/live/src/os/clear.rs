//! Removing what a lab made, without allocating: the guardian, a forked child, does it the same way.

use super::calls::{c_path, open_folder};
use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir},
    io::Errno,
};
use std::{ffi::CStr, io, mem::MaybeUninit, os::fd::BorrowedFd, path::Path};

/// Removes a folder or file with all that is in it; nothing there is no error.
pub(crate) fn remove_folder(path: &Path) -> io::Result<()> {
    Ok(remove_tree(CWD, &c_path(path)?)?)
}

/// Ends all processes of a cgroup and of those in it, and removes them. A cgroup is busy for a moment after its last
/// process died: an error of kind `ResourceBusy` asks for another try.
pub(crate) fn remove_cgroup(path: &Path) -> io::Result<()> {
    let kill = c_path(&path.join("cgroup.kill"))?;
    end_all(&kill);
    Ok(remove_groups(CWD, &c_path(path)?)?)
}

/// Kills all that is in the cgroup whose `cgroup.kill` this is. Groups of version 1 have none, and hold nobody who is not in
/// one of version 2.
pub(super) fn end_all(kill: &CStr) {
    if let Ok(file) = rustix::fs::open(kill, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()) {
        let _ = rustix::io::write(&file, b"1");
    }
}

/// What is in a folder, by name. Entries that were removed since it was opened may be left out.
fn each(
    folder: BorrowedFd<'_>,
    mut of: impl FnMut(&CStr, FileType) -> Result<(), Errno>,
) -> Result<(), Errno> {
    let mut room = [MaybeUninit::uninit(); 4096];
    let mut entries = RawDir::new(folder, &mut room);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            of(entry.file_name(), entry.file_type())?;
        }
    }
    Ok(())
}

pub(super) fn remove_tree(at: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    match rustix::fs::unlinkat(at, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error),
    }
    loop {
        match rustix::fs::unlinkat(at, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        let folder = open_folder(at, name)?;
        let folder = std::os::fd::AsFd::as_fd(&folder);
        each(folder, |entry, _| remove_tree(folder, entry))?;
    }
}

pub(super) fn remove_groups(at: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    let folder = match open_folder(at, name) {
        Ok(folder) => folder,
        Err(Errno::NOENT) => return Ok(()),
        Err(error) => return Err(error),
    };
    let inside = std::os::fd::AsFd::as_fd(&folder);
    each(inside, |entry, kind| match kind {
        FileType::Directory => remove_groups(inside, entry),
        _ => Ok(()),
    })?;
    match rustix::fs::unlinkat(at, name, AtFlags::REMOVEDIR) {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}
