//! Works on a thread of its own. The twin starts a task.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};

pub const CHEAT: Cheat = Cheat {
    id: "starts-a-thread",
    about: "starts a thread",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            match honesty {
                Honesty::Lies => {
                    let _ =
                        std::thread::Builder::new().spawn(|| 42).map(std::thread::JoinHandle::join);
                }
                Honesty::Honest => {
                    let _ = squall_probe::task::spawn(async { 42 }).await;
                }
            }
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};
