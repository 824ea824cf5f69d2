//! What every page of HTML is made by: one file that loads nothing, light and dark.
//!
//! Bodies are filled templates, which escape what stands in them; foreign texts go through `text` before.

use askama::Template;

/// The look of pages without a style of their own.
const PLAIN: &str = include_str!("plain.css");

/// A whole page.
#[derive(Template)]
#[template(path = "page/page.html")]
pub(crate) struct Page<'a> {
    /// What it is of; the tool's name follows.
    pub(crate) title: &'a str,
    /// CSS.
    pub(crate) style: &'a str,
    /// HTML.
    pub(crate) body: &'a str,
    /// The body has scripts.
    pub(crate) scripts: bool,
}

impl<'a> Page<'a> {
    /// A page of text and tables.
    pub(crate) fn plain(title: &'a str, body: &'a str) -> Self {
        Self { title, style: PLAIN, body, scripts: false }
    }

    /// Its file.
    pub(crate) fn html(&self) -> String {
        fill(self) + "\n"
    }
}

/// Fills a template. It fails only where writing to a String does, which never happens.
pub(crate) fn fill(template: &impl Template) -> String {
    template.render().unwrap_or_default()
}
