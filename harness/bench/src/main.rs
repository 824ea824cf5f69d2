//! What squall costs, in one sitting, as ratios. `harness/checks/bench` builds and runs this.

mod measure;
mod memory;
mod parts;
mod ratios;
mod runner;
mod systems;
mod table;

use clap::Parser;
use parts::{Bench, PARTS};
use runner::Runner;
use std::{path::PathBuf, process::ExitCode};

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
            eprintln!("bench-turmoil, beside this program: {error}; harness/checks/bench builds it");
            return ExitCode::from(2);
        }
    };
    let bench = Bench { short: asked.short, turmoil };
    let mut rows = Vec::new();
    for part in PARTS {
        let named = asked.parts.iter().any(|name| name == part.name);
        if named || (asked.parts.is_empty() && (part.in_short || !asked.short)) {
            eprintln!("measuring: {}", part.title.trim());
            rows.extend((part.measure)(&bench));
        }
    }
    let titles: Vec<_> = PARTS.iter().map(|part| (part.name, part.title)).collect();
    let text = table::text(&rows, &titles);
    print!("{text}");
    let written = ratios::written(asked.json.as_deref(), &rows)
        .and_then(|()| ratios::on_page(asked.page.as_deref(), &text))
        .and_then(|()| ratios::kept(asked.keep.as_deref(), &rows));
    let worse = written.and_then(|()| ratios::worse(asked.check.as_deref(), &rows));
    match worse {
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
