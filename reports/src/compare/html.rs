//! A comparison as a page that stands alone: no script, no network, light and dark.

use super::{
    conclusion::{COLUMNS, LEGEND, cells, compared, conclusion, power, side},
    model::{Comparison, FailOn, Finding, NoteKind, Weight},
};
use crate::text::printable;
use std::fmt::Write as _;

/// What all pages here look like.
pub(crate) const STYLE: &str = "\
:root{color-scheme:light dark;--bad:#b3261e;--look:#8a5a00;--good:#1b6e3c;--line:#8886}\
@media(prefers-color-scheme:dark){:root{--bad:#ff8a80;--look:#ffd166;--good:#7ddc9a}}\
body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums}\
th,td{padding:.2rem .6rem;border-bottom:1px solid var(--line);text-align:right}\
th:first-child,td:first-child{text-align:left;overflow-wrap:anywhere}\
.scroll{overflow-x:auto}article{border-left:.3rem solid var(--line);padding-left:.8rem;margin:1rem 0}\
h3{font-size:1rem;margin:0}p{margin:.2rem 0}code{overflow-wrap:anywhere}\
.bad{color:var(--bad)}.look{color:var(--look)}.good{color:var(--good)}";

impl Comparison {
    /// One page of HTML.
    #[must_use]
    pub fn html(&self) -> String {
        let mut body = String::new();
        // Writing to a String cannot fail, here and below.
        let bad = self.fails(FailOn::Regression);
        let class = if bad { "bad" } else { "" };
        let _ = write!(body, "<h1 class=\"{class}\">{}</h1>", escape(&conclusion(self)));
        for (name, of) in [("base", &self.base), ("head", &self.head)] {
            let _ = write!(body, "<p><b>{name}</b> {}</p>", escape(&side(of)));
        }
        if let Some(power) = power(self) {
            let _ = write!(body, "<p>{}</p>", escape(&power));
        }
        for note in &self.notes {
            let (class, word) = match note.kind {
                NoteKind::Alarm => ("bad", "Alarm: "),
                NoteKind::Caution => ("look", "Caution: "),
                NoteKind::Info => ("", ""),
            };
            let _ = write!(body, "<p class=\"{class}\">{word}{}</p>", escape(&note.text));
        }
        body.push_str("<h2>Findings</h2>");
        if self.findings.is_empty() {
            body.push_str("<p>None.</p>");
        }
        for finding in &self.findings {
            article(&mut body, finding);
        }
        body.push_str("<h2>Scenarios</h2><div class=\"scroll\"><table><tr>");
        for column in COLUMNS {
            let _ = write!(body, "<th>{column}</th>");
        }
        body.push_str("</tr>");
        for row in compared(self) {
            let _ = write!(body, "<tr><td>{}</td>", escape(&row.name));
            for cell in cells(row) {
                let _ = write!(body, "<td>{}</td>", escape(&cell));
            }
            body.push_str("</tr>");
        }
        let _ = write!(body, "</table></div><p>{}</p>", escape(LEGEND));
        page("squall compare", &body)
    }
}

fn article(body: &mut String, finding: &Finding) {
    let class = match finding.weight {
        Weight::Regression => "bad",
        Weight::Attention => "look",
        Weight::Improvement => "good",
        Weight::Info => "",
    };
    let proof = if finding.proof { " (proof)" } else { "" };
    let _ = write!(
        body,
        "<article><h3><span class=\"{class}\">{}</span> {}{proof}</h3><p>{}</p>",
        finding.title(),
        escape(&finding.about()),
        escape(&finding.text),
    );
    if let Some(example) = &finding.example {
        let _ = write!(body, "<p>It shows: {}</p>", escape(example));
    }
    for shape in &finding.signatures {
        let _ = write!(body, "<p>Evidence: {}</p>", escape(shape));
    }
    if let Some(arguments) = finding.arguments() {
        let _ = write!(body, "<p><code>squall {}</code></p>", escape(arguments));
    }
    if let Some(command) = &finding.on_base {
        let _ = write!(body, "<p>With the base: <code>{}</code></p>", escape(command));
    }
    body.push_str("</article>");
}

/// A whole page.
pub(crate) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style></head><body>{body}</body></html>\n"
    )
}

/// Text in HTML, and in the value of an attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}
