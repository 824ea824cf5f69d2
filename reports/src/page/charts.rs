//! Small pictures in a page: how sure a pass rate is, how long recoveries took, and how two samples lie to each other.
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

/// A number of each run of one side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    /// In order.
    values: Vec<u64>,
    /// Runs of which it is only known that it would be larger than any.
    never: usize,
}

impl Sample {
    /// What is known of each run; none for what never came.
    pub(crate) fn of(values: impl Iterator<Item = Option<u64>>) -> Self {
        let mut sample = Self::default();
        for value in values {
            match value {
                Some(value) => sample.values.push(value),
                None => sample.never += 1,
            }
        }
        sample.values.sort_unstable();
        sample
    }

    fn is_empty(&self) -> bool {
        self.values.is_empty() && self.never == 0
    }

    /// The value below which this share of all runs is, in hundredths; none if that many never came to one.
    fn quantile(&self, hundredths: usize) -> Option<u64> {
        let all = self.values.len() + self.never;
        self.values.get((all.saturating_sub(1) * hundredths).div_ceil(100)).copied()
    }

    fn words(&self, unit: fn(u64) -> String) -> String {
        let value = |hundredths| self.quantile(hundredths).map_or_else(|| "never".to_owned(), unit);
        let never = if self.never > 0 { format!(", {} never", self.never) } else { String::new() };
        format!("median {}, half of them {} to {}{never}", value(50), value(25), value(75))
    }
}

/// The place of a value on a scale on which each doubling takes as much room, and what is between is divided evenly: in
/// thousandths of a doubling.
fn doublings(value: u64) -> u64 {
    let value = value.max(1);
    let whole = value.ilog2();
    let rest = (u128::from(value - (1 << whole)) * 1_000) >> whole;
    u64::from(whole) * 1_000 + u64::try_from(rest).unwrap_or(0)
}

/// The scale on which the samples of a page are drawn, so that they can be compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    from: u64,
    to: u64,
    never: bool,
}

/// Width of a pair of samples without what never came.
const PAIR: u64 = 110;

impl Scale {
    /// The scale on which all of these have a place.
    pub(crate) fn of<'a>(samples: impl Iterator<Item = &'a Sample>) -> Self {
        let (mut from, mut to, mut never) = (u64::MAX, 0, false);
        for sample in samples {
            never |= sample.never > 0;
            for value in sample.values.first().into_iter().chain(sample.values.last()) {
                (from, to) = (from.min(doublings(*value)), to.max(doublings(*value)));
            }
        }
        Self { from: from.min(to), to: to.max(from.min(to) + 1_000), never }
    }

    fn x(self, value: u64) -> u64 {
        let place = doublings(value).clamp(self.from, self.to) - self.from;
        place * PAIR / (self.to - self.from)
    }

    /// The base above, the head below: from the smallest to the largest a line, half of the runs a box, the median a mark,
    /// and runs that never came to a value a bar at the end, as high as their share. `unit` puts a value in words.
    pub(crate) fn pair(self, base: &Sample, head: &Sample, unit: fn(u64) -> String) -> String {
        if base.is_empty() && head.is_empty() {
            return "–".to_owned();
        }
        let words = format!("base: {}; head: {}", base.words(unit), head.words(unit));
        let width = PAIR + 8 + if self.never { 14 } else { 0 };
        let mut out = format!(
            "<svg class=pair width={width} height=26 viewBox=\"-4 0 {width} 26\" role=img \
             aria-label=\"{words}\"><title>{words}</title>"
        );
        for (sample, name, y) in [(base, "base", 6), (head, "head", 19)] {
            let (Some(least), Some(most)) = (sample.values.first(), sample.values.last()) else {
                continue;
            };
            let (from, to) = (self.x(*least), self.x(*most));
            // Writing to a String cannot fail, here and below.
            let _ = write!(out, "<g class={name}><path d=\"M{from} {y}H{}\"/>", to.max(from + 1));
            let low = self.x(sample.quantile(25).unwrap_or(*most));
            let high = sample.quantile(75).map_or(PAIR, |value| self.x(value));
            let box_width = (high - low).max(2);
            let _ = write!(out, "<rect x={low} y={} width={box_width} height=8 />", y - 4);
            if let Some(median) = sample.quantile(50) {
                let _ = write!(out, "<path class=median d=\"M{} {}v12\"/>", self.x(median), y - 6);
            }
            out.push_str("</g>");
        }
        for (sample, y) in [(base, 6), (head, 19)] {
            let all = sample.values.len() + sample.never;
            if sample.never > 0 {
                let height = (sample.never * 12).div_ceil(all);
                let x = PAIR + 8;
                let _ = write!(
                    out,
                    "<rect class=never x={x} y={} width=6 height={height} />",
                    y + 6 - height
                );
            }
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

    #[test]
    fn pairs_of_samples_lie_on_one_scale() {
        let of = |values: &[u64], never: usize| {
            let values = values.iter().copied().map(Some);
            Sample::of(values.chain(std::iter::repeat_n(None, never)))
        };
        assert_eq!([1, 2, 3, 4].map(doublings), [0, 1_000, 1_500, 2_000]);
        let (base, head) = (of(&[100, 200, 400], 0), of(&[200, 400, 800], 1));
        let scale = Scale::of([&base, &head].into_iter());
        assert_eq!([50, 100, 800, 9_000].map(|value| scale.x(value)), [0, 0, PAIR, PAIR]);
        let svg = scale.pair(&base, &head, short_ms);
        let words = "base: median 200ms, half of them 200ms to 400ms; \
                     head: median 800ms, half of them 400ms to never, 1 never";
        assert!(svg.contains(words), "{svg}");
        assert!(svg.contains("class=never"), "{svg}");
        // Nothing, and numbers at the end of what there is, are drawn as well.
        assert_eq!(scale.pair(&of(&[], 0), &of(&[], 0), short_ms), "–");
        let all = of(&[0, u64::MAX], 0);
        let svg = Scale::of([&all].into_iter()).pair(&all, &of(&[], 3), short_ms);
        assert!(svg.contains("head: median never"), "{svg}");
    }
}
