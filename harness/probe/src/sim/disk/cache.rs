//! What stands between a node's software and its platter: changes of files and of directories that nobody has
//! synced, and what becomes of them when the power, or a sync, fails.
//!
//! File systems differ in this and promise little, so all that some of them do is drawn: pages are written back
//! in any order (Pillai et al., All File Systems Are Not Created Equal, OSDI 2014), a renamed file can be there
//! without its content (ext4 and XFS with delayed allocation), and after a failed sync the pages count as clean,
//! and are on no disk (PostgreSQL's fsync surprise of 2018; Rebello et al., Can Applications Recover from fsync
//! Failures?, USENIX ATC 2020).

use crate::generator::Rng;
use rand::RngExt as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

/// Content reaches the platter in pieces of at most this many bytes, each or none.
const PAGE: usize = 4096;

/// A file's content, without its name.
#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    /// What running software reads.
    pub(super) data: Vec<u8>,
    /// What is on the platter.
    pub(super) durable: Vec<u8>,
    /// What a sync will bring there, in order. After a failed sync the two can differ without it.
    pub(super) pending: Vec<Change>,
    /// When its content changed, as its node's wall clock told, since the Unix epoch.
    pub(super) modified: Duration,
}

/// A change of a file's content.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { at: usize, bytes: Vec<u8> },
    SetLen(usize),
}

fn put(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let end = at + bytes.len();
    content.resize(content.len().max(end), 0);
    content[at..end].copy_from_slice(bytes);
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => put(content, *at, bytes),
            Self::SetLen(length) => content.resize(*length, 0),
        }
    }

    /// What of a write lies on each page.
    fn pieces(at: usize, bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
        let (mut at, mut rest) = (at, bytes);
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (piece, behind) = rest.split_at(rest.len().min(PAGE - at % PAGE));
            let from = at;
            at += piece.len();
            rest = behind;
            Some((from, piece))
        })
    }
}

impl Inode {
    pub(super) fn change(&mut self, change: Change) {
        change.apply(&mut self.data);
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// What a power cut leaves: half of the time nothing that was not synced; else all of it, or what came
    /// first, or any of it.
    pub(super) fn left(&self, rng: &mut Rng) -> Vec<u8> {
        let mut content = self.durable.clone();
        if self.pending.is_empty() {
            return content;
        }
        match rng.random_range(0..8_u8) {
            0..4 => {}
            4 => self.pending.iter().for_each(|change| change.apply(&mut content)),
            5 => {
                let keep = rng.random_range(0..=self.pending.len());
                for change in &self.pending[..keep] {
                    change.apply(&mut content);
                }
                if let Some(Change::Write { at, bytes }) = self.pending.get(keep) {
                    put(&mut content, *at, &bytes[..rng.random_range(0..=bytes.len())]);
                }
            }
            _ => {
                content = self.scattered(rng);
                // The pages are there, and the file's new length is not.
                if rng.random_bool(0.25) {
                    content.truncate(self.durable.len());
                }
            }
        }
        content
    }

    /// Any of the changes have reached the platter, whatever their order, and a piece may be torn.
    fn scattered(&self, rng: &mut Rng) -> Vec<u8> {
        let mut content = self.durable.clone();
        for change in &self.pending {
            match change {
                Change::SetLen(_) if rng.random_bool(0.5) => change.apply(&mut content),
                Change::SetLen(_) => {}
                Change::Write { at, bytes } => {
                    for (at, piece) in Change::pieces(*at, bytes) {
                        let torn = rng.random_range(0..=piece.len());
                        match rng.random_range(0..16_u8) {
                            0..8 => {}
                            8 => put(&mut content, at, &piece[..torn]),
                            _ => put(&mut content, at, piece),
                        }
                    }
                }
            }
        }
        content
    }

    /// What a power cut leaves in the middle of the last write: all before it, and of it some, but not all.
    /// Mostly a prefix; of a write to several pages as often any of them.
    pub(super) fn torn(&self, rng: &mut Rng) -> Vec<u8> {
        let mut content = self.durable.clone();
        let Some((last, before)) = self.pending.split_last() else { return content };
        for change in before {
            change.apply(&mut content);
        }
        let Change::Write { at, bytes } = last else { return content };
        let pieces: Vec<(usize, &[u8])> = Change::pieces(*at, bytes).collect();
        if pieces.len() > 1 && rng.random_bool(0.5) {
            let missing = rng.random_range(0..pieces.len());
            for (index, (at, piece)) in pieces.into_iter().enumerate() {
                if index != missing && rng.random_bool(0.5) {
                    put(&mut content, at, piece);
                }
            }
        } else if bytes.len() > 1 {
            put(&mut content, *at, &bytes[..rng.random_range(1..bytes.len())]);
        }
        content
    }

    /// A sync fails, and no later one saves what it should have saved. Either the pages go on being read and
    /// some of them reached the platter (ext4, XFS), or the file is what it was (btrfs).
    pub(super) fn fail_to_sync(&mut self, reverts: bool, rng: &mut Rng) {
        if reverts {
            self.data.clone_from(&self.durable);
        } else {
            self.durable = self.scattered(rng);
        }
        self.pending.clear();
    }
}

/// The names of files, and which of them are on the platter.
#[derive(Clone, Debug, Default)]
pub(super) struct Directories {
    /// As running software sees them.
    pub(super) names: BTreeMap<PathBuf, usize>,
    /// On the platter.
    pub(super) durable: BTreeMap<PathBuf, usize>,
    /// What separates the two, in order.
    pending: Vec<NameChange>,
    /// Directories. What is done to one is durable at once.
    pub(super) made: BTreeSet<PathBuf>,
}

/// A change of a directory.
#[derive(Clone, Debug)]
enum NameChange {
    Made { path: PathBuf, inode: usize },
    Renamed { from: PathBuf, to: PathBuf, inode: usize },
    Removed { path: PathBuf },
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Made { path, inode } => {
                names.insert(path.clone(), *inode);
            }
            Self::Renamed { from, to, inode } => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
            Self::Removed { path } => {
                names.remove(path);
            }
        }
    }

    fn each_path(&mut self, mut act: impl FnMut(&mut PathBuf)) {
        match self {
            Self::Made { path, .. } | Self::Removed { path } => act(path),
            Self::Renamed { from, to, .. } => {
                act(from);
                act(to);
            }
        }
    }

    /// What is left of it once `directory` is synced.
    fn without(self, directory: &Path) -> Option<Self> {
        let here = |path: &Path| path.parent() == Some(directory);
        match self {
            Self::Renamed { from, to, inode } => match (here(&from), here(&to)) {
                (true, true) => None,
                (true, false) => Some(Self::Made { path: to, inode }),
                (false, true) => Some(Self::Removed { path: from }),
                (false, false) => Some(Self::Renamed { from, to, inode }),
            },
            Self::Made { path, .. } | Self::Removed { path } if here(&path) => None,
            other => Some(other),
        }
    }
}

