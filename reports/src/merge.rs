//! One report of several: shards of one batch become the report of the whole.

use crate::format::{Report, Run, ScenarioReport, Verdict};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// Why reports are no parts of one batch. Reports are told by their index in what was given.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MergeError {
    /// Nothing was given.
    #[error("there is nothing to merge")]
    Nothing,
    /// Two reports are of different batches.
    #[error("they are parts of different batches: {what} differs")]
    Foreign {
        /// The first report.
        first: usize,
        /// The report that differs from it.
        other: usize,
        /// In what.
        what: String,
    },
    /// Parts are missing.
    #[error("missing: {}", .0.join(", "))]
    Missing(Vec<String>),
}

/// What came of merging.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The report of the whole.
    pub report: Report,
    /// Runs that came with two histories: scenario's path and seed. They are unstable in the report.
    pub contradictions: Vec<(String, u64)>,
    /// What is missing, in words.
    pub missing: Vec<String>,
}

/// Merges the parts of one batch, in whatever order, each any number of times.
///
/// # Errors
/// They are not of one batch; or runs are missing and `allow_partial` is not set.
pub fn merge(parts: &[Report], allow_partial: bool) -> Result<Merged, MergeError> {
    let first = parts.first().ok_or(MergeError::Nothing)?;
    for (other, part) in parts.iter().enumerate().skip(1) {
        if let Some(what) = difference(first, part) {
            return Err(MergeError::Foreign { first: 0, other, what });
        }
    }
    // What depends on the machine is taken from the first shard, whatever the order of the arguments.
    let order = |report: &&Report| {
        let index = report.shard.as_ref().map_or(0, |shard| shard.index);
        (index, report.started.clone(), report.machine.clone())
    };
    let earliest = parts.iter().min_by_key(order).unwrap_or(first);
    let started = parts.iter().map(|part| &part.started).min().cloned().unwrap_or_default();
    let mut contradictions = Vec::new();
    let scenarios: Vec<ScenarioReport> = first
        .scenarios
        .iter()
        .enumerate()
        .map(|(place, scenario)| {
            let runs = parts.iter().flat_map(|part| &part.scenarios[place].runs);
            let runs = unite(runs, &scenario.path, &mut contradictions);
            let left_out = by_shard(parts, |part| part.scenarios[place].left_out);
            let left_out = left_out.min(scenario.planned.saturating_sub(runs.len() as u64));
            ScenarioReport { runs, left_out, ..scenario.clone() }
        })
        .collect();
    let time_budget = budget(parts, &scenarios);
    let left_out = time_budget.map_or(0, |budget| budget.left_out);
    let missing = missing(parts, &scenarios, left_out);
    if !missing.is_empty() && !allow_partial {
        return Err(MergeError::Missing(missing));
    }
    let mut canaries: Vec<_> = parts.iter().filter_map(|part| part.canary.clone()).collect();
    canaries.sort_by_key(|canary| (canary.noticed_by.is_none(), canary.runs));
    let report = Report {
        started,
        partial: !missing.is_empty()
            || left_out > 0
            || scenarios.iter().any(|one| one.left_out > 0),
        shard: None,
        time_budget,
        canary: canaries.into_iter().next(),
        scenarios,
        ..earliest.clone()
    };
    Ok(Merged { report, contradictions, missing })
}

/// In what the batches differ of which two reports hold the same part.
#[must_use]
pub fn batch_difference(a: &Report, b: &Report) -> Option<String> {
    let index = |report: &Report| report.shard.as_ref().map(|shard| shard.index);
    difference(a, b).or_else(|| (index(a) != index(b)).then(|| "the shard".to_owned()))
}

/// In what two reports differ that parts of one batch have in common.
fn difference(a: &Report, b: &Report) -> Option<String> {
    let of_division =
        |report: &Report| report.shard.as_ref().map(|shard| (shard.of, shard.division.clone()));
    let differs = [
        ("the format", a.format != b.format),
        ("the version of squall", a.tool != b.tool),
        ("the system", (&a.system.name, &a.system.version) != (&b.system.name, &b.system.version)),
        ("the system's configuration", a.system.config != b.system.config),
        ("the defects switched on", a.system.defects != b.system.defects),
        ("the seeds or what is executed twice", a.command != b.command),
        ("the division into shards", of_division(a) != of_division(b)),
    ];
    if let Some((what, _)) = differs.into_iter().find(|(_, differs)| *differs) {
        return Some(what.to_owned());
    }
    let bare = |scenario: &ScenarioReport| ScenarioReport {
        runs: Vec::new(),
        left_out: 0,
        ..scenario.clone()
    };
    if a.scenarios.len() != b.scenarios.len() {
        return Some("the list of scenarios".to_owned());
    }
    let mut pairs = a.scenarios.iter().zip(&b.scenarios);
    pairs.find(|(a, b)| bare(a) != bare(b)).map(|(a, _)| format!("the scenario {}", a.path))
}

