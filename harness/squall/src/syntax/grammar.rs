//! What the YAML parser does not understand, in words for whoever wrote the file; and the file without it, so that
//! the rest can be read.
//!
//! The parser tells where it gave up. Brackets, quotes and indentation went wrong before that place: they are looked for
//! here, line by line.

use super::diagnostic::Span;

/// Something that is no YAML.
pub(super) struct Broken {
    pub(super) code: &'static str,
    /// What is shown.
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) label: String,
    pub(super) help: Option<String>,
    /// Where it begins; `None`: it is the file as a whole.
    pub(super) from: Option<usize>,
}

impl Broken {
    fn syntax(span: Span, message: impl Into<String>, label: impl Into<String>) -> Self {
        let (message, label) = (message.into(), label.into());
        Self { code: "squall::syntax", span, message, label, help: None, from: Some(span.start) }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A character that no file should have there: one that moves the cursor or colours, a tab that indents a line.
pub(super) fn odd(text: &str) -> Option<Broken> {
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    let Some((start, found)) = text.char_indices().find(|(_, c)| control(*c)) else {
        return tab(text);
    };
    let message = format!("the file has a control character: {}", found.escape_default());
    let broken = Broken::syntax(Span { start, len: found.len_utf8() }, message, "here");
    Some(Broken { code: "squall::control_character", ..broken })
}

fn tab(text: &str) -> Option<Broken> {
    let tab = lines(text).find_map(|line| {
        let indent =
            &line.text[..line.text.len() - line.text.trim_start_matches([' ', '\t']).len()];
        let blank = line.text.trim().is_empty();
        indent.find('\t').filter(|_| !blank).map(|at| line.start + at)
    })?;
    let message = "a tab indents this line, and YAML knows only spaces";
    let broken = Broken::syntax(Span { start: tab, len: 1 }, message, "a tab");
    Some(Broken { code: "squall::tab", ..broken }.help("indent with two spaces"))
}

/// A line and where it begins.
#[derive(Clone, Copy)]
struct Line<'t> {
    start: usize,
    /// Without its end.
    text: &'t str,
}

impl<'t> Line<'t> {
    /// How many spaces it begins with.
    fn indent(self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    /// What stands in it, without comment and spaces around it.
    fn content(self) -> &'t str {
        let content = self.text.split(" #").next().unwrap_or_default().trim();
        if content.starts_with('#') { "" } else { content }
    }

    /// All of it but the spaces around it.
    fn span(self) -> Span {
        Span { start: self.start + self.indent(), len: self.text.trim().len().max(1) }
    }

    /// Where what it says begins to stand, behind the dashes of a list.
    fn column(self) -> usize {
        let mut rest = self.text.trim_start_matches(' ');
        while let Some(after) = rest.strip_prefix("- ") {
            rest = after.trim_start_matches(' ');
        }
        self.text.len() - rest.len()
    }
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |whole| {
        let line = Line { start, text: whole.trim_end_matches(['\n', '\r']) };
        start += whole.len();
        line
    })
}

/// The line of a place, and the last one before it in which something stands.
fn around(text: &str, at: usize) -> (Line<'_>, Option<Line<'_>>) {
    let mut before = None;
    let mut here = Line { start: 0, text: "" };
    for line in lines(text).take_while(|line| line.start <= at) {
        if !here.content().is_empty() {
            before = Some(here);
        }
        here = line;
    }
    (here, before)
}

