//! Texts and tables within the width of a terminal.

use crate::text::{fit, printable};
use std::ops::RangeInclusive;
use tabled::{
    builder::Builder,
    settings::{Alignment, Padding, Style as Borders, object::Columns},
};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Texts are no wider than this, in columns, where nothing is known of who reads them.
pub(crate) const WIDTH: usize = 80;

/// A table of which the first column, names, is cut to what the others leave of its width.
pub(crate) struct Table<'a> {
    /// Titles, that of the names first.
    pub(crate) columns: &'a [&'a str],
    /// The name of each row: a foreign text.
    pub(crate) names: &'a [&'a str],
    /// The other cells of each row, as they are printed; they may hold colours and lines.
    pub(crate) cells: &'a [Vec<String>],
    /// How wide it is at most, in columns.
    pub(crate) width: usize,
    /// Names are cut to no less and no more than this.
    pub(crate) widths: RangeInclusive<usize>,
    /// Columns whose texts begin at the left; numbers end at the right.
    pub(crate) left: &'a [usize],
}

impl Table<'_> {
    /// The table, with a line below its titles.
    pub(crate) fn text(&self) -> String {
        let least = *self.widths.start();
        self.widths
            .clone()
            .rev()
            .map(|width| (width, self.lay_out(width)))
            .find(|(width, (total, _))| *total <= self.width || *width == least)
            .map_or_else(String::new, |(_, (_, text))| text)
    }

    fn lay_out(&self, width: usize) -> (usize, String) {
        let mut builder = Builder::default();
        builder.push_record(self.columns.iter().copied());
        for (name, cells) in shortened(self.names, width).iter().zip(self.cells) {
            builder.push_record([name].into_iter().chain(cells));
        }
        let mut table = builder.build();
        table.with(Borders::empty()).with(Padding::new(0, 1, 0, 0));
        for column in (0..self.columns.len()).filter(|column| !self.left.contains(column)) {
            table.modify(Columns::new(column..=column), Alignment::right());
        }
        (table.total_width(), underlined(&table.to_string()))
    }
}

/// Names within a width, told apart as far as it goes: of one that is too wide, what it has in common with the one above is
/// left out before its end is.
fn shortened(names: &[&str], width: usize) -> Vec<String> {
    let mut above = "";
    let told = names.iter().map(|name| {
        let whole = printable(name);
        let rest = &name[common(above, name)..];
        above = name;
        if whole.width() > width && rest.len() < name.len() {
            fit(&format!("… {}", rest.trim_start()), width)
        } else {
            fit(&whole, width)
        }
    });
    told.collect()
}

/// How many bytes two names have in common at their beginning, in whole words; none if that is not worth leaving out.
fn common(one: &str, other: &str) -> usize {
    let same =
        one.chars().zip(other.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8());
    let same: usize = same.sum();
    let words = other[..same].rfind([' ', '/', ':', '-', '_']).map_or(0, |place| place + 1);
    if words >= 8 && words < other.len() { words } else { 0 }
}

/// A table with a line below its first row, and no blanks at the ends of lines.
fn underlined(table: &str) -> String {
    let mut text = String::new();
    for (number, line) in table.lines().enumerate() {
        text.push_str(line.trim_end());
        text.push('\n');
        if number == 0 {
            text.push_str(&"─".repeat(line.trim_end().width()));
            text.push('\n');
        }
    }
    text
}

/// A text in lines of [`WIDTH`], each indented; a word that is longer is broken. What steers a
/// terminal is escaped.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    wrapped_within(text, indent, WIDTH)
}

/// As [`wrapped`], in lines of another width.
pub(crate) fn wrapped_within(text: &str, indent: usize, width: usize) -> String {
    let blanks = " ".repeat(indent);
    let room = width.saturating_sub(indent).max(2);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in printable(text).split_whitespace() {
        if !line.is_empty() && line.width() + 1 + word.width() > room {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            if line.width() + c.width().unwrap_or(0) > room {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines.iter().map(|line| format!("{blanks}{line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_have_in_common_is_left_out_before_their_ends_are() {
        let names = [
            "consumer dies before the effect",
            "consumer dies between effect and commit",
            "consumer dies between effect and mark",
            "a consumer becomes a zombie",
            "consumer dies",
        ];
        let told = [
            "consumer dies before …",
            "… between effect and …",
            "… mark",
            "a consumer becomes a …",
            "consumer dies",
        ];
        assert_eq!(shortened(&names, 22), told);
        assert_eq!(shortened(&names, 60), names);
        assert_eq!(shortened(&["漢字漢字漢字/一", "漢字漢字漢字/二"], 9), ["漢字漢字…", "… 二"]);
    }
}
