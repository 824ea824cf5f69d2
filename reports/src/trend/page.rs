//! A trend on a page: the picture and the table.

use crate::{
    page::{Page, fill},
    text::{
        numbers::{percent, short},
        printable,
    },
    trend::model::{Trend, TrendPoint},
};
use askama::Template;

const COLUMNS: [&str; 10] = [
    "report",
    "version",
    "date",
    "scenarios",
    "runs",
    "passed",
    "95 %",
    "failures",
    "recovery",
    "p99",
];

#[derive(Template)]
#[template(path = "trend/page.html")]
struct TrendBody {
    picture: String,
    notes: Vec<String>,
    columns: [&'static str; 10],
    rows: Vec<[String; 10]>,
}

impl Trend {
    /// One page of HTML.
    #[must_use]
    pub fn html(&self) -> String {
        let body = TrendBody {
            picture: self.svg(),
            notes: self.notes().iter().map(|note| printable(note)).collect(),
            columns: COLUMNS,
            rows: self.points.iter().map(cells).collect(),
        };
        Page { title: "trend", body: &fill(&body), traces: None }.html()
    }
}

fn cells(point: &TrendPoint) -> [String; 10] {
    [
        printable(&point.label),
        printable(&point.version),
        printable(&point.started.chars().take(10).collect::<String>()),
        point.scenarios.to_string(),
        point.runs.to_string(),
        point.pass_rate.map_or("-".to_owned(), |rate| format!("{} %", percent(rate))),
        point.pass_rate.map_or("-".to_owned(), |_| {
            format!("{} to {} %", percent(point.interval.low), percent(point.interval.high))
        }),
        point.failures.to_string(),
        point.recovery(),
        point.p99_us.map_or("-".to_owned(), short),
    ]
}
