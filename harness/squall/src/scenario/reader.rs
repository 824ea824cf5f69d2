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
pub(super) struct Reader<'a> {
    pub(super) file: syntax::Reader<'a>,
    pub(super) system: &'a dyn System,
    /// Role and count, in the system's order, with where the count was defined.
    pub(super) nodes: Vec<(String, u32, Option<Span>)>,
    /// Zones and the nodes in them.
    pub(super) zones: Vec<(String, Vec<String>)>,
    /// How long offering the workload takes, and where that was defined.
    pub(super) workload: (Duration, Option<Span>),
    /// Counts that triggers wait for and that the workload alone never comes to: their places, and what to say if no
    /// fault publishes beside it.
    pub(super) too_many: Vec<(Span, String, String)>,
    /// How many events there are.
    pub(super) events: u32,
    /// Names of steps, where each is said, and the step's index.
    pub(super) steps: Vec<(String, Span, u16)>,
    /// Of each step, whether its fault lasts; of one that could not be read, that it does.
    pub(super) lasting: Vec<bool>,
    /// Who waits for whom: steps by their indices, and where that is said.
    pub(super) waits: Vec<(u16, u16, Span)>,
}

impl Reader<'_> {
    /// A choice of one node that the system has, for messages.
    pub(super) fn any_node(&self) -> String {
        let role = self.system.roles().first().map_or("node", |role| role.name);
        format!("any {role}")
    }

    /// The count of a role, and where it was defined.
    pub(super) fn count_of(&self, role: &str) -> (u32, Option<Span>) {
        self.nodes
            .iter()
            .find(|(name, _, _)| name == role)
            .map_or((0, None), |(_, count, span)| (*count, *span))
    }

    /// The names of all nodes.
    pub(super) fn node_names(&self) -> Vec<String> {
        let all =
            self.nodes.iter().flat_map(|(role, count, _)| (1..=*count).map(move |n| (role, n)));
        all.map(|(role, index)| self.system.node_name(role, index)).collect()
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
