//! Lines of a stream that may be anything.

use std::io::{BufRead, ErrorKind};

/// A line may have this many bytes; a node that writes a longer one is told to be wrong, so that it cannot fill the memory.
pub(crate) const LONGEST: usize = 64 << 20;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line, without its end.
    Text(String),
    /// What came after the last end of a line: its writer was killed in the middle of it, or forgot the end.
    Unended(String),
    /// A line that is not UTF-8: what of it is readable.
    NotUtf8(String),
    /// The line is longer than it may be; the stream is not read further.
    TooLong,
    /// There is no more.
    End,
}

/// Reads the next line of at most `longest` bytes.
pub(crate) fn next(stream: &mut impl BufRead, longest: usize) -> Line {
    let mut bytes = Vec::new();
    loop {
        let available = match stream.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // A pipe whose other end is gone.
            Err(_) => &[],
        };
        if available.is_empty() {
            break if bytes.is_empty() {
                Line::End
            } else {
                Line::Unended(String::from_utf8_lossy(&bytes).into_owned())
            };
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(available.len());
        if bytes.len() + taken > longest {
            break Line::TooLong;
        }
        bytes.extend_from_slice(&available[..taken]);
        stream.consume(taken + usize::from(end.is_some()));
        if end.is_some() {
            break text(bytes);
        }
    }
}

fn text(bytes: Vec<u8>) -> Line {
    match String::from_utf8(bytes) {
        Ok(text) => Line::Text(text),
        Err(error) => Line::NotUtf8(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

/// The first characters of a text that may be very long, for people.
pub(crate) fn clip(text: &str) -> String {
    const MOST: usize = 200;
    let mut start: String = text.chars().take(MOST).flat_map(shown).collect();
    if text.chars().nth(MOST).is_some() {
        start.push_str(&format!("… ({} bytes)", text.len()));
    }
    start
}

/// A character that a terminal would act on, as its escape.
fn shown(c: char) -> impl Iterator<Item = char> {
    let plain = (!c.is_control()).then_some(c);
    let escaped = plain.is_none().then(|| c.escape_default()).into_iter().flatten();
    plain.into_iter().chain(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<Line> {
        let mut stream = bytes;
        let mut lines = Vec::new();
        loop {
            let line = next(&mut stream, 10);
            let over = matches!(line, Line::End | Line::TooLong);
            lines.push(line);
            if over {
                return lines;
            }
        }
    }

    #[test]
    fn any_stream_is_read_to_its_end() {
        let text = |text: &str| Line::Text(text.to_owned());
        assert_eq!(
            all(b"a\n\nbc"),
            [text("a"), text(""), Line::Unended("bc".to_owned()), Line::End]
        );
        assert_eq!(all(b"0123456789\n"), [text("0123456789"), Line::End]);
        assert_eq!(all(b"a\n01234567890\nb"), [text("a"), Line::TooLong]);
        assert_eq!(all(b"\xff\na\n"), [Line::NotUtf8("\u{fffd}".to_owned()), text("a"), Line::End]);
    }

    #[test]
    fn what_is_shown_is_short_and_plain() {
        assert_eq!(clip("a\u{1b}[31m"), "a\\u{1b}[31m");
        assert!(clip(&"x".repeat(1000)).ends_with("… (1000 bytes)"));
    }
}
