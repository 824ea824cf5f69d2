//! OpenMetrics: the totals of a batch as Prometheus reads them, for a push gateway or the text file
//! collector of a node.
//!
//! prometheus-client's families keep their series in no order. The numbers are there already, so a
//! collector hands them over in theirs.

use crate::{
    digest::{self, sum},
    format::{Report, Run, Verdict},
    render::rendering::Rendering,
    text::printable,
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet, text::encode},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};
use std::{collections::BTreeMap, fmt};

pub(super) const RENDERING: Rendering = Rendering {
    name: "openmetrics",
    help: "Totals as OpenMetrics text",
    option: Some("Write totals (OpenMetrics text) to this file"),
    render: |report, _| openmetrics(report),
};

/// Upper bounds of the histogram of recoveries, in seconds of virtual time.
const BOUNDS: [f64; 11] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, f64::INFINITY];

/// The series of a metric: names and values of their labels, and their value.
type Series<N> = Vec<(Vec<(&'static str, String)>, N)>;

/// The totals of a report as OpenMetrics text, which ends in `# EOF`. Times are in seconds: virtual
/// time without what was executed twice, wall time with it.
fn openmetrics(report: &Report) -> String {
    let mut registry = Registry::with_prefix("squall");
    registry.register_collector(Box::new(Totals::of(report)));
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = encode(&mut out, &registry);
    out
}

#[derive(Debug)]
struct Totals {
    runs: Series<u64>,
    violations: Series<u64>,
    latency: Series<f64>,
    canary: Series<i64>,
    simulated: f64,
    wall: f64,
    messages: u64,
    faults: u64,
    events: u64,
    /// Runs up to each bound, and the sum of their recoveries, in seconds.
    recovery: ([u64; BOUNDS.len()], f64),
    unrecovered: u64,
    partial: i64,
}

impl Totals {
    fn of(report: &Report) -> Self {
        let all = || report.runs().map(|(_, run)| run);
        let total = |of: fn(&Run) -> u64| sum(all(), of);
        let recoveries: Vec<u64> = all().filter_map(|run| run.recovery_ms).collect();
        let mut buckets = [0; BOUNDS.len()];
        for ms in &recoveries {
            let at = BOUNDS.iter().position(|bound| seconds(*ms, 1e3) <= *bound);
            buckets[at.unwrap_or(BOUNDS.len() - 1)] += 1;
        }
        let recovered = recoveries.iter().copied().fold(0, u64::saturating_add);
        Self {
            runs: runs(report),
            violations: violations(report),
            latency: latency(report),
            canary: report
                .canary
                .iter()
                .map(|canary| {
                    let labels = vec![("defect", printable(&canary.defect))];
                    (labels, i64::from(canary.noticed_by.is_some()))
                })
                .collect(),
            simulated: seconds(total(|run| run.sim_ms), 1e3),
            wall: seconds(total(|run| run.wall_us), 1e6),
            messages: total(|run| run.counters.messages),
            faults: total(|run| run.counters.faults),
            events: total(|run| run.counters.events_published),
            recovery: (buckets, seconds(recovered, 1e3)),
            unrecovered: (all().count() - recoveries.len()) as u64,
            partial: i64::from(report.partial),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a metric has 53 bits")]
fn seconds(time: u64, of: f64) -> f64 {
    time as f64 / of
}

/// Every verdict of every scenario, those that no run has too: a series that appears is no increase.
fn runs(report: &Report) -> Series<u64> {
    let mut counts: BTreeMap<(String, Verdict), u64> = BTreeMap::new();
    for scenario in &report.scenarios {
        let path = printable(&scenario.path);
        for verdict in digest::ORDER {
            let of = scenario.runs.iter().filter(|run| run.verdict == verdict).count() as u64;
            *counts.entry((path.clone(), verdict)).or_default() += of;
        }
    }
    let labels =
        |(path, verdict): (_, Verdict)| vec![("scenario", path), ("verdict", verdict.to_string())];
    counts.into_iter().map(|(key, count)| (labels(key), count)).collect()
}

/// By invariant: in how many runs it was violated.
fn violations(report: &Report) -> Series<u64> {
    let all: Vec<&Run> = report.runs().map(|(_, run)| run).collect();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (name, runs) in digest::by_invariant(&all) {
        *counts.entry(printable(name)).or_default() += runs.len() as u64;
    }
    counts.into_iter().map(|(name, count)| (vec![("invariant", name)], count)).collect()
}

/// Quantiles over all runs; none if a histogram cannot be read, for what they would be is not known.
fn latency(report: &Report) -> Series<f64> {
    let Ok(Some(latency)) = digest::latency(report.runs().map(|(_, run)| run)) else {
        return Vec::new();
    };
    let all = [
        ("0", latency.min_us),
        ("0.5", latency.p50_us),
        ("0.9", latency.p90_us),
        ("0.99", latency.p99_us),
        ("1", latency.max_us),
    ];
    all.into_iter()
        .map(|(quantile, us)| (vec![("quantile", quantile.to_owned())], seconds(us, 1e6)))
        .collect()
}

impl Collector for Totals {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let mut out = Out(&mut encoder);
        let counter = MetricType::Counter;
        let gauge = MetricType::Gauge;
        out.family("runs", "Runs by scenario and verdict", counter, &self.runs, ConstCounter::new)?;
        let help = "Runs that violate an invariant, by invariant";
        out.family("violations", help, counter, &self.violations, ConstCounter::new)?;
        out.counter("events", "Publishes invoked", None, self.events)?;
        out.counter("messages", "Frames sent between nodes", None, self.messages)?;
        out.counter("faults", "Occurrences of faults that began", None, self.faults)?;
        let unit = Some(&Unit::Seconds);
        out.counter("simulated", "Virtual time", unit, self.simulated)?;
        out.counter("wall", "Wall time of all executions", unit, self.wall)?;
        let help = "From the healing until everything was caught up, in virtual time";
        let (buckets, sum) = &self.recovery;
        let buckets: Vec<(f64, u64)> = BOUNDS.into_iter().zip(*buckets).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        out.0
            .encode_descriptor("recovery", help, unit, MetricType::Histogram)?
            .encode_histogram::<NoLabelSet>(*sum, count, &buckets, None)?;
        let help = "Runs that never caught up, or had nothing to catch up";
        out.counter("unrecovered_runs", help, None, self.unrecovered)?;
        if !self.latency.is_empty() {
            let help = "From publish to each group's effect, in virtual time, by quantile";
            let mut metric = out.0.encode_descriptor("latency", help, unit, gauge)?;
            each(&mut metric, &self.latency, ConstGauge::new)?;
        }
        let help = "Whether planned runs are missing";
        let partial = out.0.encode_descriptor("partial", help, None, gauge)?;
        ConstGauge::new(self.partial).encode(partial)?;
        if !self.canary.is_empty() {
            let help = "Whether a known defect was noticed";
            out.family("canary_noticed", help, gauge, &self.canary, ConstGauge::new)?;
        }
        Ok(())
    }
}

struct Out<'a, 'b>(&'a mut DescriptorEncoder<'b>);

impl Out<'_, '_> {
    fn counter<N>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        value: N,
    ) -> Result<(), fmt::Error>
    where
        ConstCounter<N>: EncodeMetric,
    {
        let metric = self.0.encode_descriptor(name, help, unit, MetricType::Counter)?;
        ConstCounter::new(value).encode(metric)
    }

    fn family<N: Copy, M: EncodeMetric>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        series: &Series<N>,
        metric: fn(N) -> M,
    ) -> Result<(), fmt::Error> {
        each(&mut self.0.encode_descriptor(name, help, None, kind)?, series, metric)
    }
}

fn each<N: Copy, M: EncodeMetric>(
    encoder: &mut MetricEncoder<'_>,
    series: &Series<N>,
    metric: fn(N) -> M,
) -> Result<(), fmt::Error> {
    for (labels, value) in series {
        metric(*value).encode(encoder.encode_family(labels)?)?;
    }
    Ok(())
}
