//! The numbers of one run over its time, drawn: a figure for each metric, in it a line for each node or set of labels, all
//! of them over one axis of time. Everything stands in the page, so that it is seen without scripts.
//!
//! Names and values are HTML beside the pictures, which alone are stretched to the width that there is.

mod points;

use crate::{
    format::TraceFault,
    page::fill::fill,
    series::{Family, MetricKind, Series, SeriesMetric},
    text::{
        clip_within,
        numbers::{grouped, record_time},
    },
};
use askama::Template;
use points::{Point, points};
use std::{collections::BTreeMap, fmt::Write as _};

/// The look of the figures.
pub(crate) const STYLE: &str = include_str!("gauges.css");

/// Figures that are drawn, and lines in each.
const FIGURES: usize = 30;
const LINES: usize = 8;

/// Names of what is not drawn, and faults, that are told.
const NAMES: usize = 60;
const FAULTS: usize = 6;

/// The size of a picture in its own units.
const WIDTH: usize = 1_000;
const HEIGHT: usize = 32;

/// Characters of a foreign text that are shown.
const TEXT: usize = 200;

#[derive(Template)]
#[template(path = "page/gauges/gauges.html")]
struct Gauges {
    /// What acted while the pictures are shaded.
    faults: String,
    bands: String,
    grid: String,
    figures: Vec<Figure>,
    ticks: Vec<Tick>,
    /// What never was anything but 0, and what there was no room for.
    quiet: String,
    left_out: String,
}

/// A metric.
struct Figure {
    title: String,
    help: String,
    /// What its lines are sums of; nothing if they are no sums.
    sums: &'static str,
    lines: Vec<Line>,
    /// How many metrics never were anything but 0.
    still: String,
}

struct Line {
    name: String,
    range: String,
    words: String,
    path: String,
}

/// A round time, and how far to the right it is, in tenths of a percent.
struct Tick {
    place: u64,
    words: String,
}

/// The figures of a run; nothing if it has no numbers.
pub(crate) fn render(series: &Series, faults: &[TraceFault]) -> String {
    if series.families.is_empty() || series.scrapes == 0 {
        return String::new();
    }
    let (mut figures, mut quiet, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for family in &series.families {
        let moves = |metric: &&SeriesMetric| {
            let mut values = metric.samples.iter().flat_map(|sample| &sample.values).flatten();
            values.any(|value| value.is_finite() && *value != 0.0)
        };
        let metrics: Vec<&SeriesMetric> = family.metrics.iter().filter(moves).collect();
        if metrics.is_empty() {
            quiet.push(family.name.as_str());
        } else if figures.len() == FIGURES {
            left_out.push(family.name.as_str());
        } else {
            figures.push(figure(family, &metrics, series));
        }
    }
    let all_ms = series.every_ms.saturating_mul(series.scrapes as u64).max(1);
    let ticks = ticks(all_ms);
    let mut grid = String::new();
    for tick in &ticks {
        // Writing to a String cannot fail, here and below.
        let _ = write!(grid, "M{} 0v{HEIGHT}", tick.place);
    }
    fill(&Gauges {
        faults: told(faults),
        bands: bands(faults, all_ms.saturating_mul(1_000)),
        grid,
        figures,
        ticks,
        quiet: names(&quiet),
        left_out: names(&left_out),
    })
}

/// Metrics by the names of their lines, and what these are sums of: a line for each set of labels, or where that were very
/// many, for the nodes together, or for all.
fn grouped_metrics<'a>(
    metrics: &[&'a SeriesMetric],
) -> (&'static str, BTreeMap<String, Vec<&'a SeriesMetric>>) {
    let by = |kept: fn(&str) -> bool| {
        let mut groups: BTreeMap<String, Vec<&SeriesMetric>> = BTreeMap::new();
        for metric in metrics {
            groups.entry(name(metric, kept)).or_default().push(metric);
        }
        groups
    };
    [("", by(|_| true)), ("the nodes", by(|label| label != "instance"))]
        .into_iter()
        .find(|(_, groups)| groups.len() <= LINES)
        .unwrap_or_else(|| ("all labels", by(|_| false)))
}

/// What tells a metric from the others of its family: the values of its labels. The job is the same for all, and a node
/// has one role.
fn name(metric: &SeriesMetric, kept: fn(&str) -> bool) -> String {
    let has = |wanted: &str| kept(wanted) && metric.labels.iter().any(|(label, _)| label == wanted);
    let tells =
        |label: &str| kept(label) && label != "job" && (label != "role" || !has("instance"));
    let values = metric.labels.iter().filter(|(label, _)| tells(label));
    values.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" · ")
}

