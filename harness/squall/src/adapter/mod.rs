//! Adapters: one file a system. `reference.rs` is the model for your own.

pub mod reference;
