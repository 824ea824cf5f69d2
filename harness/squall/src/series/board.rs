//! What is shown now, by every node and of every group, and what was shown at each scrape.

use squall_probe::NodeId;
use squall_reports::{Family, MetricKind, Sample, SeriesMetric};
use std::collections::{BTreeMap, BTreeSet};

/// Upper bounds of the buckets of histograms, in seconds.
const BUCKETS: &[f64] = &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Names a metric and its labels.
pub(super) type Labels = Vec<(String, String)>;

/// Which number of a metric it is, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Value,
    Bucket(usize),
    Count,
    Sum,
}

impl Part {
    fn sample(self, kind: MetricKind) -> (&'static str, Option<String>) {
        match self {
            Self::Value if kind == MetricKind::Counter => ("_total", None),
            Self::Value => ("", None),
            Self::Bucket(index) => {
                let bound = BUCKETS.get(index).map_or("+Inf".to_owned(), ToString::to_string);
                ("_bucket", Some(bound))
            }
            Self::Count => ("_count", None),
            Self::Sum => ("_sum", None),
        }
    }
}

#[derive(Debug, Default)]
struct Shown {
    /// Whose number it is: it is gone when the node is.
    node: Option<NodeId>,
    now: Option<f64>,
    /// By scrape; what is missing at the end was not shown.
    seen: Vec<Option<f64>>,
}

/// Every number.
#[derive(Debug, Default)]
pub(super) struct Board {
    shown: BTreeMap<(String, Labels, Part), Shown>,
    /// Nodes that do not answer, though they keep their numbers.
    silent: BTreeSet<NodeId>,
    scrapes: usize,
}

impl Board {
    fn part(&mut self, node: Option<NodeId>, name: &str, labels: Labels, part: Part) -> &mut f64 {
        let shown = self.shown.entry((name.to_owned(), labels, part)).or_default();
        shown.node = node;
        shown.now.get_or_insert(0.0)
    }

    /// A gauge has this value from now on.
    pub(super) fn set(&mut self, node: Option<NodeId>, name: &str, labels: Labels, value: f64) {
        *self.part(node, name, labels, Part::Value) = value;
    }

    /// A number grows.
    pub(super) fn add(&mut self, node: Option<NodeId>, name: &str, labels: Labels, by: f64) {
        *self.part(node, name, labels, Part::Value) += by;
    }

    /// A histogram takes an observation in.
    pub(super) fn observe(&mut self, name: &str, labels: &Labels, value: f64) {
        for bucket in 0..=BUCKETS.len() {
            let within = BUCKETS.get(bucket).is_none_or(|bound| value <= *bound);
            *self.part(None, name, labels.clone(), Part::Bucket(bucket)) +=
                f64::from(u8::from(within));
        }
        *self.part(None, name, labels.clone(), Part::Count) += 1.0;
        *self.part(None, name, labels.clone(), Part::Sum) += value;
    }

    /// A node is down: its numbers are gone, and begin anew with it.
    pub(super) fn forget(&mut self, node: NodeId) {
        self.silent.remove(&node);
        for shown in self.shown.values_mut().filter(|shown| shown.node == Some(node)) {
            shown.now = None;
        }
    }

    /// A node does not answer scrapes, or does again.
    pub(super) fn silence(&mut self, node: NodeId, silent: bool) {
        if silent {
            self.silent.insert(node);
        } else {
            self.silent.remove(&node);
        }
    }

    pub(super) fn is_silent(&self, node: NodeId) -> bool {
        self.silent.contains(&node)
    }

    /// What is shown of a gauge or a counter now: its labels and its value.
    pub(super) fn now(&self, wanted: &str) -> impl Iterator<Item = (&Labels, f64)> {
        self.shown.iter().filter_map(move |((name, labels, part), shown)| {
            let value = shown.now.filter(|_| name == wanted && *part == Part::Value)?;
            Some((labels, value))
        })
    }

    /// Takes down what is shown now.
    pub(super) fn scrape(&mut self) {
        for shown in self.shown.values_mut() {
            let answers = shown.node.is_none_or(|node| !self.silent.contains(&node));
            if let Some(now) = shown.now.filter(|_| answers) {
                shown.seen.resize(self.scrapes, None);
                shown.seen.push(Some(now));
            }
        }
        self.scrapes += 1;
    }

    /// All that was scraped, by name; `known` says what the values of a name are, and what it means.
    pub(super) fn families(self, known: impl Fn(&str) -> (MetricKind, String)) -> Vec<Family> {
        let mut all: Vec<Family> = Vec::new();
        for ((name, labels, part), shown) in self.shown {
            let mut values = shown.seen;
            if values.is_empty() {
                continue;
            }
            values.resize(self.scrapes, None);
            if all.last().is_none_or(|family| family.name != name) {
                let (kind, help) = known(&name);
                all.push(Family { name, kind, help, metrics: Vec::new() });
            }
            let Some(family) = all.last_mut() else { continue };
            let (suffix, le) = part.sample(family.kind);
            let sample = Sample { suffix: suffix.to_owned(), le, values };
            match family.metrics.last_mut().filter(|metric| metric.labels == labels) {
                Some(metric) => metric.samples.push(sample),
                None => family.metrics.push(SeriesMetric { labels, samples: vec![sample] }),
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(board: Board, wanted: &str) -> Vec<Option<f64>> {
        let families = board.families(|_| (MetricKind::Gauge, String::new()));
        let family = families.into_iter().find(|family| family.name == wanted).unwrap();
        family.metrics[0].samples[0].values.clone()
    }

    #[test]
    fn a_node_s_numbers_go_with_it_and_begin_anew() {
        let (mut board, node) = (Board::default(), NodeId(1));
        board.scrape();
        board.add(Some(node), "seen", Vec::new(), 3.0);
        board.scrape();
        board.silence(node, true);
        board.scrape();
        board.silence(node, false);
        board.scrape();
        board.forget(node);
        board.scrape();
        board.add(Some(node), "seen", Vec::new(), 1.0);
        board.scrape();
        board.forget(node);
        board.scrape();
        let expected = [None, Some(3.0), None, Some(3.0), None, Some(1.0), None];
        assert_eq!(values(board, "seen"), expected);
    }

    #[test]
    fn a_bucket_counts_what_is_at_most_as_large() {
        let mut board = Board::default();
        for seconds in [0.01, 0.3, 100.0] {
            board.observe("latency", &Vec::new(), seconds);
        }
        board.scrape();
        let families = board.families(|_| (MetricKind::Histogram, String::new()));
        let told: Vec<(&str, Option<&str>, f64)> = families[0].metrics[0]
            .samples
            .iter()
            .map(|s| (&*s.suffix, s.le.as_deref(), s.values[0].unwrap()))
            .collect();
        assert_eq!(told[0], ("_bucket", Some("0.01"), 1.0));
        assert_eq!(told[5], ("_bucket", Some("0.5"), 2.0));
        assert_eq!(told[12], ("_bucket", Some("+Inf"), 3.0));
        assert_eq!(told[13..], [("_count", None, 3.0), ("_sum", None, 100.31)]);
    }
}
