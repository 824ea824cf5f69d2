//! Scenarios: from YAML text to something that is known to make sense for a system.
//!
//! The YAML itself is read by [`crate::syntax`]; here its tree is checked against the system under test and against the
//! tables of faults and invariants. Nothing here knows what carries a scenario out.

mod alerts;
mod bounds;
mod cure;
mod document;
mod expect;
mod fault;
mod keys;
mod links;
mod load;
mod messages;
mod model;
mod named;
mod reader;
mod settings;
mod step;
mod target;
mod values;
mod write;

pub use crate::{determinism::Allow, syntax::Problems};
pub use alerts::{ANY, Alert, Quiet};
pub use document::{MAX_NODES, NOT_ZONES, parse};
pub use expect::Expect;
pub use fault::{Fault, default_of_param};
pub use keys::{Absent, Key, TABLES, TRIGGERS, Table, Takes};
pub use load::{load, load_with};
pub use model::{Condition, Network, Scenario, Step, Trigger, Workload};
pub use settings::Setting;
