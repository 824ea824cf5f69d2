//! Reads its file on a thread of the blocking pool, where squall_probe::fs is the real disk. The twin lets
//! squall_probe run it, which does so on the node.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};
use squall_probe::fs;

pub const CHEAT: Cheat = Cheat {
    id: "blocks-elsewhere",
    about: "reads its file on another thread",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            match honesty {
                Honesty::Lies => {
                    let read = tokio::task::spawn_blocking(|| fs::read(base::FILE));
                    let _ = read.await;
                }
                Honesty::Honest => {
                    let read = squall_probe::task::spawn_blocking(|| fs::read(base::FILE));
                    let _ = read.await;
                }
            }
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};
