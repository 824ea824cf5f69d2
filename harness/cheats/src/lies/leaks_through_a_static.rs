//! Counts its lives in a `static`, which knows those of earlier runs too. The twin knows its own lives only.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

pub const CHEAT: Cheat = Cheat {
    id: "leaks-through-a-static",
    about: "what happens depends on the runs before it",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            static LIVES: AtomicU64 = AtomicU64::new(0);
            let lives = match honesty {
                Honesty::Lies => LIVES.fetch_add(1, Ordering::Relaxed),
                Honesty::Honest => u64::from(node.incarnation),
            };
            tokio::time::sleep(Duration::from_millis(lives % 500)).await;
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};