/// A family, of whose metrics these are drawn.
fn figure(family: &Family, metrics: &[&SeriesMetric], series: &Series) -> Figure {
    let (sums, groups) = grouped_metrics(metrics);
    let drawn: Vec<(String, Vec<Point>)> = groups
        .into_iter()
        .map(|(name, metrics)| (name, points(family.kind, &metrics, series)))
        .collect();
    let of_all = drawn.iter().flat_map(|(_, points)| points);
    // All lines of a figure can be compared, and 0 is always there.
    let scale = range(of_all).map_or((0.0, 0.0), |(least, most)| (least.min(0.0), most.max(0.0)));
    let (title, unit) = match family.kind {
        MetricKind::Gauge => ("", ""),
        MetricKind::Counter => (" per second", "/s"),
        MetricKind::Histogram => (", mean", ""),
    };
    let lines = drawn.iter().map(|(name, points)| {
        let name = if name.is_empty() { "all".to_owned() } else { clip_within(name, 80) };
        let range = match range(points.iter()) {
            None => "never told".to_owned(),
            Some((least, most)) if least == most => format!("{}{unit}", number(most)),
            Some((least, most)) => format!("{} to {}{unit}", number(least), number(most)),
        };
        let last = points.last().and_then(|point| point.value);
        let last = last.map_or_else(|| "not told".to_owned(), number);
        let words = format!("{name}: {range}, at the end {last}");
        Line { name, range, words, path: path(points, scale, series.scrapes) }
    });
    Figure {
        title: clip_within(&family.name, TEXT) + title,
        help: clip_within(&family.help, TEXT),
        sums,
        lines: lines.collect(),
        still: match family.metrics.len() - metrics.len() {
            0 => String::new(),
            still => format!("{} more stayed at 0", grouped(still as u64)),
        },
    }
}

/// The least and the largest value.
fn range<'a>(points: impl Iterator<Item = &'a Point>) -> Option<(f64, f64)> {
    points.filter_map(|point| point.value).fold(None, |range, value| {
        let (least, most) = range.unwrap_or((value, value));
        Some((value.min(least), value.max(most)))
    })
}

