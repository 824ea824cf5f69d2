//! Foreign texts, numbers and times in few characters, for whoever reads them: no text moves the
//! cursor, turns the direction of writing or gives orders to a pipeline, and no number widens a table.

pub(crate) mod markup;
pub(crate) mod numbers;
pub(crate) mod table;
pub(crate) mod words;

use unicode_width::UnicodeWidthStr as _;

/// A report may come from anywhere: what moves the cursor, colours, or turns the direction of
/// writing must not reach the terminal, nor must what XML cannot hold reach a file, nor what a
/// pipeline takes for an order (`::error::` at the beginning of a line; `##[error]`,
/// `##vso[...]`, `##teamcity[...]` anywhere). It is told as Rust writes it: `\n`, `\u{1b}`.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut order = text.trim_start().starts_with("::");
    // How many `#` stand before, and whether there were two before the letters that stand before.
    let (mut hashes, mut marked) = (0, false);
    for c in text.chars() {
        let orders = (order && c == ':') || (marked && c == '[');
        if is_harmful(c) {
            out.extend(c.escape_default());
        } else if orders {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
        order &= c != ':';
        hashes = if c == '#' { hashes + 1 } else { 0 };
        marked = hashes >= 2 || (marked && c.is_ascii_alphanumeric());
    }
    out
}

/// A character that moves the cursor, colours, turns the direction of writing, or that XML cannot hold.
#[must_use]
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

/// A foreign text, printable, of which at most `most` characters are told: what is put into words, as
/// `\u{1b}`, makes it longer.
pub(crate) fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => printable(text),
        Some((end, _)) => printable(&text[..end]) + "…",
    }
}

/// A foreign text, printable, cut to a width in terminal cells.
#[must_use]
pub fn fit(text: &str, width: usize) -> String {
    let text = printable(text);
    if text.width() <= width {
        return text;
    }
    let mut cut = String::new();
    // Characters may take no cell at all: of them, some suffice.
    for c in text.chars().take(4 * width) {
        cut.push(c);
        if cut.width() >= width {
            cut.pop();
            break;
        }
    }
    cut.push('…');
    cut
}

/// As [`clip`], in at most `most` characters, what is put into words included.
pub(crate) fn clip_within(text: &str, most: usize) -> String {
    let mut told = clip(text, most);
    if let Some((end, _)) = told.char_indices().nth(most + 1) {
        told.truncate(end);
        told.push('…');
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pipeline_takes_for_an_order_is_none() {
        for (text, told) in [
            ("::error::no", r"\u{3a}:error::no"),
            ("  ::stop-commands::x", r"  \u{3a}:stop-commands::x"),
            ("a ::error::no", "a ::error::no"),
            ("a ##[error]no", r"a ##\u{5b}error]no"),
            ("##vso[task.complete]", r"##vso\u{5b}task.complete]"),
            ("###teamcity[x]", r"###teamcity\u{5b}x]"),
            ("#[x] ##a b[x] std::io", "#[x] ##a b[x] std::io"),
        ] {
            assert_eq!(printable(text), told);
        }
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(clip("漢字漢字", 2), "漢字…");
        assert_eq!(clip("\u{1b}[2J", 1), "\\u{1b}…");
        assert_eq!(clip("ab", 2), "ab");
    }
}
