//! Answers for events that it never syncs. The twin syncs each before it answers.

use crate::{
    base::{self, Disk, Store},
    cheat::{Cheat, Honesty},
};
use squall::system::Error;
use std::io::Write as _;

pub const CHEAT: Cheat = Cheat {
    id: "no-sync",
    about: "answers for what it has not synced",
    breaks: &["no_loss", "durability"],
    serve: |node, honesty| match honesty {
        Honesty::Lies => Box::pin(base::serve(node, NoSync(Disk::default()))),
        Honesty::Honest => Box::pin(base::serve(node, Disk::default())),
    },
    ..Cheat::BASE
};

struct NoSync(Disk);

impl Store for NoSync {
    fn recover(&mut self) -> Result<Vec<u64>, Error> {
        self.0.recover()
    }

    fn append(&mut self, event: u64) -> Result<(), Error> {
        self.0.file.as_mut().ok_or("not recovered")?.write_all(&base::frame_of(event))?;
        Ok(())
    }
}
