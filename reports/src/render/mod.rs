//! A report in the forms of people and programs, each a pure function from the report to a text, the same for
//! the same report, harmless whatever stands in it.
//!
//! A new one is a file with a `RENDERING`, named in [`RENDERINGS`]: `report --as`, the options of `run` and
//! `merge`, their help and the tests follow from that.

mod annotations;
mod gitlab;
mod html;
mod json_lines;
mod junit;
mod markdown;
mod openmetrics;
mod problems;
mod rendering;
mod sarif;
mod terminal;

pub use annotations::{Annotation, Level, annotations, workflow_commands};
pub use html::page_of_one;
pub use json_lines::{finished_line, run_line, started_line};
pub use markdown::{markdown, markdown_within};
pub use rendering::{Reader, Rendering};
pub use terminal::summary;

/// Every form in which a report is told.
pub const RENDERINGS: &[Rendering] = &[
    terminal::RENDERING,
    junit::RENDERING,
    html::RENDERING,
    markdown::RENDERING,
    annotations::RENDERING,
    gitlab::RENDERING,
    sarif::RENDERING,
    openmetrics::RENDERING,
    json_lines::RENDERING,
];
