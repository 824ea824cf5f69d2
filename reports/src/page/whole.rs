//! A whole page.

use crate::page::{fill::fill, gauges, story};
use askama::Template;

/// The look of all pages.
const STYLE: &str = include_str!("style.css");

/// What is alike on all pages that have stories: finding, filtering, copying.
const SCRIPT: &str = include_str!("page.js");

#[derive(Template)]
#[template(path = "page/page.html")]
struct Whole<'a> {
    title: &'a str,
    style: String,
    body: &'a str,
    /// Of stories; none where there are none.
    scripts: Option<Scripts<'a>>,
}

struct Scripts<'a> {
    shapes: &'static str,
    traces: &'a str,
    script: String,
}

/// A page.
pub(crate) struct Page<'a> {
    /// What it is of; the tool's name follows.
    pub(crate) title: &'a str,
    /// HTML.
    pub(crate) body: &'a str,
    /// Traces of the stories that stand in the body, as JSON that ends no script; without them the page has no script.
    pub(crate) traces: Option<&'a str>,
}

impl Page<'_> {
    /// Its file.
    pub(crate) fn html(&self) -> String {
        let more = if self.traces.is_some() {
            [story::STYLE, gauges::STYLE].concat()
        } else {
            String::new()
        };
        let page = Whole {
            title: self.title,
            style: format!("{STYLE}{more}"),
            body: self.body,
            scripts: self.traces.map(|traces| Scripts {
                shapes: story::SHAPES,
                traces,
                script: format!("{}{SCRIPT}", story::script()),
            }),
        };
        fill(&page) + "\n"
    }

    /// Bytes of a page with stories, without its body.
    pub(crate) fn frame() -> usize {
        Page { title: "", body: "", traces: Some("") }.html().len()
    }
}
