//! A report as one page for a browser: what broke, each cause once with the story of its runs, then the scenarios.

mod broke;
mod overview;
mod scenarios;

use crate::{
    format::Report,
    page::{Page, fill, gauges, story},
    render::rendering::Rendering,
    series::Series,
};
use askama::Template;

pub(super) const RENDERING: Rendering = Rendering {
    name: "html",
    help: "One page, which needs nothing else",
    option: Some("Write a page (HTML, one file) to this file"),
    render: |report, _| html(report, PROGRAM, None),
};

/// How the reader of a file calls squall.
const PROGRAM: &str = "squall";

/// A page of a thousand failures is smaller than this, in bytes.
const LIMIT: usize = 1_500_000;

#[derive(Template)]
#[template(path = "render/html/body.html")]
struct ReportBody<'a> {
    overview: &'a str,
    broke: &'a str,
    /// The run, of a report of one that passed; and the numbers of one run over its time.
    run: &'a str,
    gauges: &'a str,
    scenarios: &'a str,
    /// What was left out to keep the page small.
    left_out: Option<String>,
    about: Vec<(&'static str, String)>,
}

/// A page of a report of one run: as any report's, and it tells the run if it passed as well, and draws its numbers over
/// its time.
#[must_use]
pub fn page_of_one(report: &Report, series: &Series) -> String {
    html(report, PROGRAM, Some(series))
}

/// The report as one HTML file of its own. `program` is how the reader calls squall; `alone` are the numbers of its only
/// run.
///
/// The same report makes the same page. Of more than a thousand runs that did not pass the page says how many it does not
/// list.
fn html(report: &Report, program: &str, alone: Option<&Series>) -> String {
    let overview = overview::render(report);
    let mut broke = broke::Broke::of(report, program);
    let only = alone.and_then(|series| Some((series, report.runs().next()?)));
    let passed = only.and_then(|(_, run)| broke.add_passed(run, program));
    let faults = only.and_then(|(_, (_, run))| Some(run.trace.as_ref()?.faults.as_slice()));
    let gauges = only.map(|(series, _)| gauges::render(series, faults.unwrap_or_default()));
    let gauges = gauges.unwrap_or_default();
    let scenarios = scenarios::render(report, &broke, program);
    let about = overview::facts(report);
    let frame = Page::frame()
        + overview.len()
        + broke.render(&[]).len()
        + gauges.len()
        + scenarios.len()
        + 8_000;
    let chosen = story::choose(&broke.items, LIMIT.saturating_sub(frame));
    let body = fill(&ReportBody {
        overview: &overview,
        broke: &broke.render(&chosen.runs),
        run: passed.map(|place| chosen.runs[place].as_str()).unwrap_or_default(),
        gauges: &gauges,
        scenarios: &scenarios,
        left_out: chosen.left_out(),
        about,
    });
    let title = overview::title(report);
    Page { title: &title, body: &body, traces: Some(&chosen.data) }.html()
}
