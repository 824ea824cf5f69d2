//! A comparison for people: a table within 80 columns, the findings in sentences, the sum last.

use crate::{
    compare::{
        conclusion::{COLUMNS, LEGEND, cells, compared, conclusion, power, side},
        model::{Comparison, FailOn, Finding, FindingKind, NoteKind, ScenarioComparison, Weight},
    },
    text::{
        printable,
        table::{Table, WIDTH, wrapped},
        words::plural,
    },
};
use owo_colors::{OwoColorize as _, Style};
use std::fmt::Write as _;

/// Shapes of new evidence that are shown.
const SHAPES: usize = 3;

/// The most scenarios that came, went or changed and are told one by one.
const ALONE: usize = 3;

impl Comparison {
    /// For a terminal. `program` is how the reader calls squall.
    #[must_use]
    pub fn human(&self, color: bool, program: &str) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "{}", wrapped(&format!("base: {}", side(&self.base)), 0));
        let _ = writeln!(out, "{}\n", wrapped(&format!("head: {}", side(&self.head)), 0));
        for note in &self.notes {
            let (word, style) = match note.kind {
                NoteKind::Alarm => ("ALARM:", Style::new().red().bold()),
                NoteKind::Caution => ("Caution:", Style::new().yellow()),
                NoteKind::Info => ("", Style::new()),
            };
            let _ = writeln!(out, "{}", headed(word, &note.text, style, color));
        }
        if !self.notes.is_empty() {
            out.push('\n');
        }
        let rows: Vec<&ScenarioComparison> = compared(self).collect();
        if !rows.is_empty() {
            out.push_str(&table(&rows));
            let _ = writeln!(out, "{}\n", wrapped(LEGEND, 0));
        }
        for alike in self.findings.chunk_by(alike) {
            match alike {
                [first, ..] if alike.len() > ALONE => fold(&mut out, first, alike, color),
                _ => alike.iter().for_each(|finding| tell(&mut out, finding, color, program)),
            }
        }
        let sum = wrapped(&conclusion(self), 0);
        let bad = self.fails(FailOn::Regression);
        let style = if bad { Style::new().red().bold() } else { Style::new().bold() };
        if let Some(power) = power(self) {
            let _ = writeln!(out, "{}", wrapped(&power, 0));
        }
        let _ = writeln!(out, "{}", paint(&sum, style, color));
        out
    }
}

fn paint(text: &str, style: Style, color: bool) -> String {
    if color && !text.is_empty() { text.style(style).to_string() } else { text.to_owned() }
}

/// A text in lines, the first of which begins with a word in colour.
fn headed(word: &str, text: &str, style: Style, color: bool) -> String {
    let text = wrapped(&format!("{word} {text}"), 0);
    match text.strip_prefix(word) {
        Some(rest) => format!("{}{rest}", paint(word, style, color)),
        None => text,
    }
}

/// Both say that a scenario is not compared, for one reason.
fn alike(one: &Finding, other: &Finding) -> bool {
    let whole = |finding: &Finding| finding.subject == "scenario";
    whole(one) && whole(other) && (one.weight, one.kind) == (other.weight, other.kind)
}

fn fold(out: &mut String, first: &Finding, all: &[Finding], color: bool) {
    let names: Vec<&str> = all.iter().map(|finding| finding.name.as_str()).collect();
    let why = match first.kind {
        FindingKind::Vanished => {
            "in the base only: nothing is known of them in the head, and that is no pass \
             (`--allow-missing` accepts it)"
        }
        FindingKind::Added => "in the head only: nothing to compare them with",
        _ => "whose files differ, so they are not compared (`--changed` does)",
    };
    let text = format!("{} {why}", plural(all.len(), "scenario"));
    let _ = writeln!(out, "{}", headed(first.title(), &text, style(first.weight), color));
    let _ = writeln!(out, "{}\n", wrapped(&names.join("; "), 2));
}

fn style(weight: Weight) -> Style {
    match weight {
        Weight::Regression => Style::new().red().bold(),
        Weight::Attention => Style::new().yellow().bold(),
        Weight::Improvement => Style::new().green(),
        Weight::Info => Style::new(),
    }
}

fn tell(out: &mut String, finding: &Finding, color: bool, program: &str) {
    let style = style(finding.weight);
    let proof = if finding.proof { " (proof)" } else { "" };
    let about = format!("{}{proof}", finding.about());
    let _ = writeln!(out, "{}", headed(finding.title(), &about, style, color));
    let _ = writeln!(out, "{}", wrapped(&finding.text, 2));
    if let Some(example) = &finding.example {
        let _ = writeln!(out, "{}", wrapped(&format!("it shows: {example}"), 4));
    }
    for shape in finding.signatures.iter().take(SHAPES) {
        let _ = writeln!(out, "{}", wrapped(&format!("evidence: {shape}"), 4));
    }
    if finding.signatures.len() > SHAPES {
        let _ = writeln!(out, "    and {} other shapes", finding.signatures.len() - SHAPES);
    }
    if let Some(arguments) = finding.arguments() {
        let _ = writeln!(out, "  replay: {program} {}", printable(arguments));
    }
    if let Some(command) = &finding.on_base {
        let _ = writeln!(out, "  with the base: {}", printable(command));
    }
    out.push('\n');
}

fn table(rows: &[&ScenarioComparison]) -> String {
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let cells: Vec<Vec<String>> = rows.iter().map(|row| cells(row).to_vec()).collect();
    Table {
        columns: &COLUMNS,
        names: &names,
        cells: &cells,
        width: WIDTH,
        widths: 8..=40,
        left: &[0],
    }
    .text()
}
