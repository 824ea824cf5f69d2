//! Reports from outside. One binary; each file is a subject: `cargo test -p squall-reports renderings`.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod calibration;
mod checks;
mod page;
mod properties;
mod renderings;
