//! Puts its thread to sleep. The twin sleeps in virtual time.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};
use std::time::Duration;

pub const CHEAT: Cheat = Cheat {
    id: "sleeps-the-thread",
    about: "puts the thread to sleep",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            match honesty {
                Honesty::Lies => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Honesty::Honest => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};