/// Steps: each value holds until the next. They are made of whole numbers, so that every machine draws the same.
fn path(points: &[Point], (least, most): (f64, f64), scrapes: usize) -> String {
    let span = if most > least { most - least } else { 1.0 };
    // The stroke is as thick as some of the height.
    let room = (HEIGHT - 4) as f64;
    let y = |value: f64| 2 + ((most - value) / span * room).round() as usize;
    let x = |scrape: usize| scrape * WIDTH / scrapes;
    let mut out = String::new();
    let mut at = None;
    for point in points {
        match (at, point.value.map(y)) {
            (None, Some(y)) => {
                let _ = write!(out, "M{} {y}", x(point.scrape));
            }
            (Some(before), Some(y)) if before != y => {
                let _ = write!(out, "H{}V{y}", x(point.scrape));
            }
            (Some(_), None) => {
                let _ = write!(out, "H{}", x(point.scrape));
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        at = point.value.map(y);
    }
    if at.is_some() {
        let _ = write!(out, "H{WIDTH}");
    }
    out
}

/// When faults act, those that meet as one.
fn bands(faults: &[TraceFault], all_us: u64) -> String {
    let x = |us: u64| u128::from(us.min(all_us)) * WIDTH as u128 / u128::from(all_us);
    let mut all: Vec<(u128, u128)> = faults
        .iter()
        .map(|fault| {
            let from = x(fault.from_us);
            // What is over at once is seen as well.
            (from, x(fault.to_us.unwrap_or(all_us)).max(from + 2))
        })
        .collect();
    all.sort_unstable();
    all.dedup_by(|next, last| {
        let meets = next.0 <= last.1;
        if meets {
            last.1 = last.1.max(next.1);
        }
        meets
    });
    let band = |(from, to): (u128, u128)| format!("M{from} 0H{to}V{HEIGHT}H{from}z");
    all.into_iter().map(band).collect()
}

fn told(faults: &[TraceFault]) -> String {
    let one = |fault: &TraceFault| {
        let from = record_time(fault.from_us);
        let to = fault.to_us.map_or_else(|| "the end".to_owned(), record_time);
        format!("{} ({from} to {to})", clip_within(&fault.text, TEXT))
    };
    let mut all: Vec<String> = faults.iter().take(FAULTS).map(one).collect();
    if faults.len() > FAULTS {
        all.push(format!("{} more", grouped((faults.len() - FAULTS) as u64)));
    }
    all.join(", ")
}

fn names(all: &[&str]) -> String {
    let mut told: Vec<String> = all.iter().take(NAMES).map(|name| clip_within(name, 80)).collect();
    if all.len() > NAMES {
        told.push(format!("{} more", grouped((all.len() - NAMES) as u64)));
    }
    told.join(", ")
}

/// Six round times or fewer, none so far to the right that its words are cut.
fn ticks(all_ms: u64) -> Vec<Tick> {
    let powers = (0..19).map(|power| 10_u64.pow(power));
    let steps = powers.flat_map(|power| [1, 2, 5].map(|digit| power.saturating_mul(digit)));
    let step = steps.into_iter().find(|step| all_ms / step < 6).unwrap_or(u64::MAX);
    (0..6)
        .map(|nth| step.saturating_mul(nth))
        .map(|ms| (ms, u128::from(ms) * WIDTH as u128 / u128::from(all_ms)))
        .filter(|(_, place)| *place < 930)
        .map(|(ms, place)| {
            let words = format!("{}.{:03}", ms / 1_000, ms % 1_000);
            let words = words.trim_end_matches('0').trim_end_matches('.');
            Tick { place: u64::try_from(place).unwrap_or(0), words: format!("{words} s") }
        })
        .collect()
}

/// A value in few characters: three digits of what is small.
fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1e15 || (size > 0.0 && size < 1e-4) {
        format!("{value:.1e}")
    } else if size >= 100.0 || value.fract() == 0.0 {
        let sign = if value <= -0.5 { "-" } else { "" };
        format!("{sign}{}", grouped(size.round() as u64))
    } else {
        let digits = if size >= 10.0 { 1 } else { 2 } + usize::from(size < 1.0) * 2;
        let text = format!("{value:.digits$}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Sample;

    fn metric(labels: &[(&str, &str)], values: &[f64]) -> SeriesMetric {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let values = values.iter().copied().map(Some).collect();
        let sample = Sample { suffix: String::new(), le: None, values };
        SeriesMetric { labels: labels.collect(), samples: vec![sample] }
    }

    fn gauge(name: &str, metrics: Vec<SeriesMetric>) -> Family {
        Family { name: name.into(), kind: MetricKind::Gauge, help: String::new(), metrics }
    }

    fn series(scrapes: usize, families: Vec<Family>) -> Series {
        Series { every_ms: 1_000, scrapes, fault_ms: None, families }
    }

    #[test]
    fn steps_hold_until_the_next_and_end_where_nobody_tells() {
        let of = |values: &[Option<f64>]| {
            let points: Vec<Point> =
                (0..).zip(values).map(|(scrape, value)| Point { scrape, value: *value }).collect();
            path(&points, (0.0, 4.0), values.len())
        };
        assert_eq!(of(&[Some(0.0), Some(4.0), Some(4.0), Some(2.0)]), "M0 30H250V2H750V16H1000");
        assert_eq!(of(&[None, Some(4.0), None, None]), "M250 2H500");
        assert_eq!(of(&[None]), "");
    }

    #[test]
    fn lines_are_of_labels_then_of_roles_then_one() {
        let nodes = |count: usize, roles: usize| {
            let metrics = (0..count).map(|at| {
                let (instance, role) = (format!("n-{at}"), format!("r-{}", at % roles));
                metric(&[("job", "x"), ("instance", &instance), ("role", &role)], &[1.0])
            });
            let metrics: Vec<SeriesMetric> = metrics.collect();
            let (sums, groups) = grouped_metrics(&metrics.iter().collect::<Vec<_>>());
            let sizes = groups.into_iter().map(|(name, metrics)| (name, metrics.len()));
            (sums, sizes.collect::<Vec<_>>())
        };
        assert_eq!(nodes(2, 2), ("", vec![("n-0".into(), 1), ("n-1".into(), 1)]));
        assert_eq!(nodes(24, 2), ("the nodes", vec![("r-0".into(), 12), ("r-1".into(), 12)]));
        assert_eq!(nodes(24, 20), ("all labels", vec![(String::new(), 24)]));
    }

    #[test]
    fn faults_that_meet_are_one_band_and_none_is_too_short_to_see() {
        let fault = |from_us, to_us| TraceFault { from_us, to_us, ..TraceFault::default() };
        let faults = [
            fault(9_000, None),
            fault(1_000, Some(2_000)),
            fault(1_500, Some(3_000)),
            fault(5_000, Some(5_000)),
        ];
        let drawn = "M100 0H300V32H100zM500 0H502V32H500zM900 0H1000V32H900z";
        assert_eq!(bands(&faults, 10_000), drawn);
        let drawn = told(&[fault(1_500, Some(u64::MAX)), fault(0, None)]);
        assert!(drawn.contains("0.001500 s to ") && drawn.ends_with("to the end)"), "{drawn}");
    }

    #[test]
    fn times_are_round_and_few() {
        let words = |all_ms| ticks(all_ms).into_iter().map(|tick| tick.words).collect::<Vec<_>>();
        assert_eq!(words(15_000), ["0 s", "5 s", "10 s"]);
        assert_eq!(words(1_100), ["0 s", "0.2 s", "0.4 s", "0.6 s", "0.8 s", "1 s"]);
        assert_eq!(words(1), ["0 s"]);
        assert!(words(u64::MAX).len() < 7);
    }

    #[test]
    fn values_are_short() {
        let all = [0.0, 1.0, 0.5, 0.1234, 1.234, 12.34, 123.4, 1_234.0, -2.5, -1_000.0, 1e18, 1e-9];
        let told = all.map(number);
        let expected = [
            "0", "1", "0.5", "0.1234", "1.23", "12.3", "123", "1,234", "-2.5", "-1,000", "1.0e18",
            "1.0e-9",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_never_moves_is_named_and_what_is_no_number_is_no_line() {
        let families = vec![
            gauge("still", vec![metric(&[("instance", "a")], &[0.0, 0.0])]),
            gauge("never", Vec::new()),
            gauge("odd", vec![metric(&[("instance", "a")], &[f64::NAN, f64::INFINITY])]),
            gauge(
                "moves",
                vec![
                    metric(&[("instance", "a")], &[f64::MIN, f64::MAX]),
                    metric(&[("instance", "b")], &[0.0, 0.0]),
                ],
            ),
        ];
        let html = render(&series(2, families), &[]);
        assert!(html.contains("Always 0 or not told: <code>still, never, odd</code>"), "{html}");
        assert_eq!(html.matches("<figure>").count(), 1);
        assert!(html.contains("<b>a</b><span>-1.0e300 to 1.0e300</span>"), "{html}");
        assert!(html.contains("1 more stayed at 0") && !html.contains("<b>b</b>"), "{html}");
        assert_eq!(render(&Series::default(), &[]), "");
    }
}
