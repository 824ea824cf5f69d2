//! A node's simulated disk: what is in the page cache, what has reached the platter, and the faults
//! in between.
//!
//! turmoil has a simulated disk too (`unstable-fs`), but its faults are fixed when a host is
//! registered, it has no failing sync, and nothing can begin in the middle of a run.

use crate::{Rng, mix};
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
    /// What is wrong with it, by index in the plan.
    faults: Vec<(u16, DiskFault)>,
    /// Bytes that are not what was written, of which nobody has read yet: by which fault, in which file,
    /// from where on, and how many.
    damaged: Vec<(u16, usize, usize, usize)>,
    /// What faults did since the last time the world looked.
    refused: Vec<u16>,
    power_cut: Option<u16>,
    slowness: Option<(u16, u64)>,
}

/// What can be wrong with a disk for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// Writes fail with "no space left on device".
    Full,
    /// Every sync fails, and drops what it should have saved.
    SyncFails,
    /// Reads and writes fail.
    IoErrors {
        /// Reads do.
        reads: bool,
        /// Writes do.
        writes: bool,
    },
    /// Each write and sync blocks its caller, and with it the node, for so long in milliseconds.
    Slow {
        /// How long.
        ms: u64,
    },
    /// The power fails in the middle of the next write: of it a prefix stays.
    TornWrite {
        /// From which the length of the prefix follows.
        draw: u64,
    },
    /// The power fails just before a sync: nothing that was not synced stays.
    LostUnsynced {
        /// So many syncs go well first.
        after: u64,
    },
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

    pub(crate) fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        let inode = *self.names.get(path).ok_or_else(|| not_found(path))?;
        self.may(|fault| matches!(fault, DiskFault::IoErrors { reads: true, .. }))?;
        self.notice_damage(inode, 0, usize::MAX);
        Ok(self.inodes[inode].data.clone())
    }

    /// Somebody reads so many bytes of a file.
    fn notice_damage(&mut self, inode: usize, at: usize, count: usize) {
        let refused = &mut self.refused;
        let end = at.saturating_add(count);
        self.damaged.retain(|(fault, file, from, length)| {
            let seen = *file == inode && *from < end && from.saturating_add(*length) > at;
            if seen {
                refused.push(*fault);
            }
            !seen
        });
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
        self.slow_down();
        self.durable_names.retain(|path, _| path.parent() != Some(directory));
        for (path, inode) in &self.names {
            if path.parent() == Some(directory) {
                self.durable_names.insert(path.clone(), *inode);
            }
        }
        Ok(())
    }

    pub(crate) fn sync(&mut self, inode: usize) -> io::Result<()> {
        if self.inodes.iter().any(|inode| !inode.pending.is_empty())
            && let Some(fault) = self.unsynced_is_lost()
        {
            self.cut_power(fault);
            return Err(io::Error::other("the power is gone"));
        }
        self.slow_down();
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
        let torn = self.faults.iter().find_map(|(fault, kind)| match kind {
            DiskFault::TornWrite { draw } => Some((*fault, *draw)),
            _ => None,
        });
        if let Some((fault, draw)) = torn {
            self.tear(inode, draw);
            self.cut_power(fault);
            return Err(io::Error::other("the power is gone"));
        }
        self.slow_down();
        Ok(bytes.len())
    }

    /// All that was written to the file reaches the platter, but of the last write a prefix only.
    fn tear(&mut self, inode: usize, draw: u64) {
        let inode = &mut self.inodes[inode];
        let last = inode.pending.pop();
        for change in inode.pending.drain(..) {
            change.apply(&mut inode.durable, usize::MAX);
        }
        if let Some(change @ Change::Write { bytes, .. }) = &last {
            // Neither all of it nor, if there is a choice, nothing of it.
            let most = bytes.len().saturating_sub(1);
            let kept =
                usize::try_from(mix(draw)).unwrap_or(0) % most.max(1) + usize::from(most > 0);
            change.apply(&mut inode.durable, kept.min(most));
        }
        inode.data.clone_from(&inode.durable);
    }

    /// The fault that loses what this sync would save; of others one sync more has gone well.
    fn unsynced_is_lost(&mut self) -> Option<u16> {
        let mut lost = None;
        for (fault, kind) in &mut self.faults {
            match kind {
                DiskFault::LostUnsynced { after: 0 } => lost = lost.or(Some(*fault)),
                DiskFault::LostUnsynced { after } => *after -= 1,
                _ => {}
            }
        }
        lost
    }

    /// From here on nothing reaches the platter any more.
    fn cut_power(&mut self, fault: u16) {
        self.faults.retain(|(active, _)| *active != fault);
        for inode in &mut self.inodes {
            inode.pending.clear();
            inode.data.clone_from(&inode.durable);
        }
        self.power_cut = Some(fault);
    }

    fn slow_down(&mut self) {
        for (fault, kind) in &self.faults {
            if let DiskFault::Slow { ms } = kind {
                let so_far = self.slowness.map_or(0, |(_, ms)| ms);
                self.slowness = Some((*fault, so_far + ms));
            }
        }
    }

    fn change(&mut self, inode: usize, change: Change) {
        let inode = &mut self.inodes[inode];
        change.apply(&mut inode.data, usize::MAX);
        inode.pending.push(change);
    }

    fn active(&self, is: impl Fn(&DiskFault) -> bool) -> Option<u16> {
        self.faults.iter().rev().find(|(_, kind)| is(kind)).map(|(fault, _)| *fault)
    }

    /// An input/output error if a fault of this kind acts.
    fn may(&mut self, is: impl Fn(&DiskFault) -> bool) -> io::Result<()> {
        let Some(fault) = self.active(is) else { return Ok(()) };
        self.refused.push(fault);
        Err(io::Error::other("input/output error"))
    }

    fn room(&mut self) -> io::Result<()> {
        self.may(|fault| matches!(fault, DiskFault::IoErrors { writes: true, .. }))?;
        let Some(fault) = self.active(|fault| *fault == DiskFault::Full) else { return Ok(()) };
        self.refused.push(fault);
        Err(ErrorKind::StorageFull.into())
    }

    fn may_sync(&mut self) -> io::Result<()> {
        self.may(|fault| *fault == DiskFault::SyncFails)
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

    /// From now on something is wrong with it.
    pub fn begin(&mut self, fault: u16, kind: DiskFault) {
        self.faults.push((fault, kind));
    }

    /// That is over.
    pub fn heal(&mut self, fault: u16) {
        self.faults.retain(|(active, _)| *active != fault);
    }

    /// The disk is replaced by an empty one.
    pub fn wipe(&mut self) {
        let faults = std::mem::take(&mut self.faults);
        *self = Self { faults, ..Self::default() };
    }

    /// Of a file that has any content: which, and how many bytes.
    fn any_file(&self, rng: &mut Rng) -> Option<(usize, usize)> {
        let files: Vec<(usize, usize)> = self
            .durable_names
            .values()
            .map(|inode| (*inode, self.inodes[*inode].durable.len()))
            .filter(|(_, length)| *length > 0)
            .collect();
        // A medium decays where it is used: large files are hit more often.
        let total: usize = files.iter().map(|(_, length)| length).sum();
        if total == 0 {
            return None;
        }
        let mut place = rng.random_range(0..total);
        files.into_iter().find(|(_, length)| {
            let hit = place < *length;
            place = place.saturating_sub(*length);
            hit
        })
    }

    /// So many bits of a file turn over, on the platter and in what is read from now on. Whether there was
    /// a file.
    pub fn rot(&mut self, fault: u16, draw: u64, bits: u32) -> bool {
        let mut rng = Rng::seed_from_u64(draw);
        let Some((file, length)) = self.any_file(&mut rng) else { return false };
        for _ in 0..bits {
            let (at, bit) = (rng.random_range(0..length), rng.random_range(0..8_u32));
            let inode = &mut self.inodes[file];
            inode.durable[at] ^= 1 << bit;
            if let Some(byte) = inode.data.get_mut(at) {
                *byte ^= 1 << bit;
            }
            self.damaged.push((fault, file, at, 1));
        }
        true
    }

    /// A file loses its last bytes, up to so many. Whether there was a file.
    pub fn truncate(&mut self, fault: u16, draw: u64, most: u32) -> bool {
        let mut rng = Rng::seed_from_u64(draw);
        let Some((file, length)) = self.any_file(&mut rng) else { return false };
        let lost = rng.random_range(1..=length.min(most as usize).max(1));
        let inode = &mut self.inodes[file];
        inode.durable.truncate(length - lost);
        inode.data.truncate(length - lost);
        inode.pending.clear();
        self.damaged.push((fault, file, length - lost, lost));
        true
    }

    pub(crate) fn take_refused(&mut self) -> Vec<u16> {
        std::mem::take(&mut self.refused)
    }

    /// The fault that cut the power, if one did.
    pub(crate) fn take_power_cut(&mut self) -> Option<u16> {
        self.power_cut.take()
    }

    /// For how long the caller is blocked, and by which fault.
    pub(crate) fn take_slowness(&mut self) -> Option<(u16, u64)> {
        self.slowness.take()
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
        let wanted = buffer.len();
        let count = self.with(|disk, inode| {
            disk.may(|fault| matches!(fault, DiskFault::IoErrors { reads: true, .. }))?;
            disk.notice_damage(inode, at, wanted);
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
        disk.begin(3, DiskFault::SyncFails);
        assert!(disk.sync(inode).is_err());
        disk.heal(3);
        disk.sync(inode).unwrap();
        assert_eq!(disk.read(Path::new(FILE)).unwrap(), b"safe");
        assert_eq!(disk.take_refused(), [3]);
    }

    #[test]
    fn a_full_disk_takes_nothing_and_keeps_what_it_has() {
        let (mut disk, inode) = disk();
        disk.begin(3, DiskFault::Full);
        assert_eq!(disk.write(inode, 12, b"x").unwrap_err().kind(), ErrorKind::StorageFull);
        assert!(disk.open(Path::new("/data/other")).is_err());
        disk.sync(inode).unwrap();
        disk.heal(3);
        assert_eq!(disk.read(Path::new(FILE)).unwrap(), b"safe and not");
    }

    #[test]
    fn a_torn_write_keeps_some_of_the_last_write_and_all_before_it() {
        for draw in 0..100 {
            let (mut disk, inode) = disk();
            disk.begin(3, DiskFault::TornWrite { draw });
            assert!(disk.write(inode, 12, b"torn").is_err());
            assert_eq!(disk.take_power_cut(), Some(3));
            disk.crash(draw);
            let left = disk.read(Path::new(FILE)).unwrap();
            assert!(left.len() > 12 && left.len() < 16, "{left:?}");
            assert!(b"safe and nottorn".starts_with(&left[..]));
        }
    }

    #[test]
    fn what_was_not_synced_is_lost_when_the_power_fails_before_the_sync() {
        for seed in 0..50 {
            let (mut disk, inode) = disk();
            let after = seed % 3;
            disk.begin(3, DiskFault::LostUnsynced { after });
            let (mut kept, mut text) = (b"safe".to_vec(), b"safe and not".to_vec());
            for _ in 0..after {
                disk.sync(inode).unwrap();
                kept.clone_from(&text);
                disk.write(inode, text.len(), b"!").unwrap();
                text.push(b'!');
            }
            assert!(disk.sync(inode).is_err());
            assert_eq!(disk.take_power_cut(), Some(3));
            disk.crash(seed);
            assert_eq!(disk.read(Path::new(FILE)).unwrap(), kept);
            // It strikes once.
            disk.sync(inode).unwrap();
        }
    }

    #[test]
    fn damage_is_felt_when_it_is_read() {
        let (mut disk, inode) = disk();
        assert!(disk.rot(3, 7, 1));
        assert!(disk.take_refused().is_empty());
        let rotten = disk.read(Path::new(FILE)).unwrap();
        assert_eq!(disk.take_refused(), [3]);
        let wrong: u32 =
            rotten.iter().zip(b"safe and not").map(|(a, b)| (a ^ b).count_ones()).sum();
        assert_eq!(wrong, 1);

        disk.sync(inode).unwrap();
        assert!(disk.truncate(4, 7, 3));
        let short = disk.read(Path::new(FILE)).unwrap();
        assert!((9..12).contains(&short.len()));
        assert_eq!(disk.take_refused(), [4]);
    }

    #[test]
    fn an_empty_disk_cannot_rot_and_a_wiped_one_is_empty() {
        assert!(!Disk::default().rot(3, 7, 1));
        let (mut disk, _) = disk();
        disk.wipe();
        disk.crash(1);
        assert!(disk.read(Path::new(FILE)).is_err());
    }

    #[test]
    fn input_and_output_fail_apart() {
        let (mut disk, inode) = disk();
        disk.begin(3, DiskFault::IoErrors { reads: true, writes: false });
        assert!(disk.read(Path::new(FILE)).is_err());
        disk.write(inode, 12, b"x").unwrap();
        disk.heal(3);
        disk.begin(3, DiskFault::IoErrors { reads: false, writes: true });
        assert!(disk.write(inode, 12, b"x").is_err());
        disk.read(Path::new(FILE)).unwrap();
    }

    #[test]
    fn a_slow_disk_adds_up() {
        let (mut disk, inode) = disk();
        disk.begin(3, DiskFault::Slow { ms: 20 });
        disk.write(inode, 12, b"x").unwrap();
        disk.sync(inode).unwrap();
        assert_eq!(disk.take_slowness(), Some((3, 40)));
        assert_eq!(disk.take_slowness(), None);
    }
}
