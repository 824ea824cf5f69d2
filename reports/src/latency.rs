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
        // The crate believes the bounds that it reads, and would reserve memory for any.
        let other = bytes.filter(|bytes| has_our_bounds(bytes)).and_then(|bytes| {
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

/// Whether the header of a serialized histogram (V2: cookie, length, offset, digits, low, high, ratio) says what
/// ours do.
fn has_our_bounds(bytes: &[u8]) -> bool {
    let word = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let long = |at: usize| Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let length = word(4).and_then(|length| usize::try_from(length).ok());
    length.and_then(|length| length.checked_add(40)) == Some(bytes.len())
        && word(8) == Some(0)
        && word(12) == Some(3)
        && long(16) == Some(1)
        && long(24) == Some(MAX)
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

    #[test]
    fn a_damaged_histogram_is_passed_over() {
        let mut one = LatencyRecorder::default();
        one.record(1_000);
        let good = one.summary().unwrap();
        for at in 0..good.histogram.len() {
            for digit in ["0", "7", "f", "x", "é"] {
                let mut text = good.histogram.clone();
                text.replace_range(at..=at, digit);
                let mut all = LatencyRecorder::default();
                all.add(&Latency { histogram: text, ..good.clone() });
            }
        }
    }
}