/// Every run once, by seed.
fn unite<'a>(
    runs: impl Iterator<Item = &'a Run>,
    path: &str,
    contradictions: &mut Vec<(String, u64)>,
) -> Vec<Run> {
    let mut all: BTreeMap<u64, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        all.entry(run.seed).or_default().push(run);
    }
    all.into_iter()
        .map(|(seed, mut copies)| {
            // Which copy is kept must not depend on the order of the arguments.
            copies.sort_by_key(|run| (!run.verified, run.wall_us, run.verdict));
            let mut run = copies[0].clone();
            let hashes: BTreeSet<&str> = copies.iter().map(|copy| copy.hash.as_str()).collect();
            let verdicts: BTreeSet<Verdict> = copies.iter().map(|copy| copy.verdict).collect();
            if hashes.len() > 1 || verdicts.len() > 1 {
                contradictions.push((path.to_owned(), seed));
                let hashes: Vec<&str> = hashes.into_iter().collect();
                run.verdict = Verdict::Unstable;
                run.reason = Some(format!(
                    "two shards made this run, and their histories differ: {}",
                    hashes.join(", ")
                ));
            }
            run
        })
        .collect()
}

/// What is missing, but for what time budgets left out.
fn missing(parts: &[Report], scenarios: &[ScenarioReport], left_out: u64) -> Vec<String> {
    let mut missing = Vec::new();
    if let Some(of) = parts.iter().find_map(|part| part.shard.as_ref()).map(|shard| shard.of) {
        let there: BTreeSet<u32> =
            parts.iter().filter_map(|part| Some(part.shard.as_ref()?.index)).collect();
        let gone: Vec<String> =
            (1..=of).filter(|index| !there.contains(index)).map(|i| format!("{i}/{of}")).collect();
        match gone.len() {
            0 => {}
            1..=20 => missing.extend(gone.iter().map(|shard| format!("shard {shard}"))),
            many => missing.push(format!("{many} of {of} shards")),
        }
    }
    let (mut runs, mut of, mut lacking) = (0, 0, 0);
    for scenario in scenarios {
        let lacks = lacks(scenario);
        runs += lacks;
        of += scenario.planned;
        lacking += u64::from(lacks > 0);
    }
    if runs > left_out {
        missing.push(format!("{runs} of {of} runs, of {lacking} scenarios"));
    }
    missing
}

/// What the time budgets of all shards left out; not more than what is missing.
fn budget(parts: &[Report], scenarios: &[ScenarioReport]) -> Option<crate::format::TimeBudget> {
    let wall_ms = parts.iter().filter_map(|part| part.time_budget).map(|b| b.wall_ms).max()?;
    let lacking: u64 = scenarios.iter().map(lacks).fold(0, u64::saturating_add);
    let left_out = by_shard(parts, |part| part.time_budget.map_or(0, |budget| budget.left_out));
    Some(crate::format::TimeBudget { wall_ms, left_out: left_out.min(lacking) })
}

/// Runs of a scenario that nobody chose to leave out, and that are not there.
fn lacks(scenario: &ScenarioReport) -> u64 {
    let there = (scenario.runs.len() as u64).saturating_add(scenario.left_out);
    scenario.planned.saturating_sub(there)
}

