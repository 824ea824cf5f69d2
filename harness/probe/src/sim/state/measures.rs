//! What nodes measure of themselves, as a monitoring system would scrape it.

use crate::record::NodeId;
use std::collections::BTreeMap;

/// What is measured: a number of each node that tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, without the `_total` of counters.
    pub name: String,
    /// Names and values.
    pub labels: Vec<(String, String)>,
    /// It only grows, and begins at 0 with the node.
    pub counts: bool,
}

/// A node measured something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// Virtual time, in microseconds.
    pub at: u64,
    /// The node.
    pub node: NodeId,
    /// Index of what it measured.
    pub metric: usize,
    /// Its value from now on; of what counts, by how much it grows.
    pub value: f64,
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub struct Measures {
    metrics: Vec<Metric>,
    by_name: BTreeMap<String, Vec<usize>>,
    /// Of a gauge of a node: in which of the node's lives it was told last, and its value.
    last: BTreeMap<(NodeId, usize), (u32, u64)>,
    taken: Vec<Measurement>,
}

impl Measures {
    /// What was measured, by the index that measurements have.
    #[must_use]
    pub fn metrics(&self) -> &[Metric] {
        &self.metrics
    }

    /// In the order of time. A gauge that is told the value that it has is told once.
    #[must_use]
    pub fn all(&self) -> &[Measurement] {
        &self.taken
    }

    /// Takes a measurement that `node` makes in its `life`-th life.
    pub fn take(
        &mut self,
        (node, life): (NodeId, u32),
        at: u64,
        (name, labels, counts): (&str, &[(&str, &str)], bool),
        value: f64,
    ) {
        let metric = self.metric(name, labels, counts);
        let told = (life, value.to_bits());
        if counts || self.last.insert((node, metric), told) != Some(told) {
            self.taken.push(Measurement { at, node, metric, value });
        }
    }

    /// Adds what a process measured. It is no earlier than what was added before.
    #[cfg(feature = "live")]
    pub fn add(&mut self, measured: &crate::live::Measured) {
        let labels: Vec<_> =
            measured.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let metric = self.metric(&measured.name, &labels, measured.counts);
        let (at, node, value) = (measured.at, measured.node, measured.value);
        self.taken.push(Measurement { at, node, metric, value });
    }

    fn metric(&mut self, name: &str, labels: &[(&str, &str)], counts: bool) -> usize {
        let same = |metric: &&usize| {
            let known = &self.metrics[**metric];
            let told = known.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            known.counts == counts && told.eq(labels.iter().copied())
        };
        let of_name = self.by_name.get(name);
        if let Some(known) = of_name.and_then(|all| all.iter().find(same)) {
            return *known;
        }
        let new = self.metrics.len();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let labels = labels.iter().map(owned).collect();
        self.metrics.push(Metric { name: name.to_owned(), labels, counts });
        self.by_name.entry(name.to_owned()).or_default().push(new);
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROKER: (NodeId, u32) = (NodeId(0), 0);

    fn values(measures: &Measures) -> Vec<(usize, f64)> {
        measures.all().iter().map(|told| (told.metric, told.value)).collect()
    }

    #[test]
    fn a_gauge_is_kept_when_it_changes_or_its_node_begins_anew_and_a_counter_always() {
        let mut measures = Measures::default();
        let lag = |group| ("lag", [("group", group)], false);
        for (who, group, value) in [
            (BROKER, "a", 1.0),
            (BROKER, "a", 1.0),
            (BROKER, "b", 1.0),
            ((NodeId(1), 0), "a", 1.0),
            ((NodeId(0), 1), "a", 1.0),
            ((NodeId(0), 1), "a", 2.0),
        ] {
            let (name, labels, counts) = lag(group);
            measures.take(who, 0, (name, &labels, counts), value);
        }
        assert_eq!(values(&measures), [(0, 1.0), (1, 1.0), (0, 1.0), (0, 1.0), (0, 2.0)]);
        measures.take(BROKER, 0, ("events", &[], true), 2.0);
        measures.take(BROKER, 0, ("events", &[], true), 2.0);
        assert_eq!(values(&measures)[5..], [(2, 2.0), (2, 2.0)]);
        assert_eq!(measures.metrics().len(), 3);
    }
}
