//! A job queue, and its tests under chaos: `cargo run -- run` breaks what it stands on, as the files in `scenarios/` say,
//! and judges what comes of it.
//!
//! `wire.rs`, `journal.rs`, `queue.rs`, `broker.rs`, `worker.rs` and `producer.rs` are the service, which takes its network,
//! disk, tasks and time from `squall_probe` (tokio and std in production); `system.rs` tells squall of it.

mod broker;
mod journal;
mod producer;
mod queue;
mod system;
mod wire;
mod worker;

use std::{process::ExitCode, sync::Arc};

fn main() -> ExitCode {
    squall::main(Arc::new(system::Jobs))
}
