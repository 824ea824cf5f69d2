//! The second world: real processes on this machine, driven by the same plans and judged by the same invariants.
//!
//! A description says which programs are the nodes of a system (`described.rs`, read by `describe.rs`), or this executable
//! is, one process a node (`own.rs`). The nemesis decides what goes wrong when (`nemesis.rs`), a world does it (`world.rs`,
//! in `processes/` with real processes, as far as this machine can: `abilities.rs`), `drive.rs` goes through the phases of a
//! run, and what happened is kept by the monotonic clock (`chronicle.rs`). A run cannot be made again: its history is kept,
//! and can be judged again (`history.rs`, `kept.rs`).

mod abilities;
mod beside;
mod chronicle;
mod clients;
mod describe;
mod described;
mod drive;
mod history;
mod kept;
mod maelstrom;
mod nemesis;
mod own;
mod processes;
mod programs;
mod world;

pub(crate) use abilities::{capabilities, possible, refusal, sweep, sweep_folders};
pub use describe::KnownSystem;
pub(crate) use describe::load;
pub(crate) use described::{Described, DescribedSystem, Program};
pub(crate) use history::{is_history, read_header};
pub(crate) use kept::Kept;
pub(crate) use maelstrom::{
    MaelstromSystem, Programs, lines as maelstrom_lines, told as maelstrom_told,
};
pub(crate) use own::{HIDDEN_ARGUMENT as NODE_ARGUMENT, main as node};
pub(crate) use squall_maelstrom::is_history as is_maelstrom_history;

use crate::{
    faults,
    injection::{Carried, Injection},
    outcome::RunOutcome,
    plan::Plan,
    sample::Sample,
    scenario::{Scenario, parse as parse_scenario},
    system::System,
};
use drive::{Seen, drive, in_pace};
use kept::system_of;
use nemesis::refusals;
use processes::Processes;
use serde::{Deserialize, Serialize};
use squall_reports::Run;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How a plan is run with real processes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Launch {
    /// Each node as if on a machine of its own.
    Described(Box<DescribedLaunch>),
    /// Programs that speak Maelstrom's protocol, and the folder in which histories and logs are kept.
    Maelstrom(Programs, PathBuf),
}

/// How a plan is run with the programs of a description.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DescribedLaunch {
    /// The programs, if they are all there is of the system; else this executable's own system is run, by itself.
    pub(crate) described: Option<Described>,
    /// The plan's times are in the pace of the system already.
    pub(crate) paced: bool,
    /// The folder in which histories and logs are kept.
    pub(crate) keep: PathBuf,
    /// Nodes have disks of their own, as far as this machine can do that.
    pub(crate) disks: bool,
}

impl DescribedLaunch {
    /// On this machine.
    pub(crate) fn here(described: Option<Described>, paced: bool, keep: PathBuf) -> Self {
        Self { described, paced, keep, disks: abilities::disks() }
    }
}

/// Why a scenario cannot be run with real processes here, in a sentence; `None`: it can.
pub(crate) fn unsupported(
    scenario: &Scenario,
    system: &dyn System,
    launch: &Launch,
    capabilities: &[squall_live::Capability],
) -> Option<String> {
    let plan = Plan::new(scenario, 1, system, &[]);
    // Who is described tells of no fault points.
    let points = matches!(launch, Launch::Described(launch) if launch.described.is_none());
    let refusals = refusals(&plan, points, |injection| match launch {
        Launch::Described(_) => refusal(injection, capabilities),
        Launch::Maelstrom(..) => maelstrom::refusal(injection),
    });
    if refusals.is_empty() {
        return None;
    }
    Some(format!("not supported here: {}", refusals.join("; ")))
}

/// Why a fault cannot be carried out with real processes here, by its example; `None`: it can.
pub(crate) fn refused(fault: &str, capabilities: &[squall_live::Capability]) -> Option<String> {
    let kind = faults::CATALOGUE.iter().find(|kind| kind.key == fault)?;
    let text = format!("name: x\nfaults:\n  - {}\n", kind.example);
    let scenario = parse_scenario("an example", text.as_bytes(), &Sample).ok()?;
    let step = scenario.faults.first()?;
    let mut injection = step.fault.injection();
    if let Injection::Messages { which: Carried::Of(messages), .. } = &mut injection {
        // Of all messages it can be, whatever the example says.
        messages.on.clear();
    }
    refusal(&injection, capabilities)
}

/// A run with real processes that is over, judged.
pub(crate) struct LiveRun {
    /// The plan, in the pace of the system.
    pub(crate) plan: Plan,
    /// The system that was run.
    pub(crate) system: Arc<dyn System>,
    /// What it came to.
    pub(crate) outcome: RunOutcome,
    /// The file of its history.
    pub(crate) history: PathBuf,
}

/// Runs a plan with real processes. What happened is written to the launch's folder before it is returned. `own` is the
/// system that this executable is for.
///
/// # Errors
/// The system never became ready, or the machine did not do what was asked of it, in words.
pub(crate) fn execute(
    plan: &Plan,
    own: &Arc<dyn System>,
    launch: &DescribedLaunch,
) -> Result<LiveRun, String> {
    let system = system_of(launch.described.as_ref(), own);
    let described = match &launch.described {
        Some(described) => described.clone(),
        None => own::described(system.as_ref(), plan),
    };
    let folder = folder_of(&launch.keep, plan);
    fs::create_dir_all(&folder)
        .map_err(|error| format!("{}: cannot be made: {error}", folder.display()))?;
    let pace = described.pace;
    let plan = if launch.paced { plan.clone() } else { in_pace(plan, pace) };
    let mut processes = Processes::new(&plan, &described, launch.disks, &folder)?;
    let ready = processes.prepare(Duration::from_millis(described.ready_within_ms))?;
    let seen = Seen { reads: described.reads, outside: launch.described.is_some() };
    let (driven, chronicle, processes) =
        drive(&plan, system.as_ref(), processes, pace, seen, &ready);
    processes.close()?;
    let described = launch.described.clone();
    let kept = Kept::new(plan, pace, system.as_ref(), described, driven, &chronicle.names);
    let history = folder.join("history.gz");
    history::write(&history, &kept, &chronicle.records, &chronicle.beside)
        .map_err(|error| format!("{}: cannot be written: {error}", history.display()))?;
    let outcome = kept.judged(&chronicle.records, chronicle.beside, system.as_ref());
    Ok(LiveRun { plan: kept.plan, system, outcome, history })
}

/// Runs a plan with programs that speak Maelstrom's protocol.
pub(crate) fn execute_maelstrom(plan: &Plan, programs: &Programs, keep: &Path) -> Run {
    maelstrom::execute(plan, programs, &folder_of(keep, plan))
}

/// Where what is kept of a run is.
fn folder_of(keep: &Path, plan: &Plan) -> PathBuf {
    keep.join(format!("{}-seed-{}", file_name(&plan.scenario), plan.seed))
}

/// A scenario's name as the name of a folder.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = name.chars().take(60).map(plain).collect();
    name.trim_matches('-').to_owned()
}

/// What a history that was kept says of its run. `own` is the system that this executable is for.
///
/// # Errors
/// It cannot be read, or is of another executable's system, in words.
pub(crate) fn told(path: &Path, own: &Arc<dyn System>) -> Result<LiveRun, String> {
    let (kept, records, beside) = history::read(path)?;
    let system = kept.system(own).map_err(|why| format!("{}: {why}", path.display()))?;
    let outcome = kept.judged(&records, beside, system.as_ref());
    Ok(LiveRun { plan: kept.plan, system, outcome, history: path.to_owned() })
}
