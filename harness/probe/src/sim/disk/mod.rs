//! A node's simulated disk: what is in the page cache, what has reached the platter, and the faults
//! in between.
//!
//! turmoil has one too (`unstable-fs`), but its faults are fixed when a host is
//! registered, it has no failing sync, and nothing can begin in the middle of a run.

mod cache;
mod entry;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use entry::{Entry, Opening};

use super::{
    derive::{derive, rng},
    occurrence::OccurrenceId,
};
use crate::generator::Rng;
use cache::{Change, Directories, Inode};
use rand::RngExt as _;
use std::{
    io::{self, ErrorKind},
    path::Path,
};

/// One node's disk.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    directories: Directories,
    inodes: Vec<Inode>,
    /// What is wrong with it, by occurrence.
    faults: Vec<(OccurrenceId, DiskFault)>,
    /// Bytes that are not what was written, of which nobody has read yet: by which fault, in which file,
    /// from where on, and how many.
    damaged: Vec<(u16, usize, usize, usize)>,
    /// How many syncs have failed: each leaves something else behind.
    failed_syncs: u64,
    /// What faults did since the last time the world looked.
    refused: Vec<u16>,
    power_cut: Option<PowerCut>,
    slowness: Option<(u16, u64)>,
}

/// What can be wrong with a disk for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// Writes fail with "no space left on device".
    Full {
        /// From which follows how much of the first write still fits.
        draw: Option<u64>,
    },
    /// Every sync fails, and what it should have saved no later sync saves.
    SyncFails {
        /// From which follows whether the pages go on being read (ext4, XFS) or the file is what it was (btrfs).
        draw: u64,
    },
    /// Reads and writes fail.
    IoErrors {
        /// Reads do.
        reads: bool,
        /// Writes do.
        writes: bool,
    },
    /// Each write and sync blocks its caller, and with it the node, for a while.
    Slow {
        /// How long, in milliseconds.
        ms: u64,
    },
    /// The power fails in the middle of the next write: of it a part stays.
    TornWrite {
        /// From which the part follows.
        draw: u64,
    },
    /// The power fails just before a sync: no content that was not synced stays.
    LostUnsynced {
        /// How many syncs go well first.
        after: u64,
    },
}

/// A fault cuts the power in the middle of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PowerCut {
    /// Which occurrence of which.
    pub(crate) id: OccurrenceId,
    pub(crate) unsynced: Unsynced,
}

/// What a power cut does to content that was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsynced {
    /// That is drawn for each file.
    Drawn,
    /// None of it stays.
    Lost,
    /// Of the file that is being written all stays but a part of the last write. Others': drawn.
    Torn { inode: usize, draw: u64 },
}

fn not_found(path: &Path) -> io::Error {
    io::Error::new(ErrorKind::NotFound, format!("no such file: {}", path.display()))
}

impl Disk {
    pub(crate) fn open(&mut self, path: &Path) -> io::Result<usize> {
        if let Some(inode) = self.directories.names.get(path) {
            return Ok(*inode);
        }
        self.room()?;
        let inode = self.inodes.len();
        self.inodes.push(Inode::default());
        self.directories.make(path, inode);
        Ok(inode)
    }

