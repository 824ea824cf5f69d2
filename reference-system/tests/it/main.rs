//! The reference system from outside. One binary; each file is a subject.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod cluster;
mod model;
