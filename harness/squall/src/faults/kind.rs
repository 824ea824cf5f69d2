//! What a kind of fault is: one constant of this type in each file beside this one.

use crate::{
    injection::Injection,
    parameters::{Given, Param, Value},
};
use std::fmt;

/// A kind of fault. All that is known of it stands here and nowhere else: how a step with it is read and printed,
/// listed and sent to the workers follows from its parameters, and whether it stalls timers, adds load, or brings nodes
/// down from its injection.
pub struct FaultKind {
    /// As scenarios write it.
    pub key: &'static str,
    /// What it does, in a sentence without its full stop. Parameters are named in backticks.
    pub does: &'static str,
    /// The outage it stands for.
    pub stands_for: &'static str,
    /// When it counts as felt. How often it was is the run's signal `<key>_felt`.
    pub felt_when: &'static str,
    /// It begins, and is over later; otherwise it happens at once.
    pub lasts: bool,
    /// What can be said of it. A step that gives it a single value gives it to the first.
    pub params: &'static [Param],
    /// What is printed of a step after the key; `{name}` stands for what was given to a parameter.
    pub says: &'static str,
    /// A step with it, as scenarios write it.
    pub example: &'static str,
    /// What it wants done.
    pub injection: fn(&Given) -> Injection,
}

impl FaultKind {
    /// The signal that counts how often it was felt.
    #[must_use]
    pub fn signal(&self) -> String {
        format!("{}_felt", self.key)
    }

    /// What is printed of a step with these values.
    pub(crate) fn print(&self, given: &Given, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.key)?;
        given.print(self.says, f)
    }

    /// It makes wall clocks wrong.
    pub(crate) fn sets_clocks(&self) -> bool {
        self.key.starts_with("clock_")
    }

    /// Takes values that were read or received; `None` if they are not those of its parameters.
    pub(crate) fn given(&self, values: Vec<Value>) -> Option<Given> {
        Given::new(self.params, values)
    }
}

impl fmt::Debug for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)
    }
}

/// A key names one kind.
impl PartialEq for FaultKind {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
