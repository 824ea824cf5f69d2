//! What commands share.

pub(super) mod batch;
pub(super) mod files;
pub(super) mod filter;
pub(super) mod interrupts;
pub(super) mod live;
pub(in crate::cli) mod maelstrom;
pub(in crate::cli) mod matrix;
pub(super) mod monitoring;
pub(super) mod outputs;
pub(super) mod platform;
pub(super) mod progress;
pub(super) mod scenarios;
pub(super) mod stop;
pub(super) mod terminal;
pub(super) mod timeline;
