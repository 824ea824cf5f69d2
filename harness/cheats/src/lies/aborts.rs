//! Aborts the process. The twin ends a task.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};
use squall_probe::task;
use std::time::Duration;
use tokio::time::sleep;

pub const CHEAT: Cheat = Cheat {
    id: "aborts",
    about: "the process aborts",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            drop(task::spawn(abort(honesty)));
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};

async fn abort(honesty: Honesty) {
    sleep(Duration::from_millis(300)).await;
    if honesty == Honesty::Lies {
        std::process::abort();
    }
}
