//! Keeps all memory that it ever asked for, and asks for more. The twin gives it back.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};
use squall_probe::task;
use std::time::Duration;
use tokio::time::sleep;

pub const CHEAT: Cheat = Cheat {
    id: "hoards",
    about: "memory grows without bound",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            drop(task::spawn(hoard(honesty)));
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};

async fn hoard(honesty: Honesty) {
    sleep(Duration::from_millis(300)).await;
    let mut hoard = Vec::new();
    for _ in 0..u32::MAX {
        hoard.push(vec![1_u8; 16 << 20]);
        if honesty == Honesty::Honest {
            hoard.clear();
            sleep(Duration::from_millis(50)).await;
        }
    }
}
