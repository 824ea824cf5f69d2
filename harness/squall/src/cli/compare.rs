//! `squall compare` and `squall trend`: one version against another, and the history of all.

use super::shared::files::{read, show};
use super::shared::stop::Stop;
use super::shared::terminal::program;
use crate::exit::{NOT_PASSED, PASSED};
use clap::{Args, ValueEnum};
use squall_reports::{self as reports, FailOn, Options, Report};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// The earlier report
    base: PathBuf,
    /// The report in question
    head: PathBuf,
    /// A further report of the earlier side (repeatable)
    #[arg(long = "base", value_name = "REPORT")]
    more_base: Vec<PathBuf>,
    /// A further report of the side in question (repeatable)
    #[arg(long = "head", value_name = "REPORT")]
    more_head: Vec<PathBuf>,
    /// As what
    #[arg(long = "as", value_enum, default_value_t)]
    form: ComparisonForm,
    /// Write it to this file [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What to exit with 1 for
    #[arg(long, value_enum, default_value_t)]
    fail_on: FailOnArg,
    /// Compare scenarios whose files differ as well
    #[arg(long)]
    changed: bool,
    /// Do not fail because scenarios of the base are not in the head
    #[arg(long)]
    allow_missing: bool,
    /// The smallest change of recovery, latency or throughput that matters, in percent
    #[arg(long, value_name = "PERCENT", default_value = "10", value_parser = percent)]
    minimum_effect: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ComparisonForm {
    /// Tables and sentences
    #[default]
    Human,
    /// All of it, for programs
    Json,
    /// As for a pull request's comment
    Markdown,
    /// One page, which needs nothing else
    Html,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum FailOnArg {
    /// A regression, a scenario that is missing, reports that contradict each other, nothing compared
    #[default]
    Regression,
    /// Anything that is not good news
    Any,
    /// Nothing
    None,
}

fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(number) if (0.0..=1_000.0).contains(&number) => Ok(number),
        _ => Err("expected a number from 0 to 1000".to_owned()),
    }
}

fn side(first: &Path, more: &[PathBuf]) -> Result<Vec<Report>, Stop> {
    std::iter::once(first).chain(more.iter().map(PathBuf::as_path)).map(read).collect()
}

pub(super) fn compare(args: &CompareArgs, color: bool) -> Result<u8, Stop> {
    let base = side(&args.base, &args.more_base)?;
    let head = side(&args.head, &args.more_head)?;
    let options = Options {
        changed: args.changed,
        minimum_effect: args.minimum_effect / 100.0,
        allow_missing: args.allow_missing,
    };
    let comparison = reports::compare(&base, &head, &options);
    let text = match args.form {
        ComparisonForm::Human => comparison.human(color && args.output.is_none(), &program()),
        ComparisonForm::Markdown => comparison.markdown(),
        ComparisonForm::Html => comparison.html(&base, &head),
        ComparisonForm::Json => {
            let json = serde_json::to_string_pretty(&comparison);
            json.map_err(Stop::broken)? + "\n"
        }
    };
    show(&text, args.output.as_ref())?;
    let fails = comparison.fails(match args.fail_on {
        FailOnArg::Regression => FailOn::Regression,
        FailOnArg::Any => FailOn::Any,
        FailOnArg::None => FailOn::None,
    });
    Ok(if fails { NOT_PASSED } else { PASSED })
}

#[derive(Debug, Args)]
pub(super) struct TrendArgs {
    /// Reports of versions, in the order of time
    #[arg(required = true)]
    reports: Vec<PathBuf>,
    /// As what
    #[arg(long = "as", value_enum, default_value_t)]
    form: TrendForm,
    /// Write it to this file [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum TrendForm {
    /// A table
    #[default]
    Human,
    /// The picture
    Svg,
    /// One page with both
    Html,
}

pub(super) fn trend(args: &TrendArgs, color: bool) -> Result<u8, Stop> {
    let mut all = Vec::new();
    for path in &args.reports {
        let label = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        all.push((label.unwrap_or_default(), read(path)?));
    }
    let trend = reports::trend(&all);
    let text = match args.form {
        TrendForm::Human => trend.human(color && args.output.is_none()),
        TrendForm::Svg => trend.svg(),
        TrendForm::Html => trend.html(),
    };
    show(&text, args.output.as_ref())?;
    Ok(PASSED)
}
