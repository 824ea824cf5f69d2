//! The switch between the nodes: what a node sends comes out of its tun device, and goes into another's, if the rule of that
//! directed link lets it.

mod flows;
mod forward;
mod link;
mod packet;
mod rule;
mod table;

pub(crate) use forward::Switch;
pub use rule::{Counters, Rule};
