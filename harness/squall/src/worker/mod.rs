//! A run belongs to a worker process: the same executable, in a hidden mode, one run at a time.
//!
//! It keeps runs deterministic whatever the parallelism (what a process counts for all its threads
//! cannot leak from one run into another), and it keeps the harness alive when the system under test
//! spins, overflows its stack, aborts or eats the memory. Requests and answers are lines of JSON over a
//! socket that is the worker's standard input, so that whatever the system prints cannot get between them.

mod child;
mod parent;
mod protocol;
mod reached;
mod story;
mod suspects;
mod trace;

pub use child::serve;
pub use parent::{Worker, WorkerError};
pub use protocol::HIDDEN_ARGUMENT;
pub use reached::{Began, Reached};
pub(crate) use suspects::suspects;
