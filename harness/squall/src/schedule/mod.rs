//! What of a plan happens when, and to whom: actions in their order, faults that wait for something, occurrences that
//! act now, the nodes and links that a scenario's words mean, and what clients are to publish. It carries nothing out, and
//! knows no world.

mod agenda;
mod links;
mod load;
mod nodes;
mod occurrences;
mod offer;
mod targets;
mod triggers;

pub(crate) use agenda::{Action, Agenda};
pub(crate) use links::{Direction, Flapping, between_zones, pairs, senders};
pub(crate) use load::load_times;
pub(crate) use nodes::{Comeback, Nodes};
pub(crate) use occurrences::{Act, Began, Occurrences, id_of};
pub(crate) use offer::{Due, Offer};
pub(crate) use targets::View;
pub(crate) use triggers::{Reached, Triggers};
