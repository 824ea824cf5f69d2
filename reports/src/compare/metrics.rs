//! Numbers of each run: how long it took to recover, its 99th percentile of latency, what it applied
//! per second, all by the virtual clock.
//!
//! Ranks, not means: one run that took a minute does not hide that all others are faster, and a run
//! that never recovered has a rank, larger than any.

use super::{
    model::{Metric, Share},
    pair::{Pair, not_vacuous},
    words::{percent, probability, times},
};
use crate::{
    Run,
    stats::{Test, difference, mann_whitney, order_of_superiority, shift, shift_paired, wilcoxon},
    text::{plural, short},
};

/// What is measured.
pub(super) struct Measure {
    /// What it is called.
    pub name: &'static str,
    /// A run's value, infinite if it never came; none if the run does not have it.
    of: fn(&Run) -> Option<f64>,
    /// More is worse.
    less_is_better: bool,
}

/// All of them.
pub(super) const MEASURES: [Measure; 3] = [
    Measure { name: "recovery", of: recovery, less_is_better: true },
    Measure { name: "latency", of: latency, less_is_better: true },
    Measure { name: "throughput", of: throughput, less_is_better: false },
];

// A value of nothing has no ratio to another: less than a tick of the clock counts as one.

fn recovery(run: &Run) -> Option<f64> {
    Some(run.recovery_ms.map_or(f64::INFINITY, |ms| ms.max(1) as f64))
}

fn latency(run: &Run) -> Option<f64> {
    run.latency.as_ref().map(|latency| latency.p99_us.max(1) as f64)
}

fn throughput(run: &Run) -> Option<f64> {
    let seconds = run.sim_ms as f64 / 1_000.0;
    (run.sim_ms > 0).then(|| (run.counters.applied as f64 / seconds).max(0.001))
}

/// A measure of a scenario, before correction.
pub(super) fn measure(pair: &Pair<'_>, measure: &Measure) -> Option<(Metric, Test)> {
    let value = |run: &&Run| not_vacuous(run).then(|| (measure.of)(run)).flatten();
    let base: Vec<f64> = pair.base.iter().filter_map(value).collect();
    let head: Vec<f64> = pair.head.iter().filter_map(value).collect();
    let known = |values: &[f64]| values.iter().any(|value| value.is_finite());
    if base.is_empty() || head.is_empty() || !(known(&base) || known(&head)) {
        return None;
    }
    let logarithms = |values: &[f64]| values.iter().map(|value| value.ln()).collect::<Vec<_>>();
    let (test, shift) = match &pair.pairs {
        Some(pairs) => {
            let differences: Vec<f64> = pairs
                .iter()
                .filter_map(|(base, head)| Some((value(base)?, value(head)?)))
                .map(|(base, head)| difference(base.ln(), head.ln()))
                .collect();
            (wilcoxon(&differences), shift_paired(&differences))
        }
        None => {
            let (base, head) = (logarithms(&base), logarithms(&head));
            (mann_whitney(&base, &head), shift(&base, &head))
        }
    };
    let ratio = |logarithm: f64| Some(logarithm.exp()).filter(|ratio| ratio.is_finite());
    let never = |values: &[f64]| values.iter().filter(|value| value.is_infinite()).count();
    let metric = Metric {
        base_runs: base.len(),
        head_runs: head.len(),
        base_median: median(&base),
        head_median: median(&head),
        base_never: never(&base),
        head_never: never(&head),
        ratio: shift.and_then(|shift| ratio(shift.middle)),
        low: shift.and_then(|shift| ratio(shift.low)),
        high: shift.and_then(|shift| ratio(shift.high)),
        superiority: order_of_superiority(&base, &head),
        p: test.p,
        corrected: 1.0,
    };
    // Without a pair that has both values, nothing is known of the ratio.
    shift.map(|_| (metric, test))
}

/// The value in the middle, the upper of two; none if it is infinite or there is none.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().filter(|value| value.is_finite())
}

impl Measure {
    /// The change is one that matters, and it is for the worse (true) or the better.
    pub(super) fn matters(&self, metric: &Metric, minimum: f64) -> Option<bool> {
        let more = match metric.ratio {
            None => true,
            Some(ratio) if ratio - 1.0 >= minimum => true,
            // As much less as the other would be more: 1.25 times against 0.8 times.
            Some(ratio) if ratio > 0.0 && 1.0 / ratio - 1.0 >= minimum => false,
            Some(ratio) if ratio <= 0.0 => false,
            Some(_) => return None,
        };
        Some(more == self.less_is_better)
    }

    /// The change in a sentence.
    pub(super) fn sentence(&self, metric: &Metric, worse: bool, paired: bool) -> String {
        let more = worse == self.less_is_better;
        let (ratio, low, high) = if more {
            (metric.ratio, metric.low, metric.high)
        } else {
            let inverse = |ratio: Option<f64>| {
                Some(1.0 / ratio.unwrap_or(f64::INFINITY)).filter(|ratio| ratio.is_finite())
            };
            (inverse(metric.ratio), inverse(metric.high), inverse(metric.low))
        };
        let what = match (self.name, more, ratio.map(times)) {
            ("recovery", true, Some(times)) => format!("Recovers {times} times slower"),
            ("recovery", false, Some(times)) => format!("Recovers {times} times faster"),
            ("recovery", true, None) => "Does not recover any more, in most runs".to_owned(),
            ("recovery", false, None) => "Recovers now, in most runs".to_owned(),
            ("latency", true, times) => {
                format!("The slowest hundredth of latencies is {} times as long", or_many(times))
            }
            ("latency", false, times) => {
                format!("The slowest hundredth of latencies is {} times shorter", or_many(times))
            }
            (_, true, times) => format!("Applies {} times as much per second", or_many(times)),
            (_, false, times) => format!("Applies {} times less per second", or_many(times)),
        };
        let bound = |bound: Option<f64>| bound.map_or_else(|| "never".to_owned(), times);
        let interval = match (low, high) {
            (None, _) => String::new(),
            (low, high) => format!(", 95 % interval {} to {}", bound(low), bound(high)),
        };
        let test = if paired { "Wilcoxon, pairs of runs" } else { "Mann-Whitney" };
        format!(
            "{what}{interval}: the median is {}, and was {}{}. {test}, {} corrected; {} % of runs \
             are above one of the base.",
            self.value(metric.head_median),
            self.value(metric.base_median),
            never(metric),
            probability(metric.corrected),
            percent(metric.superiority),
        )
    }

    /// A value with its unit.
    pub(super) fn value(&self, value: Option<f64>) -> String {
        // The casts saturate.
        match (self.name, value) {
            (_, None) => "never".to_owned(),
            ("recovery", Some(ms)) => short((ms * 1_000.0) as u64),
            ("latency", Some(us)) => short(us as u64),
            (_, Some(rate)) if rate < 10.0 => format!("{rate:.1}/s"),
            (_, Some(rate)) => format!("{rate:.0}/s"),
        }
    }
}

fn or_many(times: Option<String>) -> String {
    times.unwrap_or_else(|| "many".to_owned())
}

fn never(metric: &Metric) -> String {
    if metric.base_never == 0 && metric.head_never == 0 {
        return String::new();
    }
    let of = |count, of| {
        let share = Share::new(count, of);
        format!("{} of {}", share.count, plural(share.of, "run"))
    };
    format!(
        "; {} never recovered, before {}",
        of(metric.head_never, metric.head_runs),
        of(metric.base_never, metric.base_runs),
    )
}
