//! Foreign texts in the languages of others. Whatever stands in a text, it stays that text.

use crate::text::printable;
use std::fmt::Write as _;

/// A text as code in a line of markdown, or in a cell of its tables: within code there is no
/// markup, no `@mention`, no reference to an issue, no link and no picture.
pub(crate) fn code(text: &str) -> String {
    let text = printable(text);
    // Backticks end code, bars end cells even within it, and code of blanks is none.
    let plain = |c: char| !matches!(c, '`' | '|');
    if text.chars().all(plain) && !text.trim().is_empty() {
        return format!("`{text}`");
    }
    let mut out = String::from("<code>");
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            // Writing to a String cannot fail.
            let _ = write!(out, "&#{};", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out + "</code>"
}

/// Lines as a block of code in markdown. The lines are printable.
pub(crate) fn fence(lines: &str) -> String {
    let (mut longest, mut run) = (0, 0);
    for c in lines.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    let end = if lines.ends_with('\n') { "" } else { "\n" };
    format!("{fence}text\n{lines}{end}{fence}\n")
}

/// The message of a workflow command; its own line ends stay, as `%0A`.
pub(crate) fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command.
pub(crate) fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

/// Text in HTML, and in the value of an attribute.
pub(crate) fn html(text: &str) -> String {
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

/// Text that is nothing but text: no markup, no tags, no new line.
pub(crate) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // A name is nobody who is to be told.
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_stays_code() {
        for (text, told) in [
            ("no_loss", "`no_loss`"),
            ("a <b> @c #1 *d*", "`a <b> @c #1 *d*`"),
            ("a\nb", r"`a\nb`"),
            ("a`b", "<code>a&#96;b</code>"),
            ("|@a", "<code>&#124;&#64;a</code>"),
            ("漢`", "<code>漢&#96;</code>"),
            (" ", "<code> </code>"),
            ("", "<code></code>"),
        ] {
            assert_eq!(code(text), told);
        }
    }

    #[test]
    fn markdown_is_text() {
        assert_eq!(markdown("<b>|a_b|\n@x"), "&lt;b&gt;\\|a\\_b\\|\\\\n&#64;x");
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(fence("a\n"), "```text\na\n```\n");
        assert_eq!(fence("````\nb"), "`````text\n````\nb\n`````\n");
    }

    #[test]
    fn commands_hold_one_line() {
        assert_eq!(message("100%\r\n::error::,"), "100%25%0D%0A::error::,");
        assert_eq!(property("a:b,c%\n"), "a%3Ab%2Cc%25%0A");
    }
}
