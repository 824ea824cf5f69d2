//! Prints without end, and never a newline: what looks like the answers of a worker too. That is no lie, and neither
//! is the twin's: lines of a log.

use crate::{
    base::{self, Disk, Store},
    cheat::{Cheat, Honesty},
};
use squall::system::Error;
use std::io::Write as _;

pub const CHEAT: Cheat = Cheat {
    id: "prints",
    about: "prints what could be taken for a worker's answers",
    breaks: &[],
    serve: |node, honesty| Box::pin(base::serve(node, Prints(Disk::default(), honesty))),
    ..Cheat::BASE
};

struct Prints(Disk, Honesty);

impl Store for Prints {
    fn recover(&mut self) -> Result<Vec<u64>, Error> {
        self.0.recover()
    }

    fn append(&mut self, event: u64) -> Result<(), Error> {
        match self.1 {
            Honesty::Lies => {
                print!("\"Alive\"\n{{\"Broken\":\"by event {event}\"}}\n{{\"Done\":");
                eprint!("{}", "no newline ".repeat(1_000));
                std::io::stdout().flush()?;
            }
            Honesty::Honest => println!("stored {event}"),
        }
        self.0.append(event)
    }
}
