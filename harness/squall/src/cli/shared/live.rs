//! Where to run: in the simulator, or with real processes.

use super::stop::Stop;
use crate::{
    live::{self, Described, DescribedLaunch, Launch, Programs},
    runner::Job,
    scenario::Scenario,
    system::System,
};
use clap::{Args, ValueEnum};
use squall_reports::{Report, World};
use std::path::{Path, PathBuf};

/// Where to run, and what is kept of it.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct LiveArgs {
    /// Where to run [default: live with --system, else simulation]
    #[arg(long, value_enum)]
    world: Option<WorldArg>,
    /// Keep the histories and logs of live runs in this folder [default: beside --report, else squall-runs]
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// A world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum WorldArg {
    /// The simulator: each run is a function of its seed
    Simulation,
    /// Real processes on this machine, each node in a network, a disk and a cgroup of its own
    Live,
}

impl LiveArgs {
    /// Where histories and logs are kept.
    fn keep(&self, report: Option<&Path>) -> PathBuf {
        match (&self.keep, report) {
            (Some(keep), _) => keep.clone(),
            (None, Some(report)) => report.with_extension("runs"),
            (None, None) => PathBuf::from("squall-runs"),
        }
    }

    /// How plans are run with programs that speak Maelstrom's protocol.
    pub(in crate::cli) fn maelstrom(
        &self,
        programs: Programs,
        report: Option<&Path>,
    ) -> Result<Launch, Stop> {
        if self.world == Some(WorldArg::Simulation) {
            return Err(Stop::input("--maelstrom runs real processes: leave --world out"));
        }
        Ok(Launch::Maelstrom(programs, self.keep(report)))
    }

    /// How plans are run with real processes, if they are.
    pub(in crate::cli) fn launch(
        &self,
        system: &dyn System,
        described: Option<&Described>,
        report: Option<&Path>,
    ) -> Result<Option<Launch>, Stop> {
        let described = match (self.world, described) {
            (Some(WorldArg::Simulation), Some(_)) => {
                return Err(Stop::input(format!(
                    "{} is described by its programs, which no simulator hosts: leave --world out",
                    system.name()
                )));
            }
            (None | Some(WorldArg::Simulation), None) => return Ok(None),
            (Some(WorldArg::Live), None) => None,
            (_, Some(described)) => Some(described.clone()),
        };
        live::possible().map_err(Stop::input)?;
        // What is in nobody's way any more does not stop anybody either.
        match live::sweep_folders() {
            Ok(removed) => {
                removed
                    .iter()
                    .for_each(|one| eprintln!("removed {one}, left over from a dead run"));
            }
            Err(error) => eprintln!("warning: {error}"),
        }
        let keep = self.keep(report);
        Ok(Some(Launch::Described(Box::new(DescribedLaunch::here(described, false, keep)))))
    }
}

/// A report is of live runs, and scenarios that cannot be run here are skipped, with the reason.
pub(in crate::cli) fn skip(
    report: &mut Report,
    jobs: &mut Vec<Job>,
    scenarios: &[Scenario],
    system: &dyn System,
    launch: &Launch,
) {
    report.world = World::Live;
    report.command.verify = "none".to_owned();
    let capabilities = live::capabilities();
    for (index, scenario) in scenarios.iter().enumerate() {
        let told = &mut report.scenarios[index];
        told.skipped = live::unsupported(scenario, system, launch, capabilities);
        told.planned = jobs.iter().filter(|job| job.scenario == index).count() as u64;
        if told.skipped.is_some() {
            told.planned = 0;
            jobs.retain(|job| job.scenario != index);
        }
    }
}
