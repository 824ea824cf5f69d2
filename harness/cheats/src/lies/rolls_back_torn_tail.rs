//! Appends behind whatever its file ends with, a torn event, too; only when a write fails under its eyes does it
//! cut the file. A power cut lets nobody see that. The twin cuts a torn tail when it recovers.

use crate::{
    base::{self, Disk, FILE, Store},
    cheat::{Cheat, Honesty},
};
use squall::system::Error;
use squall_probe::fs;
use std::io::{Seek as _, SeekFrom};

pub const CHEAT: Cheat = Cheat {
    id: "rolls-back-torn-tail",
    about: "keeps a torn tail, unless it is there to see the write fail",
    breaks: &["no_loss", "durability"],
    serve: |node, honesty| match honesty {
        Honesty::Lies => Box::pin(base::serve(node, KeepsTail(Disk::default()))),
        Honesty::Honest => Box::pin(base::serve(node, Disk::default())),
    },
    ..Cheat::BASE
};

struct KeepsTail(Disk);

impl Store for KeepsTail {
    fn recover(&mut self) -> Result<Vec<u64>, Error> {
        let mut file = fs::open(FILE)?;
        fs::sync_dir("/data")?;
        let events = base::events_in(&fs::read(FILE)?);
        file.seek(SeekFrom::End(0))?;
        self.0.file = Some(file);
        Ok(events)
    }

    fn append(&mut self, event: u64) -> Result<(), Error> {
        self.0.append(event)
    }
}
