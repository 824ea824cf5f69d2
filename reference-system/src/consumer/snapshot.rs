//! A snapshot of the projection, and how far the topic was read for it.

use super::projection::Projection;
use crate::{
    journal::{Care, Journal},
    wire::{Start, events::PARTITIONS},
};
use serde::{Deserialize, Serialize};
use squall_probe::signal;
use std::{collections::BTreeMap, io, path::Path};

/// The file.
pub(crate) const SNAPSHOT: &str = "view";

/// The projection, and what it is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) reached: Reached,
    pub(crate) projection: Projection,
}

/// How far the topic was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reached {
    /// Next offset of each partition.
    pub(crate) positions: BTreeMap<u32, u64>,
    /// A time of the log in each partition, in milliseconds since the Unix epoch, before which everything was
    /// taken in.
    pub(crate) times: BTreeMap<u32, u64>,
}

impl Reached {
    /// From where on a group misses nothing that comes after the `events` events that were taken in. `from` says
    /// where a replay begins, given the next offset that was not read.
    pub(super) fn start(&self, events: u64, from: fn(u64) -> u64) -> Start {
        let least = |of: &BTreeMap<u32, u64>| {
            let known = |partition| of.get(&partition).copied().unwrap_or(0);
            (0..PARTITIONS).map(known).min().expect("there are partitions")
        };
        // Both ways lead there, and both should stay trodden.
        match events {
            0 => Start::Earliest,
            even if even % 2 == 0 => Start::Time(least(&self.times)),
            _ => Start::Offset(from(least(&self.positions))),
        }
    }
}

/// Reads the last snapshot, if there is one that is whole.
pub(super) fn load(data: &Path) -> Option<Snapshot> {
    let snapshot = read_last(data, SNAPSHOT);
    if snapshot.is_some() {
        signal("snapshot_loaded");
    }
    snapshot
}

/// Reads what a file of one record says; `None` if it is not there or not whole.
pub(crate) fn read_last<T: serde::de::DeserializeOwned>(data: &Path, name: &str) -> Option<T> {
    let (_, records) = Journal::open(data, name, &Care::default()).ok()?;
    postcard::from_bytes(records.last()?).ok()
}

/// Writes a snapshot. It is there as a whole or not at all.
pub(super) fn save(data: &Path, snapshot: &Snapshot) -> io::Result<()> {
    write(data, SNAPSHOT, snapshot)
}

/// Writes a file of one record.
pub(crate) fn write<T: Serialize>(data: &Path, name: &str, value: &T) -> io::Result<()> {
    let bytes = postcard::to_stdvec(value).expect("plain data is written to memory");
    Journal::replace(data, name, &bytes, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_whole_or_not_there() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(load(folder.path()), None);
        let reached = Reached { positions: [(0, 1)].into(), times: [(0, 7)].into() };
        let snapshot = Snapshot { reached, projection: Projection::default() };
        save(folder.path(), &snapshot).unwrap();
        assert_eq!(load(folder.path()), Some(snapshot));
        let path = folder.path().join(SNAPSHOT);
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(load(folder.path()), None);
    }
}
