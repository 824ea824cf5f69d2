//! `squall-probe` as it is in production (its sources, without the feature `sim`), but for what would leave the process:
//! the sockets are those of the crate called `tokio` here, files are in memory, and nothing is random.
//!
//! The reference system is compiled against it a second time, and so runs under a simulator without squall: no records,
//! no fault points, no faults of frames, disks, links and nodes.

#[path = "../../../probe/src/net/mod.rs"]
pub mod net;
#[allow(dead_code)] // What only a world asks.
#[path = "../../../probe/src/record/mod.rs"]
mod record;
#[path = "../../../probe/src/task.rs"]
pub mod task;

pub mod clock;
pub mod fs;

pub use record::{
    BreakerState, EventId, Mark, Name, NodeChange, NodeId, Phase, Position, Record, SagaChange,
    StateOf, Tampering, What, mix,
};

use rand::SeedableRng as _;
use std::cell::Cell;

pub type Rng = rand_chacha::ChaCha8Rng;

#[must_use]
pub fn name(_text: &str) -> Name {
    Name(0)
}

#[inline]
pub fn record(_what: What) {}

#[inline]
pub fn signal(_name: &str) {}

pub async fn point(_name: &'static str) {}

pub async fn stop_asked() {
    std::future::pending::<()>().await;
}

#[derive(Debug)]
pub struct Reserved {}

#[must_use]
pub fn reserve(_bytes: usize) -> Reserved {
    Reserved {}
}

thread_local! {
    static GENERATORS: Cell<u64> = const { Cell::new(0) };
}

/// A generator for one purpose; the second one on a thread is another one.
#[must_use]
pub fn rng(purpose: &str) -> Rng {
    let number = GENERATORS.replace(GENERATORS.get() + 1);
    Rng::seed_from_u64(purpose.bytes().fold(number, |seed, byte| mix(seed ^ u64::from(byte))))
}
