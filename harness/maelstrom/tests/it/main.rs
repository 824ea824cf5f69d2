//! Whole runs with real processes: small loads, right and wrong nodes.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod common;
mod guardian;
mod rude;
mod workloads;
