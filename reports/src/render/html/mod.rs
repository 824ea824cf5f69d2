//! A report as one page for a browser: a file that loads nothing, with every run, and a space-time
//! diagram of each that did not hold.
//!
//! The page is made by the templates beside this file; the diagrams are drawn by the script from
//! records that stand in the page. How much of them, [`budget`] decides.

mod budget;
mod charts;
mod overview;
mod pack;
mod picture;
mod runs;

use crate::{
    format::Report,
    page::{Page, fill},
    render::rendering::Rendering,
};
use askama::Template;

pub(super) const RENDERING: Rendering = Rendering {
    name: "html",
    help: "One page, which needs nothing else",
    option: Some("Write a page (HTML, one file) to this file"),
    render: |report, _| html(report, "squall"),
};

/// A page of a thousand runs is smaller than this, in bytes, whatever became of them.
const LIMIT: usize = 1_900_000;

const STYLE: &str = include_str!("style.css");
const SCRIPT: [&str; 6] = [
    include_str!("script/data.js"),
    include_str!("script/layout.js"),
    include_str!("script/draw.js"),
    include_str!("script/control.js"),
    include_str!("script/input.js"),
    include_str!("script/page.js"),
];

#[derive(Template)]
#[template(path = "render/html/body.html")]
struct ReportBody<'a> {
    script: &'a str,
    overview: &'a str,
    scenarios: &'a str,
    /// What was left out to keep the page small.
    left_out: Option<String>,
    /// JSON that ends no script.
    data: &'a str,
}

/// The report as one HTML file of its own. `program` is how the reader calls squall.
///
/// The same report makes the same page. Of more than a thousand runs that did not pass, or three
/// thousand that did, the page says how many it does not list.
fn html(report: &Report, program: &str) -> String {
    let script = SCRIPT.concat();
    let overview = overview::render(report);
    let scenarios = runs::scenarios(report, program);
    let fixed = STYLE.len() + script.len() + overview.len() + 4_000;
    let chosen = budget::choose(&scenarios, LIMIT.saturating_sub(fixed));
    let body = fill(&ReportBody {
        script: &script,
        overview: &overview,
        scenarios: &runs::render(&scenarios, &chosen.runs),
        left_out: chosen.left_out(),
        data: &chosen.data,
    });
    let title = overview::title(report);
    Page { title: &title, style: STYLE, body: &body, scripts: true }.html()
}
