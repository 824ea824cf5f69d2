//! Small pictures in a page: how sure a pass rate is, and how long recoveries took.
//!
//! They are made of whole numbers, so that every machine draws the same.

use crate::{
    format::Run,
    stats::{Interval, Z, wilson},
    text::numbers::short_ms,
};
use std::fmt::Write as _;

/// Upper bounds of recovery times that are counted together, in milliseconds; what is longer than
/// the last is in a bin of its own.
const BOUNDS: [u64; 15] = [
    10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000,
    500_000,
];

/// Width of a bin, and of what stands between the bins and those that never recovered.
const BIN: usize = 10;
const GAP: usize = 10;

/// The share of runs that passed, with its Wilson interval (95 %), in tenths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) share: u64,
    pub(crate) low: u64,
    pub(crate) high: u64,
}

impl Rate {
    /// None of nothing.
    pub(crate) fn of(passed: usize, all: usize) -> Option<Self> {
        if all == 0 {
            return None;
        }
        let Interval { low, high } = wilson(passed, all, Z);
        let tenths = |share: f64| (share.clamp(0.0, 1.0) * 1_000.0).round() as u64;
        Some(Self {
            share: tenths(passed as f64 / all as f64),
            low: tenths(low),
            high: tenths(high),
        })
    }

    /// `75 %`
    pub(crate) fn share(self) -> String {
        percent(self.share)
    }

    /// `30.1–95.4 %`
    pub(crate) fn interval(self) -> String {
        format!("{}–{}", percent(self.low).trim_end_matches(" %"), percent(self.high))
    }

    /// The bar.
    pub(crate) fn svg(self) -> String {
        let Self { share, low, high } = self;
        format!(
            "<svg class=rate width=104 height=14 viewBox=\"-20 0 1040 140\" role=img \
             aria-label=\"{} passed, 95 % interval {}\"><path class=track d=\"M0 70h1000\"/>\
             <rect class=interval x={low} y=35 width={} height=70 rx=20 />\
             <path class=point d=\"M{share} 10v120\"/></svg>",
            self.share(),
            self.interval(),
            (high - low).max(4),
        )
    }
}

fn percent(tenths: u64) -> String {
    if tenths.is_multiple_of(10) {
        format!("{} %", tenths / 10)
    } else {
        format!("{}.{} %", tenths / 10, tenths % 10)
    }
}

/// Which bins the charts of a report have, so that they can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    first: usize,
    last: usize,
    never: bool,
}

fn bin(ms: u64) -> usize {
    BOUNDS.iter().position(|bound| ms <= *bound).unwrap_or(BOUNDS.len())
}

