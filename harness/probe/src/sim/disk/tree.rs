//! Paths of a disk: what is there, and how that is opened, made, moved and removed. Paths begin at the root and have no
//! `.` or `..`.

use super::{
    Disk,
    cache::Inode,
    entry::{Entry, Opening},
    not_found,
};
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::Duration,
};

impl Disk {
    /// What is at a path.
    pub(crate) fn entry(&self, path: &Path) -> Option<Entry> {
        if let Some(inode) = self.directories.names.get(path) {
            return Some(self.file_entry(*inode));
        }
        self.is_directory(path).then_some(Entry::Directory)
    }

    /// What is at a path where something should be.
    pub(crate) fn found(&self, path: &Path) -> io::Result<Entry> {
        self.entry(path).ok_or_else(|| not_found(path))
    }

    pub(crate) fn file_entry(&self, inode: usize) -> Entry {
        Entry::File { length: self.len(inode), modified: self.inodes[inode].modified }
    }

    fn is_directory(&self, path: &Path) -> bool {
        // A machine has a root, and a place for what is temporary.
        path.parent().is_none() || path == Path::new("/tmp") || self.directories.made.contains(path)
    }

    /// Something can be made in the directory above `path`.
    fn parent_is_there(&self, path: &Path) -> io::Result<()> {
        let parent = path.parent().ok_or(ErrorKind::AlreadyExists)?;
        match self.entry(parent) {
            Some(Entry::Directory) => Ok(()),
            Some(Entry::File { .. }) => Err(ErrorKind::NotADirectory.into()),
            None => Err(not_found(parent)),
        }
    }

    /// Opens a file: which.
    pub(crate) fn open_as(&mut self, path: &Path, opening: Opening) -> io::Result<usize> {
        let Opening { read, write, append, truncate, create, create_new, anywhere } = opening;
        let changes = write || append;
        if !read && !changes || truncate && (append || !write) || (create || create_new) && !changes
        {
            return Err(ErrorKind::InvalidInput.into());
        }
        match self.entry(path) {
            Some(_) if create_new => return Err(ErrorKind::AlreadyExists.into()),
            Some(Entry::Directory) => return Err(ErrorKind::IsADirectory.into()),
            None if !create && !create_new => return Err(not_found(path)),
            None if !anywhere => self.parent_is_there(path)?,
            _ => {}
        }
        let inode = self.open(path)?;
        if truncate && self.len(inode) > 0 {
            self.set_len(inode, 0)?;
        }
        Ok(inode)
    }

    /// The content of a file has changed.
    pub(crate) fn touch(&mut self, inode: usize, now: Duration) {
        if let Some(Inode { modified, .. }) = self.inodes.get_mut(inode) {
            *modified = now;
        }
    }

    pub(crate) fn make_directory(&mut self, path: &Path) -> io::Result<()> {
        if self.entry(path).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.parent_is_there(path)?;
        self.directories.make_all(path);
        Ok(())
    }

    pub(crate) fn make_directories(&mut self, path: &Path) -> io::Result<()> {
        let file = path.ancestors().find(|above| self.directories.names.contains_key(*above));
        match file {
            Some(file) if file == path => Err(ErrorKind::AlreadyExists.into()),
            Some(_) => Err(ErrorKind::NotADirectory.into()),
            None => {
                self.directories.make_all(path);
                Ok(())
            }
        }
    }

    /// The names of what is in a directory, sorted.
    pub(crate) fn entries(&self, directory: &Path) -> io::Result<Vec<(PathBuf, Entry)>> {
        match self.entry(directory) {
            Some(Entry::Directory) => {}
            Some(Entry::File { .. }) => return Err(ErrorKind::NotADirectory.into()),
            None => return Err(not_found(directory)),
        }
        let is_in = |path: &&PathBuf| path.parent() == Some(directory);
        let files = self.directories.names.keys().filter(is_in);
        let directories = self.directories.made.iter().filter(is_in);
        let mut found: Vec<(PathBuf, Entry)> = files
            .chain(directories)
            .filter_map(|path| Some((path.clone(), self.entry(path)?)))
            .collect();
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(found)
    }

    pub(crate) fn remove_directory(&mut self, path: &Path) -> io::Result<()> {
        if !self.entries(path)?.is_empty() {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        self.directories.made.remove(path);
        Ok(())
    }

    pub(crate) fn remove_all(&mut self, path: &Path) -> io::Result<()> {
        for (inner, entry) in self.entries(path)? {
            match entry {
                Entry::Directory => self.remove_all(&inner)?,
                Entry::File { .. } => self.remove(&inner)?,
            }
        }
        self.remove_directory(path)
    }

    /// Moves a file or a directory, which is durable at once.
    pub(crate) fn move_entry(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        match (self.entry(from), self.entry(to)) {
            (None, _) => Err(not_found(from)),
            (Some(Entry::File { .. }), Some(Entry::Directory)) => {
                Err(ErrorKind::IsADirectory.into())
            }
            (Some(Entry::File { .. }), _) => {
                self.parent_is_there(to)?;
                self.rename(from, to)
            }
            (Some(Entry::Directory), Some(Entry::File { .. })) => {
                Err(ErrorKind::NotADirectory.into())
            }
            (Some(Entry::Directory), _) if to.starts_with(from) && to != from => {
                Err(ErrorKind::InvalidInput.into())
            }
            (Some(Entry::Directory), there) => {
                if there.is_some() && to != from {
                    self.remove_directory(to)?;
                }
                self.parent_is_there(to)?;
                self.directories.move_all(from, to);
                Ok(())
            }
        }
    }

    /// Another name of a file.
    pub(crate) fn link(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let inode = *self.directories.names.get(from).ok_or_else(|| not_found(from))?;
        if self.entry(to).is_some() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.parent_is_there(to)?;
        self.directories.make(to, inode);
        Ok(())
    }
}
