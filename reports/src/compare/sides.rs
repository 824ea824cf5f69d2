//! The reports of a side as one: each scenario by its path, each of its seeds once.

use crate::{
    compare::{
        model::{Note, NoteKind, Side},
        single::{broken, judged_otherwise},
    },
    format::{Report, Run, Verdict, World},
    text::words::{list, plural},
};
use std::collections::{BTreeMap, BTreeSet};

/// All runs of a side.
#[derive(Default)]
pub(super) struct Runs<'a> {
    /// By path, then by the hash of the file.
    pub scenarios: BTreeMap<&'a str, Scenario<'a>>,
    /// In words.
    pub side: Side,
    /// What was left out, and what contradicts itself.
    pub notes: Vec<Note>,
}

/// A scenario on one side.
#[derive(Default)]
pub(super) struct Scenario<'a> {
    /// Its name, as first told.
    pub name: &'a str,
    /// Its versions, by the hash of the file, with their runs by seed.
    pub versions: BTreeMap<&'a str, BTreeMap<u64, SourcedRun<'a>>>,
    /// The hash that was told last.
    pub last: &'a str,
    /// Runs that were planned, as far as it was told.
    pub planned: u64,
}

/// A run and where it is from.
#[derive(Clone, Copy)]
pub(super) struct SourcedRun<'a> {
    pub run: &'a Run,
    report: &'a Report,
}

impl<'a> Runs<'a> {
    /// A scenario of which there are runs.
    pub(super) fn scenario(&self, path: &str) -> Option<&Scenario<'a>> {
        self.scenarios.get(path).filter(|scenario| !scenario.versions.is_empty())
    }
}

impl<'a> Scenario<'a> {
    /// The runs of its last version, by seed.
    pub(super) fn last_runs(&self) -> Vec<&'a Run> {
        self.versions.get(self.last).into_iter().flat_map(BTreeMap::values).map(|k| k.run).collect()
    }
}

impl<'a> SourcedRun<'a> {
    /// With equal plans, the run must be the same in every execution.
    fn must_equal(&self, other: &Self) -> bool {
        let (a, b) = (self.report, other.report);
        a.tool == b.tool && a.system == b.system
    }

    /// What is known of it contradicts what is known of the other.
    fn contradicts(&self, other: &Self) -> bool {
        self.must_equal(other)
            && !self.run.hash.is_empty()
            && !other.run.hash.is_empty()
            && self.run.hash != other.run.hash
            // An unstable run has said so itself.
            && [self.run, other.run].iter().all(|run| run.verdict != Verdict::Unstable)
    }

    /// The history is the same, and the verdict another: what is wrong is the judge, or that there are
    /// two of them.
    pub(super) fn judged_otherwise(&self, other: &Self) -> Option<NoteKind> {
        let kind = if self.tool() == other.tool() { NoteKind::Alarm } else { NoteKind::Caution };
        judged_otherwise(self.run, other.run).then_some(kind)
    }

    /// Of two runs of one seed, the worse is kept: no failure is lost.
    fn worse(&self, other: &Self) -> bool {
        let badness = |run: &Run| match run.verdict {
            Verdict::Failed => 5,
            Verdict::Errored => 4,
            Verdict::Unstable => 3,
            Verdict::Inconclusive => 2,
            Verdict::Vacuous => 1,
            Verdict::Passed => 0,
        };
        badness(self.run) > badness(other.run)
    }

    /// Real processes made it: nobody can make it again.
    pub(super) fn is_live(&self) -> bool {
        self.report.world == World::Live
    }

    /// What made it.
    pub(super) fn tool(&self) -> &'a crate::format::Tool {
        &self.report.tool
    }
}

/// Runs with one history and two verdicts.
#[derive(Default)]
pub(super) struct Otherwise<'a> {
    runs: usize,
    first: Option<(&'a str, &'a Run, &'a Run)>,
    kind: Option<NoteKind>,
}

