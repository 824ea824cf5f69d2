//! Latencies, counted in an HdrHistogram.

use crate::format::Latency;
use hdrhistogram::{
    Histogram,
    serialization::{Deserializer, Serializer as _, V2Serializer},
};
use std::fmt::Write as _;
use thiserror::Error;

/// The largest latency that is told apart, in microseconds: an hour.
const MAX: u64 = 3_600_000_000;

/// Significant digits.
const DIGITS: u8 = 3;

/// More latencies than this are counted by no batch of runs; hdrhistogram adds counts up unchecked.
const MOST: u64 = 1 << 53;

/// What a serialized histogram (V2) begins with, and the length of its header: cookie, length,
/// offset, digits, low, high, ratio.
const COOKIE: u64 = 0x1c84_9313;
const HEADER: usize = 40;

/// Why the histogram of a report cannot be read: it is damaged, or not one of ours.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadHistogram {
    /// It is not written in hexadecimal.
    #[error("the histogram of latencies cannot be read: it is no hexadecimal")]
    Digits,
    /// It ends within its header.
    #[error("the histogram of latencies cannot be read: it is shorter than its header")]
    Header,
    /// Its first bytes are those of something else.
    #[error(
        "the histogram of latencies cannot be read: it does not begin as an HdrHistogram (V2) does"
    )]
    Cookie,
    /// It is cut off, or longer than it says.
    #[error(
        "the histogram of latencies cannot be read: {found} bytes of counts, and {told} were to come"
    )]
    Length {
        /// Bytes behind the header.
        found: usize,
        /// What the header says.
        told: u64,
    },
    /// It has other bounds than a report's.
    #[error(
        "the histogram of latencies cannot be read: {digits} digits from {low} to {high} us, and a report \
         has {DIGITS} from 1 to {MAX} us"
    )]
    Bounds {
        /// Significant digits.
        digits: u64,
        /// The smallest latency that it tells apart, in microseconds.
        low: u64,
        /// The largest, in microseconds.
        high: u64,
    },
    /// It counts more than `any` can make: a run, or a batch.
    #[error("the histogram of latencies cannot be read: it counts more than any {any} can make")]
    Counts {
        /// What cannot make as many.
        any: &'static str,
    },
    /// What HdrHistogram says of it.
    #[error("the histogram of latencies cannot be read: {0}")]
    Undecodable(String),
}

/// Counts latencies, in microseconds.
#[derive(Clone, Debug)]
pub struct LatencyRecorder(Option<Histogram<u64>>);

impl Default for LatencyRecorder {
    fn default() -> Self {
        // The bounds are constants that the crate accepts.
        Self(Histogram::new_with_bounds(1, MAX, DIGITS).ok())
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
        let _ = self.try_add(latency);
    }