    pub(crate) fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        let inode = *self.directories.names.get(path).ok_or_else(|| not_found(path))?;
        self.may(|fault| matches!(fault, DiskFault::IoErrors { reads: true, .. }))?;
        self.notice_damage(inode, 0, usize::MAX);
        Ok(self.inodes[inode].data.clone())
    }

    pub(super) fn read_at(
        &mut self,
        inode: usize,
        at: usize,
        buffer: &mut [u8],
    ) -> io::Result<usize> {
        self.may(|fault| matches!(fault, DiskFault::IoErrors { reads: true, .. }))?;
        self.notice_damage(inode, at, buffer.len());
        let rest = self.inodes[inode].data.get(at..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    /// Somebody reads `count` bytes of a file.
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
        self.directories.rename(from, to).then_some(()).ok_or_else(|| not_found(from))
    }

    pub(crate) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.directories.remove(path).then_some(()).ok_or_else(|| not_found(path))
    }

    pub(crate) fn list(&self, directory: &Path) -> Vec<String> {
        self.directories
            .names
            .keys()
            .filter(|path| path.parent() == Some(directory))
            .filter_map(|path| path.file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    }

    pub(crate) fn sync_dir(&mut self, directory: &Path) -> io::Result<()> {
        if self.lose_unsynced() {
            return Ok(());
        }
        self.slow_down();
        self.may_sync()?;
        self.directories.sync(directory);
        Ok(())
    }

    pub(crate) fn sync(&mut self, inode: usize) -> io::Result<()> {
        if self.lose_unsynced() {
            return Ok(());
        }
        self.slow_down();
        if let Err(error) = self.may_sync() {
            let draw = self.faults.iter().rev().find_map(|(_, kind)| match kind {
                DiskFault::SyncFails { draw } => Some(*draw),
                _ => None,
            });
            let draw = draw.expect("only such a fault makes a sync fail");
            self.failed_syncs += 1;
            let reverts = derive(draw, "reverts", &[]).is_multiple_of(2);
            let mut rng = rng(draw, "failed sync", &[self.failed_syncs]);
            self.inodes[inode].fail_to_sync(reverts, &mut rng);
            return Err(error);
        }
        self.inodes[inode].sync();
        Ok(())
    }

    pub(crate) fn set_len(&mut self, inode: usize, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(|_| ErrorKind::InvalidInput)?;
        if length > self.inodes[inode].data.len() {
            self.room()?;
        }
        self.inodes[inode].change(Change::SetLen(length));
        Ok(())
    }

    pub(crate) fn len(&self, inode: usize) -> u64 {
        self.inodes[inode].data.len() as u64
    }

    /// Writes all of it, or as much as there is room for.
    pub(super) fn write(&mut self, inode: usize, at: usize, bytes: &[u8]) -> io::Result<usize> {
        let bytes = match self.last_room(bytes.len()) {
            Some(room) => &bytes[..room],
            None => {
                self.room()?;
                bytes
            }
        };
        self.inodes[inode].change(Change::Write { at, bytes: bytes.to_vec() });
        let torn = self.faults.iter().find_map(|(id, kind)| match kind {
            DiskFault::TornWrite { draw } => Some((*id, *draw)),
            _ => None,
        });
        if let Some((id, draw)) = torn {
            self.cut_power(id, Unsynced::Torn { inode, draw });
        }
        self.slow_down();
        Ok(bytes.len())
    }

    /// How much of the first write to a full disk still fits: some of it, but not all.
    fn last_room(&mut self, wanted: usize) -> Option<usize> {
        let draw = self.faults.iter_mut().rev().find_map(|(_, kind)| match kind {
            DiskFault::Full { draw } if wanted > 1 => draw.take(),
            _ => None,
        })?;
        Some(1 + (derive(draw, "room", &[]) % (wanted as u64 - 1)) as usize)
    }

    /// Before a sync: whether a fault has waited for this one to cut the power. If for a later one, this one
    /// goes well.
    fn lose_unsynced(&mut self) -> bool {
        let synced = self.inodes.iter().all(|inode| inode.pending.is_empty());
        if synced && self.directories.is_synced() {
            return false;
        }
        let mut lost = None;
        for (id, kind) in &mut self.faults {
            match kind {
                DiskFault::LostUnsynced { after: 0 } => lost = lost.or(Some(*id)),
                DiskFault::LostUnsynced { after } => *after -= 1,
                _ => {}
            }
        }
        if let Some(id) = lost {
            self.cut_power(id, Unsynced::Lost);
        }
        lost.is_some()
    }

    /// The world is told, which takes what is left. The caller does not notice: whatever it does from here on is
    /// done to a copy that nobody will ever see.
    fn cut_power(&mut self, id: OccurrenceId, unsynced: Unsynced) {
        self.faults.retain(|(active, _)| *active != id);
        self.power_cut = self.power_cut.or(Some(PowerCut { id, unsynced }));
    }

    /// What will be found when the power is back. Faults go on.
    pub(crate) fn after_power_cut(&self, seed: u64, unsynced: Unsynced) -> Self {
        let left = |(inode, index): (&Inode, usize)| {
            // Each file has its own draws: what one has pending moves no other's.
            let content = match unsynced {
                Unsynced::Lost => inode.durable.clone(),
                Unsynced::Torn { inode: torn, draw } if torn == index => {
                    inode.torn(&mut rng(draw, "torn write", &[]))
                }
                Unsynced::Drawn | Unsynced::Torn { .. } => {
                    inode.left(&mut rng(seed, "file", &[index as u64]))
                }
            };
            Inode {
                data: content.clone(),
                durable: content,
                pending: Vec::new(),
                modified: inode.modified,
            }
        };
        Self {
            directories: self.directories.left(&mut rng(seed, "directories", &[])),
            inodes: self.inodes.iter().zip(0..).map(left).collect(),
            faults: self.faults.clone(),
            damaged: self.damaged.clone(),
            failed_syncs: self.failed_syncs,
            ..Self::default()
        }
    }

    /// A copy for software that is dead and does not know: all goes well there, and nobody sees it.
    pub(crate) fn ghost(&self) -> Self {
        let (directories, inodes) = (self.directories.clone(), self.inodes.clone());
        Self { directories, inodes, ..Self::default() }
    }

    fn slow_down(&mut self) {
        for (fault, kind) in &self.faults {
            if let DiskFault::Slow { ms } = kind {
                let so_far = self.slowness.map_or(0, |(_, ms)| ms);
                self.slowness = Some((fault.step, so_far + ms));
            }
        }
    }

    fn active(&self, is: impl Fn(&DiskFault) -> bool) -> Option<u16> {
        self.faults.iter().rev().find(|(_, kind)| is(kind)).map(|(id, _)| id.step)
    }

    /// An input/output error if a fault of this kind acts.
    fn may(&mut self, is: impl Fn(&DiskFault) -> bool) -> io::Result<()> {
        let Some(fault) = self.active(is) else { return Ok(()) };
        self.refused.push(fault);
        Err(io::Error::other("input/output error"))
    }

    fn room(&mut self) -> io::Result<()> {
        self.may(|fault| matches!(fault, DiskFault::IoErrors { writes: true, .. }))?;
        let full = self.active(|fault| matches!(fault, DiskFault::Full { .. }));
        let Some(fault) = full else { return Ok(()) };
        self.refused.push(fault);
        Err(ErrorKind::StorageFull.into())
    }

    fn may_sync(&mut self) -> io::Result<()> {
        self.may(|fault| matches!(fault, DiskFault::SyncFails { .. }))
    }

    /// From now on something is wrong with it.
    pub fn begin(&mut self, id: OccurrenceId, kind: DiskFault) {
        self.faults.push((id, kind));
    }

    /// That is over.
    pub fn end(&mut self, id: OccurrenceId) {
        self.faults.retain(|(active, _)| *active != id);
    }

    /// The disk is as it was in a snapshot: what was written since is gone, and what was removed is back. What is wrong
    /// with it goes on. Whether anything that was on the platter is another now.
    pub fn go_back(&mut self, snapshot: Self) -> bool {
        let faults = std::mem::take(&mut self.faults);
        let differs = !self.platter().eq(snapshot.platter());
        *self = Self { faults, ..snapshot };
        differs
    }

    /// Each file that is on the platter, by name, with its content.
    fn platter(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        let files = self.directories.durable.iter();
        files.map(|(path, inode)| (path.as_path(), self.inodes[*inode].durable.as_slice()))
    }

    /// The disk is replaced by an empty one.
    pub fn wipe(&mut self) {
        let faults = std::mem::take(&mut self.faults);
        *self = Self { faults, ..Self::default() };
    }

    /// Of a file that has any content: which, and how many bytes.
    fn any_file(&self, rng: &mut Rng) -> Option<(usize, usize)> {
        let files: Vec<(usize, usize)> = self
            .directories
            .durable
            .values()
            .map(|inode| (*inode, self.inodes[*inode].durable.len()))
            .collect();
        // A medium decays where it is used: large files are hit more often, and empty ones never.
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

    /// `bits` bits of a file turn over, on the platter and in what is read from now on. Whether there was
    /// a file.
    pub fn rot(&mut self, fault: u16, draw: u64, bits: u32) -> bool {
        let mut rng = rng(draw, "rot", &[]);
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

    /// A file loses its last bytes, up to `most` of them. Whether there was a file.
    pub fn truncate(&mut self, fault: u16, draw: u64, most: u32) -> bool {
        let mut rng = rng(draw, "truncate", &[]);
        let Some((file, length)) = self.any_file(&mut rng) else { return false };
        let lost = rng.random_range(1..=length.min(most as usize).max(1));
        let inode = &mut self.inodes[file];
        inode.durable.truncate(length - lost);
        inode.data.clone_from(&inode.durable);
        inode.pending.clear();
        self.damaged.push((fault, file, length - lost, lost));
        true
    }

    pub(crate) fn take_refused(&mut self) -> Vec<u16> {
        std::mem::take(&mut self.refused)
    }

    /// Whether a fault cut the power in the last call.
    pub(crate) fn take_power_cut(&mut self) -> Option<PowerCut> {
        self.power_cut.take()
    }

    /// For how long the caller is blocked, and by which fault.
    pub(crate) fn take_slowness(&mut self) -> Option<(u16, u64)> {
        self.slowness.take()
    }
}
