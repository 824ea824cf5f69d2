//! Programs that speak Maelstrom's protocol, as options.

use super::stop::Stop;
use crate::{
    live::{MaelstromSystem, Programs},
    scenario::{Scenario, parse},
    shell::quote,
    system::System,
};
use clap::{Args, builder::PossibleValuesParser};
use squall_maelstrom::workloads::{Topology, WORKLOADS};
use std::time::Duration;

/// Which programs, and what is asked of them.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct MaelstromArgs {
    /// Run real processes of COMMAND as nodes that speak Maelstrom's protocol, under scenarios or without faults
    /// (docs/maelstrom.md)
    #[arg(long, value_name = "COMMAND", requires = "workload")]
    maelstrom: Option<String>,
    /// With --maelstrom: what the nodes are asked to do
    #[arg(long, short = 'w', requires = "maelstrom", value_parser = workload_names())]
    workload: Option<String>,
    /// With --maelstrom: how many nodes there are, unless the scenario says
    #[arg(long, value_name = "N", default_value_t = 3, requires = "maelstrom", value_parser = clap::value_parser!(u32).range(1..=25))]
    node_count: u32,
    /// With --maelstrom: operations a second, in place of what the scenario says [default: 50]
    #[arg(long, value_name = "RATE", requires = "maelstrom", value_parser = rate)]
    rate: Option<f64>,
    /// With --maelstrom: how long clients ask, in place of what the scenario says [default: 10s]
    #[arg(long, value_name = "TIME", requires = "maelstrom", value_parser = time_limit)]
    time_limit: Option<Duration>,
    /// With --maelstrom: who is told to be whose neighbour, by the broadcast workload
    #[arg(long, default_value = "grid", requires = "maelstrom", value_parser = topology_names())]
    topology: String,
}

/// What is asked where neither the command nor a scenario says.
const RATE: f64 = 50.0;
const TIME_LIMIT: Duration = Duration::from_secs(10);

fn workload_names() -> PossibleValuesParser {
    PossibleValuesParser::new(WORKLOADS.iter().map(|workload| workload.name))
}

fn topology_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Topology::NAMES.iter().map(|(name, _)| *name))
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches("/s").parse::<f64>().ok();
    let number = number.filter(|rate| (0.1..=10_000.0).contains(rate));
    number.ok_or_else(|| "operations a second, from 0.1 to 10000".to_owned())
}

/// Seconds if nothing else is said, as Maelstrom has it.
fn time_limit(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
    let time = seconds.or_else(|| humantime::parse_duration(text).ok());
    let fits =
        |time: &Duration| (Duration::from_millis(100)..=Duration::from_hours(1)).contains(time);
    time.filter(fits).ok_or_else(|| "a time from 100ms to 1h, such as 30s".to_owned())
}

impl MaelstromArgs {
    /// The programs, if any are named, and the system that they are.
    pub(in crate::cli) fn programs(&self) -> Result<Option<(Programs, MaelstromSystem)>, Stop> {
        let (Some(command), Some(workload)) = (&self.maelstrom, &self.workload) else {
            return Ok(None);
        };
        if command.trim().is_empty() {
            return Err(Stop::input(
                "--maelstrom: expected the command of a node, such as \"python3 node.py\"",
            ));
        }
        let programs = Programs {
            command: command.clone(),
            workload: workload.clone(),
            topology: self.topology.clone(),
        };
        let system = MaelstromSystem::new(&programs, self.node_count);
        Ok(Some((programs, system)))
    }

    /// A scenario in which nothing goes wrong.
    pub(in crate::cli) fn calm(&self, system: &dyn System) -> Result<Scenario, Stop> {
        let name = self.workload.as_deref().unwrap_or_default();
        let text = format!("name: {name} without faults\n");
        parse("no scenario", text.as_bytes(), system).map_err(Stop::Mistakes)
    }

    /// Puts what the command says of the load into scenarios, and what it does not say into one that says nothing itself.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(in crate::cli) fn set_load(&self, scenarios: &mut [Scenario], calm: bool) {
        for scenario in scenarios {
            let workload = &mut scenario.workload;
            let said = f64::from(workload.events) / workload.rate;
            let (usual_rate, usual_time) =
                if calm { (RATE, TIME_LIMIT.as_secs_f64()) } else { (workload.rate, said) };
            let rate = self.rate.unwrap_or(usual_rate);
            let time = self.time_limit.map_or(usual_time, |time| time.as_secs_f64());
            workload.rate = rate;
            workload.events = (rate * time).ceil().max(1.0) as u32;
        }
    }

    /// The command that makes the same storm again.
    pub(in crate::cli) fn again(&self, scenario: &Scenario, seed: u64, calm: bool) -> String {
        let mut command = format!(
            "squall run --maelstrom {} --workload {}",
            quote(self.maelstrom.as_deref().unwrap_or_default()),
            self.workload.as_deref().unwrap_or_default()
        );
        let mut say = |option: &str, value: String| command += &format!(" --{option} {value}");
        if self.node_count != 3 {
            say("node-count", self.node_count.to_string());
        }
        self.rate.into_iter().for_each(|rate| say("rate", rate.to_string()));
        self.time_limit.into_iter().for_each(|time| {
            say("time-limit", humantime::format_duration(time).to_string().replace(' ', ""));
        });
        if self.topology != "grid" {
            say("topology", self.topology.clone());
        }
        say("seed", seed.to_string());
        say("runs", "1".to_owned());
        if !calm {
            command += &format!(" {}", quote(&scenario.path));
        }
        command
    }
}
