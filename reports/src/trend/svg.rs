//! The picture of a trend: pass rates with their intervals, and below them the median recovery.

use crate::{
    text::{
        fit,
        markup::html as escape,
        numbers::{percent, short},
    },
    trend::model::{Trend, TrendPoint},
};
use std::fmt::Write as _;

/// Sizes in the picture's own units.
const LEFT: f64 = 70.0;
const WIDTH: f64 = 800.0;
const PANEL: f64 = 160.0;
const TOP: f64 = 30.0;
const GAP: f64 = 50.0;
const BOTTOM: f64 = 120.0;

/// Labels below the axis, so that they do not meet.
const LABELS: usize = 40;

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#222}.grid{stroke:#8884}\
.line{fill:none;stroke:#2563b0;stroke-width:2}.dot{fill:#2563b0}.bar{stroke:#2563b0;stroke-width:1.5}\
@media(prefers-color-scheme:dark){text{fill:#eee}.line,.bar{stroke:#7fb2f0}.dot{fill:#7fb2f0}}";

impl Trend {
    /// A picture that stands alone, light and dark.
    #[must_use]
    pub fn svg(&self) -> String {
        let height = TOP + 2.0 * PANEL + GAP + BOTTOM;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             aria-label=\"pass rate and median recovery of {} reports\"><style>{STYLE}</style>",
            self.points.len()
        );
        self.pass_rates(&mut out, TOP);
        self.recoveries(&mut out, TOP + PANEL + GAP);
        self.labels(&mut out, TOP + 2.0 * PANEL + GAP + 16.0);
        out.push_str("</svg>\n");
        out
    }

    /// From left to right.
    fn x(&self, index: usize) -> f64 {
        // Labels lean to the right.
        let width = WIDTH - LEFT - 60.0;
        LEFT + width * (index as f64 + 0.5) / self.points.len().max(1) as f64
    }

    fn pass_rates(&self, out: &mut String, top: f64) {
        // From what is the lowest, in tenths, to all.
        let lowest = self
            .points
            .iter()
            .filter(|point| point.pass_rate.is_some())
            .map(|point| (point.interval.low * 10.0).floor() / 10.0)
            .fold(0.9, f64::min);
        let y = |rate: f64| top + PANEL * (1.0 - (rate - lowest) / (1.0 - lowest));
        panel(out, top, "pass rate");
        for step in 0..=4 {
            let rate = lowest + (1.0 - lowest) * f64::from(step) / 4.0;
            grid(out, y(rate), &format!("{} %", percent(rate)));
        }
        for (index, point) in self.points.iter().enumerate() {
            let Some(rate) = point.pass_rate else { continue };
            let (x, low, high) = (self.x(index), y(point.interval.low), y(point.interval.high));
            let title = format!(
                "{}: {} % of {} runs, {} to {} %",
                point.label,
                percent(rate),
                point.runs,
                percent(point.interval.low),
                percent(point.interval.high),
            );
            let _ = write!(
                out,
                "<g><title>{}</title><line class=\"bar\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{low:.1}\" \
                 y2=\"{high:.1}\"/><circle class=\"dot\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"4\"/></g>",
                escape(&title),
                y(rate),
            );
        }
        self.line(out, |point| point.pass_rate.map(y));
    }

    fn recoveries(&self, out: &mut String, top: f64) {
        let highest =
            self.points.iter().filter_map(|point| point.recovery_ms).max().unwrap_or(0).max(1);
        let y = |ms: u64| top + PANEL * (1.0 - ms as f64 / highest as f64);
        panel(out, top, "median recovery");
        for step in 0..=4 {
            // Without overflow.
            let ms = (highest as f64 * f64::from(step) / 4.0) as u64;
            grid(out, y(ms), &short(ms.saturating_mul(1_000)));
        }
        for (index, point) in self.points.iter().enumerate() {
            let (x, title) = (self.x(index), escape(&point.label));
            let _ = match point.recovery_ms {
                None if point.pass_rate.is_none() => continue,
                Some(ms) => write!(
                    out,
                    "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"4\"><title>{title}: {}\
                     </title></circle>",
                    y(ms),
                    short(ms.saturating_mul(1_000)),
                ),
                None => write!(
                    out,
                    "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">never</text>",
                    top + 12.0
                ),
            };
        }
        self.line(out, |point| point.recovery_ms.map(y));
    }

    /// A line through the points that are known, broken where one is not, and before one that is not of the same tests.
    fn line(&self, out: &mut String, y: impl Fn(&TrendPoint) -> Option<f64>) {
        let mut path = String::new();
        let mut pen = 'M';
        for (index, point) in self.points.iter().enumerate() {
            match y(point) {
                Some(y) => {
                    pen = if point.same_tests { pen } else { 'M' };
                    let _ = write!(path, "{pen}{:.1} {y:.1}", self.x(index));
                    pen = 'L';
                }
                None => pen = 'M',
            }
        }
        let _ = write!(out, "<path class=\"line\" d=\"{path}\"/>");
    }

    fn labels(&self, out: &mut String, y: f64) {
        let every = self.points.len().div_ceil(LABELS).max(1);
        for (index, point) in self.points.iter().enumerate().step_by(every) {
            let x = self.x(index);
            let text = if point.told_by.is_empty() { &point.label } else { &point.told_by };
            let _ = write!(
                out,
                "<text transform=\"translate({x:.1} {y:.1}) rotate(45)\">{}</text>",
                escape(&fit(text, 24)),
            );
        }
    }
}

fn panel(out: &mut String, top: f64, title: &str) {
    let _ = write!(out, "<text x=\"{LEFT}\" y=\"{:.1}\">{title}</text>", top - 8.0);
}

fn grid(out: &mut String, y: f64, text: &str) {
    let _ = write!(
        out,
        "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
        WIDTH - 20.0,
        LEFT - 8.0,
        y + 4.0,
    );
}
