//! The second world: real processes on this machine, driven by the same plans and judged by the same invariants.
//!
//! A description says which programs are the nodes of a system (`described.rs`, read by `describe.rs`). The nemesis decides
//! what goes wrong when (`nemesis.rs`), a world does it (`world.rs`), `drive.rs` goes through the phases of a run, and what
//! happened is kept by the monotonic clock (`chronicle.rs`). A run cannot be made again: its history is kept, and can be
//! judged again (`history.rs`).

mod chronicle;
mod clients;
mod describe;
mod described;
mod drive;
mod nemesis;
mod world;
