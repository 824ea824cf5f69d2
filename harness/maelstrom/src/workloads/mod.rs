//! What is asked of nodes, and what must be true of their answers: a file for each workload, listed once in [`WORKLOADS`].
//!
//! What is judged is the history of operations alone, as Jepsen has it.

mod broadcast;
mod counter;
mod echo;
mod g_set;
mod kafka;
mod lin_kv;
mod sets;
mod topology;
mod txn_list_append;
mod unique_ids;
mod workload;

pub use topology::Topology;
pub(crate) use workload::{Ask, Load, Session};
pub use workload::{Circumstances, Options, Workload};

/// All of them, by name.
pub const WORKLOADS: &[&Workload] = &[
    &broadcast::BROADCAST,
    &echo::ECHO,
    &counter::G_COUNTER,
    &g_set::G_SET,
    &kafka::KAFKA,
    &lin_kv::LIN_KV,
    &counter::PN_COUNTER,
    &txn_list_append::TXN_LIST_APPEND,
    &unique_ids::UNIQUE_IDS,
];

/// The workload of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Workload> {
    WORKLOADS.iter().find(|workload| workload.name == name).copied()
}
