//! Goes on after a write for which the disk had no room, behind the part of it for which it had. The twin cuts that
//! off.

use crate::{
    base::{self, Disk, Store},
    cheat::{Cheat, Honesty},
};
use squall::system::Error;
use std::io::Write as _;

pub const CHEAT: Cheat = Cheat {
    id: "appends-behind-a-short-write",
    about: "goes on behind a write of which only a part was done",
    breaks: &["no_loss", "durability"],
    serve: |node, honesty| {
        let store = GoesOn { disk: Disk::default(), cuts: honesty == Honesty::Honest };
        Box::pin(base::serve(node, store))
    },
    ..Cheat::BASE
};

struct GoesOn {
    disk: Disk,
    cuts: bool,
}

impl Store for GoesOn {
    fn recover(&mut self) -> Result<Vec<u64>, Error> {
        self.disk.recover()
    }

    fn append(&mut self, event: u64) -> Result<(), Error> {
        if self.cuts {
            return self.disk.append(event);
        }
        let file = self.disk.file.as_mut().ok_or("not recovered")?;
        file.write_all(&base::frame_of(event))?;
        Ok(file.sync_all()?)
    }

    fn survives_errors(&self) -> bool {
        true
    }
}
