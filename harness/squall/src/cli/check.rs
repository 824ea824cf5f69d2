//! `squall check`

use super::{PASSED, Stop, load, say};
use crate::system::System;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Scenario files and folders [default: scenarios]
    paths: Vec<PathBuf>,
}

pub(super) fn check(args: &CheckArgs, system: &dyn System) -> Result<u8, Stop> {
    let scenarios = load(&args.paths, system)?;
    for scenario in &scenarios {
        say(&format!("ok  {}  \"{}\"\n", scenario.path, scenario.name));
    }
    let plural = if scenarios.len() == 1 { "scenario" } else { "scenarios" };
    say(&format!("{} {plural}, no mistakes\n", scenarios.len()));
    Ok(PASSED)
}
