//! A node's simulated disk: what is in the page cache, what has reached the platter, and the faults
//! in between.
//!
//! turmoil has a simulated disk too (`unstable-fs`), but its faults are fixed when a host is
//! registered, it has no failing sync, and nothing can begin in the middle of a run.

use crate::{Rng, What};
use rand::{RngExt as _, SeedableRng as _};
use std::{
    collections::BTreeMap,
    io::{self, ErrorKind, SeekFrom},
    path::{Path, PathBuf},
};

/// One node's disk.
#[derive(Debug, Default)]
pub struct Disk {
    /// The directory as running software sees it.
    names: BTreeMap<PathBuf, usize>,
    /// The directory as it will be found after a crash.
    durable_names: BTreeMap<PathBuf, usize>,
    inodes: Vec<Inode>,
    /// Faults that make writes fail with "no space left on device", by index in the plan.
    full: Vec<u16>,
    /// Faults that make every sync fail and drop what it should have saved.
    sync_fails: Vec<u16>,
    /// What faults did since the last time the world looked.
    refused: Vec<u16>,
}

#[derive(Debug, Default)]
struct Inode {
    data: Vec<u8>,
    durable: Vec<u8>,
    /// What separates `data` from `durable`, in order.
    pending: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    SetLen(usize),
}

impl Change {
    /// Applies it; of a write only the first `limit` bytes.
    fn apply(&self, content: &mut Vec<u8>, limit: usize) {
        match self {
            Self::Write { at, bytes } => {
                let bytes = &bytes[..bytes.len().min(limit)];
                let end = at + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*at..end].copy_from_slice(bytes);
            }
            Self::SetLen(length) => content.resize(*length, 0),
        }
    }
}

fn not_found(path: &Path) -> io::Error {
    io::Error::new(ErrorKind::NotFound, format!("no such file: {}", path.display()))
}

impl Disk {
    pub(crate) fn open(&mut self, path: &Path) -> io::Result<Handle> {
        let inode = match self.names.get(path) {
            Some(inode) => *inode,
            None => {
                self.room()?;
                self.inodes.push(Inode::default());
                self.names.insert(path.to_owned(), self.inodes.len() - 1);
                self.inodes.len() - 1
            }
        };
        Ok(Handle { node: super::here(), inode, cursor: 0 })
    }

    pub(crate) fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.names
            .get(path)
            .map(|inode| self.inodes[*inode].data.clone())
            .ok_or_else(|| not_found(path))
    }

    pub(crate) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let inode = self.names.remove(from).ok_or_else(|| not_found(from))?;
        self.names.insert(to.to_owned(), inode);
        Ok(())
    }

    pub(crate) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.names.remove(path).map(|_| ()).ok_or_else(|| not_found(path))
    }

    pub(crate) fn list(&self, directory: &Path) -> Vec<String> {
        self.names
            .keys()
            .filter(|path| path.parent() == Some(directory))
            .filter_map(|path| path.file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    }

    pub(crate) fn sync_dir(&mut self, directory: &Path) -> io::Result<()> {
        self.may_sync()?;
        self.durable_names.retain(|path, _| path.parent() != Some(directory));
        for (path, inode) in &self.names {
            if path.parent() == Some(directory) {
                self.durable_names.insert(path.clone(), *inode);
            }
        }
        Ok(())
    }

    pub(crate) fn sync(&mut self, inode: usize) -> io::Result<()> {
        if let Err(error) = self.may_sync() {
            // What Linux does: the dirty pages are dropped, and no later sync brings them back.
            let inode = &mut self.inodes[inode];
            inode.pending.clear();
            inode.data.clone_from(&inode.durable);
            return Err(error);
        }
        let inode = &mut self.inodes[inode];
        for change in inode.pending.drain(..) {
            change.apply(&mut inode.durable, usize::MAX);
        }
        Ok(())
    }

    pub(crate) fn set_len(&mut self, inode: usize, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(|_| ErrorKind::InvalidInput)?;
        if length > self.inodes[inode].data.len() {
            self.room()?;
        }
        self.change(inode, Change::SetLen(length));
        Ok(())
    }

    pub(crate) fn len(&self, inode: usize) -> u64 {
        self.inodes[inode].data.len() as u64
    }

    fn write(&mut self, inode: usize, at: usize, bytes: &[u8]) -> io::Result<usize> {
        self.room()?;
        self.change(inode, Change::Write { at, bytes: bytes.to_vec() });
        Ok(bytes.len())
    }

    fn change(&mut self, inode: usize, change: Change) {
        let inode = &mut self.inodes[inode];
        change.apply(&mut inode.data, usize::MAX);
        inode.pending.push(change);
    }

    fn room(&mut self) -> io::Result<()> {
        let Some(fault) = self.full.last() else { return Ok(()) };
        self.refused.push(*fault);
        Err(ErrorKind::StorageFull.into())
    }

    fn may_sync(&mut self) -> io::Result<()> {
        let Some(fault) = self.sync_fails.last() else { return Ok(()) };
        self.refused.push(*fault);
        Err(io::Error::other("input/output error: sync failed"))
    }

    /// Power is gone. Of each file's unsynced changes nothing is left, or (as often) a prefix whose
    /// last write may be torn.
    pub(crate) fn crash(&mut self, seed: u64) {
        let mut rng = Rng::seed_from_u64(seed);
        for inode in &mut self.inodes {
            let pending = std::mem::take(&mut inode.pending);
            let keep = rng.random_range(0..=pending.len());
            let torn = rng.random_range(0..=4096_usize);
            let lose_all = rng.random_bool(0.5);
            if !lose_all {
                for change in &pending[..keep] {
                    change.apply(&mut inode.durable, usize::MAX);
                }
                if let Some(change @ Change::Write { bytes, .. }) = pending.get(keep) {
                    change.apply(&mut inode.durable, torn % (bytes.len() + 1));
                }
            }
            inode.data.clone_from(&inode.durable);
        }
        self.names.clone_from(&self.durable_names);
    }

    /// From now on writes fail: the disk is full.
    pub fn fill(&mut self, fault: u16) {
        self.full.push(fault);
    }

    /// From now on syncs fail.
    pub fn fail_syncs(&mut self, fault: u16) {
        self.sync_fails.push(fault);
    }

    /// Ends a fault of either kind.
    pub fn heal(&mut self, fault: u16) {
        self.full.retain(|active| *active != fault);
        self.sync_fails.retain(|active| *active != fault);
    }

    pub(crate) fn take_refused(&mut self) -> impl Iterator<Item = What> + use<> {
        std::mem::take(&mut self.refused).into_iter().map(|fault| What::DiskRefused { fault })
    }
}

