//! Which scenarios a command is about, and how the system is switched.

use super::{
    filter::Filter,
    matrix::{self, Axis},
    stop::Stop,
    terminal::Color,
};
use crate::{
    scenario::{self, Scenario, Setting},
    system::System,
};
use clap::Args;
use squall_reports::{Report, printable};
use std::{io::IsTerminal as _, path::PathBuf};

/// Where scenarios are looked for if nothing is named: those of a system of its own name, if there are any.
fn usual(system: &dyn System) -> PathBuf {
    let own = PathBuf::from("scenarios/live").join(system.name());
    if own.is_dir() { own } else { PathBuf::from("scenarios") }
}

/// The scenarios of files and folders; those of `scenarios/` unless some are named.
pub(in crate::cli) fn load(
    paths: &[PathBuf],
    system: &dyn System,
    settings: &Settings,
) -> Result<Vec<Scenario>, Stop> {
    load_case(paths, system, &settings.set)
}

fn load_case(
    paths: &[PathBuf],
    system: &dyn System,
    settings: &[Setting],
) -> Result<Vec<Scenario>, Stop> {
    let usual = [usual(system)];
    let paths = if paths.is_empty() { &usual } else { paths };
    scenario::load_with(paths, system, settings).map_err(Stop::Mistakes)
}

/// The one scenario of a file.
pub(in crate::cli) fn load_one(
    path: &PathBuf,
    system: &dyn System,
    settings: &Settings,
) -> Result<Scenario, Stop> {
    let mut all = load(std::slice::from_ref(path), system, settings)?;
    match all.pop() {
        Some(one) if all.is_empty() => Ok(one),
        _ => Err(Stop::input(format!(
            "{} holds {} scenarios; name the file of one",
            path.display(),
            all.len() + 1
        ))),
    }
}

/// What is put into scenarios.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct Settings {
    /// Put a value in place of what scenarios say: brokers=5, rate=400/s, workload.keys=3, 'NAME OF A STEP.for=2s'
    /// (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<Setting>,
}

impl Settings {
    /// Nothing is put into scenarios.
    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.set.is_empty()
    }
}

/// The text at the head of a scenario's file, without what is for editors.
pub(in crate::cli) fn head(path: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
    let lines: Vec<&str> =
        lines.filter(|line| !line.starts_with("yaml-language-server:")).collect();
    printable(&lines.join(" "))
}

/// Which of the scenarios that were read are meant.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct Chosen {
    /// Only scenarios that fit, such as 'fault(crash) & not tag(slow)': name(), path(), tag(), fault(), invariant() with a
    /// part of the text, =all of it, or #a*glob; and (&), or (|), not (!). Repeated: any of them
    #[arg(long = "filter", short = 'E', value_name = "EXPRESSION")]
    filters: Vec<String>,
    #[command(flatten)]
    settings: Settings,
}

impl Chosen {
    /// Nothing is left out.
    pub(in crate::cli) fn is_all(&self) -> bool {
        self.filters.is_empty() && self.settings.is_empty()
    }

    /// The scenarios of files and folders that fit one of the expressions, with the settings in them.
    pub(in crate::cli) fn load(
        &self,
        paths: &[PathBuf],
        system: &dyn System,
    ) -> Result<Vec<Scenario>, Stop> {
        self.load_matrix(paths, system, &[])
    }

    /// As [`Self::load`], each scenario once in every case of the matrix that the axes span, one after the other.
    pub(in crate::cli) fn load_matrix(
        &self,
        paths: &[PathBuf],
        system: &dyn System,
        axes: &[Axis],
    ) -> Result<Vec<Scenario>, Stop> {
        let mut cases = Vec::new();
        for case in matrix::cases(axes, &self.settings.set)? {
            let settings = [self.settings.set.as_slice(), &case].concat();
            let words: Vec<String> = case.iter().map(Setting::to_string).collect();
            let mut scenarios = load_case(paths, system, &settings)?;
            for scenario in &mut scenarios {
                scenario.case = words.join(", ");
            }
            cases.push(scenarios);
        }
        let mut scenarios: Vec<Scenario> = cases.into_iter().flatten().collect();
        // The sort is stable: cases stay in the order of the matrix.
        let mut files: Vec<String> = Vec::new();
        for scenario in &scenarios {
            if !files.contains(&scenario.path) {
                files.push(scenario.path.clone());
            }
        }
        scenarios.sort_by_key(|scenario| files.iter().position(|file| *file == scenario.path));
        if self.filters.is_empty() {
            return Ok(scenarios);
        }
        let read =
            self.filters.iter().map(|text| Filter::parse(text)).collect::<Result<Vec<_>, _>>();
        let filters = read.map_err(|error| Stop::Input(format!("error: --filter: {error}")))?;
        let all = scenarios.len();
        let fits = |scenario: &Scenario| filters.iter().any(|filter| filter.fits(scenario));
        let chosen: Vec<Scenario> = scenarios.into_iter().filter(fits).collect();
        if chosen.is_empty() {
            let unknown: Vec<String> = filters.iter().flat_map(Filter::unknown).collect();
            let unknown: String = unknown.iter().map(|text| format!("\n  {text}")).collect();
            return Err(Stop::Input(format!(
                "error: --filter: none of {all} scenarios fits (squall list scenarios shows them){unknown}"
            )));
        }
        Ok(chosen)
    }
}

/// Tells what is no mistake in these scenarios, and will hardly be what was meant.
pub(in crate::cli) fn advise(scenarios: &[Scenario]) {
    let color = Color::Auto.wanted(std::io::stderr().is_terminal());
    for scenario in scenarios.iter().filter(|scenario| !scenario.advice.diagnostics.is_empty()) {
        eprintln!("{}\n", scenario.advice.render(color).trim_end());
    }
}

/// Options shared by the commands that run something.
#[derive(Debug, Args)]
pub(in crate::cli) struct SystemArgs {
    /// Switch a known defect on in the system (repeatable; see `squall list defects`)
    #[arg(long = "defect", value_name = "ID")]
    pub(in crate::cli) defects: Vec<String>,
}

impl SystemArgs {
    /// The defects that are switched on, sorted, each once.
    pub(in crate::cli) fn checked(&self, system: &dyn System) -> Result<Vec<String>, Stop> {
        for id in &self.defects {
            let known = system.defects();
            if known.iter().any(|defect| defect.id == id) {
                continue;
            }
            let near = known
                .iter()
                .map(|defect| (strsim::jaro_winkler(defect.id, id), defect.id))
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .filter(|(likeness, _)| *likeness > 0.8)
                .map(|(_, near)| format!(" Did you mean `{near}`?"))
                .unwrap_or_default();
            let all: Vec<_> = known.iter().map(|defect| defect.id).collect();
            return Err(Stop::Input(format!(
                "error: {} has no defect `{id}`.{near}\n  it has: {}",
                system.name(),
                all.join(", ")
            )));
        }
        let mut defects = self.defects.clone();
        defects.sort();
        defects.dedup();
        Ok(defects)
    }
}

/// Every scenario ran at least once; if not, that is told.
pub(in crate::cli) fn each_ran(report: &Report) -> bool {
    let idle = report.scenarios.iter().filter(|s| s.runs.is_empty() && s.planned > 0).count();
    if idle > 0 {
        eprintln!("the time was too short: {idle} scenarios never ran");
    }
    idle == 0
}
