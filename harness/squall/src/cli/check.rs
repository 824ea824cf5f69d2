//! `squall check`

use super::{PASSED, Stop, load};
use crate::system::System;
use clap::Args;
use std::{path::PathBuf, sync::Arc};

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Scenario files and folders [default: scenarios]
    paths: Vec<PathBuf>,
}

pub(super) fn check(args: &CheckArgs, system: &Arc<dyn System>, color: bool) -> Result<u8, Stop> {
    let scenarios = load(&args.paths, system.as_ref(), color)?;
    for scenario in &scenarios {
        anstream::println!("ok  {}  \"{}\"", scenario.path, scenario.name);
    }
    anstream::println!("{} scenarios, no mistakes", scenarios.len());
    Ok(PASSED)
}
