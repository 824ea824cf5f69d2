//! Foreign texts, numbers and times in few characters, for whoever reads them: no text moves the
//! cursor, turns the direction of writing or gives orders to a pipeline, and no number widens a table.

use unicode_width::UnicodeWidthStr as _;

/// A report may come from anywhere: what moves the cursor, colours, or turns the direction of
/// writing must not reach the terminal, nor must what XML cannot hold reach a file, nor what a
/// pipeline takes for an order (`::error::` at the beginning of a line; `##[error]`,
/// `##vso[...]`, `##teamcity[...]` anywhere). It is told as Rust writes it: `\n`, `\u{1b}`.
pub(crate) fn printable(text: &str) -> String {
    let harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
    };
    let mut out = String::with_capacity(text.len());
    let mut order = text.trim_start().starts_with("::");
    // How many `#` stand before, and whether there were two before the letters that stand before.
    let (mut hashes, mut marked) = (0, false);
    for c in text.chars() {
        let orders = (order && c == ':') || (marked && c == '[');
        if harmful(c) {
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

/// A text that cannot be printed as it is, and at most so many characters of it.
pub(crate) fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => printable(text),
        Some((end, _)) => printable(&text[..end]) + "…",
    }
}

/// Cuts a text to a width in terminal cells.
pub(crate) fn fit(text: &str, width: usize) -> String {
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

/// `1 run`, `1,420 runs`.
pub(crate) fn plural(count: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(count as u64), if count == 1 { "" } else { "s" })
}

/// `1,420`
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// At most five characters.
pub(crate) fn count(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{}k", number / 1_000),
        1_000_000..10_000_000 => format!("{}.{}M", number / 1_000_000, number / 100_000 % 10),
        10_000_000..1_000_000_000 => format!("{}M", number / 1_000_000),
        1_000_000_000..1_000_000_000_000 => format!("{}G", number / 1_000_000_000),
        _ => ">999G".to_owned(),
    }
}

/// A long time, from milliseconds: `4m12s`. At most seven characters.
pub(crate) fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds / 3_600 {
        0 if seconds < 60 => format!("{seconds}s"),
        0 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        hours @ 1..1_000 => format!("{hours}h{:02}m", seconds / 60 % 60),
        hours @ 1_000..100_000 => format!("{hours}h"),
        _ => ">99999h".to_owned(),
    }
}

/// A short time, from microseconds: `18ms`, `1.4s`. At most seven characters.
pub(crate) fn short(us: u64) -> String {
    match us {
        0..1_000 => format!("{us}us"),
        1_000..1_000_000 => format!("{}ms", us / 1_000),
        1_000_000..100_000_000 => format!("{}.{}s", us / 1_000_000, us / 100_000 % 10),
        _ => span(us / 1_000),
    }
}

/// A short time, from milliseconds.
pub(crate) fn short_ms(ms: u64) -> String {
    short(ms.saturating_mul(1_000))
}

/// Virtual against wall time: `0.4x`, `36x`. At most six characters.
pub(crate) fn speed(sim_ms: u64, wall_us: u64) -> String {
    match sim_ms.saturating_mul(10_000).checked_div(wall_us) {
        Some(tenths @ 0..100) => format!("{}.{}x", tenths / 10, tenths % 10),
        Some(tenths) => format!("{}x", count(tenths / 10)),
        None => "-".to_owned(),
    }
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
    fn texts_are_cut_between_characters_and_numbers_are_grouped() {
        assert_eq!(clip("漢字漢字", 2), "漢字…");
        assert_eq!(clip("\u{1b}[2J", 1), "\\u{1b}…");
        assert_eq!(clip("ab", 2), "ab");
        let all = [0, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(all, ["0", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn the_largest_numbers_are_short() {
        let powers = (0..64).map(|bit| 1_u64 << bit).flat_map(|us| [us - 1, us]);
        for us in powers.chain([u64::MAX]) {
            assert!(short(us).len() <= 7 && span(us).len() <= 7, "{us}");
            assert!(count(us).len() <= 5 && speed(us, 1).len() <= 6, "{us}");
        }
        assert_eq!(speed(36, 1_000), "36x");
        assert_eq!(speed(36, 100_000), "0.3x");
    }
}
