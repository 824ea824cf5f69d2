//! `squall audit`: would this suite notice?

use super::shared::files::{replace, writable};
use super::shared::interrupts::watch_interrupts;
use super::shared::progress::{progress_bar, workers};
use super::shared::scenarios::{Chosen, SystemArgs};
use super::shared::stop::Stop;
use super::shared::terminal::say;
use crate::exit::{NOT_PASSED, PASSED};
use crate::{
    audit::{self, Audit, Fate, Questions},
    pairs,
    system::System,
};
use clap::Args;
use std::{
    fmt::Write as _,
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    sync::Arc,
    time::Instant,
};

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// Scenario files and folders [default: scenarios]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    chosen: Chosen,
    /// The most seeds for each defect in each scenario
    #[arg(long, value_name = "N", default_value = "3")]
    runs: NonZeroU32,
    /// The first seed; the seeds are N, N+1, …
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Worker processes side by side [default: the number of cores]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Write the matrix (JSON) to this file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Exit with 1 if a smaller share of the defects is noticed, each by what it should break
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    at_least: Option<f64>,
    /// Instead, count the scenarios in which each fault was felt by each role, and name the pairs that are in none
    #[arg(long, conflicts_with_all = ["at_least", "report", "defects"])]
    pairs: bool,
    /// Show no progress bar
    #[arg(long)]
    no_progress: bool,
    /// Only these defects (repeatable) [default: all]
    #[command(flatten)]
    system: SystemArgs,
}

fn percent(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').parse::<f64>() {
        Ok(number) if (0.0..=100.0).contains(&number) => Ok(number),
        _ => Err("expected a number from 0 to 100".to_owned()),
    }
}

pub(super) fn audit(args: &AuditArgs, system: &Arc<dyn System>) -> Result<u8, Stop> {
    let mut defects = args.system.checked(system.as_ref())?;
    if defects.is_empty() {
        defects = system.defects().iter().map(|defect| defect.id.to_owned()).collect();
    }
    if defects.is_empty() {
        return Err(Stop::Input(format!(
            "error: {} knows no defects: there is nothing to audit (System::defects lists what can be switched on)",
            system.name()
        )));
    }
    let scenarios = args.chosen.load(&args.paths, system.as_ref())?;
    if let Some(path) = &args.report {
        writable(path)?;
    }
    if args.seed.checked_add(u64::from(args.runs.get())).is_none() {
        let message = format!("error: --seed {} leaves no room for {} seeds", args.seed, args.runs);
        return Err(Stop::Input(message));
    }
    if args.pairs {
        let bar = progress_bar(args.no_progress, scenarios.len() as u64, "scenarios");
        let seeds = (0..u64::from(args.runs.get())).map(|number| args.seed + number);
        let pairs = pairs::pairs(&scenarios, system, seeds, || bar.inc(1)).map_err(Stop::broken)?;
        bar.finish_and_clear();
        say(&pairs.to_string());
        return Ok(PASSED);
    }
    let questions = Questions {
        scenarios: &scenarios,
        defects: &defects,
        seed: args.seed,
        runs: args.runs.get(),
        workers: workers(args.jobs),
        stop: watch_interrupts(),
    };
    let total = scenarios.len() * (defects.len() + 1);
    let bar = progress_bar(args.no_progress, total as u64, "cells");
    let started = Instant::now();
    let audit = audit::audit(&questions, system, |_| bar.inc(1)).map_err(Stop::broken)?;
    bar.finish_and_clear();
    say(&summary(&audit));
    // Not part of the result: the same audit says the same on any machine.
    eprintln!("{} cells in {}s", audit.cells.len(), started.elapsed().as_secs());
    if let Some(path) = &args.report {
        let json = serde_json::to_vec_pretty(&audit).map_err(Stop::broken)?;
        replace(path, &json)?;
    }
    if audit.cells.len() < total {
        eprintln!("stopped early: {} of {total} cells were decided", audit.cells.len());
        return Ok(NOT_PASSED);
    }
    let enough = args.at_least.is_none_or(|least| audit.score() >= least);
    Ok(if enough && audit.unfit().next().is_none() { PASSED } else { NOT_PASSED })
}

/// Scenarios in one block of the picture.
const BLOCK: usize = 48;

