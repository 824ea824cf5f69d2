//! Writes all events to a new file, syncs it and renames it over the old one, and answers before the directory is
//! synced: after a power cut the old file may be back. The twin syncs the directory, too.

use super::snapshots::Snapshots;
use crate::{
    base,
    cheat::{Cheat, Honesty},
};

pub const CHEAT: Cheat = Cheat {
    id: "renames-without-dir-sync",
    about: "renames a new file over the old one and does not sync the directory",
    breaks: &["no_loss", "durability"],
    serve: |node, honesty| {
        let honest = honesty == Honesty::Honest;
        let store = Snapshots { syncs_file: true, syncs_directory: honest, ..Snapshots::default() };
        Box::pin(base::serve(node, store))
    },
    ..Cheat::BASE
};
