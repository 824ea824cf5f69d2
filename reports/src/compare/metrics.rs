//! Numbers of each run: how long it took to recover, its 99th percentile of latency, what it applied
//! per second, all by the virtual clock.
//!
//! Ranks, not means: one run that took a minute does not hide that all others are faster. Of a run that
//! never recovered it is known that it took longer than the run lasted, and no more: it is slower than a
//! run that recovered within that time, and says nothing against one that took longer still.

use crate::{
    compare::{
        model::{Metric, Share},
        pair::Pair,
        single::not_vacuous,
    },
    format::Run,
    stats::{
        Difference, Test, Value, difference, mann_whitney, order_of_superiority, shift,
        shift_paired, upper_median, wilcoxon,
    },
    text::{
        numbers::{percent, probability, short, times},
        words::plural,
    },
};

/// What is measured.
pub(super) struct Measure {
    /// What it is called.
    pub name: &'static str,
    /// The logarithm of a run's value; none if the run does not have it.
    of: fn(&Run) -> Option<Value>,
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

fn recovery(run: &Run) -> Option<Value> {
    Some(match run.recovery_ms {
        Some(ms) => Value::known((ms.max(1) as f64).ln()),
        // It was watched no longer than it lasted. Without a length, nothing is known.
        None => Value::above((run.sim_ms as f64).ln()),
    })
}

fn latency(run: &Run) -> Option<Value> {
    run.latency.as_ref().map(|latency| Value::known((latency.p99_us.max(1) as f64).ln()))
}

fn throughput(run: &Run) -> Option<Value> {
    let seconds = run.sim_ms as f64 / 1_000.0;
    let rate = || (run.counters.applied as f64 / seconds).max(0.001);
    (run.sim_ms > 0).then(|| Value::known(rate().ln()))
}

/// A measure of a scenario, before correction.
pub(super) fn measure(pair: &Pair<'_>, measure: &Measure) -> Option<(Metric, Test)> {
    let value = |run: &&Run| not_vacuous(run).then(|| (measure.of)(run)).flatten();
    let base: Vec<Value> = pair.base.iter().filter_map(value).collect();
    let head: Vec<Value> = pair.head.iter().filter_map(value).collect();
    if base.is_empty() || head.is_empty() {
        return None;
    }
    let (test, shift) = match pair.pairs() {
        Some(pairs) => {
            let pairs: Vec<(Value, Value)> = pairs
                .iter()
                .filter_map(|(base, head)| Some((value(base)?, value(head)?)))
                .collect();
            let known = |(base, head): &(Value, Value)| difference(*base, *head);
            let differ = |(base, head): &(Value, Value)| Difference::of(*base, *head);
            (
                wilcoxon(&pairs.iter().filter_map(differ).collect::<Vec<_>>()),
                shift_paired(&pairs.iter().filter_map(known).collect::<Vec<_>>()),
            )
        }
        None => (mann_whitney(&base, &head), shift(&base, &head)),
    };
    let ratio = |logarithm: f64| Some(logarithm.exp()).filter(|ratio| ratio.is_finite());
    let never = |values: &[Value]| values.iter().filter(|value| !value.known).count();
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
    // Without two values of which it is known how far they are apart, nothing is known of the ratio.
    shift.map(|_| (metric, test))
}

/// The value in the middle, the upper of two; none if half never came.
fn median(values: &[Value]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.known.cmp(&a.known).then(a.at.total_cmp(&b.at)));
    // What went through a logarithm is whole again.
    upper_median(&sorted).filter(|value| value.known).map(|value| round(value.at.exp()))
}

fn round(value: f64) -> f64 {
    let digits = 10_f64.powf(9.0 - value.log10().ceil());
    if digits.is_finite() && digits > 0.0 { (value * digits).round() / digits } else { value }
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
