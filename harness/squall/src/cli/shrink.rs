//! `squall shrink`

use super::shared::files::{replace, writable};
use super::shared::interrupts::watch_interrupts;
use super::shared::progress::{progress_bar, workers};
use super::shared::scenarios::{Settings, SystemArgs, load_one};
use super::shared::stop::Stop;
use super::shared::terminal::say;
use crate::exit::NOT_PASSED;
use crate::{
    pool::Pool,
    shrink::{FIRST_SEED, Limits, ShrinkError, shrink as make_small, story},
    system::System,
};
use clap::Args;
use std::{num::NonZeroUsize, path::PathBuf, sync::Arc};

#[derive(Debug, Args)]
pub(super) struct ShrinkArgs {
    /// The scenario's file
    scenario: PathBuf,
    /// The seed of the run that fails
    #[arg(long, default_value_t = FIRST_SEED)]
    seed: u64,
    /// Write the smaller scenario to this file, and each that is smaller on the way: shrinking it goes on where it was
    /// interrupted [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Try at most so many scenarios
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    tries: u32,
    /// Tell each thing that was taken away, on standard error
    #[arg(long)]
    steps: bool,
    /// Worker processes side by side [default: the number of cores]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Do not show how far it is
    #[arg(long)]
    no_progress: bool,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    system: SystemArgs,
}

pub(super) fn shrink(args: &ShrinkArgs, system: &Arc<dyn System>) -> Result<u8, Stop> {
    let defects = args.system.checked(system.as_ref())?;
    let scenario = load_one(&args.scenario, system.as_ref(), &args.settings)?;
    if let Some(path) = &args.output {
        writable(path)?;
    }
    let limits = Limits { tries: args.tries, stop: watch_interrupts(), until: None };
    let mut pool = Pool::new(workers(args.jobs));
    let bar = progress_bar(args.no_progress, u64::from(args.tries), "tries at most");
    // Comments and all, as long as nothing simpler is found; what is set stands in no file.
    let text = if args.settings.is_empty() {
        std::fs::read_to_string(&scenario.path).map_err(Stop::broken)?
    } else {
        scenario.write(system.as_ref())
    };
    let mut unwritten = None;
    let shrunk = make_small(
        &scenario,
        &text,
        (args.seed, &defects),
        system.as_ref(),
        &mut pool,
        limits,
        |progress| {
            bar.set_position(u64::from(progress.tried));
            if args.steps {
                bar.suspend(|| eprintln!("try {}: {}", progress.tried, progress.what));
            }
            if let Some(path) = &args.output {
                unwritten = replace(path, progress.text.as_bytes()).err();
            }
        },
    );
    bar.finish_and_clear();
    if let Some(error) = unwritten {
        return Err(error);
    }
    let shrunk = match shrunk {
        Ok(shrunk) => shrunk,
        Err(error @ ShrinkError::Passes(_)) => return Err(Stop::input(error)),
        Err(error) => return Err(Stop::broken(error)),
    };
    let name = args.scenario.file_name().unwrap_or_default().to_string_lossy();
    let mut from = format!("Made small by squall shrink, from {name} with seed {}", args.seed);
    if shrunk.seed != FIRST_SEED {
        from += &format!(", and fails with seed {}, not with the first", shrunk.seed);
    }
    let head = story(&shrunk.scenario, &shrunk.run, &from, &defects, system.as_ref());
    let whole = format!("{head}{}", shrunk.text);
    match &args.output {
        Some(path) => replace(path, whole.as_bytes())?,
        None => say(&whole),
    }
    let (before, after) = (scenario.faults.len(), shrunk.scenario.faults.len());
    eprintln!(
        "{}: {after} of {before} faults, {} of {} events, after {} tries",
        shrunk.cause, shrunk.scenario.workload.events, scenario.workload.events, shrunk.tried
    );
    if shrunk.seed != FIRST_SEED {
        eprintln!(
            "it fails with seed {} and not with the first: run it with --seed {}",
            shrunk.seed, shrunk.seed
        );
    }
    if !shrunk.complete {
        eprintln!("more could be tried: shrink what was written again");
    }
    Ok(NOT_PASSED)
}
