//! When a sync fails, it tries once more, and takes that for the sync. The twin writes the event again first.

use crate::{
    base::{self, Disk, Store},
    cheat::{Cheat, Honesty},
};
use squall::system::Error;
use std::io::{Seek as _, SeekFrom, Write as _};

pub const CHEAT: Cheat = Cheat {
    id: "syncs-again",
    about: "after a failed sync it syncs again, without writing again",
    breaks: &["no_loss", "durability"],
    serve: |node, honesty| {
        let store = SyncsAgain {
            disk: Disk::default(),
            writes_again: honesty == Honesty::Honest,
            unsure: None,
        };
        Box::pin(base::serve(node, store))
    },
    ..Cheat::BASE
};

struct SyncsAgain {
    disk: Disk,
    writes_again: bool,
    /// The event whose sync failed.
    unsure: Option<u64>,
}

impl Store for SyncsAgain {
    fn recover(&mut self) -> Result<Vec<u64>, Error> {
        self.disk.recover()
    }

    fn append(&mut self, event: u64) -> Result<(), Error> {
        let file = self.disk.file.as_mut().ok_or("not recovered")?;
        if self.unsure != Some(event) {
            file.write_all(&base::frame_of(event))?;
        } else if self.writes_again {
            file.seek(SeekFrom::Current(-16))?;
            file.write_all(&base::frame_of(event))?;
        }
        self.unsure = Some(event);
        file.sync_all()?;
        self.unsure = None;
        Ok(())
    }

    fn survives_errors(&self) -> bool {
        true
    }
}
