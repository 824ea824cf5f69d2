//! What every rendering asks of a report: verdicts counted, latencies added up, recoveries compared.

use crate::{
    format::{Evidence, Latency, Report, Run, ScenarioReport, Tally, Verdict, World},
    latency::LatencyRecorder,
    stats::upper_median,
    text::{
        self,
        numbers::{short, span, speed},
    },
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// Verdicts in the order in which they are told.
pub(crate) const ORDER: [Verdict; 6] = [
    Verdict::Failed,
    Verdict::Errored,
    Verdict::Unstable,
    Verdict::Inconclusive,
    Verdict::Vacuous,
    Verdict::Passed,
];

/// Seeds that are named for one kind of failure.
const SEEDS: usize = 3;

/// A recovery that is no longer than this is not slow, whatever the others are, in milliseconds.
const QUICK: u64 = 1_000;

/// How many runs have which verdict, of those that any has, in [`ORDER`].
pub(crate) fn tally<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Vec<(Verdict, usize)> {
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    for run in runs {
        *counts.entry(run.verdict).or_default() += 1;
    }
    ORDER.into_iter().filter_map(|verdict| Some((verdict, *counts.get(&verdict)?))).collect()
}

/// The verdict of a scenario: the first of its runs' in [`ORDER`]; none if there are none.
pub(crate) fn worst(scenario: &ScenarioReport) -> Option<Verdict> {
    tally(&scenario.runs).first().map(|(verdict, _)| *verdict)
}

/// Scenarios, those that did not pass first, those without runs last.
pub(crate) fn ranked(report: &Report) -> Vec<&ScenarioReport> {
    let mut scenarios: Vec<&ScenarioReport> = report.scenarios.iter().collect();
    scenarios.sort_by_key(|scenario| {
        let worst = worst(scenario);
        ORDER.iter().position(|verdict| Some(*verdict) == worst).unwrap_or(ORDER.len())
    });
    scenarios
}

/// Scenarios of which no runs were made because they cannot be run in this world, with the reason.
pub(crate) fn skipped(report: &Report) -> Vec<(&ScenarioReport, &str)> {
    report.scenarios.iter().filter_map(|one| Some((one, one.skipped.as_deref()?))).collect()
}

/// What live runs prove, in a sentence; `None` of simulations, which prove what they prove of their seeds.
pub(crate) fn live(report: &Report) -> Option<String> {
    if report.world != World::Live {
        return None;
    }
    let of = |verdict| report.runs().filter(|(_, run)| run.verdict == verdict).count();
    let (passed, failed) = (of(Verdict::Passed), of(Verdict::Failed));
    let judged = passed + failed;
    let bound = match (failed, judged) {
        (_, 0) => "no run could be judged".to_owned(),
        // The rule of three (Hanley and Lippman-Hand, 1983).
        (0, judged) if judged >= 3 => format!(
            "0 of {judged} runs failed: at 95 % fewer than {:.0} % of such runs do (3/{judged})",
            (300.0 / judged as f64).ceil()
        ),
        (failed, judged) => {
            format!("{failed} of {judged} {} failed", if judged == 1 { "run" } else { "runs" })
        }
    };
    Some(format!("live: {bound}; made again it is the same storm, not the same run"))
}

/// What clients found that read all that the system holds, in all such runs together.
pub(crate) fn readings<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Option<Tally> {
    let tallies = runs.into_iter().filter_map(|run| run.counters.tally);
    tallies.reduce(|all, one| Tally {
        acknowledged: all.acknowledged.saturating_add(one.acknowledged),
        lost: all.lost.saturating_add(one.lost),
        duplicated: all.duplicated.saturating_add(one.duplicated),
    })
}

/// As [`readings`], of a report and in a sentence.
pub(crate) fn read_to_the_end(report: &Report) -> Option<String> {
    let Tally { acknowledged, lost, duplicated } = readings(report.runs().map(|(_, run)| run))?;
    Some(format!(
        "read to the end: {acknowledged} acknowledged, {lost} of them lost, {duplicated} duplicated"
    ))
}

/// Adds up a number of each run.
pub(crate) fn sum<'a>(runs: impl IntoIterator<Item = &'a Run>, of: fn(&Run) -> u64) -> u64 {
    runs.into_iter().map(of).fold(0, u64::saturating_add)
}

