//! Answers for what it has not synced, and syncs when it ends: a power cut runs no destructors. The twin syncs each
//! event before it answers.

use crate::{
    base::{self, Disk, Store},
    cheat::{Cheat, Honesty},
};
use squall::system::Error;
use std::io::Write as _;

pub const CHEAT: Cheat = Cheat {
    id: "sync-in-drop",
    about: "answers first, and syncs in its destructor",
    breaks: &["no_loss", "durability"],
    serve: |node, honesty| match honesty {
        Honesty::Lies => Box::pin(base::serve(node, SyncInDrop(Disk::default()))),
        Honesty::Honest => Box::pin(base::serve(node, Disk::default())),
    },
    ..Cheat::BASE
};

struct SyncInDrop(Disk);

impl Store for SyncInDrop {
    fn recover(&mut self) -> Result<Vec<u64>, Error> {
        self.0.recover()
    }

    fn append(&mut self, event: u64) -> Result<(), Error> {
        self.0.file.as_mut().ok_or("not recovered")?.write_all(&base::frame_of(event))?;
        Ok(())
    }
}

impl Drop for SyncInDrop {
    fn drop(&mut self) {
        if let Some(file) = &mut self.0.file {
            let _ = file.sync_all();
        }
    }
}
