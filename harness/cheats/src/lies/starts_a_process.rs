//! Starts a process. The twin does its work itself.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};

pub const CHEAT: Cheat = Cheat {
    id: "starts-a-process",
    about: "starts a process",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            match honesty {
                Honesty::Lies => {
                    let _ = std::process::Command::new("true").status();
                }
                Honesty::Honest => {
                    std::hint::black_box(true);
                }
            }
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};
