//! A comparison as a page.

use crate::{
    compare::{
        conclusion::{COLUMNS, LEGEND, cells, compared, conclusion, power, side},
        model::{Comparison, FailOn, Finding, Note, NoteKind, Weight},
    },
    page::{Page, fill},
    text::printable,
};
use askama::Template;

#[derive(Template)]
#[template(path = "compare/page.html")]
struct ComparisonBody {
    /// It fails by default.
    bad: bool,
    conclusion: String,
    base: String,
    head: String,
    power: Option<String>,
    notes: Vec<Remark>,
    findings: Vec<Article>,
    columns: [&'static str; 8],
    /// A scenario's name and its other cells.
    rows: Vec<(String, [String; 7])>,
    legend: &'static str,
}

struct Remark {
    class: &'static str,
    word: &'static str,
    text: String,
}

struct Article {
    class: &'static str,
    title: &'static str,
    about: String,
    proof: bool,
    text: String,
    example: Option<String>,
    signatures: Vec<String>,
    command: Option<String>,
    on_base: Option<String>,
}

impl Comparison {
    /// One page of HTML.
    #[must_use]
    pub fn html(&self) -> String {
        let body = ComparisonBody {
            bad: self.fails(FailOn::Regression),
            conclusion: conclusion(self),
            base: printable(&side(&self.base)),
            head: printable(&side(&self.head)),
            power: power(self),
            notes: self.notes.iter().map(remark).collect(),
            findings: self.findings.iter().map(article).collect(),
            columns: COLUMNS,
            rows: compared(self).map(|row| (printable(&row.name), cells(row))).collect(),
            legend: LEGEND,
        };
        Page { title: "compare", body: &fill(&body), traces: None }.html()
    }
}

fn remark(note: &Note) -> Remark {
    let (class, word) = match note.kind {
        NoteKind::Alarm => ("bad", "Alarm: "),
        NoteKind::Caution => ("look", "Caution: "),
        NoteKind::Info => ("", ""),
    };
    Remark { class, word, text: printable(&note.text) }
}

fn article(finding: &Finding) -> Article {
    Article {
        class: match finding.weight {
            Weight::Regression => "bad",
            Weight::Attention => "look",
            Weight::Improvement => "good",
            Weight::Info => "",
        },
        title: finding.title(),
        about: printable(&finding.about()),
        proof: finding.proof,
        text: printable(&finding.text),
        example: finding.example.as_deref().map(printable),
        signatures: finding.signatures.iter().map(|shape| printable(shape)).collect(),
        command: finding.arguments().map(|arguments| format!("squall {}", printable(arguments))),
        on_base: finding.on_base.as_deref().map(printable),
    }
}
