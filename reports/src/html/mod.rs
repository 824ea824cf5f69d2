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

use crate::{Report, text};
use askama::Template;

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
#[template(path = "page.html")]
struct Page<'a> {
    title: String,
    style: &'a str,
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
#[must_use]
pub fn html(report: &Report, program: &str) -> String {
    let script = SCRIPT.concat();
    let overview = overview::render(report);
    let scenarios = runs::scenarios(report, program);
    let fixed = STYLE.len() + script.len() + overview.len() + 4_000;
    let chosen = budget::choose(&scenarios, LIMIT.saturating_sub(fixed));
    let page = Page {
        title: overview::title(report),
        style: STYLE,
        script: &script,
        overview: &overview,
        scenarios: &runs::render(&scenarios, &chosen.runs),
        left_out: chosen.left_out(),
        data: &chosen.data,
    };
    rendered(&page)
}

/// Fills a template. It fails only where writing to a String does, which never happens.
fn rendered(template: &impl Template) -> String {
    template.render().unwrap_or_default()
}

/// A foreign text in at most so many characters, none of which does anything.
fn told(text: &str, most: usize) -> String {
    let mut told = text::clip(text, most);
    // What does something has been put into words, which are longer.
    if let Some((end, _)) = told.char_indices().nth(most + 1) {
        told.truncate(end);
        told.push('…');
    }
    told
}

/// The time of a record: `0.456 s`.
fn at(us: u64) -> String {
    let (seconds, rest) = (us / 1_000_000, us % 1_000_000);
    if rest.is_multiple_of(1_000) {
        format!("{seconds}.{:03} s", rest / 1_000)
    } else {
        format!("{seconds}.{rest:06} s")
    }
}
