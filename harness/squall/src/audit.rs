//! Would the suite notice? Every scenario, without defects and with each.
//!
//! A cell of the matrix is a defect in a scenario. It is run seed by seed until it is decided: until a run
//! breaks an invariant that the defect should break, or the seeds are spent. What it comes to is a function of
//! the scenario, the seeds and the defect; cells stand in the order of the plan, not in that of finishing.

use crate::{
    plan::Plan,
    scenario::Scenario,
    system::System,
    worker::{Worker, WorkerError},
};
use serde::{Deserialize, Serialize};
use squall_reports::Verdict;
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::channel,
    },
    thread,
};

/// What to audit, and how.
#[derive(Debug)]
pub struct Questions<'a> {
    /// The suite.
    pub scenarios: &'a [Scenario],
    /// The defects, by id.
    pub defects: &'a [String],
    /// The first seed.
    pub seed: u64,
    /// At most this many seeds a cell.
    pub runs: u32,
    /// Worker processes side by side.
    pub workers: usize,
    /// Begin no further cell once this is set.
    pub stop: &'a AtomicBool,
}

/// What one cell came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The defect; `None` for the system without any.
    pub defect: Option<String>,
    /// The scenario's path.
    pub scenario: String,
    /// Runs made.
    pub runs: u32,
    /// Virtual time that passed in them, in milliseconds: how much had to happen, on any machine.
    pub sim_ms: u64,
    /// Runs that did not pass, with their seeds.
    pub failed_seeds: Vec<u64>,
    /// Invariants that were broken, by name.
    pub broken: BTreeSet<String>,
    /// Runs that were vacuous, unstable or errored, in words.
    pub trouble: Vec<String>,
    /// The first run that broke an invariant that the defect should break, counted from 1.
    pub noticed_after: Option<u32>,
}

/// All cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// `squall-audit/1`
    pub format: String,
    /// The system's name and version.
    pub system: (String, String),
    /// The first seed, and how many at most a cell.
    pub seeds: (u64, u32),
    /// The suite's scenarios: path and name.
    pub scenarios: Vec<(String, String)>,
    /// Defects, and the invariants of which each should break one.
    pub defects: Vec<(String, Vec<String>)>,
    /// What the cells came to.
    pub cells: Vec<Cell>,
}

/// How a defect fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Nothing failed.
    Unnoticed,
    /// Something failed, but no invariant that the defect should break.
    NoticedOtherwise,
    /// An invariant that it should break was broken.
    Noticed,
}

impl Cell {
    /// How the defect fared in this scenario.
    #[must_use]
    pub fn fate(&self) -> Fate {
        if self.noticed_after.is_some() {
            Fate::Noticed
        } else if !self.failed_seeds.is_empty() {
            Fate::NoticedOtherwise
        } else {
            Fate::Unnoticed
        }
    }
}

impl Audit {
    /// The cells of a defect, `None` for the system without any; in the order of the suite.
    pub fn cells_of<'a>(&'a self, defect: Option<&'a str>) -> impl Iterator<Item = &'a Cell> {
        self.cells.iter().filter(move |cell| cell.defect.as_deref() == defect)
    }

    /// Scenarios in which the system fails, or proves nothing, without any defect.
    pub fn unfit(&self) -> impl Iterator<Item = &Cell> {
        self.cells_of(None)
            .filter(|cell| cell.fate() != Fate::Unnoticed || !cell.trouble.is_empty())
    }

    /// The scenario that needs the fewest runs, and of those the least virtual time, to notice a defect by
    /// what it should break; the first of the suite if several do. Nothing in it depends on the machine.
    #[must_use]
    pub fn soonest<'a>(&'a self, defect: &'a str) -> Option<&'a Cell> {
        let unfit: BTreeSet<&str> = self.unfit().map(|cell| cell.scenario.as_str()).collect();
        self.cells_of(Some(defect))
            .filter(|cell| cell.fate() == Fate::Noticed && !unfit.contains(cell.scenario.as_str()))
            .min_by_key(|cell| (cell.noticed_after, cell.sim_ms))
    }