/// An open file of a simulated disk.
#[derive(Debug)]
pub struct Handle {
    node: crate::NodeId,
    inode: usize,
    cursor: usize,
}

impl Handle {
    pub(crate) fn with<R>(
        &self,
        act: impl FnOnce(&mut Disk, usize) -> io::Result<R>,
    ) -> io::Result<R> {
        super::on_disk_of(self.node, |disk| act(disk, self.inode))
            .unwrap_or_else(|| Err(io::Error::other("the simulation of this file has ended")))
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let at = self.cursor;
        let count = self.with(|disk, inode| {
            let data = &disk.inodes[inode].data;
            let rest = data.get(at..).unwrap_or_default();
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        })?;
        self.cursor += count;
        Ok(count)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let at = self.cursor;
        let count = self.with(|disk, inode| disk.write(inode, at, bytes))?;
        self.cursor += count;
        Ok(count)
    }

    pub(crate) fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::End(by) => (self.with(|disk, inode| Ok(disk.len(inode)))?, by),
            SeekFrom::Current(by) => (self.cursor as u64, by),
        };
        let at = base.checked_add_signed(by).ok_or(ErrorKind::InvalidInput)?;
        self.cursor = usize::try_from(at).map_err(|_| ErrorKind::InvalidInput)?;
        Ok(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/data/log";

    /// A disk with one file, synced, its directory synced, with a second write that is not.
    fn disk() -> (Disk, usize) {
        let mut disk = Disk::default();
        let inode = disk.open(Path::new(FILE)).unwrap().inode;
        disk.sync_dir(Path::new("/data")).unwrap();
        disk.write(inode, 0, b"safe").unwrap();
        disk.sync(inode).unwrap();
        disk.write(inode, 4, b" and not").unwrap();
        (disk, inode)
    }

    #[test]
    fn a_crash_keeps_what_was_synced_and_of_the_rest_a_prefix_at_most() {
        let mut lengths = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let (mut disk, _) = disk();
            assert_eq!(disk.read(Path::new(FILE)).unwrap(), b"safe and not");
            disk.crash(seed);
            let left = disk.read(Path::new(FILE)).unwrap();
            assert!(left.starts_with(b"safe") && b"safe and not".starts_with(&left[..]));
            lengths.insert(left.len());
        }
        // Nothing of it, all of it, and torn in between.
        assert!(lengths.contains(&4) && lengths.contains(&12) && lengths.len() > 4, "{lengths:?}");
    }

    #[test]
    fn a_file_whose_directory_was_not_synced_is_gone() {
        let mut disk = Disk::default();
        let inode = disk.open(Path::new(FILE)).unwrap().inode;
        disk.write(inode, 0, b"x").unwrap();
        disk.sync(inode).unwrap();
        disk.crash(1);
        assert!(disk.read(Path::new(FILE)).is_err());
    }

    #[test]
    fn a_rename_is_undone_by_a_crash_unless_the_directory_was_synced() {
        for synced in [false, true] {
            let (mut disk, _) = disk();
            disk.rename(Path::new(FILE), Path::new("/data/new")).unwrap();
            if synced {
                disk.sync_dir(Path::new("/data")).unwrap();
            }
            disk.crash(1);
            let expected = if synced { "new" } else { "log" };
            assert_eq!(disk.list(Path::new("/data")), [expected]);
        }
    }

    #[test]
    fn a_failed_sync_drops_what_it_should_have_saved_for_ever() {
        let (mut disk, inode) = disk();
        disk.fail_syncs(3);
        assert!(disk.sync(inode).is_err());
        disk.heal(3);
        disk.sync(inode).unwrap();
        assert_eq!(disk.read(Path::new(FILE)).unwrap(), b"safe");
        assert_eq!(disk.take_refused().count(), 1);
    }

    #[test]
    fn a_full_disk_takes_nothing_and_keeps_what_it_has() {
        let (mut disk, inode) = disk();
        disk.fill(3);
        assert_eq!(disk.write(inode, 12, b"x").unwrap_err().kind(), ErrorKind::StorageFull);
        assert!(disk.open(Path::new("/data/other")).is_err());
        disk.sync(inode).unwrap();
        disk.heal(3);
        assert_eq!(disk.read(Path::new(FILE)).unwrap(), b"safe and not");
    }
}
