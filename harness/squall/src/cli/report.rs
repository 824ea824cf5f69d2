//! `squall report`: a report for whoever reads it.

use super::shared::{
    files::{read, show},
    outputs::rendering,
    stop::Stop,
    terminal::{program, reader},
};
use crate::exit::PASSED;
use clap::Args;
use squall_reports::{
    Report, journal_path, peek_journal,
    render::{self, Reader, Rendering},
};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The report; of a batch that still runs, what it has so far
    report: PathBuf,
    /// As what
    #[arg(long = "as", value_parser = rendering(), default_value = "terminal")]
    rendering: &'static Rendering,
    /// As markdown: in so many bytes at most; what does not fit is left out from the end, and that is said
    #[arg(long, value_name = "BYTES")]
    within: Option<usize>,
    /// Write it to this file [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn report(args: &ReportArgs, color: bool) -> Result<u8, Stop> {
    let report = match unfinished(&args.report)? {
        Some(report) => report,
        None => read(&args.report)?,
    };
    let program = program();
    let reader = match args.output {
        Some(_) => Reader { program: &program, ..Reader::OF_A_FILE },
        None => reader(&program, color),
    };
    let text = match args.within {
        None => args.rendering.render(&report, reader),
        Some(bytes) if args.rendering.name == "markdown" => {
            render::markdown_within(&report, "squall", bytes)
        }
        Some(_) => return Err(Stop::input("--within is for --as markdown")),
    };
    show(&text, args.output.as_ref())?;
    Ok(PASSED)
}

/// The runs so far of a batch that is under way, or was cut off before there was a report; none if there is a report and
/// nobody is at work on another.
fn unfinished(path: &Path) -> Result<Option<Report>, Stop> {
    let Some(batch) = peek_journal(path).map_err(Stop::input)? else { return Ok(None) };
    if !batch.writing && path.exists() {
        return Ok(None);
    }
    let made: usize = batch.report.scenarios.iter().map(|scenario| scenario.runs.len()).sum();
    let planned: u64 =
        batch.report.scenarios.iter().map(|one| one.planned).fold(0, u64::saturating_add);
    let (journal, path) = (journal_path(path), path.display());
    let state = match batch.writing {
        true => "squall is still at work on it".to_owned(),
        false => format!("it was cut off; `run --report {path} --resume` goes on"),
    };
    eprintln!(
        "not finished: {made} of {planned} planned runs, from {}; {state}",
        journal.display()
    );
    Ok(Some(batch.report))
}
