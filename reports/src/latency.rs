//! Latencies, counted in an HdrHistogram.

use crate::Latency;
use hdrhistogram::{
    Histogram,
    serialization::{Deserializer, Serializer as _, V2Serializer},
};
use std::fmt::Write as _;

/// The largest latency that is told apart, in microseconds: an hour.
const MAX: u64 = 3_600_000_000;

/// Counts latencies, in microseconds.
#[derive(Clone, Debug)]
pub struct LatencyRecorder(Option<Histogram<u64>>);

impl Default for LatencyRecorder {
    fn default() -> Self {
        // The bounds are constants that the crate accepts.
        Self(Histogram::new_with_bounds(1, MAX, 3).ok())
    }
}

impl LatencyRecorder {
    /// Counts one.
    pub fn record(&mut self, micros: u64) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(micros);
        }
    }

    /// Adds what another has counted, as it stands in a report. What cannot be read is passed over.
    pub fn add(&mut self, latency: &Latency) {
        let bytes: Option<Vec<u8>> = (0..latency.histogram.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(latency.histogram.get(at..at + 2)?, 16).ok())
            .collect();
        let other = bytes.and_then(|bytes| {
            Deserializer::new().deserialize::<u64, _>(&mut bytes.as_slice()).ok()
        });
        if let (Some(histogram), Some(other)) = (&mut self.0, other) {
            // Both have the same bounds, unless somebody edited the report.
            let _ = histogram.add(other);
        }
    }

    /// The summary; none if nothing was counted.
    #[must_use]
    pub fn summary(&self) -> Option<Latency> {
        let histogram = self.0.as_ref().filter(|histogram| !histogram.is_empty())?;
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(histogram, &mut bytes).ok()?;
        let mut text = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Some(Latency {
            count: histogram.len(),
            min_us: histogram.min(),
            p50_us: histogram.value_at_quantile(0.5),
            p90_us: histogram.value_at_quantile(0.9),
            p99_us: histogram.value_at_quantile(0.99),
            max_us: histogram.max(),
            histogram: text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_within_a_thousandth_and_survive_the_report() {
        let mut all = LatencyRecorder::default();
        assert_eq!(all.summary(), None);
        for micros in 1..=100_000 {
            all.record(micros);
        }
        let summary = all.summary().unwrap();
        assert_eq!(summary.count, 100_000);
        for (value, expected) in
            [(summary.p50_us, 50_000_u64), (summary.p90_us, 90_000), (summary.p99_us, 99_000)]
        {
            assert!(value.abs_diff(expected) <= expected / 1_000, "{value} for {expected}");
        }
        let mut merged = LatencyRecorder::default();
        merged.add(&summary);
        merged.add(&summary);
        let merged = merged.summary().unwrap();
        assert_eq!((merged.count, merged.p50_us), (200_000, summary.p50_us));
    }
}
