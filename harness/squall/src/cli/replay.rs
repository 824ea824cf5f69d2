//! `squall replay`

use super::{NOT_PASSED, PASSED, Stop, SystemArgs, load, say};
use crate::{
    plan::Plan,
    system::System,
    worker::{Want, Worker},
};
use clap::Args;
use owo_colors::{OwoColorize as _, Style};
use squall_reports::{Run, Verdict};
use std::{path::PathBuf, sync::Arc};

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The scenario's file
    scenario: PathBuf,
    /// The seed of the run
    #[arg(long)]
    seed: u64,
    /// Print every record, not only milestones and what the evidence is about
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    system: SystemArgs,
}

pub(super) fn replay(args: &ReplayArgs, system: &Arc<dyn System>, color: bool) -> Result<u8, Stop> {
    let defects = args.system.checked(system.as_ref())?;
    let scenarios = load(std::slice::from_ref(&args.scenario), system.as_ref())?;
    let [scenario] = scenarios.as_slice() else {
        return Err(Stop::Input(format!(
            "error: {} holds {} scenarios; name the file of one",
            args.scenario.display(),
            scenarios.len()
        )));
    };
    let plan = Plan::new(scenario, args.seed, system.as_ref(), &defects);
    let mut worker = Worker::default();
    let run = worker.run(&plan, Want { history: true, trace: false }).map_err(Stop::Broken)?;
    if run.verdict != Verdict::Errored {
        let lines = if args.full { worker.lines() } else { worker.story() };
        for line in lines.map_err(Stop::Broken)? {
            say(&format!("{line}\n"));
        }
        say("\n");
    }
    print_verdict(&scenario.name, &run, color);
    Ok(if run.verdict == Verdict::Passed { PASSED } else { NOT_PASSED })
}

fn print_verdict(scenario: &str, run: &Run, color: bool) {
    let style = match run.verdict {
        _ if !color => Style::new(),
        Verdict::Passed => Style::new().green().bold(),
        Verdict::Vacuous => Style::new().yellow().bold(),
        Verdict::Failed | Verdict::Unstable | Verdict::Errored => Style::new().red().bold(),
    };
    let verdict = run.verdict.to_string();
    say(&format!("{} \"{scenario}\" seed {}\n", verdict.style(style), run.seed));
    if let Some(reason) = &run.reason {
        say(&format!("  {reason}\n"));
    }
    for violation in &run.violations {
        say(&format!("  {}: {}\n", violation.invariant, violation.summary));
    }
    if !run.hash.is_empty() {
        say(&format!("  history {}\n", run.hash));
    }
}
