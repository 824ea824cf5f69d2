//! What a system says of itself goes nowhere, and nothing is random.

use crate::{Name, What, generator::Rng, mix};
use rand::SeedableRng as _;
use std::cell::Cell;

#[must_use]
pub fn name(_text: &str) -> Name {
    Name(0)
}

#[inline]
pub fn record(_what: What) {}

pub fn record_unless_recorded(_what: What) {}

/// Nobody monitors it.
pub fn gauge(_: &'static str, _: &[(&'static str, &str)], _: f64) {}

/// Nobody monitors it.
pub fn counter(_: &'static str, _: &[(&'static str, &str)], _: u64) {}

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
