//! A report as one page for a browser: what broke, each cause once with the story of its runs, then the scenarios.

mod broke;
mod overview;
mod scenarios;

use crate::{
    format::Report,
    page::{Page, fill, story},
    render::rendering::Rendering,
};
use askama::Template;

pub(super) const RENDERING: Rendering = Rendering {
    name: "html",
    help: "One page, which needs nothing else",
    option: Some("Write a page (HTML, one file) to this file"),
    render: |report, _| html(report, "squall"),
};

/// A page of a thousand failures is smaller than this, in bytes.
const LIMIT: usize = 1_500_000;

#[derive(Template)]
#[template(path = "render/html/body.html")]
struct ReportBody<'a> {
    overview: &'a str,
    broke: &'a str,
    scenarios: &'a str,
    /// What was left out to keep the page small.
    left_out: Option<String>,
    about: Vec<(&'static str, String)>,
}

/// The report as one HTML file of its own. `program` is how the reader calls squall.
///
/// The same report makes the same page. Of more than a thousand runs that did not pass the page says how many it does not
/// list.
fn html(report: &Report, program: &str) -> String {
    let overview = overview::render(report);
    let broke = broke::Broke::of(report, program);
    let scenarios = scenarios::render(report, &broke, program);
    let about = overview::facts(report);
    let frame = Page::frame() + overview.len() + broke.render(&[]).len() + scenarios.len() + 8_000;
    let chosen = story::choose(&broke.items, LIMIT.saturating_sub(frame));
    let body = fill(&ReportBody {
        overview: &overview,
        broke: &broke.render(&chosen.runs),
        scenarios: &scenarios,
        left_out: chosen.left_out(),
        about,
    });
    let title = overview::title(report);
    Page { title: &title, body: &body, traces: Some(&chosen.data) }.html()
}
