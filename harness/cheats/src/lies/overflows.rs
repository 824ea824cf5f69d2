//! Calls itself until the stack is full. The twin knows where to stop.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};
use squall_probe::task;
use std::time::Duration;
use tokio::time::sleep;

pub const CHEAT: Cheat = Cheat {
    id: "overflows",
    about: "the stack overflows",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            drop(task::spawn(overflow(honesty)));
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};

async fn overflow(honesty: Honesty) {
    sleep(Duration::from_millis(300)).await;
    let depth = match honesty {
        Honesty::Lies => u64::MAX,
        Honesty::Honest => 10,
    };
    std::hint::black_box(deep(depth));
}

/// So many frames of four kilobytes.
fn deep(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 512]);
    let rest = if depth == 0 { 0 } else { deep(depth - 1) };
    rest.wrapping_add(frame[7])
}