    /// How a defect fared in all. A scenario that fails without it notices nothing.
    #[must_use]
    pub fn fate(&self, defect: &str) -> Fate {
        let unfit: BTreeSet<&str> = self.unfit().map(|cell| cell.scenario.as_str()).collect();
        self.cells_of(Some(defect))
            .filter(|cell| !unfit.contains(cell.scenario.as_str()))
            .map(Cell::fate)
            .max()
            .unwrap_or(Fate::Unnoticed)
    }

    /// Scenarios without which every defect would still be noticed as it is: those that are no defect's
    /// only one.
    #[must_use]
    pub fn notices_nothing_alone(&self) -> Vec<&str> {
        let mut needed = BTreeSet::new();
        for (defect, _) in &self.defects {
            let mut who = self.cells_of(Some(defect)).filter(|cell| cell.fate() == Fate::Noticed);
            if let (Some(only), None) = (who.next(), who.next()) {
                needed.insert(only.scenario.as_str());
            }
        }
        let paths = self.scenarios.iter().map(|(path, _)| path.as_str());
        paths.filter(|path| !needed.contains(path)).collect()
    }

    /// The share of defects that were noticed by an invariant that they should break, in percent; 0 if there is none
    /// to notice.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn score(&self) -> f64 {
        let noticed =
            self.defects.iter().filter(|(defect, _)| self.fate(defect) == Fate::Noticed).count();
        noticed as f64 * 100.0 / self.defects.len().max(1) as f64
    }
}

/// Fills the matrix. `done` hears of each cell as it is decided.
///
/// # Errors
/// The harness itself failed.
pub fn audit(
    questions: &Questions<'_>,
    system: &Arc<dyn System>,
    mut done: impl FnMut(&Cell),
) -> Result<Audit, WorkerError> {
    let should_break = |id: &str| -> Vec<String> {
        let known = system.defects().iter().find(|defect| defect.id == id);
        known.map(|d| d.breaks.iter().map(|&name| name.to_owned()).collect()).unwrap_or_default()
    };
    let defects: Vec<(String, Vec<String>)> =
        questions.defects.iter().map(|id| (id.clone(), should_break(id))).collect();
    let columns: Vec<Option<&(String, Vec<String>)>> =
        std::iter::once(None).chain(defects.iter().map(Some)).collect();
    let count = questions.scenarios.len();
    let total = columns.len() * count;
    let next = AtomicUsize::new(0);
    let failure = Mutex::new(None);
    let (tell, decided) = channel();
    let mut cells: Vec<Option<Cell>> = vec![None; total];
    thread::scope(|scope| {
        for _ in 0..questions.workers.clamp(1, total.max(1)) {
            let tell = tell.clone();
            let (next, failure, columns) = (&next, &failure, &columns);
            scope.spawn(move || {
                let mut worker = Worker::default();
                while !questions.stop.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= total {
                        return;
                    }
                    let scenario = &questions.scenarios[index % count];
                    match decide(questions, system, scenario, columns[index / count], &mut worker) {
                        Ok(cell) => {
                            if tell.send((index, cell)).is_err() {
                                return;
                            }
                        }
                        Err(error) => {
                            questions.stop.store(true, Ordering::Relaxed);
                            let mut slot = failure.lock().unwrap_or_else(PoisonError::into_inner);
                            slot.get_or_insert(error);
                            return;
                        }
                    }
                }
            });
        }
        drop(tell);
        for (index, cell) in decided {
            done(&cell);
            cells[index] = Some(cell);
        }
    });
    if let Some(error) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    Ok(Audit {
        format: "squall-audit/1".to_owned(),
        system: (system.name().to_owned(), system.version().to_owned()),
        seeds: (questions.seed, questions.runs),
        scenarios: questions.scenarios.iter().map(|s| (s.path.clone(), s.name.clone())).collect(),
        defects,
        cells: cells.into_iter().flatten().collect(),
    })
}

