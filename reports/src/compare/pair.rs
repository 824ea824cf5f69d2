//! A scenario that both sides have: its runs, which of them belong together, and how often something
//! is so on either side.

use super::{
    model::{Runs, Share},
    sides::{Kept, Scenario},
};
use crate::{
    Run, Verdict,
    stats::{Test, fisher, mcnemar},
};
use std::collections::BTreeMap;

/// The runs of a scenario on both sides, by seed.
pub(super) struct Pair<'a> {
    pub path: &'a str,
    pub name: &'a str,
    pub base: Vec<&'a Run>,
    pub head: Vec<&'a Run>,
    /// Runs of one seed and one plan; none if too few are.
    pub pairs: Option<Vec<(&'a Run, &'a Run)>>,
}

/// How often something is so.
pub(super) struct Count<'a> {
    /// Runs of the base with it.
    pub base_runs: Vec<&'a Run>,
    /// Runs of the head with it.
    pub head_runs: Vec<&'a Run>,
    pub base: Share,
    pub head: Share,
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
        let runs = |side: &BTreeMap<u64, Kept<'a>>| side.values().map(|kept| kept.run).collect();
        let pairs = (base_hash == head_hash).then(|| pairs(base, head)).flatten();
        let name = if name.is_empty() { before } else { name };
        Some(Self { path, name, base: runs(base), head: runs(head), pairs })
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
        let test = match &self.pairs {
            Some(pairs) => {
                let changed = |to: bool| {
                    pairs
                        .iter()
                        .filter(|(base, head)| tells(base) && tells(head))
                        .filter(|(base, head)| has(base) != to && has(head) == to)
                        .count()
                };
                mcnemar(changed(true), changed(false))
            }
            None => fisher(base.count, base.of, head.count, head.of),
        };
        Count { base_runs, head_runs, base, head, test }
    }
}

/// Whether a run can say that an invariant held.
pub(super) fn judged(run: &Run) -> bool {
    matches!(run.verdict, Verdict::Passed | Verdict::Failed)
}

/// Whether a run says anything: a vacuous one is no evidence, for passing as for failing.
pub(super) fn not_vacuous(run: &Run) -> bool {
    run.verdict != Verdict::Vacuous
}

/// The verdicts of a side.
pub(super) fn tally<'a>(runs: impl IntoIterator<Item = &'a Run> + Clone) -> Runs {
    let of = |verdict| runs.clone().into_iter().filter(|run| run.verdict == verdict).count();
    let all = runs.clone().into_iter().count();
    let vacuous = of(Verdict::Vacuous);
    Runs {
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

/// The seeds that both sides have, if they are at least half of each. The plan is drawn by the tool:
/// another version may draw another.
fn pairs<'a>(
    base: &BTreeMap<u64, Kept<'a>>,
    head: &BTreeMap<u64, Kept<'a>>,
) -> Option<Vec<(&'a Run, &'a Run)>> {
    let pairs: Vec<_> = base
        .iter()
        .filter_map(|(seed, base)| Some((base, head.get(seed)?)))
        .filter(|(base, head)| base.tool() == head.tool())
        .map(|(base, head)| (base.run, head.run))
        .collect();
    (2 * pairs.len() >= base.len().max(head.len()) && !pairs.is_empty()).then_some(pairs)
}
