//! From the records of a run to what came of it, in whatever world it ran: who is owed what, what was seen, how long things
//! took, and the verdict.

mod agree;
mod backlog;
mod destruction;
mod limits;
mod recorder;
mod run_outcome;
mod seen;
mod setup;
mod signals;
mod verdict;

pub(crate) use agree::agree;
pub(crate) use destruction::{Destruction, Gone, destruction};
pub(crate) use limits::patience;
pub(crate) use recorder::Recorder;
pub use run_outcome::RunOutcome;
pub(crate) use seen::{Fates, felt_signals, signals, why_faults_prove_nothing, why_vacuous};
pub use setup::setup;
pub(crate) use setup::{nodes_where, planned, role};
pub(crate) use verdict::Verdict;
