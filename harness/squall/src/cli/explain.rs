//! `squall explain WORD`: what a word of scenarios means.

use super::shared::{scenarios::head, stop::Stop, terminal::say};
use crate::{
    catalogue,
    exit::PASSED,
    explain, scenario,
    syntax::{Words, choices},
    system::System,
};
use clap::Args;
use squall_reports::printable;
use std::{collections::BTreeSet, path::PathBuf};

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A fault, invariant, signal, fault point, key, role, message or defect; or a scenario, by its name or file
    word: String,
    /// Where scenarios are looked for [default: scenarios]
    #[arg(long = "in", value_name = "PATH")]
    paths: Vec<PathBuf>,
}

pub(super) fn explain(args: &ExplainArgs, system: &dyn System) -> Result<u8, Stop> {
    let word = args.word.trim();
    let told = explain::explain(word, system);
    if !told.is_empty() {
        say(&told.join("\n"));
        return Ok(PASSED);
    }
    let named = PathBuf::from(word);
    if named.is_file() {
        let scenarios = scenario::load(&[named], system).map_err(Stop::Mistakes)?;
        for scenario in &scenarios {
            say(&explain::scenario(scenario, &head(&scenario.path)));
        }
        return Ok(PASSED);
    }
    let paths =
        if args.paths.is_empty() { vec![PathBuf::from("scenarios")] } else { args.paths.clone() };
    // Where none are, none is meant.
    let scenarios = scenario::load(&paths, system).unwrap_or_default();
    if let Some(found) = scenarios.iter().find(|scenario| scenario.name == word) {
        say(&explain::scenario(found, &head(&found.path)));
        return Ok(PASSED);
    }
    let words = catalogue::all(system);
    let known: BTreeSet<&str> = words
        .iter()
        .map(|word| word.name.as_str())
        .chain(scenarios.iter().map(|scenario| scenario.name.as_str()))
        .collect();
    let known: Vec<&str> = known.into_iter().collect();
    let help =
        choices(word, Words { all: &known, list: "list faults, keys, invariants, signals, …" });
    Err(Stop::Input(format!("error: nothing is called `{}`\n  {help}", printable(word))))
}
