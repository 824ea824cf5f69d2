//! What the nemesis keeps, a file for each room's part. Nothing here knows the nemesis, which owns them all.

mod disks;
mod links;
mod network;
mod recovery;

pub(super) use disks::{Destroyed, Disks, Snapshots};
pub(super) use links::LinkEffect;
pub(super) use network::NetworkFaults;
pub(super) use recovery::Recovery;
