//! A trend for a terminal.

use crate::{
    stats::Interval,
    text::{
        fit,
        numbers::{count, percent, short},
        table::{Table, WIDTH, wrapped},
    },
    trend::model::{Trend, TrendPoint},
};

const COLUMNS: [&str; 10] =
    ["report", "version", "date", "scen", "runs", "passed", "95 %", "fail", "recov", "p99"];

impl Trend {
    /// For a terminal: a table within 80 columns, a line of the pass rates, and what to beware of.
    #[must_use]
    pub fn human(&self, color: bool) -> String {
        if self.points.is_empty() {
            return "no report\n".to_owned();
        }
        let mut out = self.table(color);
        let line = |of: fn(&TrendPoint) -> Option<f64>| {
            let values: Vec<Option<f64>> = self.points.iter().map(of).collect();
            let bars = sparkline(&values);
            // Broken where the tests are others.
            let with = bars.chars().zip(&self.points).map(|(bar, point)| match point.same_tests {
                true => bar.to_string(),
                false => format!(" {bar}"),
            });
            with.collect::<String>().trim_end().to_owned()
        };
        if self.points.len() > 1 {
            out.push_str(&format!("\npass rate  {}\n", line(|point| point.pass_rate)));
            let recovery = line(|point| point.recovery_ms.map(|ms| ms as f64));
            out.push_str(&format!("recovery   {recovery}\n"));
        }
        for note in self.notes() {
            out.push_str(&format!("\n{}\n", wrapped(&note, 0)));
        }
        out
    }
}

impl Trend {
    fn table(&self, color: bool) -> String {
        let labels: Vec<&str> = self.points.iter().map(|point| point.label.as_str()).collect();
        let cells: Vec<Vec<String>> =
            self.points.iter().map(|point| cells(point, color).to_vec()).collect();
        Table {
            columns: &COLUMNS,
            names: &labels,
            cells: &cells,
            width: WIDTH,
            widths: 8..=30,
            left: &[0, 1, 2],
        }
        .text()
    }
}

/// All columns but the label.
fn cells(point: &TrendPoint, color: bool) -> [String; 9] {
    let (rate, interval) = match point.pass_rate {
        Some(rate) => {
            let Interval { low, high } = point.interval;
            (percent(rate), format!("{}-{}", percent(low), percent(high)))
        }
        None => ("-".to_owned(), "-".to_owned()),
    };
    [
        fit(&point.version, 9),
        point.started.chars().take(10).filter(char::is_ascii_graphic).collect(),
        count(point.scenarios as u64),
        count(point.runs as u64),
        rate,
        interval,
        failures(point, color),
        point.recovery(),
        point.p99_us.map_or("-".to_owned(), short),
    ]
}

fn failures(point: &TrendPoint, color: bool) -> String {
    use owo_colors::OwoColorize as _;
    let text = count(point.failures as u64);
    if color && point.failures > 0 { text.red().bold().to_string() } else { text }
}

/// Eight heights from the smallest value to the largest; a gap where there is none.
fn sparkline(values: &[Option<f64>]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let known = || values.iter().flatten().copied();
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(0.0, f64::max));
    values
        .iter()
        .map(|value| {
            let Some(value) = value else { return ' ' };
            // All alike: at the bottom if it is nothing.
            let share = if high > low { (value - low) / (high - low) } else { value.min(1.0) };
            // The cast saturates.
            BARS.get((share * 7.0).round() as usize).copied().unwrap_or('█')
        })
        .collect()
}
