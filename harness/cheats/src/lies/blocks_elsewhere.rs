//! Reads its file on a thread of the blocking pool, where squall_probe::fs is the real disk. The twin reads it where
//! it is: virtual time stands still meanwhile.

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
                    let _ = fs::read(base::FILE);
                }
            }
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};
