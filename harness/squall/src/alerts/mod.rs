//! Whether an outage is noticed: rules for alerts, tried on the numbers of finished runs by Prometheus' own promtool.
//!
//! It happens outside the deterministic run, on its series; a scenario's `must_alert` and `must_not_alert` say what must
//! come of it.

mod error;
mod promtool;
mod verdict;

pub(crate) use error::Error;

use crate::{
    scenario::{Quiet, Scenario},
    shell::quote,
    syntax,
    worker::Worker,
};
use squall_reports::{Run, Verdict};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

/// Rules for alerts, and how often a monitoring system looks.
#[derive(Clone, Debug)]
pub(crate) struct Monitor {
    /// As they were given.
    files: Vec<PathBuf>,
    /// From one scrape to the next, and from one evaluation of the rules to the next.
    every: Duration,
}

impl Monitor {
    /// The rules of some files, which promtool must find good.
    ///
    /// # Errors
    /// There is no promtool, or it does not like the rules.
    pub(crate) fn new(files: &[PathBuf], every: Duration) -> Result<Self, Error> {
        promtool::check(files)?;
        Ok(Self { files: files.to_vec(), every })
    }

    /// Whether the rules have every alert that scenarios name.
    ///
    /// # Errors
    /// They have not.
    pub(crate) fn knows_alerts_of(&self, scenarios: &[Scenario]) -> Result<(), Error> {
        let Some(known) = self.names() else { return Ok(()) };
        let lower: BTreeMap<String, &String> =
            known.iter().map(|name| (name.to_lowercase(), name)).collect();
        let mut unknown = Vec::new();
        for scenario in scenarios {
            let forbidden = match &scenario.must_not_alert {
                Quiet::Named(names) => names.as_slice(),
                Quiet::Free | Quiet::AnyOther => &[],
            };
            let line = scenario.lines.get("must_not_alert").copied().unwrap_or(1);
            let must = scenario.must_alert.iter().map(|alert| (&alert.name, alert.line));
            let all = must.chain(forbidden.iter().map(|name| (name, line)));
            for (name, line) in all.filter(|(name, _)| !known.contains(*name)) {
                let near = syntax::nearest(name, lower.keys().map(String::as_str))
                    .and_then(|near| lower.get(near))
                    .map(|near| format!(" (did you mean `{}`?)", squall_reports::printable(near)));
                unknown.push(format!(
                    "{}:{line}: no rule is called `{}`{}",
                    squall_reports::printable(&scenario.path),
                    squall_reports::printable(name),
                    near.unwrap_or_default()
                ));
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let known = squall_reports::printable(&known.join(", "));
        Err(Error::Input(format!("{}\n  the rules have: {known}", unknown.join("\n"))))
    }

    /// The names of all alerts; none if the rules cannot be read here. Then one that is misspelt is one that never fires.
    fn names(&self) -> Option<BTreeSet<String>> {
        let mut all = BTreeSet::new();
        for file in &self.files {
            let bytes = std::fs::read(file).ok()?;
            let tree = syntax::parse(&file.to_string_lossy(), &bytes, &[]).ok()?;
            if !tree.mistakes.is_empty() {
                return None;
            }
            collect(tree.roots.first()?, &mut all);
        }
        Some(all)
    }

    /// The options that judge a run of the scenario again, each with a space before it; empty if it asks for no alerts.
    pub(crate) fn options(&self, scenario: &Scenario) -> String {
        if !asks(scenario) {
            return String::new();
        }
        let rules =
            self.files.iter().map(|file| format!(" --rules {}", quote(&file.to_string_lossy())));
        let every = if self.every == SCRAPE {
            String::new()
        } else {
            format!(" --scrape {}", quote(&humantime::format_duration(self.every).to_string()))
        };
        rules.collect::<String>() + &every
    }

    /// Judges the alerts of the run that the worker has just made, if the scenario asks for any.
    ///
    /// A run that proves nothing, or had no end, is left as it is.
    ///
    /// # Errors
    /// Its numbers are not to be had, or promtool fails.
    pub(crate) fn judge(
        &self,
        scenario: &Scenario,
        run: &mut Run,
        worker: &mut Worker,
    ) -> Result<(), Error> {
        if !asks(scenario) || !matches!(run.verdict, Verdict::Passed | Verdict::Failed) {
            return Ok(());
        }
        let series = worker.series(self.every)?.map_err(Error::Input)?;
        let raised = promtool::raised(&self.files, &series)?;
        let broken = verdict::violations(scenario, &raised, series.fault_ms);
        run.alerts = raised.firing;
        if broken.is_empty() {
            return Ok(());
        }
        run.violations.extend(broken);
        if run.verdict == Verdict::Passed {
            run.verdict = Verdict::Failed;
            run.trace = Some(worker.trace(false)?);
        }
        Ok(())
    }
}

/// How often a monitoring system looks, unless said.
pub(crate) const SCRAPE: Duration = Duration::from_secs(1);

/// The scenario says something of alerts.
pub(crate) fn asks(scenario: &Scenario) -> bool {
    !scenario.must_alert.is_empty() || scenario.must_not_alert != Quiet::Free
}

/// Names of alerts, anywhere below a node: `alert: NAME`.
fn collect(node: &syntax::Node, all: &mut BTreeSet<String>) {
    match &node.value {
        syntax::Value::Mapping(entries) => {
            for (key, value) in entries {
                match &value.value {
                    syntax::Value::Scalar(name) if key.text == "alert" => {
                        all.insert(name.clone());
                    }
                    _ => collect(value, all),
                }
            }
        }
        syntax::Value::Sequence(items) => items.iter().for_each(|item| collect(item, all)),
        syntax::Value::Scalar(_) | syntax::Value::Null => {}
    }
}
