//! What was measured, for people and for programs.

use crate::measure::Samples;
use serde::Serialize;
use std::fmt::Write as _;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Of two things that were measured in turns.
    Ratio,
    /// In one second of processor.
    PerSecond,
    /// Seconds of virtual time in one second of processor.
    TimesRealTime,
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
    Bytes,
}

/// A line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The part of the bench.
    pub part: &'static str,
    /// As `ratios.json` calls it, if it is kept there: a ratio, of which less is better.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<&'static str>,
    /// What was measured.
    pub what: String,
    pub value: f64,
    pub unit: Unit,
    /// Half of the distance between the quartiles, as a share of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
}

impl Row {
    pub fn of(part: &'static str, what: impl Into<String>, samples: &Samples, unit: Unit) -> Self {
        let spread = (samples.0.len() > 1).then(|| samples.spread());
        Self { part, kept: None, what: what.into(), value: samples.median(), unit, spread }
    }

    pub fn kept(self, name: &'static str) -> Self {
        Self { kept: Some(name), ..self }
    }

    fn value(&self) -> String {
        let value = self.value;
        let digits = match value.abs() {
            value if value >= 100.0 => 0,
            value if value >= 10.0 => 1,
            value if value >= 1.0 => 2,
            _ => 3,
        };
        let unit = match self.unit {
            Unit::Ratio | Unit::TimesRealTime => "x",
            Unit::PerSecond => "/s",
            Unit::Seconds => " s",
            Unit::Milliseconds => " ms",
            Unit::Microseconds => " us",
            Unit::Nanoseconds => " ns",
            Unit::Bytes => " B",
        };
        if value != 0.0 && value.abs() < 0.001 {
            return format!("{value:.1e}{unit}");
        }
        format!("{value:.digits$}{unit}")
    }
}

/// A part of the table, no line of it longer than 80 columns.
pub fn text(title: &str, rows: &[Row]) -> String {
    let mut out = format!("{title}\n");
    for row in rows {
        let spread = row.spread.map_or(String::new(), |spread| format!("±{:.0}%", spread * 1e2));
        // Writing to a String cannot fail.
        let _ = write!(out, "  {:<58} {:>11} {:>5}", row.what, row.value(), spread);
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}
