//! What happens depends on the order of a HashMap whose hasher is seeded by an address. The twin's map is std's
//! own, whose order is a function of the run's seed.

use crate::{
    base::{self, Disk},
    cheat::{Cheat, Honesty},
};
use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hasher, RandomState},
    time::Duration,
};

pub const CHEAT: Cheat = Cheat {
    id: "hash-order",
    about: "the order of a map depends on an address",
    breaks: &[],
    serve: |node, honesty| {
        Box::pin(async move {
            let first = match honesty {
                Honesty::Lies => first::<BuildHasherDefault<ByAddress>>(),
                Honesty::Honest => first::<RandomState>(),
            };
            tokio::time::sleep(Duration::from_millis(first)).await;
            base::serve(node, Disk::default()).await
        })
    },
    ..Cheat::BASE
};

/// The first of some numbers, in the order of a map.
fn first<S: BuildHasher + Default>() -> u64 {
    let map: HashMap<u64, (), S> = (1..=400).map(|number| (number, ())).collect();
    map.keys().next().copied().unwrap_or(0)
}

struct ByAddress(DefaultHasher);

impl Default for ByAddress {
    fn default() -> Self {
        let mut hasher = DefaultHasher::new();
        let somewhere = Box::new(0_u8);
        hasher.write_usize(std::ptr::from_ref(&*somewhere).addr() >> 12);
        Self(hasher)
    }
}

impl Hasher for ByAddress {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }
    fn finish(&self) -> u64 {
        self.0.finish()
    }
}