fn decide(
    questions: &Questions<'_>,
    system: &Arc<dyn System>,
    scenario: &Scenario,
    defect: Option<&(String, Vec<String>)>,
    worker: &mut Worker,
) -> Result<Cell, WorkerError> {
    let mut cell = Cell {
        defect: defect.map(|(id, _)| id.clone()),
        scenario: scenario.path.clone(),
        runs: 0,
        sim_ms: 0,
        failed_seeds: Vec::new(),
        broken: BTreeSet::new(),
        trouble: Vec::new(),
        noticed_after: None,
    };
    let ids: Vec<String> = cell.defect.iter().cloned().collect();
    for number in 0..questions.runs {
        let seed = questions.seed.saturating_add(u64::from(number));
        let plan = Plan::new(scenario, seed, system.as_ref(), &ids);
        let run = worker.run(&plan)?;
        cell.runs += 1;
        cell.sim_ms += run.sim_ms;
        match run.verdict {
            Verdict::Passed => {}
            Verdict::Failed => cell.failed_seeds.push(seed),
            other => {
                let reason = run.reason.unwrap_or_default();
                cell.trouble.push(format!("seed {seed} {other}: {reason}"));
            }
        }
        let broken: BTreeSet<String> = run.violations.into_iter().map(|v| v.invariant).collect();
        let noticed =
            defect.is_some_and(|(_, breaks)| breaks.iter().any(|name| broken.contains(name)));
        cell.broken.extend(broken);
        if noticed {
            cell.noticed_after = Some(cell.runs);
            break;
        }
    }
    Ok(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(
        defect: Option<&str>,
        scenario: &str,
        noticed_after: Option<u32>,
        failed: bool,
    ) -> Cell {
        Cell {
            defect: defect.map(str::to_owned),
            scenario: scenario.to_owned(),
            runs: 3,
            sim_ms: 1,
            failed_seeds: if failed { vec![1] } else { Vec::new() },
            broken: BTreeSet::new(),
            trouble: Vec::new(),
            noticed_after,
        }
    }

    fn audit(cells: Vec<Cell>) -> Audit {
        Audit {
            format: String::new(),
            system: (String::new(), String::new()),
            seeds: (1, 3),
            scenarios: vec![("a".into(), "A".into()), ("b".into(), "B".into())],
            defects: vec![("x".into(), vec![]), ("y".into(), vec![])],
            cells,
        }
    }

    #[test]
    fn a_defect_is_noticed_by_what_it_should_break_only() {
        let audit = audit(vec![
            cell(None, "a", None, false),
            cell(None, "b", None, false),
            cell(Some("x"), "a", Some(2), true),
            cell(Some("x"), "b", None, false),
            cell(Some("y"), "a", None, true),
            cell(Some("y"), "b", None, false),
        ]);
        assert_eq!(audit.fate("x"), Fate::Noticed);
        assert_eq!(audit.fate("y"), Fate::NoticedOtherwise);
        assert!((audit.score() - 50.0).abs() < f64::EPSILON);
        assert_eq!(audit.notices_nothing_alone(), ["b"]);
    }

    #[test]
    fn a_scenario_that_fails_without_a_defect_notices_nothing() {
        let audit = audit(vec![
            cell(None, "a", None, true),
            cell(None, "b", None, false),
            cell(Some("x"), "a", Some(1), true),
            cell(Some("x"), "b", None, false),
        ]);
        assert_eq!(audit.fate("x"), Fate::Unnoticed);
        let unfit: Vec<&str> = audit.unfit().map(|cell| cell.scenario.as_str()).collect();
        assert_eq!(unfit, ["a"]);
    }
}
