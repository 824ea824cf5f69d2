//! `squall check`

use super::shared::scenarios::{Chosen, advise};
use super::shared::stop::Stop;
use super::shared::terminal::say;
use crate::exit::PASSED;
use crate::system::System;
use clap::Args;
use squall_reports::printable;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Scenario files and folders [default: scenarios]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    chosen: Chosen,
}

pub(super) fn check(args: &CheckArgs, system: &dyn System) -> Result<u8, Stop> {
    let scenarios = args.chosen.load(&args.paths, system)?;
    advise(&scenarios);
    for scenario in &scenarios {
        say(&format!("ok  {}  \"{}\"\n", printable(&scenario.path), printable(&scenario.name)));
    }
    let plural = if scenarios.len() == 1 { "scenario" } else { "scenarios" };
    say(&format!("{} {plural}, no mistakes\n", scenarios.len()));
    Ok(PASSED)
}
