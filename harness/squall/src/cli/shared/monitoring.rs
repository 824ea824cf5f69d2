//! How runs are watched, as a monitoring system would.

use super::stop::Stop;
use crate::{
    alerts::{self, Error, Monitor},
    scenario::Scenario,
};
use clap::Args;
use std::{path::PathBuf, time::Duration};

/// The rules by which alerts are raised, and how often somebody looks.
#[derive(Debug, Args)]
pub(in crate::cli) struct Monitoring {
    /// Rules for alerts (Prometheus), by which must_alert and must_not_alert are judged with promtool (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) rules: Vec<PathBuf>,
    /// Virtual time from one scrape of the nodes' numbers to the next, and from one evaluation of the rules to the next
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = scrape)]
    pub(in crate::cli) scrape: Duration,
}

fn scrape(text: &str) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let whole = time.as_nanos().is_multiple_of(1_000_000);
    if !whole || time.is_zero() || time > Duration::from_secs(3_600) {
        return Err("expected whole milliseconds, from 1ms to 1h".to_owned());
    }
    Ok(time)
}

impl Monitoring {
    /// What judges alerts, if there are rules.
    pub(in crate::cli) fn monitor(&self, scenarios: &[Scenario]) -> Result<Option<Monitor>, Stop> {
        if self.rules.is_empty() {
            return Ok(None);
        }
        let monitor = Monitor::new(&self.rules, self.scrape).map_err(stop)?;
        monitor.knows_alerts_of(scenarios).map_err(stop)?;
        Ok(Some(monitor))
    }

    /// As that, where it would be a silent pass to go on without rules.
    pub(in crate::cli) fn monitor_or_stop(
        &self,
        scenarios: &[Scenario],
    ) -> Result<Option<Monitor>, Stop> {
        let asking = scenarios.iter().find(|scenario| alerts::asks(scenario));
        match asking.filter(|_| self.rules.is_empty()) {
            None => self.monitor(scenarios),
            Some(scenario) => {
                let key = ["must_alert", "must_not_alert"]
                    .into_iter()
                    .find_map(|key| Some((key, scenario.lines.get(key)?)));
                let (key, line) = key.unwrap_or(("must_alert", &1));
                Err(Stop::Input(format!(
                    "error: {}:{line}: {key} is judged by rules for alerts, and none are given: add --rules FILE",
                    squall_reports::printable(&scenario.path)
                )))
            }
        }
    }
}

/// Why alerts cannot be judged: the user's fault, or the harness's.
pub(in crate::cli) fn stop(error: Error) -> Stop {
    match error {
        Error::Input(text) => Stop::input(text),
        other => Stop::broken(other),
    }
}