fn summary(audit: &Audit) -> String {
    let mut out = String::new();
    picture(&mut out, audit);
    // Writing to a String cannot fail.
    let _ = writeln!(out, "\nWho needs the fewest runs (and simulated seconds) to notice:");
    for (defect, breaks) in &audit.defects {
        let _ = writeln!(out, "  {}", line(audit, defect, breaks));
    }
    let unnoticed: Vec<&str> = audit
        .defects
        .iter()
        .filter(|(defect, _)| audit.fate(defect) == Fate::Unnoticed)
        .map(|(defect, _)| defect.as_str())
        .collect();
    if !unnoticed.is_empty() {
        let _ = writeln!(out, "\nNobody noticed: {}", unnoticed.join(", "));
    }
    let unfit: Vec<_> = audit.unfit().collect();
    if !unfit.is_empty() {
        let _ = writeln!(out, "\nNot passed without any defect, so that they notice nothing:");
        for cell in unfit {
            let why: Vec<&str> = cell.broken.iter().map(String::as_str).collect();
            let trouble = cell.trouble.first().map(String::as_str).unwrap_or_default();
            let _ = writeln!(out, "  {}: {} {trouble}", cell.scenario, why.join(", "));
        }
    }
    let spare = audit.notices_nothing_alone();
    if !spare.is_empty() && audit.defects.len() > 1 {
        let _ = writeln!(
            out,
            "\n{} of {} scenarios notice nothing that no other does:",
            spare.len(),
            audit.scenarios.len()
        );
        for path in spare {
            let _ = writeln!(out, "  {path}");
        }
    }
    let runs: u64 = audit.cells.iter().map(|cell| u64::from(cell.runs)).sum();
    let noticed =
        audit.defects.iter().filter(|(defect, _)| audit.fate(defect) == Fate::Noticed).count();
    let _ = writeln!(
        out,
        "\nscore {:.1}%: {noticed} of {} defects noticed, each by what it should break  ({runs} runs)",
        audit.score(),
        audit.defects.len(),
    );
    out
}

/// A row for each defect, a column for each scenario.
fn picture(out: &mut String, audit: &Audit) {
    let width = audit.defects.iter().map(|(defect, _)| defect.len()).max().unwrap_or(0).min(26);
    for (block, scenarios) in audit.scenarios.chunks(BLOCK).enumerate() {
        let numbers = (block * BLOCK + 1..).take(scenarios.len());
        let tens: String = numbers.clone().map(|n| digit(n / 10, n >= 10)).collect();
        let ones: String = numbers.map(|n| digit(n % 10, true)).collect();
        let _ = writeln!(out, "{:width$}  {tens}\n{:width$}  {ones}", "", "");
        for (defect, _) in &audit.defects {
            let row: String = scenarios
                .iter()
                .map(|(path, _)| {
                    let cell = audit.cells_of(Some(defect)).find(|cell| cell.scenario == *path);
                    match cell.map(audit::Cell::fate) {
                        Some(Fate::Noticed) => '#',
                        Some(Fate::NoticedOtherwise) => '+',
                        Some(Fate::Unnoticed) => '.',
                        None => ' ',
                    }
                })
                .collect();
            let _ = writeln!(out, "{defect:<width$}  {row}");
        }
        out.push('\n');
    }
    let _ = writeln!(out, "# broke what it should   + broke something else   . nobody noticed\n");
    for (index, (path, _)) in audit.scenarios.iter().enumerate() {
        let _ = writeln!(out, "{:>3} {path}", index + 1);
    }
}

fn digit(number: usize, shown: bool) -> char {
    let digit = u32::try_from(number % 10).unwrap_or(0);
    if shown { char::from_digit(digit, 10).unwrap_or(' ') } else { ' ' }
}

fn line(audit: &Audit, defect: &str, breaks: &[String]) -> String {
    if let Some(cell) = audit.soonest(defect) {
        let by: Vec<&str> =
            cell.broken.iter().filter(|name| breaks.contains(name)).map(String::as_str).collect();
        return format!(
            "{defect}: {} by {}, run {}, {:.1}s",
            cell.scenario,
            by.join(", "),
            cell.noticed_after.unwrap_or(0),
            cell.sim_ms as f64 / 1e3
        );
    }
    let unfit: Vec<&str> = audit.unfit().map(|cell| cell.scenario.as_str()).collect();
    let mut fit = audit.cells_of(Some(defect)).filter(|c| !unfit.contains(&c.scenario.as_str()));
    let other = fit.find(|cell| cell.fate() == Fate::NoticedOtherwise);
    match other {
        Some(cell) => {
            let by: Vec<&str> = cell.broken.iter().map(String::as_str).collect();
            format!(
                "{defect}: {} by {}, and not by {}",
                cell.scenario,
                by.join(", "),
                breaks.join(" or ")
            )
        }
        None => format!("{defect}: nobody; it should break {}", breaks.join(" or ")),
    }
}
