//! A scenario that both sides have: its runs, which of them belong together, and how often something
//! is so on either side.

use crate::{
    compare::{
        model::{Share, VerdictCounts},
        sides::{Scenario, SourcedRun},
    },
    format::{Run, Verdict},
    stats::{Stratum, Test, fisher, mcnemar},
};
use std::collections::BTreeMap;

/// The runs of a scenario on both sides, by seed.
pub(super) struct Pair<'a> {
    pub path: &'a str,
    pub name: &'a str,
    pub base: Vec<&'a Run>,
    pub head: Vec<&'a Run>,
    /// Runs of one seed and one plan, however few.
    pub same_plan: Vec<(&'a Run, &'a Run)>,
}

/// How often something is so.
pub(super) struct Count<'a> {
    /// Runs of the base with it.
    pub base_runs: Vec<&'a Run>,
    /// Runs of the head with it.
    pub head_runs: Vec<&'a Run>,
    pub base: Share,
    pub head: Share,
    /// What it is tested by.
    pub stratum: Stratum,
    pub test: Test,
}

impl Count<'_> {
    /// It is more frequent in the head.
    pub(super) fn more(&self) -> bool {
        self.head.rate() > self.base.rate()
    }
}

impl<'a> Pair<'a> {
    /// The runs of the versions of the scenario that can be compared, if any can.
    pub(super) fn of(
        path: &'a str,
        base: &Scenario<'a>,
        head: &Scenario<'a>,
        changed: bool,
    ) -> Option<Self> {
        let (base_hash, head_hash) = versions(base, head, changed)?;
        let (base, before) = (base.versions.get(base_hash)?, base.name);
        let (head, name) = (head.versions.get(head_hash)?, head.name);
        let runs =
            |side: &BTreeMap<u64, SourcedRun<'a>>| side.values().map(|kept| kept.run).collect();
        let same_plan = if base_hash == head_hash { same_plan(base, head) } else { Vec::new() };
        let name = if name.is_empty() { before } else { name };
        Some(Self { path, name, base: runs(base), head: runs(head), same_plan })
    }

    /// The runs as pairs, if at least half of either side's are.
    pub(super) fn pairs(&self) -> Option<&[(&'a Run, &'a Run)]> {
        let pairs = self.same_plan.len();
        (pairs > 0 && 2 * pairs >= self.base.len().max(self.head.len()))
            .then_some(self.same_plan.as_slice())
    }

    /// How often `has` is so in the runs that `judges` says can tell.
    pub(super) fn count(
        &self,
        has: impl Fn(&Run) -> bool,
        judges: impl Fn(&Run) -> bool,
    ) -> Count<'a> {
        let tells = |run: &Run| judges(run) || has(run);
        let with = |runs: &[&'a Run]| -> Vec<&'a Run> {
            runs.iter().copied().filter(|run| has(run)).collect()
        };
        let share = |runs: &[&Run], count: usize| {
            Share::new(count, runs.iter().filter(|run| tells(run)).count())
        };
        let (base_runs, head_runs) = (with(&self.base), with(&self.head));
        let base = share(&self.base, base_runs.len());
        let head = share(&self.head, head_runs.len());
        let (stratum, test) = match self.pairs() {
            Some(pairs) => {
                let changed = |to: bool| {
                    pairs
                        .iter()
                        .filter(|(base, head)| tells(base) && tells(head))
                        .filter(|(base, head)| has(base) != to && has(head) == to)
                        .count()
                };
                let (worse, better) = (changed(true), changed(false));
                (Stratum::Pairs { worse, better }, mcnemar(worse, better))
            }
            None => {
                let stratum =
                    Stratum::Samples { base: (base.count, base.of), head: (head.count, head.of) };
                (stratum, fisher(base.count, base.of, head.count, head.of))
            }
        };
        Count { base_runs, head_runs, base, head, stratum, test }
    }
}

/// The verdicts of a side.
pub(super) fn tally<'a>(runs: impl IntoIterator<Item = &'a Run> + Clone) -> VerdictCounts {
    let of = |verdict| runs.clone().into_iter().filter(|run| run.verdict == verdict).count();
    let all = runs.clone().into_iter().count();
    let vacuous = of(Verdict::Vacuous) + of(Verdict::Inconclusive);
    VerdictCounts {
        runs: all,
        passed: Share::new(of(Verdict::Passed), all - vacuous),
        vacuous,
        unstable: of(Verdict::Unstable),
        errored: of(Verdict::Errored),
    }
}

/// The hashes of the two files to compare: the same on both sides, or if that is asked for, the last.
fn versions<'a>(
    base: &Scenario<'a>,
    head: &Scenario<'a>,
    changed: bool,
) -> Option<(&'a str, &'a str)> {
    let both =
        |hash: &&'a str| base.versions.contains_key(hash) && head.versions.contains_key(hash);
    let same = Some(head.last).filter(both).or_else(|| head.versions.keys().copied().find(both));
    match same {
        Some(hash) => Some((hash, hash)),
        None if changed => Some((base.last, head.last)),
        None => None,
    }
}

/// The runs of the seeds that both sides have. The plan is drawn by the tool: another version may draw
/// another. Live runs of one seed had the same storm, and are as far from each other as any two.
fn same_plan<'a>(
    base: &BTreeMap<u64, SourcedRun<'a>>,
    head: &BTreeMap<u64, SourcedRun<'a>>,
) -> Vec<(&'a Run, &'a Run)> {
    base.iter()
        .filter_map(|(seed, base)| Some((base, head.get(seed)?)))
        .filter(|(base, head)| base.tool() == head.tool() && !base.is_live() && !head.is_live())
        .map(|(base, head)| (base.run, head.run))
        .collect()
}
