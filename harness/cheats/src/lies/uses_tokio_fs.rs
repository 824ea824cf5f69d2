//! Reads a file with tokio::fs. The twin reads it with squall_probe::fs::tokio.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};

pub const CHEAT: Cheat = Cheat {
    id: "uses-tokio-fs",
    about: "reads the real disk by tokio::fs",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            match honesty {
                Honesty::Lies => {
                    let _ = tokio::fs::read("/etc/hostname").await;
                }
                Honesty::Honest => {
                    let _ = squall_probe::fs::tokio::read("/etc/hostname").await;
                }
            }
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};
