//! What a scenario has said already, while the rest of it is read.

use crate::{
    syntax::{self, Span},
    system::System,
};
use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

/// What is known while a file is read.
pub(crate) struct Reader<'a> {
    pub(super) file: syntax::Reader<'a>,
    pub(crate) system: &'a dyn System,
    /// Role and count, in the system's order, with where the count was defined.
    pub(crate) nodes: Vec<(String, u32, Option<Span>)>,
    /// Zones and the nodes in them.
    pub(crate) zones: Vec<(String, Vec<String>)>,
    /// How long offering the workload takes, and where that was defined.
    pub(crate) workload: (Duration, Option<Span>),
    /// A fault of the scenario publishes events beside the workload.
    pub(crate) load_faults: bool,
    /// How many events there are.
    pub(crate) events: u32,
}

impl Reader<'_> {
    /// The count of a role, and where it was defined.
    pub(crate) fn count_of(&self, role: &str) -> (u32, Option<Span>) {
        self.nodes
            .iter()
            .find(|(name, _, _)| name == role)
            .map_or((0, None), |(_, count, span)| (*count, *span))
    }
}

impl<'a> Deref for Reader<'a> {
    type Target = syntax::Reader<'a>;

    fn deref(&self) -> &Self::Target {
        &self.file
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.file
    }
}
