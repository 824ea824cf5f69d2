//! What the nemesis keeps, a file for each room's part. Nothing here knows the nemesis, which owns them all.

mod agenda;
mod disks;
mod links;
mod network;
mod nodes;
mod occurrences;
mod recovery;
mod triggers;

pub(super) use agenda::{Action, Agenda};
pub(super) use disks::{Destroyed, Disks, Snapshots};
pub(super) use links::LinkEffect;
pub(super) use network::{Flapping, NetworkFaults};
pub(super) use nodes::{Comeback, Nodes};
pub(super) use occurrences::{Act, Began, Occurrences, id_of};
pub(super) use recovery::Recovery;
pub(super) use triggers::{Reached, Triggers};
