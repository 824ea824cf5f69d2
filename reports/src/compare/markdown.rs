//! A comparison for a pull request or a CI summary.

use crate::{
    compare::{
        conclusion::{COLUMNS, LEGEND, cells, compared, conclusion, power, side},
        model::{Comparison, NoteKind, Weight},
    },
    text::markup::{code, markdown as escape},
};
use std::fmt::Write as _;

impl Comparison {
    /// GitHub's Markdown: the sum, notes, findings, and the table folded away.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "### {}\n", conclusion(self));
        let _ = writeln!(out, "base: {}  ", escape(&side(&self.base)));
        let _ = writeln!(out, "head: {}\n", escape(&side(&self.head)));
        for note in &self.notes {
            let word = match note.kind {
                NoteKind::Alarm => "**Alarm:** ",
                NoteKind::Caution => "**Caution:** ",
                NoteKind::Info => "",
            };
            let _ = writeln!(out, "> {word}{}\n", escape(&note.text));
        }
        for finding in &self.findings {
            let mark = match finding.weight {
                Weight::Regression => "🔴",
                Weight::Attention => "🟡",
                Weight::Improvement => "🟢",
                Weight::Info => "⚪",
            };
            let proof = if finding.proof { " (proof)" } else { "" };
            let _ = writeln!(
                out,
                "- {mark} **{}** {}{proof}  \n  {}",
                finding.title().to_lowercase(),
                escape(&finding.about()),
                escape(&finding.text),
            );
            if let Some(example) = &finding.example {
                let _ = writeln!(out, "  \n  It shows: {}", escape(example));
            }
            if let Some(arguments) = finding.arguments() {
                let _ = writeln!(out, "  \n  {}", code(&format!("squall {arguments}")));
            }
            if let Some(command) = &finding.on_base {
                let _ = writeln!(out, "  \n  With the base: {}", code(command));
            }
        }
        let rows: Vec<_> = compared(self).collect();
        if !rows.is_empty() {
            let _ = writeln!(out, "\n<details><summary>{} scenarios</summary>\n", rows.len());
            let _ = writeln!(out, "| {} |", COLUMNS.join(" | "));
            let _ = writeln!(out, "|---|{}", "---:|".repeat(COLUMNS.len() - 1));
            for row in rows {
                let cells: Vec<String> = cells(row).iter().map(|cell| escape(cell)).collect();
                let _ = writeln!(out, "| {} | {} |", escape(&row.name), cells.join(" | "));
            }
            let _ = writeln!(out, "\n{}\n\n</details>", escape(LEGEND));
        }
        if let Some(power) = power(self) {
            let _ = writeln!(out, "\n{}", escape(&power));
        }
        out
    }
}
