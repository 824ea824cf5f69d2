//! A trend on a page: the picture and the table.

use crate::{
    page::{Page, charts::Rate, fill},
    text::{
        clip_within,
        numbers::{grouped, short},
        printable,
        words::plural,
    },
    trend::model::{Trend, TrendPoint},
};
use askama::Template;

#[derive(Template)]
#[template(path = "trend/page.html")]
struct TrendBody {
    title: String,
    picture: String,
    notes: Vec<String>,
    rows: Vec<Row>,
    rows_title: String,
}

struct Row {
    label: String,
    /// It is not of the same tests as the one before.
    breaks: bool,
    /// Scenarios that came and went, if any did.
    moved: String,
    version: String,
    date: String,
    scenarios: String,
    runs: String,
    rate: Option<Rate>,
    failures: String,
    recovery: String,
    p99: String,
}

impl Trend {
    /// One page of HTML.
    #[must_use]
    pub fn html(&self) -> String {
        let body = TrendBody {
            title: self.title(),
            picture: self.svg(),
            notes: self.notes().iter().map(|note| printable(note)).collect(),
            rows: self.points.iter().map(row).collect(),
            rows_title: plural(self.points.len(), "report"),
        };
        Page { title: "trend", body: &fill(&body), traces: None }.html()
    }

    /// Where it went, in a line.
    fn title(&self) -> String {
        let known = || self.points.iter().filter(|point| point.pass_rate.is_some());
        let rate = |point: &TrendPoint| {
            Rate::of(point.passed, point.runs).map(Rate::share).unwrap_or_default()
        };
        match (known().next(), known().next_back()) {
            (Some(first), Some(last)) if !std::ptr::eq(first, last) => format!(
                "{} of runs passed in {}, {} in {}{}",
                rate(first),
                clip_within(&first.told_by, 40),
                rate(last),
                clip_within(&last.told_by, 40),
                if self.points.iter().all(|point| point.same_tests) {
                    ""
                } else {
                    ", of other tests"
                },
            ),
            (Some(only), _) => format!("{} of runs passed", rate(only)),
            _ => "No report has runs".to_owned(),
        }
    }
}

fn row(point: &TrendPoint) -> Row {
    let moved = match point.added + point.removed {
        0 if point.same_tests => String::new(),
        0 => ": other seeds".to_owned(),
        _ => format!(": +{} -{} scenarios", point.added, point.removed),
    };
    Row {
        label: clip_within(&point.label, 120),
        breaks: !point.same_tests,
        moved,
        version: clip_within(&point.version, 60),
        date: printable(&point.started.chars().take(10).collect::<String>()),
        scenarios: grouped(point.scenarios as u64),
        runs: grouped(point.runs as u64),
        rate: Rate::of(point.passed, point.runs),
        failures: grouped(point.failures as u64),
        recovery: point.recovery(),
        p99: point.p99_us.map_or("-".to_owned(), short),
    }
}
