//! What the store decides.

use super::{
    ledger::Ledger,
    marks::{Kept, Marks},
};
use crate::{
    calls::Call,
    journal::Care,
    wire::{
        Checksums,
        store::{Item, StoreRequest},
    },
};
use std::pin::Pin;
use tokio::sync::mpsc::Receiver;

/// What is done with requests while the store stops.
pub(crate) type Stopping = for<'a> fn(
    &'a mut Receiver<Call<StoreRequest>>,
) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// What the store decides. By default it decides well.
#[derive(Clone, Copy, Debug)]
pub struct StorePolicy {
    pub(crate) care: Care,
    pub(crate) checksums: Checksums,
    /// How what was done is remembered.
    pub(crate) marks: fn() -> Box<dyn Marks>,
    /// Whether a generation may become the owner of these partitions.
    pub(crate) may_own: fn(&Ledger, &[u32], u64) -> bool,
    /// Whether a generation may apply these effects.
    pub(crate) may_act: fn(&Ledger, &[Item], u64) -> bool,
    pub(crate) stopping: Stopping,
}

impl Default for StorePolicy {
    fn default() -> Self {
        Self {
            care: Care::default(),
            checksums: Checksums::Verified,
            marks: || Box::<Kept>::default(),
            may_own: Ledger::is_newest,
            may_act: Ledger::is_owner,
            // Nothing was answered that is not on disk, and what was not answered is asked again.
            stopping: |_| Box::pin(std::future::ready(())),
        }
    }
}
