//! A store that writes all events to a new file each time, and renames it over the old one.

use crate::base::{self, FILE, Store};
use squall::system::Error;
use squall_probe::fs;
use std::io::Write as _;

#[derive(Default)]
pub struct Snapshots {
    pub events: Vec<u64>,
    pub syncs_file: bool,
    pub syncs_directory: bool,
}

const NEW: &str = "/data/events.new";

impl Store for Snapshots {
    fn recover(&mut self) -> Result<Vec<u64>, Error> {
        // Only what is there: a file that is opened is made.
        let there = fs::list("/data")?.iter().any(|name| FILE.ends_with(name.as_str()));
        let found = if there { fs::read(FILE)? } else { Vec::new() };
        self.events = base::events_in(&found);
        Ok(self.events.clone())
    }

    fn append(&mut self, event: u64) -> Result<(), Error> {
        self.events.push(event);
        let mut file = fs::open(NEW)?;
        file.set_len(0)?;
        file.write_all(&base::bytes_of(&self.events))?;
        if self.syncs_file {
            file.sync_all()?;
        }
        fs::rename(NEW, FILE)?;
        if self.syncs_directory {
            fs::sync_dir("/data")?;
        }
        Ok(())
    }
}
