//! Works in tasks that panic now and then, and nobody holds their handles: what they had to do is never done. The twin's
//! supervisor sees each panic and starts the task again.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};
use squall_probe::task;
use std::time::Duration;
use tokio::time::sleep;

pub const CHEAT: Cheat = Cheat {
    id: "panics",
    about: "tasks panic, and nobody handles it",
    breaks: &["no_panic"],
    serve: |node, honesty| {
        Box::pin(async move {
            match honesty {
                Honesty::Lies => drop(task::spawn(work(3))),
                Honesty::Honest => drop(task::spawn(supervise())),
            }
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};

async fn supervise() {
    for attempt in 1..=3 {
        match task::spawn(work(attempt)).await {
            Ok(()) => return,
            Err(error) => {
                let payload = error.into_panic();
                assert!(payload.is::<&str>(), "a supervisor sees what was said");
            }
        }
    }
}

async fn work(attempt: u64) {
    sleep(Duration::from_millis(attempt * 150)).await;
    assert!(attempt == 2, "work that does not succeed at once");
}
