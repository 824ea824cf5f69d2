//! Snapshots in two files, of which a crash can leave one old and one new; and one that claims a time of a clock.

use crate::{
    consumer::snapshot::{SNAPSHOT, Snapshot, read_last, write},
    wire::events::PARTITIONS,
};
use squall_probe::{clock, signal};
use std::{collections::BTreeMap, io, path::Path};

/// The file that says how far the topic was read.
const POSITIONS: &str = "view.positions";

/// Takes what was reached from its own file.
pub(super) fn load(data: &Path) -> Option<Snapshot> {
    let mut snapshot: Option<Snapshot> = read_last(data, SNAPSHOT);
    if let Some(reached) = read_last(data, POSITIONS) {
        snapshot.get_or_insert_default().reached = reached;
    }
    if snapshot.is_some() {
        signal("snapshot_loaded");
    }
    snapshot
}

/// Writes the state, then what was reached.
pub(super) fn save_state_first(data: &Path, snapshot: &Snapshot) -> io::Result<()> {
    write(data, SNAPSHOT, snapshot)?;
    write(data, POSITIONS, &snapshot.reached)
}

/// Writes what was reached, then the state.
pub(super) fn save_positions_first(data: &Path, snapshot: &Snapshot) -> io::Result<()> {
    write(data, POSITIONS, &snapshot.reached)?;
    write(data, SNAPSHOT, snapshot)
}

/// What the reader's own clock says, in place of a time of the log in each partition.
pub(super) fn now() -> BTreeMap<u32, u64> {
    let now = clock::since_epoch().as_millis();
    let now = u64::try_from(now).expect("the clock is not set to half a billion years from now");
    (0..PARTITIONS).map(|partition| (partition, now)).collect()
}
