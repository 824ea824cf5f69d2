//! Which runs a command asks for, and the report that they will be in.

use super::{files::read, matrix::Axis, scenarios::Chosen, stop::Stop};
use crate::{
    runner::{Job, Verify},
    scenario::Scenario,
    shard::{Part, PartError},
    system::System,
};
use clap::{Args, ValueEnum};
use squall_reports as reports;
use std::{num::NonZeroU32, path::PathBuf, time::SystemTime};

/// Seeds per scenario, when neither the command nor the scenario says.
const DEFAULT_RUNS: u32 = 20;

/// The runs that `run` makes and `plan` lists.
#[derive(Debug, Args)]
pub(in crate::cli) struct BatchArgs {
    /// Scenario files and folders [default: scenarios]
    pub(in crate::cli) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) chosen: Chosen,
    /// Each scenario once with each of these values, as --set puts one: brokers=3,5,7 (repeated: every combination)
    #[arg(long, value_name = "KEY=VALUE,…")]
    pub(in crate::cli) matrix: Vec<Axis>,
    /// Seeds per scenario [default: what the scenario says, else 20]
    #[arg(long)]
    pub(in crate::cli) runs: Option<NonZeroU32>,
    /// The first seed; the seeds are N, N+1, …
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(in crate::cli) seed: u64,
    /// Which runs to execute twice, to prove that they are deterministic
    #[arg(long, value_enum, default_value_t = VerifyArg::Sample)]
    pub(in crate::cli) verify: VerifyArg,
    /// A report of earlier: its work balances shards, and a time budget begins with what failed in it
    #[arg(long, value_name = "REPORT")]
    pub(in crate::cli) earlier: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum VerifyArg {
    /// The first of every ten
    Sample,
    /// Every run
    All,
    /// None
    None,
}

/// Which part of the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum ShardArg {
    /// What the engine that started the process says.
    Auto,
    /// As said.
    Is(Part),
}

impl std::str::FromStr for ShardArg {
    type Err = PartError;

    fn from_str(text: &str) -> Result<Self, PartError> {
        if text == "auto" { Ok(Self::Auto) } else { text.parse().map(Self::Is) }
    }
}

impl ShardArg {
    pub(in crate::cli) fn part(self) -> Result<Part, Stop> {
        match self {
            Self::Is(part) => Ok(part),
            Self::Auto => Part::from_environment(|name| std::env::var(name).ok())
                .map_err(|error| Stop::input(format!("--shard auto: {error}"))),
        }
    }
}

impl BatchArgs {
    /// The scenarios that are meant.
    pub(in crate::cli) fn scenarios(&self, system: &dyn System) -> Result<Vec<Scenario>, Stop> {
        self.chosen.load_matrix(&self.paths, system, &self.matrix)
    }

    /// Every run that was asked for, by scenario and seed.
    ///
    /// A live run takes its time, and is no function of its seed: without a number, one is made.
    pub(in crate::cli) fn jobs(
        &self,
        scenarios: &[Scenario],
        live: bool,
    ) -> Result<Vec<Job>, Stop> {
        let verify = match self.verify {
            VerifyArg::Sample => Verify::Sample,
            VerifyArg::All => Verify::All,
            VerifyArg::None => Verify::None,
        };
        let mut jobs = Vec::new();
        for (index, scenario) in scenarios.iter().enumerate() {
            let runs = if live { self.live_runs() } else { self.runs_of(scenario) };
            if self.seed.checked_add(u64::from(runs)).is_none() {
                return Err(Stop::Input(format!(
                    "error: --seed {} leaves no room for {runs} seeds",
                    self.seed
                )));
            }
            jobs.extend((0..u64::from(runs)).map(|run| Job {
                scenario: index,
                seed: self.seed + run,
                verify: verify.includes(run),
            }));
        }
        Ok(jobs)
    }

    /// Runs of each scenario with real processes.
    pub(in crate::cli) fn live_runs(&self) -> u32 {
        self.runs.map_or(1, NonZeroU32::get)
    }

    fn runs_of(&self, scenario: &Scenario) -> u32 {
        self.runs.map(NonZeroU32::get).or(scenario.runs).unwrap_or(DEFAULT_RUNS)
    }

    /// The earlier report, if one is named.
    pub(in crate::cli) fn earlier(&self) -> Result<Option<reports::Report>, Stop> {
        self.earlier.as_deref().map(read).transpose()
    }

    /// A report without runs.
    pub(in crate::cli) fn head(
        &self,
        scenarios: &[Scenario],
        system: &dyn System,
        defects: &[String],
    ) -> reports::Report {
        let command = reports::CommandInfo {
            first_seed: self.seed,
            runs: self.runs.map(NonZeroU32::get),
            verify: format!("{:?}", self.verify).to_lowercase(),
            rules: Vec::new(),
        };
        head(command, scenarios, system, defects, |scenario| self.runs_of(scenario))
    }
}

/// A report without runs, of a command that makes `runs` of each scenario.
pub(in crate::cli) fn head(
    command: reports::CommandInfo,
    scenarios: &[Scenario],
    system: &dyn System,
    defects: &[String],
    runs: impl Fn(&Scenario) -> u32,
) -> reports::Report {
    reports::Report {
        format: reports::FORMAT.to_owned(),
        tool: reports::Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        system: reports::SystemInfo {
            name: system.name().to_owned(),
            version: system.version().to_owned(),
            config: system.config().into_iter().collect(),
            defects: defects.to_vec(),
        },
        command,
        started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        machine: reports::Machine::here(),
        scenarios: scenarios
            .iter()
            .map(|scenario| reports::ScenarioReport {
                name: scenario.name.clone(),
                path: scenario.id(),
                case: scenario.case.clone(),
                hash: scenario.hash.clone(),
                planned: u64::from(runs(scenario)),
                left_out: 0,
                lines: scenario.lines.clone(),
                tags: scenario.tags.clone(),
                skipped: None,
                runs: Vec::new(),
            })
            .collect(),
        ..reports::Report::default()
    }
}
