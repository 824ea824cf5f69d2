//! Scenarios: from YAML text to something that is known to make sense for a system.
//!
//! The YAML itself is read by [`crate::syntax`]; here its tree is checked against the system under test and against the
//! tables of faults and invariants. Nothing here knows what carries a scenario out.

mod bounds;
mod document;
mod expect;
mod fault;
mod links;
mod load;
mod messages;
mod model;
mod reader;
mod step;
mod target;

pub use crate::{determinism::Allow, syntax::Problems};
pub use document::parse;
pub use expect::Expect;
pub use fault::Fault;
pub use load::load;
pub use model::{Condition, Network, Scenario, Trigger, Workload};
