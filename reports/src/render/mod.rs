//! A report in the formats of others: each a pure function from the report to a text, the same for
//! the same report, harmless whatever stands in it.

mod annotations;
mod escape;
mod findings;
mod gitlab;
mod json_lines;
mod junit;
mod markdown;
mod openmetrics;

pub use annotations::{Annotation, Level, annotations, workflow_commands};
pub use gitlab::gitlab;
pub use json_lines::{finished_line, run_line, started_line};
pub use junit::junit;
pub use markdown::{markdown, markdown_within};
pub use openmetrics::openmetrics;
