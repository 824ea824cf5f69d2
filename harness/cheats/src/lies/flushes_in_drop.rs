//! Answers for events that are in its own buffer, and writes them when it ends: whoever is killed writes nothing.
//! The twin writes and syncs each event before it answers.

use crate::{
    base::{self, Disk, Store},
    cheat::{Cheat, Honesty},
};
use squall::system::Error;
use std::io::Write as _;

pub const CHEAT: Cheat = Cheat {
    id: "flushes-in-drop",
    about: "answers for what is in its own buffer, and writes it in its destructor",
    breaks: &["no_loss", "durability"],
    serve: |node, honesty| match honesty {
        Honesty::Lies => {
            Box::pin(base::serve(node, Buffered { disk: Disk::default(), buffer: Vec::new() }))
        }
        Honesty::Honest => Box::pin(base::serve(node, Disk::default())),
    },
    ..Cheat::BASE
};

struct Buffered {
    disk: Disk,
    buffer: Vec<u64>,
}

impl Buffered {
    fn flush(&mut self) -> Result<(), Error> {
        let file = self.disk.file.as_mut().ok_or("not recovered")?;
        file.write_all(&base::bytes_of(&self.buffer))?;
        file.sync_all()?;
        self.buffer.clear();
        Ok(())
    }
}

impl Store for Buffered {
    fn recover(&mut self) -> Result<Vec<u64>, Error> {
        self.disk.recover()
    }

    fn append(&mut self, event: u64) -> Result<(), Error> {
        self.buffer.push(event);
        if self.buffer.len() >= 8 { self.flush() } else { Ok(()) }
    }
}

impl Drop for Buffered {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}