/// What is wrong where the parser gave up with this message.
pub(super) fn explain(text: &str, at: usize, message: &str) -> Broken {
    let rest = text.get(at..).unwrap_or_default();
    let length = rest.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(rest.len());
    let span = Span { start: at, len: length.max(1).min(rest.len()) };
    let word = &rest[..length];
    let says = |part: &str| message.contains(part);
    if says("duplicate mapping key") {
        let broken = Broken::syntax(span, format!("`{word}` stands here a second time"), "again");
        return Broken { code: "squall::duplicate_key", ..broken };
    }
    if says("multiple YAML documents") {
        let message = "a file holds one document, and here a second begins";
        let broken = Broken::syntax(span, message, "a second document");
        return Broken { code: "squall::documents", ..broken }
            .help("put it into a file of its own");
    }
    if says("anchor") || says("alias") {
        let label = "begins a reference";
        let message = match word.strip_prefix('*') {
            Some(name) => format!("`{word}` refers to `&{name}`, which is nowhere above"),
            None => {
                let message = "anchors and what refers to them are too many, or too deep";
                return Broken { from: None, ..Broken::syntax(span, message, "here") };
            }
        };
        return Broken::syntax(span, message, label).help("a text that begins with * needs quotes");
    }
    if says("budget") || says("depth") || says("recursion") || says("nest") {
        let message = "this is nested too deep, or grows too large through its anchors";
        return Broken { from: None, ..Broken::syntax(span, message, "here") };
    }
    if says("quoted scalar") || says("quote") {
        return quote(text, at);
    }
    if let Some(broken) = bracket(text, at) {
        return broken;
    }
    if says("unexpected character") || says("cannot start any token") {
        let first: String = word.chars().take(1).collect();
        let written = rest.lines().next().unwrap_or_default().trim();
        let message = format!("no value begins with `{first}`");
        return Broken::syntax(span, message, "put it in quotes").help(format!("'{written}'"));
    }
    if rest.starts_with(',') {
        let message = "nothing stands before this comma";
        return Broken::syntax(span, message, "one too many, or a value is missing");
    }
    if word.starts_with('!') || says("tag") || says("!!") {
        let message = "tags, as YAML calls what begins with !, mean nothing here";
        return Broken::syntax(span, message, "leave it out, or put the text in quotes");
    }
    let (here, before) = around(text, at);
    line(text, here, before, at, span)
}

/// A quote that nobody closes.
fn quote(text: &str, at: usize) -> Broken {
    let opened = Scan::of(text, at.max(1)).quote.or_else(|| {
        let (here, before) = around(text, at);
        before.unwrap_or(here).text.find(['"', '\'']).map(|at| before.unwrap_or(here).start + at)
    });
    let start = opened.unwrap_or(at);
    let quote = text[start..].chars().next().unwrap_or('"');
    let line = text[start..].lines().next().unwrap_or_default().trim_end();
    let message = format!("this text begins with {quote} and does not end with it");
    Broken::syntax(Span { start, len: line.len().max(1) }, message, "opened here")
        .help(format!("close it in its line: {line}{quote}"))
}

/// Brackets that are open, and a quote, at a place.
struct Scan {
    open: Vec<(char, usize)>,
    /// A bracket that closes another kind, or nothing, and what it should close.
    wrong: Option<(usize, Option<(char, usize)>)>,
    quote: Option<usize>,
}

impl Scan {
    /// Reads up to a place, as YAML does: brackets count where a value begins, and within brackets.
    fn of(text: &str, to: usize) -> Self {
        let mut scan = Self { open: Vec::new(), wrong: None, quote: None };
        let mut begins = true;
        let mut last = '\n';
        let mut quoted: Option<char> = None;
        for (at, c) in text.char_indices().take_while(|(at, _)| *at < to) {
            if let Some(mark) = quoted {
                let escaped = mark == '"' && last == '\\';
                if c == mark && !escaped {
                    (quoted, scan.quote) = (None, None);
                }
                last = if escaped { ' ' } else { c };
                continue;
            }
            match c {
                '#' if last.is_whitespace() => quoted = Some('\n'),
                '"' | '\'' if begins => (quoted, scan.quote) = (Some(c), Some(at)),
                '[' | '{' if begins || !scan.open.is_empty() => {
                    scan.open.push((c, at));
                    begins = true;
                }
                ']' | '}' if !scan.open.is_empty() || begins => {
                    let opened = scan.open.pop();
                    let fits = matches!((opened, c), (Some(('[', _)), ']') | (Some(('{', _)), '}'));
                    if !fits && scan.wrong.is_none() {
                        scan.wrong = Some((at, opened));
                    }
                    // What stands behind it belongs to no plain text.
                    begins = true;
                }
                _ if c.is_whitespace() => begins |= matches!(last, ':' | '-' | ',') || c == '\n',
                ',' if !scan.open.is_empty() => begins = true,
                _ => begins = false,
            }
            last = c;
        }
        scan
    }
}

