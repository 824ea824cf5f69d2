//! What a worker and its parent say to each other.

use super::reached::Reached;
use crate::{live::Launch, plan::Plan};
use serde::{Deserialize, Serialize};
use squall_reports::{Run, Series, Trace};
use std::{path::PathBuf, time::Duration};

/// The hidden argument that makes the executable a worker.
pub const HIDDEN_ARGUMENT: &str = "__worker";

/// What a worker is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Execute a plan, and keep its history for the other requests.
    Run {
        /// The plan.
        plan: Box<Plan>,
    },
    /// Execute a plan with real processes, and keep its history for the other requests.
    Live {
        /// The plan.
        plan: Box<Plan>,
        /// With which programs.
        launch: Box<Launch>,
    },
    /// Keep the history that is in a file for the other requests.
    Told {
        /// The file.
        path: PathBuf,
    },
    /// The history that was kept, one line a record.
    Lines,
    /// The story of the history that was kept, on one screen.
    Story,
    /// What the system itself said in the run that was kept, one line each.
    Log,
    /// The state of the run that was kept, as a table.
    State {
        /// When, in microseconds; none: where the first violation was proven, else at the end.
        at: Option<u64>,
    },
    /// The history that was kept, as data: all of it, or what stands around the evidence.
    Trace {
        /// All of it.
        whole: bool,
    },
    /// The history that was kept, as data: what stands around its first fault.
    TraceOfFault,
    /// What the run reached whose history was kept.
    Reached,
    /// The numbers of the run that was kept, over its time.
    Series {
        /// From one scrape to the next.
        every: Duration,
    },
}

/// What a worker answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// The run was executed.
    Done(Box<Run>),
    /// The run of the history that was asked for, or why the file cannot be told.
    Told(Box<Result<Run, String>>),
    /// Lines that were asked for.
    Lines(Vec<String>),
    /// The trace that was asked for.
    Trace(Box<Trace>),
    /// What the run reached.
    Reached(Box<Reached>),
    /// The series that were asked for, or why there are none.
    Series(Box<Result<Series, String>>),
    /// Something that everybody should know of all runs of this process.
    Warning(String),
    /// The run still moves.
    Alive,
    /// The harness itself failed.
    Broken(String),
}
