//! `squall report`: a report for whoever reads it.

use super::{PASSED, Stop, batch::read, outputs::Rendering, run::writable, say};
use clap::Args;
use squall_reports as reports;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The report
    report: PathBuf,
    /// As what
    #[arg(long = "as", value_enum, default_value_t = Rendering::Terminal)]
    rendering: Rendering,
    /// Write it to this file [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn report(args: &ReportArgs, color: bool) -> Result<u8, Stop> {
    let report = read(&args.report)?;
    show(&args.rendering.render(&report, color && args.output.is_none()), args.output.as_ref())
}

/// Prints, or writes to a file.
pub(super) fn show(text: &str, output: Option<&PathBuf>) -> Result<u8, Stop> {
    match output {
        None => say(text),
        Some(path) => {
            writable(path)?;
            reports::write_atomically(path, text.as_bytes())
                .map_err(|error| Stop::Broken(error.to_string()))?;
        }
    }
    Ok(PASSED)
}
