//! The `squall` command with the reference system, as a whole. One binary; each file is a subject:
//! `cargo test -p squall-command scenarios`.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod alerts;
mod audits;
mod brokers;
#[path = "../../../squall/tests/it/common.rs"]
mod common;
mod defects;
mod determinism;
mod diagrams;
mod docs;
mod exploring;
mod faults;
mod library;
mod limits;
mod live;
mod maelstrom;
mod mistakes;
mod named;
mod nearness;
mod occurrences;
mod replays;
mod scenarios;
mod schema;
mod settings;
mod steps;
mod templates;
mod words;

/// `squall` with the reference system, in the root of the repository.
fn squall(arguments: &[&str]) -> common::Said {
    common::run(env!("CARGO_BIN_EXE_squall").as_ref(), arguments)
}
