//! Lets an effect happen again eight seconds later, by a timer, when everything looks quiet. The twin's timer does
//! nothing.

use crate::{
    base::{self, Disk, Store},
    cheat::{Cheat, Honesty},
};
use squall::system::Error;
use squall_probe::task;
use std::time::Duration;
use tokio::time::sleep;

const LATER: Duration = Duration::from_secs(8);

pub const CHEAT: Cheat = Cheat {
    id: "repeats-later",
    about: "an effect happens again eight seconds later",
    breaks: &["idempotency"],
    serve: |node, honesty| Box::pin(base::serve(node, Repeats(Disk::default(), honesty))),
    ..Cheat::BASE
};

struct Repeats(Disk, Honesty);

impl Store for Repeats {
    fn recover(&mut self) -> Result<Vec<u64>, Error> {
        self.0.recover()
    }

    fn append(&mut self, event: u64) -> Result<(), Error> {
        self.0.append(event)
    }

    fn answered(&mut self, event: u64) -> Result<(), Error> {
        let lies = self.1 == Honesty::Lies;
        if event == 50 {
            task::spawn(async move {
                sleep(LATER).await;
                if lies {
                    base::applied(event, event - 1);
                }
            });
        }
        Ok(())
    }
}