    /// As [`LatencyRecorder::add`], telling what cannot be read; then nothing is added.
    ///
    /// # Errors
    /// The histogram is damaged, or has other bounds than a report's.
    pub fn try_add(&mut self, latency: &Latency) -> Result<(), BadHistogram> {
        let other = decode(&latency.histogram)?;
        let Some(histogram) = &mut self.0 else { return Ok(()) };
        if histogram.len().saturating_add(other.len()) > MOST {
            return Err(BadHistogram::Counts { any: "batch" });
        }
        histogram.add(other).map_err(|error| BadHistogram::Undecodable(error.to_string()))
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

/// Reads a histogram from its hexadecimal.
fn decode(text: &str) -> Result<Histogram<u64>, BadHistogram> {
    let bytes = from_hex(text).ok_or(BadHistogram::Digits)?;
    check(&bytes)?;
    Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .map_err(|error| BadHistogram::Undecodable(error.to_string()))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

/// The crate believes what it reads: it would reserve memory for any bounds and any length, and
/// overflow at counts that nobody can have counted.
fn check(bytes: &[u8]) -> Result<(), BadHistogram> {
    let Some((header, counts)) = bytes.split_at_checked(HEADER) else {
        return Err(BadHistogram::Header);
    };
    let field = |at: usize, length: usize| {
        header[at..at + length].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    };
    if field(0, 4) != COOKIE {
        return Err(BadHistogram::Cookie);
    }
    if field(4, 4) != counts.len() as u64 {
        return Err(BadHistogram::Length { found: counts.len(), told: field(4, 4) });
    }
    let bounds = (field(12, 4), field(16, 8), field(24, 8));
    if bounds != (u64::from(DIGITS), 1, MAX) {
        let (digits, low, high) = bounds;
        return Err(BadHistogram::Bounds { digits, low, high });
    }
    // Each byte of a number but its last has the high bit: eight of them begin one of 2^56 or more.
    if counts.windows(8).any(|bytes| bytes.iter().all(|byte| byte & 0x80 != 0)) {
        return Err(BadHistogram::Counts { any: "run" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Latency {
        let mut recorder = LatencyRecorder::default();
        for micros in [0, 1, 17, 18_000, 18_000, 4_000_000, u64::MAX] {
            recorder.record(micros);
        }
        recorder.summary().unwrap()
    }

    /// What comes of reading a histogram of these bytes.
    fn read(bytes: &[u8]) -> Result<Option<Latency>, String> {
        let histogram = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let latency = Latency { histogram, ..Latency::default() };
        let mut recorder = LatencyRecorder::default();
        // Twice: hdrhistogram copies into an empty histogram, and adds to another.
        recorder
            .try_add(&latency)
            .and_then(|()| recorder.try_add(&latency))
            .map(|()| recorder.summary())
            .map_err(|error| error.to_string())
    }

    /// The sample's bytes with some of them replaced.
    fn with(at: usize, replacement: &[u8]) -> Vec<u8> {
        let mut bytes = from_hex(&sample().histogram).unwrap();
        bytes[at..at + replacement.len()].copy_from_slice(replacement);
        bytes
    }

    /// The sample's header before other counts.
    fn counting(counts: &[u8]) -> Vec<u8> {
        let mut bytes = with(4, &u32::try_from(counts.len()).unwrap().to_be_bytes());
        bytes.truncate(HEADER);
        bytes.extend(counts);
        bytes
    }

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
    #[test]
    fn text_that_is_no_histogram_is_refused_and_adds_nothing() {
        let mut recorder = LatencyRecorder::default();
        recorder.record(5);
        let before = recorder.summary();
        let whole = sample().histogram;
        let long = format!("{whole}00");
        let bad = ["0", "+f", "ä", "zz", &whole[1..], &whole[2..], &long];
        for text in bad.into_iter().chain((0..whole.len()).map(|cut| &whole[..cut])) {
            let latency = Latency { histogram: text.to_owned(), ..Latency::default() };
            let error = recorder.try_add(&latency).unwrap_err().to_string();
            assert!(error.starts_with("the histogram of latencies cannot be read: "), "{error}");
            recorder.add(&latency);
            assert_eq!(recorder.summary(), before, "{text}");
        }
    }

    #[test]
    fn a_header_that_asks_for_gigabytes_is_refused() {
        assert_eq!(read(&with(0, &[])).unwrap().unwrap().count, 2 * sample().count);
        let compressed = read(&with(0, &[0x1c, 0x84, 0x93, 0x14])).unwrap_err();
        assert!(compressed.ends_with("it does not begin as an HdrHistogram (V2) does"));
        let length = read(&with(4, &[0xff; 4])).unwrap_err();
        assert!(length.ends_with("bytes of counts, and 4294967295 were to come"), "{length}");
        for (at, bytes) in [
            (12, 5_u32.to_be_bytes().as_slice()),
            (16, &0_u64.to_be_bytes()),
            (16, &u64::MAX.to_be_bytes()),
            (24, &1_u64.to_be_bytes()),
            (24, &u64::MAX.to_be_bytes()),
        ] {
            let error = read(&with(at, bytes)).unwrap_err();
            assert!(error.contains("and a report has 3 from 1 to 3600000000 us"), "{error}");
        }
        assert!(read(&with(8, &[1])).is_err(), "a normalizing offset");
        assert!(read(&with(32, &[0])).is_err(), "a ratio");
    }

    #[test]
    fn counts_that_hdrhistogram_overflows_at_are_refused() {
        // As many zeros as no number is the negative of.
        assert!(read(&counting(&[0xff; 9])).unwrap_err().contains("more than any run"));
        // 2^54 of one latency.
        let big = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40];
        assert!(read(&counting(&big)).unwrap_err().contains("more than any batch"));
        // A number that does not end, and more counts than there are places.
        assert!(read(&counting(&[0x80])).is_err());
        assert!(read(&counting(&[0xfd, 0xff, 0xff, 0x7f, 2])).is_err());
        assert_eq!(read(&counting(&[])).unwrap(), None);
    }

    proptest! {
        #[test]
        fn no_histogram_panics(
            counts in proptest::collection::vec(any::<u8>(), 0..64),
            at in 0..HEADER,
            byte: u8,
        ) {
            let _ = read(&counting(&counts));
            let _ = read(&with(at, &[byte]));
        }
    }
}