impl Directories {
    pub(super) fn make(&mut self, path: &Path, inode: usize) {
        if let Some(directory) = path.parent() {
            self.make_all(directory);
        }
        self.change(NameChange::Made { path: path.to_owned(), inode });
    }

    /// Makes a directory and those above it.
    pub(super) fn make_all(&mut self, directory: &Path) {
        for directory in directory.ancestors() {
            if !self.made.insert(directory.to_owned()) {
                return;
            }
        }
    }

    /// Moves a directory with all that is in it.
    pub(super) fn move_all(&mut self, from: &Path, to: &Path) {
        let moved = |path: &Path| {
            let rest = path.strip_prefix(from).ok()?;
            Some(if rest.as_os_str().is_empty() { to.to_owned() } else { to.join(rest) })
        };
        for names in [&mut self.names, &mut self.durable] {
            let old = std::mem::take(names);
            names
                .extend(old.into_iter().map(|(path, inode)| (moved(&path).unwrap_or(path), inode)));
        }
        let old = std::mem::take(&mut self.made);
        self.made.extend(old.into_iter().map(|path| moved(&path).unwrap_or(path)));
        for change in &mut self.pending {
            change.each_path(|path| {
                if let Some(moved) = moved(path) {
                    *path = moved;
                }
            });
        }
    }

    /// Whether there was such a file.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> bool {
        let Some(inode) = self.names.get(from).copied() else { return false };
        if from != to {
            self.change(NameChange::Renamed { from: from.to_owned(), to: to.to_owned(), inode });
        }
        true
    }

    /// Whether there was such a file.
    pub(super) fn remove(&mut self, path: &Path) -> bool {
        let known = self.names.contains_key(path);
        if known {
            self.change(NameChange::Removed { path: path.to_owned() });
        }
        known
    }

    fn change(&mut self, entry: NameChange) {
        entry.apply(&mut self.names);
        self.pending.push(entry);
    }

    pub(super) fn is_synced(&self) -> bool {
        self.pending.is_empty()
    }

    pub(super) fn sync(&mut self, directory: &Path) {
        let here = |path: &Path| path.parent() == Some(directory);
        self.durable.retain(|path, _| !here(path));
        let known = self.names.iter().filter(|(path, _)| here(path));
        self.durable.extend(known.map(|(path, inode)| (path.clone(), *inode)));
        let pending = std::mem::take(&mut self.pending);
        self.pending = pending.into_iter().filter_map(|entry| entry.without(directory)).collect();
    }

    /// What a power cut leaves: each change that was not synced is kept or undone, as often one as the other.
    /// What follows from one that is undone is undone, too; only that a renamed file was made goes without
    /// saying.
    pub(super) fn left(&self, rng: &mut Rng) -> Self {
        let mut names = self.durable.clone();
        // Names of which a change was undone, and the file that was not made, if it was that.
        let mut undone: BTreeMap<&Path, Option<usize>> = BTreeMap::new();
        for entry in &self.pending {
            let kept = rng.random_bool(0.5);
            let possible = match entry {
                NameChange::Made { path, .. } | NameChange::Removed { path } => {
                    !undone.contains_key(path.as_path())
                }
                NameChange::Renamed { from, to, inode } => {
                    undone.get(from.as_path()).is_none_or(|made| *made == Some(*inode))
                        && !undone.contains_key(to.as_path())
                }
            };
            if kept && possible {
                entry.apply(&mut names);
                continue;
            }
            match entry {
                NameChange::Made { path, inode } => {
                    undone.entry(path).or_insert(Some(*inode));
                }
                NameChange::Removed { path } => {
                    undone.insert(path, None);
                }
                NameChange::Renamed { from, to, .. } => {
                    undone.insert(from, None);
                    undone.insert(to, None);
                }
            }
        }
        Self { durable: names.clone(), names, pending: Vec::new(), made: self.made.clone() }
    }
}