impl<'a> Otherwise<'a> {
    pub(super) fn see(&mut self, path: &'a str, one: &SourcedRun<'a>, other: &SourcedRun<'a>) {
        let Some(kind) = one.judged_otherwise(other) else { return };
        self.runs += 1;
        self.first.get_or_insert((path, one.run, other.run));
        self.kind = Some(self.kind.map_or(kind, |known| known.min(kind)));
    }

    /// The remark; `who` has both.
    pub(super) fn note(&self, who: &str) -> Option<Note> {
        let (path, one, other) = self.first?;
        let judge = match self.kind? {
            NoteKind::Alarm => {
                "the judge changed without a new version of the tool, or the harness is at fault"
            }
            _ => "the judge changed with the tool",
        };
        let verdict = |run: &Run| {
            let names: Vec<String> = broken(run).into_iter().map(str::to_owned).collect();
            match names.as_slice() {
                [] => run.verdict.to_string(),
                names => format!("{} ({})", run.verdict, list(names, 3)),
            }
        };
        let text = format!(
            "{who}: {} same history and another verdict (first: {path}, seed {}: {}, then {}). The \
             system did the same: {judge}.",
            if self.runs == 1 {
                "1 run has the".to_owned()
            } else {
                format!("{} runs have the", self.runs)
            },
            one.seed,
            verdict(one),
            verdict(other),
        );
        Some(Note { kind: self.kind?, text })
    }
}

/// Puts the reports of a side together; `name` is what the side is called.
pub(super) fn gather<'a>(reports: &'a [Report], name: &str) -> Runs<'a> {
    let mut all = Runs::default();
    let mut twice = 0_usize;
    let mut contradictions: Vec<(&str, u64)> = Vec::new();
    let mut otherwise = Otherwise::default();
    for report in reports {
        for scenario in &report.scenarios {
            let entry = all.scenarios.entry(&scenario.path).or_default();
            if entry.name.is_empty() {
                entry.name = &scenario.name;
            }
            entry.planned = entry.planned.max(scenario.planned);
            if scenario.runs.is_empty() {
                continue;
            }
            entry.last = &scenario.hash;
            let version = entry.versions.entry(&scenario.hash).or_default();
            for run in &scenario.runs {
                let new = SourcedRun { run, report };
                let Some(old) = version.get_mut(&run.seed) else {
                    version.insert(run.seed, new);
                    continue;
                };
                twice += 1;
                if new.contradicts(old) {
                    contradictions.push((&scenario.path, run.seed));
                }
                otherwise.see(&scenario.path, old, &new);
                if new.worse(old) {
                    *old = new;
                }
            }
        }
    }
    if let Some((path, seed)) = contradictions.first() {
        all.notes.push(Note {
            kind: NoteKind::Alarm,
            text: format!(
                "{name}: the same scenario, seed, system and tool gave different histories in {} \
                 (first: {path}, seed {seed}). Something is not deterministic, and pairs of runs prove \
                 nothing until it is found.",
                plural(contradictions.len(), "run"),
            ),
        });
    }
    all.notes.extend(otherwise.note(name));
    if twice > 0 {
        all.notes.push(Note {
            kind: NoteKind::Info,
            text: format!(
                "{name}: {} came more than once; each seed of a scenario counts once, the worst \
                 verdict of it.",
                plural(twice, "run"),
            ),
        });
    }
    all.side = side(reports, &all);
    all
}

fn side(reports: &[Report], all: &Runs<'_>) -> Side {
    let unique = |of: &dyn Fn(&Report) -> String| {
        reports.iter().map(of).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let of_scenario =
        |scenario: &Scenario<'_>| scenario.versions.values().map(BTreeMap::len).sum::<usize>();
    Side {
        reports: reports.len(),
        systems: unique(&|report| version(&report.system.name, &report.system.version)),
        tools: unique(&|report| version(&report.tool.name, &report.tool.version)),
        scenarios: all.scenarios.values().filter(|scenario| of_scenario(scenario) > 0).count(),
        runs: all.scenarios.values().map(of_scenario).sum(),
    }
}

fn version(name: &str, version: &str) -> String {
    [name, version].iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join(" ")
}
