//! What the broker must not forget: a file to which each change is appended, and synced before anybody hears of it.

use crate::wire::{frame_of, read};
use serde::{Deserialize, Serialize};
use squall::system::Error;
use squall_probe::{Removed, fs, time::Instant};
use std::{io::Write as _, time::Duration};

const FILE: &str = "/data/journal";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Change {
    /// A queue has taken a message in.
    Enqueued { queue: u16, message: u64, event: u64, group: u32, deduplication: u64, poison: bool },
    /// It was handed out for this time.
    Leased { queue: u16, message: u64, count: u32 },
    /// It is gone: somebody was done with it, or it had to go for this reason.
    Gone { queue: u16, message: u64, why: Option<Removed> },
    /// The event has taken effect.
    Applied { event: u64 },
}

pub struct Journal {
    file: fs::File,
    length: u64,
    /// Changes that are told of before they are written down, if the broker is told to make that mistake.
    late: Vec<Change>,
    flushed: Instant,
}

impl Journal {
    /// Opens it, with all changes that are in it. A torn one in the end was never told of.
    pub fn open() -> Result<(Self, Vec<Change>), Error> {
        let mut file = fs::open(FILE)?;
        fs::sync_dir("/data")?;
        let content = fs::read(FILE)?;
        let mut changes = Vec::new();
        let mut rest = content.as_slice();
        while let Some((length, after)) = rest.split_first_chunk::<4>()
            && let Some((frame, after)) =
                after.split_at_checked(u32::from_be_bytes(*length) as usize)
            && let Some(change) = read(frame)
        {
            changes.push(change);
            rest = after;
        }
        let length = (content.len() - rest.len()) as u64;
        // What was found may be in memory only, and be so after a sync that failed: it is written again.
        file.write_all(&content[..content.len() - rest.len()])?;
        file.set_len(length)?;
        file.sync_all()?;
        Ok((Self { file, length, late: Vec::new(), flushed: Instant::now() }, changes))
    }

    /// Appends changes, all or none of them; they are durable when it returns.
    pub fn append(&mut self, changes: &[Change]) -> Result<(), Error> {
        let mut bytes = Vec::new();
        for change in changes {
            let frame = frame_of(change)?;
            bytes.extend(u32::try_from(frame.len())?.to_be_bytes());
            bytes.extend(frame);
        }
        let written = self.file.write_all(&bytes);
        if let Err(error) = written.and_then(|()| self.file.sync_all()) {
            // Nobody will be told: nobody shall find it.
            self.file.set_len(self.length)?;
            return Err(error.into());
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// A mistake: a change that will be durable after the next flush.
    pub fn append_late(&mut self, changes: Vec<Change>) {
        self.late.extend(changes);
    }

    /// Writes down what is late, if a fifth of a second has passed, or somebody wants this message.
    pub fn flush(&mut self, wanted: Option<u64>) -> Result<(), Error> {
        let is_it = |change: &Change| matches!(change, Change::Enqueued { message, .. } if Some(*message) == wanted);
        let due = self.flushed.elapsed() > Duration::from_millis(200);
        if self.late.is_empty() || !due && !self.late.iter().any(is_it) {
            return Ok(());
        }
        self.flushed = Instant::now();
        let late = std::mem::take(&mut self.late);
        self.append(&late)
    }
}