/// Brackets that do not fit: the one that is not closed, or closes nothing.
fn bracket(text: &str, at: usize) -> Option<Broken> {
    let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
    let scan = Scan::of(text, end);
    if let Some((wrong, opened)) = scan.wrong {
        let closing = &text[wrong..=wrong];
        let span = Span { start: wrong, len: 1 };
        return Some(match opened {
            Some((bracket, start)) => {
                let message = format!("`{bracket}` is closed by `{closing}`");
                let label = format!("expected `{}`", closes(bracket));
                Broken { from: Some(start), ..Broken::syntax(span, message, label) }
            }
            None => Broken::syntax(span, format!("`{closing}` closes nothing"), "one too many"),
        });
    }
    let (bracket, start) = *scan.open.last()?;
    let opened = text[start..].lines().next().unwrap_or_default().trim_end();
    let span = Span { start, len: opened.len().max(1) };
    let closing = closes(bracket);
    let message = format!("`{bracket}` is not closed by `{closing}`");
    // Its line is whole but for the bracket, or nobody can say where it should stand.
    let inner = opened.trim_end_matches(',');
    let missing: String = scan.open.iter().rev().map(|(bracket, _)| closes(*bracket)).collect();
    let missing = if bracket == '{' { format!(" {missing}") } else { missing };
    let broken = Broken::syntax(span, message, "opened here");
    Some(broken.help(format!("such as {inner}{missing}")))
}

fn closes(bracket: char) -> char {
    if bracket == '[' { ']' } else { '}' }
}

/// A line that does not fit the one before it, or is no `key: value`.
fn line(text: &str, here: Line<'_>, before: Option<Line<'_>>, at: usize, span: Span) -> Broken {
    for line in std::iter::once(here).chain(before) {
        if let Some(broken) = no_space(line) {
            return broken;
        }
    }
    let content = here.content();
    let behind = here.text.get(..at.saturating_sub(here.start)).unwrap_or_default();
    let is_colon = text.get(at..).is_some_and(|rest| rest.starts_with(':'));
    if let Some((key, inner)) = behind.split_once(": ").filter(|_| is_colon) {
        let value = here.text.get(key.len() + 2..).unwrap_or_default().trim();
        let message = "a line has one `key: value`, and here is a second colon";
        let key = key.trim();
        let help = match inner.trim().rsplit_once(' ') {
            None => format!("in braces: {key}: {{ {value} }}"),
            Some((before, last)) => {
                let rest = text.get(at..).unwrap_or_default().lines().next().unwrap_or_default();
                let indent = " ".repeat(here.column());
                format!(
                    "in two lines:\n{}{before}\n{indent}{last}{rest}",
                    &here.text[..key_end(here, key)]
                )
            }
        };
        return Broken::syntax(span, message, "the second")
            .help(format!("{help}\nor, if it is a text, in quotes: {key}: '{value}'"));
    }
    if !content.contains(':') && !content.starts_with("- ") {
        let message = format!("`{content}` is no `key: value`");
        let broken = Broken::syntax(here.span(), message, "a colon and a space are missing");
        return match content.split_once(' ') {
            Some((key, value)) => broken.help(format!("such as {key}: {}", value.trim())),
            None => broken,
        };
    }
    let Some(before) = before else {
        return Broken::syntax(span, "this is no YAML", "expected `key: value`");
    };
    let (found, fits) = (here.indent(), before.column());
    let deeper = found > before.indent();
    let message = if content.starts_with("- ") || content == "-" {
        "an entry of a list stands here, where none can be".to_owned()
    } else if deeper && found > fits {
        format!(
            "this line is indented deeper than `{}`, which has a value already",
            before.content()
        )
    } else {
        format!("this line is indented like none of those above it: by {found} spaces")
    };
    let many = |spaces: usize| match spaces {
        0 => "no spaces".to_owned(),
        1 => "1 space".to_owned(),
        _ => format!("{spaces} spaces"),
    };
    let help = if content.starts_with('-') {
        let dashes = lines(text).take_while(|line| line.start < here.start);
        match dashes.filter(|line| line.content().starts_with("- ")).last() {
            Some(entry) => format!(
                "the entry above begins behind {}: {}{content}",
                many(entry.indent()),
                " ".repeat(entry.indent())
            ),
            None => "a list stands under a key, such as faults:".to_owned(),
        }
    } else {
        format!(
            "beside `{}` it is indented by {}: {}{content}",
            before.content().trim_start_matches("- "),
            many(fits),
            " ".repeat(fits)
        )
    };
    Broken::syntax(here.span(), message, format!("indented by {}", many(found))).help(help)
}

