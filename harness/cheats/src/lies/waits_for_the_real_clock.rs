//! Waits for a message with a limit of real time. The twin waits in virtual time.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};
use std::time::Duration;

pub const CHEAT: Cheat = Cheat {
    id: "waits-for-the-real-clock",
    about: "waits with a limit of real time",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            match honesty {
                Honesty::Lies => {
                    let (_sender, receiver) = std::sync::mpsc::channel::<()>();
                    let _ = receiver.recv_timeout(Duration::from_millis(1));
                }
                Honesty::Honest => {
                    let (_sender, mut receiver) = tokio::sync::mpsc::channel::<()>(1);
                    let _ = tokio::time::timeout(Duration::from_millis(1), receiver.recv()).await;
                }
            }
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};
