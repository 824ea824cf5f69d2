//! `squall report`: a report for whoever reads it.

use super::shared::{
    files::{read, show},
    outputs::rendering,
    stop::Stop,
    terminal::program,
};
use crate::exit::PASSED;
use clap::Args;
use squall_reports::render::{Reader, Rendering};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The report
    report: PathBuf,
    /// As what
    #[arg(long = "as", value_parser = rendering(), default_value = "terminal")]
    rendering: &'static Rendering,
    /// Write it to this file [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn report(args: &ReportArgs, color: bool) -> Result<u8, Stop> {
    let report = read(&args.report)?;
    let text = args
        .rendering
        .render(&report, Reader { program: &program(), color: color && args.output.is_none() });
    show(&text, args.output.as_ref())?;
    Ok(PASSED)
}
