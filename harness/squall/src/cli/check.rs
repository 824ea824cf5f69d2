//! `squall check`

use super::{PASSED, Stop, load};
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
        anstream::println!("ok  {}  \"{}\"", scenario.path, scenario.name);
    }
    anstream::println!("{} scenarios, no mistakes", scenarios.len());
    Ok(PASSED)
}