/// The virtual time of all executions of a run, as its wall time is: what was executed twice took
/// its time twice. In milliseconds.
pub(crate) fn executed_ms(run: &Run) -> u64 {
    run.sim_ms.saturating_mul(if run.verified { 2 } else { 1 })
}

/// What was simulated, in words, by which every rendering tells it: the virtual time of all runs, each once; how much of it
/// again, to verify; in how much work; and how much faster than real time that is.
pub(crate) fn work(report: &Report) -> String {
    let runs = || report.runs().map(|(_, run)| run);
    let once = sum(runs(), |run| run.sim_ms);
    let executed = sum(runs(), executed_ms);
    let wall = sum(runs(), |run| run.wall_us);
    let twice = match executed.saturating_sub(once) {
        0 => String::new(),
        twice => format!(", {} of it twice,", span(twice)),
    };
    if report.world == World::Live {
        return format!("{} of live runs in {} of work", span(once), short(wall));
    }
    format!("{} simulated{twice} in {} of work: {}", span(once), short(wall), speed(executed, wall))
}

/// All latencies; none if there are none, and why not if a run's cannot be read.
pub(crate) fn latency<'a>(
    runs: impl IntoIterator<Item = &'a Run>,
) -> Result<Option<Latency>, String> {
    let mut all = LatencyRecorder::default();
    for run in runs {
        if let Some(latency) = &run.latency {
            all.try_add(latency).map_err(|error| format!("seed {}: {error}", run.seed))?;
        }
    }
    Ok(all.summary())
}

/// The median of the recovery times, in words; a run that never recovered counts as longer than any.
pub(crate) fn recovery(runs: &[Run]) -> String {
    let mut times: Vec<Option<u64>> = runs.iter().map(|run| run.recovery_ms).collect();
    times.sort_unstable_by_key(|time| (time.is_none(), *time));
    match upper_median(&times) {
        None => "-".to_owned(),
        Some(None) => "never".to_owned(),
        Some(Some(ms)) => text::numbers::short_ms(*ms),
    }
}

/// Runs that violate an invariant, by invariant, the one that most of them violate first.
pub(crate) fn by_invariant<'a>(runs: &[&'a Run]) -> Vec<(&'a str, Vec<&'a Run>)> {
    let mut invariants: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        let names: BTreeSet<&str> =
            run.violations.iter().map(|violation| violation.invariant.as_str()).collect();
        for name in names {
            invariants.entry(name).or_default().push(run);
        }
    }
    let mut invariants: Vec<_> = invariants.into_iter().collect();
    invariants.sort_by_key(|(_, runs)| Reverse(runs.len()));
    invariants
}

/// `2, 3, 4 and 1 more`
pub(crate) fn seeds(runs: &[&Run]) -> String {
    let seeds: Vec<_> = runs.iter().take(SEEDS).map(|run| run.seed.to_string()).collect();
    let more = match runs.len().saturating_sub(SEEDS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", seeds.join(", "))
}

/// A record of evidence on a line: its time, its node, what happened. Each text of at most `most`
/// characters.
pub(crate) fn evidence(evidence: &Evidence, most: usize) -> String {
    format!(
        "{:>3}.{:03}s  {:<12} {}",
        evidence.at_us / 1_000_000,
        evidence.at_us / 1_000 % 1_000,
        text::clip(&evidence.node, most),
        text::clip(&evidence.text, most),
    )
}

/// The command that makes a run again, for a reader who calls squall `program`.
pub(crate) fn command(run: &Run, program: &str) -> String {
    let rest = run.replay.strip_prefix("squall ").unwrap_or(&run.replay);
    format!("{program} {}", text::printable(rest))
}

/// A run that passed, and took long to recover.
pub(crate) struct Slow<'a> {
    pub(crate) scenario: &'a ScenarioReport,
    /// The slowest of the scenario's.
    pub(crate) run: &'a Run,
    /// How long it took, and how long others do, in words.
    pub(crate) words: String,
}

