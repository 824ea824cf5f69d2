//! What labs do to real processes, on this machine. What the machine does not allow is said on standard error and not tested.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod common;
mod disks;
mod leftovers;
mod limits;
mod links;
mod processes;
mod tcp;
