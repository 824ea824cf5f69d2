//! What the broker must not forget: a file to which each change is appended, a line of text each.

use squall::system::Error;
use squall_probe::fs::{self, File};
use std::{fmt, io::Write as _};

const FILE: &str = "/data/journal";

#[derive(Clone, Copy)]
pub enum Change {
    /// A job is in the queue.
    Queued { job: u64 },
    /// It was handed to a worker, so many times by now.
    Leased { job: u64, count: u32 },
    /// It is done, and gone.
    Done { job: u64 },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queued { job } => write!(f, "queued {job}"),
            Self::Leased { job, count } => write!(f, "leased {job} {count}"),
            Self::Done { job } => write!(f, "done {job}"),
        }
    }
}

impl Change {
    /// The change that a line tells of, if it is whole.
    fn read(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.strip_suffix('\n')?.split(' ').collect();
        match words[..] {
            ["queued", job] => Some(Self::Queued { job: job.parse().ok()? }),
            ["leased", job, count] => {
                Some(Self::Leased { job: job.parse().ok()?, count: count.parse().ok()? })
            }
            ["done", job] => Some(Self::Done { job: job.parse().ok()? }),
            _ => None,
        }
    }
}

pub struct Journal {
    file: File,
}

impl Journal {
    /// Opens it, with all changes that are in it.
    pub fn open() -> Result<(Self, Vec<Change>), Error> {
        let mut file = fs::open(FILE)?;
        let content = fs::read(FILE)?;
        let (mut changes, mut length) = (Vec::new(), 0);
        // A power cut may leave a line that is not whole.
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            let Some(change) = str::from_utf8(line).ok().and_then(Change::read) else { break };
            changes.push(change);
            length += line.len();
        }
        // What was found may be in memory only: it is written again.
        file.write_all(&content[..length])?;
        file.set_len(length as u64)?;
        file.sync_all()?;
        fs::sync_dir("/data")?;
        Ok((Self { file }, changes))
    }

    /// Appends a change, which is on the disk when this returns.
    pub fn append(&mut self, change: Change) -> Result<(), Error> {
        self.file.write_all(format!("{change}\n").as_bytes())?;
        self.file.flush()?;
        Ok(())
    }
}