/// Where the value of a line's key begins.
fn key_end(line: Line<'_>, key: &str) -> usize {
    line.text.find(key).map_or(0, |at| at + key.len() + 2)
}

/// `at:1s` and `-at: 1s`: YAML wants a space behind the colon and the dash.
fn no_space(line: Line<'_>) -> Option<Broken> {
    let content = line.content();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if let Some(rest) = content.strip_prefix('-').filter(|rest| rest.starts_with(is_word)) {
        let message = "a space is missing behind the dash";
        return Some(Broken::syntax(line.span(), message, format!("write - {rest}")));
    }
    let content = content.trim_start_matches("- ");
    let (key, value) = content.split_once(':')?;
    let bare = key.chars().all(is_word) && !key.is_empty() && !value.is_empty();
    if !bare || value.starts_with(char::is_whitespace) {
        return None;
    }
    let message = "a space is missing behind the colon";
    Some(Broken::syntax(line.span(), message, format!("write {key}: {value}")))
}

/// A text of the same length without what is broken from a place on, and under which key of the document that
/// stood: an entry of the list under it, else all that the key has. `None` if nothing can be left out.
pub(super) fn without(text: &str, from: usize) -> Option<(String, String)> {
    let all: Vec<Line<'_>> = lines(text).collect();
    let first = all.iter().rposition(|line| line.start <= from)?;
    let begins = |line: &Line<'_>| {
        !line.text.starts_with([' ', '\t', '-', '}', ']']) && !line.content().is_empty()
    };
    let key_line = (0..=first).rev().find(|at| begins(&all[*at]))?;
    let end = (first + 1..all.len()).find(|at| begins(&all[*at])).unwrap_or(all.len());
    let key = all[key_line].content().split([':', ' ']).next()?.to_owned();
    // An entry of the list in which it stands, if the list begins in a line of its own.
    let dash = |at: &usize| all[*at].content().starts_with("- ") || all[*at].content() == "-";
    let level = (key_line + 1..end).find(dash).map(|at| all[at].indent());
    let entry = level.and_then(|level| {
        let starts = |at: &usize| dash(at) && all[*at].indent() == level;
        let start = (key_line + 1..=first).rev().find(starts)?;
        let end = (start + 1..end).find(starts).unwrap_or(end);
        Some((start, end))
    });
    let (start, end) = entry.unwrap_or((key_line, end));
    let mut left = String::with_capacity(text.len());
    for (at, line) in all.iter().enumerate() {
        let until = all.get(at + 1).map_or(text.len(), |next| next.start);
        let whole = &text[line.start..until];
        if (start..end).contains(&at) {
            left.extend(whole.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        } else {
            left.push_str(whole);
        }
    }
    (left != text).then_some((key, left))
}
