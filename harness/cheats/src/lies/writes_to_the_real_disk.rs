//! Stores each event on the host's real disk too, of which a crash loses nothing. The twin stores it on the simulated
//! disk.

use crate::{
    base::{self, Disk, Store},
    cheat::{Cheat, Honesty},
};
use squall::system::Error;
use squall_probe::fs;

pub const CHEAT: Cheat = Cheat {
    id: "writes-to-the-real-disk",
    about: "writes to the host's real disk",
    breaks: &[],
    serve: |node, honesty| Box::pin(base::serve(node, Twice(Disk::default(), honesty))),
    ..Cheat::BASE
};

struct Twice(Disk, Honesty);

impl Store for Twice {
    fn recover(&mut self) -> Result<Vec<u64>, Error> {
        self.0.recover()
    }

    fn append(&mut self, event: u64) -> Result<(), Error> {
        let path = "/tmp/squall-cheats-copy";
        match self.1 {
            Honesty::Lies => std::fs::write(path, event.to_be_bytes())?,
            Honesty::Honest => {
                std::io::Write::write_all(&mut fs::open(path)?, &event.to_be_bytes())?;
            }
        }
        self.0.append(event)
    }
}
