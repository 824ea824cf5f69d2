//! A call into a library panics. The twin catches it where it calls.

use crate::{
    base::{self, Disk, Store},
    cheat::{Cheat, Honesty},
};
use squall::system::Error;
use std::panic::catch_unwind;

pub const CHEAT: Cheat = Cheat {
    id: "panics-in-a-call",
    about: "a call panics, and nobody catches it",
    breaks: &["no_panic"],
    serve: |node, honesty| Box::pin(base::serve(node, Calls(Disk::default(), honesty))),
    ..Cheat::BASE
};

struct Calls(Disk, Honesty);

impl Store for Calls {
    fn recover(&mut self) -> Result<Vec<u64>, Error> {
        self.0.recover()
    }

    fn append(&mut self, event: u64) -> Result<(), Error> {
        match self.1 {
            Honesty::Lies => call(event),
            Honesty::Honest => drop(catch_unwind(|| call(event))),
        }
        self.0.append(event)
    }
}

fn call(event: u64) {
    assert!(!event.is_multiple_of(10), "a library that does not like {event}");
}