/// What all shards left out. One that is given twice left out what it left out once, at its best attempt.
fn by_shard(parts: &[Report], left_out: impl Fn(&Report) -> u64) -> u64 {
    let mut by_shard: BTreeMap<u32, u64> = BTreeMap::new();
    for part in parts {
        let index = part.shard.as_ref().map_or(0, |shard| shard.index);
        let left_out = left_out(part);
        by_shard.entry(index).and_modify(|least| *least = left_out.min(*least)).or_insert(left_out);
    }
    by_shard.values().copied().fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FORMAT, Shard};

    fn whole() -> Report {
        let scenario = |path: &str| ScenarioReport {
            path: path.into(),
            planned: 3,
            runs: (1..=3)
                .map(|seed| Run { seed, hash: format!("{path}{seed}"), ..Run::default() })
                .collect(),
            ..ScenarioReport::default()
        };
        Report {
            format: FORMAT.into(),
            scenarios: vec![scenario("a"), scenario("b")],
            ..Report::default()
        }
    }

    fn shards(of: u32) -> Vec<Report> {
        (1..=of)
            .map(|index| {
                let mut part = whole();
                part.partial = true;
                part.shard = Some(Shard { index, of, division: "d".into() });
                for scenario in &mut part.scenarios {
                    scenario.runs.retain(|run| run.seed % u64::from(of) + 1 == u64::from(index));
                }
                part
            })
            .collect()
    }

    #[test]
    fn the_parts_are_the_whole_in_whatever_order_and_however_often() {
        let [a, b, c] = shards(3).try_into().unwrap();
        for parts in [
            vec![a.clone(), b.clone(), c.clone()],
            vec![c.clone(), a.clone(), b.clone(), a.clone(), c.clone()],
        ] {
            let merged = merge(&parts, false).unwrap();
            assert_eq!(merged.report, whole());
            assert!(merged.contradictions.is_empty() && merged.missing.is_empty());
        }
    }

    #[test]
    fn a_missing_part_is_refused_or_told() {
        let parts = &shards(3)[..2];
        let missing = vec!["shard 3/3".to_owned(), "2 of 6 runs, of 2 scenarios".to_owned()];
        assert_eq!(merge(parts, false).unwrap_err(), MergeError::Missing(missing.clone()));
        let merged = merge(parts, true).unwrap();
        assert!(merged.report.partial);
        assert_eq!(merged.missing, missing);
        // Not a shard but a run is missing.
        let mut parts = shards(2);
        parts[1].scenarios[0].runs.clear();
        assert!(matches!(merge(&parts, false), Err(MergeError::Missing(_))));
        assert_eq!(merge(&[], false).unwrap_err(), MergeError::Nothing);
    }

    #[test]
    fn what_time_budgets_left_out_is_not_missing_and_what_an_interrupt_did_is() {
        let mut parts = shards(2);
        for part in &mut parts {
            part.time_budget = Some(crate::format::TimeBudget { wall_ms: 5, left_out: 1 });
            part.scenarios[0].runs.pop();
        }
        let merged = merge(&parts, false).unwrap();
        assert!(merged.report.partial && merged.missing.is_empty());
        assert_eq!(merged.report.time_budget.unwrap().left_out, 2);
        parts[1].time_budget = Some(crate::format::TimeBudget { wall_ms: 5, left_out: 0 });
        assert!(matches!(merge(&parts, false), Err(MergeError::Missing(_))));
    }

    #[test]
    fn one_run_with_two_hashes_is_unstable() {
        let mut parts = shards(2);
        let mut other = parts[0].clone();
        other.scenarios[1].runs[0].hash = "other".into();
        let seed = other.scenarios[1].runs[0].seed;
        parts.push(other);
        for _ in 0..2 {
            parts.rotate_left(1);
            let merged = merge(&parts, false).unwrap();
            assert_eq!(merged.contradictions, [("b".to_owned(), seed)]);
            let run = merged.report.scenarios[1].runs.iter().find(|run| run.seed == seed).unwrap();
            assert_eq!(run.verdict, Verdict::Unstable);
        }
    }

    #[test]
    fn what_shards_left_out_after_enough_failures_is_not_missing() {
        let mut parts = shards(3);
        for part in &mut parts[..2] {
            part.scenarios[0].runs.clear();
            part.scenarios[0].left_out = 1;
        }
        let twice = [parts[0].clone(), parts[1].clone(), parts[2].clone(), parts[1].clone()];
        let merged = merge(&twice, false).unwrap().report;
        let told: Vec<_> =
            merged.scenarios.iter().map(|one| (one.runs.len(), one.left_out)).collect();
        assert_eq!((told, merged.partial), (vec![(1, 2), (3, 0)], true));
        // One of them was not left out, it is missing.
        parts[1].scenarios[0].left_out = 0;
        let Err(MergeError::Missing(missing)) = merge(&parts, false) else { panic!() };
        assert_eq!(missing, ["1 of 6 runs, of 1 scenarios"]);
    }

    #[test]
    fn parts_of_different_batches_are_refused() {
        type Change = fn(&mut Report);
        let changes: [(&str, Change); 5] = [
            ("the version of squall", |r| r.tool.version = "9".into()),
            ("the defects switched on", |r| r.system.defects.push("x".into())),
            ("the seeds or what is executed twice", |r| r.command.first_seed = 7),
            ("the division into shards", |r| r.shard = None),
            ("the scenario b", |r| r.scenarios[1].hash = "changed".into()),
        ];
        for (expected, change) in changes {
            let mut parts = shards(2);
            change(&mut parts[1]);
            let error = merge(&parts, true).unwrap_err();
            assert_eq!(
                error,
                MergeError::Foreign { first: 0, other: 1, what: expected.to_owned() }
            );
        }
    }
}
