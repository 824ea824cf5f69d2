//! The numbers of one run over its virtual time, as a monitoring system that scrapes its nodes would have them.

use serde::{Deserialize, Serialize};

/// What a run's nodes would have told a monitoring system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// From one scrape to the next, in milliseconds of virtual time; the first is at 0.
    pub every_ms: u64,
    /// How many scrapes there are.
    pub scrapes: usize,
    /// When the first fault began, in milliseconds of virtual time; none if none did.
    #[serde(default)]
    pub fault_ms: Option<u64>,
    /// By name.
    pub families: Vec<Family>,
}

/// Metrics of one name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// Without the `_total` of a counter.
    pub name: String,
    /// What its values are.
    pub kind: MetricKind,
    /// What it means, in a line.
    pub help: String,
    /// By labels.
    pub metrics: Vec<SeriesMetric>,
}

/// What the values of a metric are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MetricKind {
    /// A value that comes and goes.
    Gauge,
    /// A number that only grows, and begins at 0 with its node.
    Counter,
    /// How many observations were at most this large, for some sizes.
    Histogram,
}

impl MetricKind {
    /// As OpenMetrics calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
        }
    }
}

/// A metric of one set of labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesMetric {
    /// Names and values.
    pub labels: Vec<(String, String)>,
    /// One, or several of a histogram.
    pub samples: Vec<Sample>,
}

/// One number over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Behind the family's name: `_total`, `_bucket`, …
    pub suffix: String,
    /// Of a bucket: its upper bound.
    pub le: Option<String>,
    /// By scrape; none while nobody tells it.
    pub values: Vec<Option<f64>>,
}

impl Series {
    /// Every sample with its full name and all its labels.
    pub fn samples(&self) -> impl Iterator<Item = (String, Vec<(&str, &str)>, &Sample)> {
        self.families.iter().flat_map(|family| {
            family.metrics.iter().flat_map(move |metric| {
                metric.samples.iter().map(move |sample| {
                    let labels = metric.labels.iter().map(|(name, value)| (&**name, &**value));
                    let le = sample.le.as_deref().map(|le| ("le", le));
                    let name = format!("{}{}", family.name, sample.suffix);
                    (name, labels.chain(le).collect(), sample)
                })
            })
        })
    }
}

/// A sample's name with its labels, as Prometheus writes it: `up{instance="broker-1"}`.
#[must_use]
pub fn sample_name(name: &str, labels: &[(&str, &str)]) -> String {
    if labels.is_empty() {
        return name.to_owned();
    }
    let escaped = |value: &str| {
        value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\r', "")
    };
    let labels: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    format!("{name}{{{}}}", labels.join(","))
}

/// A value, as Prometheus writes it.
#[must_use]
pub fn sample_value(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}
