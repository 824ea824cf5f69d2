//! Asks again and again whether it is time, and lets no time pass. The twin sleeps in between.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};
use squall_probe::task;
use std::time::Duration;
use tokio::time::sleep;

pub const CHEAT: Cheat = Cheat {
    id: "spins",
    about: "a task never yields",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            drop(task::spawn(spin(honesty)));
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};

async fn spin(honesty: Honesty) {
    sleep(Duration::from_millis(300)).await;
    loop {
        match honesty {
            Honesty::Lies => task::yield_now().await,
            Honesty::Honest => sleep(Duration::from_millis(10)).await,
        }
    }
}
