//! `squall merge`: the report of the whole from those of its shards.

use super::shared::files::{read, writable};
use super::shared::outputs::Outputs;
use super::shared::scenarios::each_ran;
use super::shared::stop::Stop;
use super::shared::terminal::{program, reader, say};
use crate::exit::{NOT_PASSED, PASSED};
use clap::Args;
use squall_reports::{self as reports, MergeError};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// Reports of shards, in whatever order; one that is given twice counts once
    #[arg(required = true)]
    shards: Vec<PathBuf>,
    /// Write the report of the whole (JSON) to this file
    #[arg(long, value_name = "FILE")]
    report: PathBuf,
    /// Merge although shards or runs are missing; the report is marked partial
    #[arg(long)]
    allow_partial: bool,
    #[command(flatten)]
    outputs: Outputs,
}

pub(super) fn merge(args: &MergeArgs, color: bool) -> Result<u8, Stop> {
    let parts = args.shards.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    writable(&args.report)?;
    args.outputs.check()?;
    let merged = reports::merge(&parts, args.allow_partial).map_err(|error| {
        let name = |index: &usize| {
            args.shards.get(*index).map_or(String::new(), |path| path.display().to_string())
        };
        Stop::Input(match &error {
            MergeError::Foreign { first, other, .. } => {
                format!("error: {} and {}: {error}", name(first), name(other))
            }
            MergeError::Missing(_) => {
                format!("error: {error}\n  --allow-partial merges what is there")
            }
            MergeError::Nothing => format!("error: {error}"),
        })
    })?;
    reports::write(&args.report, &merged.report).map_err(Stop::broken)?;
    say(&reports::render::summary(&merged.report, reader(&program(), color)));
    args.outputs.write(&merged.report)?;
    for (path, seed) in &merged.contradictions {
        eprintln!("alarm: {path} seed {seed} came with two histories: it is not deterministic");
    }
    for missing in &merged.missing {
        eprintln!("missing: {missing}");
    }
    let canary = merged.report.canary.as_ref().is_none_or(|c| c.noticed_by.is_some());
    if !canary {
        eprintln!("canary: nobody noticed the known defect: this pipeline cannot go red");
    }
    let left_out = merged.report.time_budget.map_or(0, |budget| budget.left_out);
    if left_out > 0 {
        eprintln!("time budget: {left_out} runs were left out");
    }
    let passed = merged.report.all_passed() && merged.missing.is_empty() && canary;
    let passed = passed && (left_out == 0 || each_ran(&merged.report));
    Ok(if passed { PASSED } else { NOT_PASSED })
}
