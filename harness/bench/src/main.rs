//! What squall costs, in one sitting, as ratios. `harness/checks/bench` builds and runs this.

mod measure;
mod memory;
mod parts;
mod ratios;
mod runner;
mod systems;
mod table;

use clap::Parser;
use parts::{Bench, PARTS, Part};
use runner::Runner;
use std::{path::PathBuf, process::ExitCode};
use table::Row;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

/// What squall costs: against bare turmoil, against other simulators, and part by part
#[derive(Debug, Parser)]
struct Arguments {
    /// Measure less, for a pipeline
    #[arg(long)]
    short: bool,
    /// Measure this part only (repeatable): floor, steps, rates, spans, cores, judging, simulators, events
    #[arg(long = "part", value_name = "PART", value_parser = known)]
    parts: Vec<String>,
    /// Write what was measured as JSON too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the table between the two markers of this page too
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// Fail if a ratio is more than 20 % above that of this file
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// Write the ratios to this file, for `--check`
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
}

fn known(name: &str) -> Result<String, String> {
    let names: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
    if names.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(format!("the parts are {}", names.join(", ")))
}

fn main() -> ExitCode {
    let asked = Arguments::parse();
    let turmoil = match Runner::start("bench-turmoil") {
        Ok(turmoil) => turmoil,
        Err(error) => {
            eprintln!(
                "bench-turmoil, beside this program: {error}; harness/checks/bench builds it"
            );
            return ExitCode::from(2);
        }
    };
    let bench = Bench { short: asked.short, turmoil };
    let measure = |part: &Part| {
        eprintln!("measuring: {}", part.title.trim());
        (part.measure)(&bench)
    };
    let parts = PARTS.iter().filter(|part| {
        let named = asked.parts.iter().any(|name| name == part.name);
        named || (asked.parts.is_empty() && (part.in_short || !asked.short))
    });
    let (mut rows, mut text) = (Vec::new(), String::new());
    for part in parts {
        let measured = measure(part);
        let told = table::text(part.title, &measured);
        println!("{told}");
        text = if text.is_empty() { told } else { format!("{text}\n{told}") };
        rows.extend(measured);
    }
    match files(&asked, rows, &text, measure) {
        Ok(worse) if worse.is_empty() => ExitCode::SUCCESS,
        Ok(worse) => {
            worse.iter().for_each(|line| eprintln!("{line}"));
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// Writes what was asked for; the ratios that are worse than those that were kept, in words.
fn files(
    asked: &Arguments,
    mut rows: Vec<Row>,
    text: &str,
    measure: impl FnMut(&Part) -> Vec<Row>,
) -> Result<Vec<String>, String> {
    ratios::written(asked.json.as_deref(), &rows)?;
    ratios::on_page(asked.page.as_deref(), text)?;
    ratios::kept(asked.keep.as_deref(), &rows)?;
    let Some(path) = &asked.check else { return Ok(Vec::new()) };
    let worse = ratios::worse(path, &rows)?;
    if worse.is_empty() {
        return Ok(Vec::new());
    }
    // A machine that works for others can spoil one sitting. What is worse in two is worse.
    let again: Vec<&str> = worse.iter().map(|(part, _)| *part).collect();
    let again = PARTS.iter().filter(|part| again.contains(&part.name));
    ratios::better_of(&mut rows, &again.flat_map(measure).collect::<Vec<_>>());
    Ok(ratios::worse(path, &rows)?.into_iter().map(|(_, told)| told).collect())
}
