//! Writes an event to one file and to another how many there are, and syncs both at the end: the second can be on
//! disk without the first. The twin syncs the event before it writes that it is there.

use crate::{
    base::{self, FILE, Store},
    cheat::{Cheat, Honesty},
};
use squall::system::Error;
use squall_probe::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};

pub const CHEAT: Cheat = Cheat {
    id: "trusts-write-order",
    about: "takes it for granted that what was written first is on disk first",
    breaks: &["no_loss", "durability", "no_phantom", "no_duplicate_append"],
    serve: |node, honesty| {
        let store = Ordered { files: None, count: 0, in_turn: honesty == Honesty::Honest };
        Box::pin(base::serve(node, store))
    },
    ..Cheat::BASE
};

const COUNTS: &str = "/data/counts";

struct Ordered {
    /// The events, and how many of them count: each time that it changes, a number more.
    files: Option<(File, File)>,
    count: u64,
    /// Syncs the events before it counts them.
    in_turn: bool,
}

impl Ordered {
    fn files(&mut self) -> Result<&mut (File, File), Error> {
        self.files.as_mut().ok_or_else(|| "not recovered".into())
    }
}

impl Store for Ordered {
    fn recover(&mut self) -> Result<Vec<u64>, Error> {
        let (mut events, mut counts) = (fs::open(FILE)?, fs::open(COUNTS)?);
        fs::sync_dir("/data")?;
        let counted = base::events_in(&fs::read(COUNTS)?);
        self.count = counted.last().copied().unwrap_or(0);
        counts.set_len(counted.len() as u64 * 16)?;
        counts.seek(SeekFrom::End(0))?;
        // What counts is whole, so nobody looks.
        let mut content = fs::read(FILE)?;
        content.resize(usize::try_from(self.count)? * 16, 0);
        let found = content.chunks_exact(16).map(|frame| base::number_in(frame).unwrap_or(0));
        let found = found.collect();
        events.set_len(content.len() as u64)?;
        events.seek(SeekFrom::End(0))?;
        self.files = Some((events, counts));
        Ok(found)
    }

    fn append(&mut self, event: u64) -> Result<(), Error> {
        self.count += 1;
        let (count, in_turn) = (self.count, self.in_turn);
        let (events, counts) = self.files()?;
        events.write_all(&base::frame_of(event))?;
        if in_turn {
            events.sync_all()?;
        }
        counts.write_all(&base::frame_of(count))?;
        Ok(())
    }

    fn settle(&mut self) -> Result<(), Error> {
        let (events, counts) = self.files()?;
        events.sync_all()?;
        Ok(counts.sync_all()?)
    }
}
