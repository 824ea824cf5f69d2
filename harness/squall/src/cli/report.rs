//! `squall report`: a report for whoever reads it.

use super::shared::{
    files::{read, show},
    outputs::rendering,
    stop::Stop,
    terminal::program,
};
use crate::exit::PASSED;
use clap::Args;
use squall_reports::render::{self, Reader, Rendering};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The report
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
    let report = read(&args.report)?;
    let reader = Reader { program: &program(), color: color && args.output.is_none() };
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
