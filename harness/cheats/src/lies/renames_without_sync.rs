//! Writes all events to a new file and renames it over the old one, without having synced its content: after a power
//! cut the name is there, and the file is empty. The twin syncs the file, renames it and syncs the directory.

use super::snapshots::Snapshots;
use crate::{
    base,
    cheat::{Cheat, Honesty},
};

pub const CHEAT: Cheat = Cheat {
    id: "renames-without-sync",
    about: "renames a new file over the old one without having synced its content",
    breaks: &["no_loss", "durability"],
    serve: |node, honesty| {
        let honest = honesty == Honesty::Honest;
        let store = Snapshots { syncs_file: honest, syncs_directory: true, ..Snapshots::default() };
        Box::pin(base::serve(node, store))
    },
    ..Cheat::BASE
};
