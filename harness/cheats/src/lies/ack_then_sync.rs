//! Answers, and syncs right after: the answer is on the wire when the power fails in between. The twin syncs each
//! event before it answers.

use crate::{
    base::{self, Disk, Store},
    cheat::{Cheat, Honesty},
};
use squall::system::Error;
use std::io::Write as _;

pub const CHEAT: Cheat = Cheat {
    id: "ack-then-sync",
    about: "answers first, and syncs right after",
    breaks: &["no_loss", "durability"],
    serve: |node, honesty| match honesty {
        Honesty::Lies => Box::pin(base::serve(node, AckThenSync(Disk::default()))),
        Honesty::Honest => Box::pin(base::serve(node, Disk::default())),
    },
    ..Cheat::BASE
};

struct AckThenSync(Disk);

impl Store for AckThenSync {
    fn recover(&mut self) -> Result<Vec<u64>, Error> {
        self.0.recover()
    }

    fn append(&mut self, event: u64) -> Result<(), Error> {
        self.0.file.as_mut().ok_or("not recovered")?.write_all(&base::frame_of(event))?;
        Ok(())
    }

    fn answered(&mut self, _: u64) -> Result<(), Error> {
        self.0.file.as_mut().ok_or("not recovered")?.sync_all()?;
        Ok(())
    }
}
