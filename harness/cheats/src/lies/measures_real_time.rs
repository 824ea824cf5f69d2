//! Measures with std's Instant how long something takes. The twin measures with tokio's.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};

pub const CHEAT: Cheat = Cheat {
    id: "measures-real-time",
    about: "measures real time",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            match honesty {
                Honesty::Lies => {
                    let since = std::time::Instant::now();
                    tokio::time::sleep(since.elapsed()).await;
                }
                Honesty::Honest => {
                    let since = tokio::time::Instant::now();
                    tokio::time::sleep(since.elapsed()).await;
                }
            }
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};