impl Axis {
    /// The axis on which all of these runs have a place.
    pub(crate) fn of<'a>(runs: impl Iterator<Item = &'a Run>) -> Self {
        let (mut first, mut last, mut never) = (bin(100), bin(1_000), false);
        for run in runs {
            match run.recovery_ms {
                Some(ms) => (first, last) = (first.min(bin(ms)), last.max(bin(ms))),
                None => never = true,
            }
        }
        Self { first, last, never }
    }

    fn width(self) -> usize {
        (self.last + 1 - self.first) * BIN + if self.never { GAP + 2 * BIN } else { 0 }
    }

    fn never_at(self) -> usize {
        (self.last + 1 - self.first) * BIN + GAP
    }

    /// The labels under the charts.
    fn labels(self, out: &mut String, y: usize) {
        for (bound, words) in
            [(10, "10ms"), (100, "0.1s"), (1_000, "1s"), (10_000, "10s"), (100_000, "100s")]
        {
            let bin = bin(bound);
            if (self.first..=self.last).contains(&bin) {
                // Writing to a String cannot fail, here and below.
                let x = (bin + 1 - self.first) * BIN - 1;
                let _ = write!(out, "<text x={x} y={y}>{words}</text>");
            }
        }
        if self.never {
            let x = self.never_at() + BIN;
            let _ = write!(out, "<text x={x} y={y}>never</text>");
        }
    }

    /// A row of labels alone, for the head of a table.
    pub(crate) fn head(self) -> String {
        let width = self.width();
        let mut out = format!(
            "<svg class=axis width={} height=12 viewBox=\"-16 0 {} 12\" aria-hidden=true>",
            width + 32,
            width + 32,
        );
        self.labels(&mut out, 10);
        out + "</svg>"
    }

    /// How many of the runs recovered within which time.
    pub(crate) fn histogram(self, runs: &[&Run], labelled: bool) -> String {
        let mut counts = vec![0_usize; self.last + 1 - self.first];
        let mut never = 0;
        for run in runs {
            match run.recovery_ms {
                Some(ms) => counts[bin(ms).clamp(self.first, self.last) - self.first] += 1,
                None => never += 1,
            }
        }
        let most = counts.iter().copied().chain([never]).max().unwrap_or(0).max(1);
        let (width, foot) = (self.width(), if labelled { 14 } else { 0 });
        let mut words: Vec<String> = Vec::new();
        let mut bars = String::new();
        for (place, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let bound = BOUNDS.get(place + self.first);
            words.push(match bound {
                Some(ms) => format!("{count} within {}", short_ms(*ms)),
                None => format!("{count} later"),
            });
            let height = (count * 26).div_ceil(most).max(2);
            let (x, y) = (place * BIN, 28 - height);
            let _ = write!(bars, "<rect x={x} y={y} width={} height={height} />", BIN - 2);
        }
        if never > 0 {
            words.push(format!("{never} never"));
            let height = (never * 26).div_ceil(most).max(2);
            let (x, y) = (self.never_at() + BIN / 2, 28 - height);
            let _ = write!(bars, "<rect class=never x={x} y={y} width={BIN} height={height} />");
        }
        let words = if words.is_empty() { "no run".to_owned() } else { words.join(", ") };
        let mut out = format!(
            "<svg class=histogram width={} height={} viewBox=\"-16 0 {} {}\" role=img \
             aria-label=\"Recovered: {words}\"><title>Recovered: {words}</title>\
             <path class=track d=\"M0 28.5h{}",
            width + 32,
            30 + foot,
            width + 32,
            30 + foot,
            (self.last + 1 - self.first) * BIN - 2,
        );
        if self.never {
            let _ = write!(out, "M{} 28.5h{}", self.never_at(), 2 * BIN);
        }
        let _ = write!(out, "\"/>{bars}");
        if labelled {
            self.labels(&mut out, 40);
        }
        out + "</svg>"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_intervals_are_those_of_the_books() {
        let of = |passed, all| Rate::of(passed, all).map(|rate| (rate.share, rate.low, rate.high));
        // R: binom::binom.confint(x, n, methods = "wilson")
        assert_eq!(of(10, 10), Some((1_000, 722, 1_000)));
        assert_eq!(of(0, 10), Some((0, 0, 278)));
        assert_eq!(of(15, 20), Some((750, 531, 888)));
        assert_eq!(of(999, 1_000), Some((999, 994, 1_000)));
        assert_eq!(of(0, 0), None);
        let rate = Rate::of(15, 20).unwrap();
        assert_eq!((rate.share(), rate.interval()), ("75 %".into(), "53.1–88.8 %".into()));
    }

    #[test]
    fn runs_that_never_recovered_have_a_bar() {
        let run = |recovery_ms| Run { recovery_ms, ..Run::default() };
        let runs = [run(Some(0)), run(Some(5_000)), run(Some(u64::MAX)), run(None), run(None)];
        let runs: Vec<&Run> = runs.iter().collect();
        let svg = Axis::of(runs.iter().copied()).histogram(&runs, true);
        assert!(svg.contains("1 within 10ms, 1 within 5.0s, 1 later, 2 never\""), "{svg}");
        assert!(svg.contains("class=never") && svg.contains(">never</text>"), "{svg}");
        let svg = Axis::of(std::iter::empty()).histogram(&[], false);
        assert!(svg.contains("no run") && !svg.contains("never"), "{svg}");
    }
}