/// Scenarios with slow recoveries, the slowest run first: half of a scenario's runs take more than
/// twice what half of the scenarios do, or one takes more than five times what half of its
/// scenario's do and ten times what half of the scenarios do; and more than [`QUICK`]. Only runs that passed and recovered are compared.
pub(crate) fn slow(report: &Report) -> Vec<Slow<'_>> {
    let timed: Vec<(&ScenarioReport, Vec<(u64, &Run)>)> = report
        .scenarios
        .iter()
        .map(|scenario| {
            let passed = scenario.runs.iter().filter(|run| run.verdict == Verdict::Passed);
            let mut times: Vec<(u64, &Run)> =
                passed.filter_map(|run| Some((run.recovery_ms?, run))).collect();
            times.sort_by_key(|(ms, _)| *ms);
            (scenario, times)
        })
        .collect();
    let median = |times: &[(u64, &Run)]| upper_median(times).map(|(ms, _)| *ms);
    let mut medians: Vec<u64> = timed.iter().filter_map(|(_, times)| median(times)).collect();
    medians.sort_unstable();
    let Some(usual) = upper_median(&medians).copied() else { return Vec::new() };
    let longer = |ms: u64, than: u64, times| ms > QUICK && ms > than.saturating_mul(times);
    let mut all: Vec<(u64, Slow<'_>)> = Vec::new();
    for (scenario, times) in timed {
        let (Some(half), Some((most, run))) = (median(&times), times.last().copied()) else {
            continue;
        };
        let words = if longer(most, half, 5) && longer(most, usual, 10) {
            format!(
                "{}, and half of its runs within {}",
                text::numbers::short_ms(most),
                text::numbers::short_ms(half)
            )
        } else if longer(half, usual, 2) {
            format!(
                "half of its runs within {}, and half of the scenarios within {}",
                text::numbers::short_ms(half),
                text::numbers::short_ms(usual)
            )
        } else {
            continue;
        };
        all.push((most, Slow { scenario, run, words }));
    }
    all.sort_by_key(|(ms, _)| Reverse(*ms));
    all.into_iter().map(|(_, slow)| slow).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(name: &str, times: &[u64]) -> ScenarioReport {
        let runs = times.iter().zip(1..).map(|(ms, seed)| Run {
            seed,
            recovery_ms: Some(*ms),
            ..Run::default()
        });
        ScenarioReport { name: name.into(), runs: runs.collect(), ..ScenarioReport::default() }
    }

    fn told(scenarios: Vec<ScenarioReport>) -> Vec<String> {
        let report = Report { scenarios, ..Report::default() };
        slow(&report)
            .iter()
            .map(|slow| format!("{} {}: {}", slow.scenario.name, slow.run.seed, slow.words))
            .collect()
    }

    #[test]
    fn what_takes_clearly_longer_than_the_others_is_slow() {
        let mut failed = scenario("failed", &[90_000, 90_000]);
        failed.runs.iter_mut().for_each(|run| run.verdict = Verdict::Failed);
        let all = told(vec![
            failed,
            scenario("usual", &[400, 500, 1_000]),
            scenario("as usual", &[500, 500, 500]),
            scenario("slow", &[1_100, 1_200, 1_300]),
            scenario("one", &[500, 7_000, 500]),
            scenario("quick, though", &[1, 2, 1_000]),
            scenario("idle", &[]),
        ]);
        let expected = [
            "one 2: 7.0s, and half of its runs within 500ms",
            "slow 3: half of its runs within 1.2s, and half of the scenarios within 500ms",
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn where_there_is_nothing_to_compare_with_nothing_is_slow() {
        assert!(told(Vec::new()).is_empty());
        assert!(told(vec![scenario("one", &[9_000])]).is_empty());
        assert!(
            told(vec![scenario("a", &[9_000, u64::MAX]), scenario("b", &[u64::MAX])]).is_empty()
        );
    }
}
