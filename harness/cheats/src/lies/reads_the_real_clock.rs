//! What happens depends on the real time of day. The twin asks the simulated clock.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub const CHEAT: Cheat = Cheat {
    id: "reads-the-real-clock",
    about: "reads the real clock",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            match honesty {
                Honesty::Lies => {
                    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
                    tokio::time::sleep(Duration::from_millis(u64::from(now.subsec_millis()))).await;
                }
                Honesty::Honest => {
                    let now = squall_probe::clock::since_epoch();
                    tokio::time::sleep(Duration::from_millis(u64::from(now.subsec_millis()))).await;
                }
            }
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};
