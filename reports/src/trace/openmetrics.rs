//! OpenMetrics' text form, with a timestamp at every sample: what `promtool tsdb create-blocks-from openmetrics` reads.
//!
//! Source: OpenMetrics 1.0. Metrics of one name stand together, and of each all its points, in the order of time.
//! Timestamps are seconds of virtual time, so that a run begins in 1970.

use crate::series::{Series, sample_name, sample_value};
use std::fmt::Write as _;

/// The series as text.
#[must_use]
pub fn openmetrics(series: &Series) -> String {
    let mut out = String::new();
    for family in &series.families {
        let _ = writeln!(out, "# TYPE {} {}", family.name, family.kind.name());
        if !family.help.is_empty() {
            let help = family.help.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " ");
            let _ = writeln!(out, "# HELP {} {help}", family.name);
        }
        for metric in &family.metrics {
            let labels = || metric.labels.iter().map(|(name, value)| (&**name, &**value));
            let names: Vec<String> = metric
                .samples
                .iter()
                .map(|sample| {
                    let le = sample.le.as_deref().map(|le| ("le", le));
                    let labels: Vec<(&str, &str)> = labels().chain(le).collect();
                    sample_name(&format!("{}{}", family.name, sample.suffix), &labels)
                })
                .collect();
            for scrape in 0..series.scrapes {
                let ms = series.every_ms * scrape as u64;
                for (name, sample) in names.iter().zip(&metric.samples) {
                    if let Some(Some(value)) = sample.values.get(scrape) {
                        let (s, ms) = (ms / 1_000, ms % 1_000);
                        let _ = writeln!(out, "{name} {} {s}.{ms:03}", sample_value(*value));
                    }
                }
            }
        }
    }
    out.push_str("# EOF\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::{Family, MetricKind, Sample, SeriesMetric};

    /// A sample's suffix, bound and values.
    type Told<'a> = (&'a str, Option<&'a str>, &'a [Option<f64>]);

    fn metric(labels: &[(&str, &str)], samples: &[Told<'_>]) -> SeriesMetric {
        SeriesMetric {
            labels: labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            samples: samples
                .iter()
                .map(|(suffix, le, values)| Sample {
                    suffix: (*suffix).to_owned(),
                    le: le.map(str::to_owned),
                    values: values.to_vec(),
                })
                .collect(),
        }
    }

    #[test]
    fn families_stand_together_and_what_nobody_told_is_no_sample() {
        let family = |name: &str, kind, metrics| Family {
            name: name.to_owned(),
            kind,
            help: format!("what \"{name}\"\nmeans"),
            metrics,
        };
        let series = Series {
            every_ms: 500,
            scrapes: 3,
            fault_ms: None,
            families: vec![
                family(
                    "seen",
                    MetricKind::Counter,
                    vec![
                        metric(
                            &[("instance", "a")],
                            &[("_total", None, &[Some(0.0), None, Some(2.5)])],
                        ),
                        metric(&[("instance", "b\"\\\n")], &[("_total", None, &[None, Some(1.0)])]),
                    ],
                ),
                family(
                    "slow",
                    MetricKind::Histogram,
                    vec![metric(
                        &[],
                        &[
                            ("_bucket", Some("0.1"), &[Some(1.0)]),
                            ("_bucket", Some("+Inf"), &[Some(2.0)]),
                            ("_sum", None, &[Some(f64::INFINITY)]),
                        ],
                    )],
                ),
            ],
        };
        let expected = "# TYPE seen counter\n# HELP seen what \\\"seen\\\" means\n\
            seen_total{instance=\"a\"} 0 0.000\nseen_total{instance=\"a\"} 2.5 1.000\n\
            seen_total{instance=\"b\\\"\\\\\\n\"} 1 0.500\n\
            # TYPE slow histogram\n# HELP slow what \\\"slow\\\" means\n\
            slow_bucket{le=\"0.1\"} 1 0.000\nslow_bucket{le=\"+Inf\"} 2 0.000\nslow_sum +Inf 0.000\n\
            # EOF\n";
        assert_eq!(openmetrics(&series), expected);
    }
}
