//! Mistakes in a file, each with its place, and showing them.

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceSpan};
use squall_reports::{is_harmful, printable};
use std::{fmt, sync::Arc};

/// Bytes of a file, from and how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// How many.
    pub len: usize,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of mistake; stable: `squall::unknown_key`.
    pub code: &'static str,
    /// The file.
    pub path: String,
    /// Where, counted from 1; 0 if it is the file as a whole.
    pub line: usize,
    /// Where, counted from 1 in characters; 0 if it is the file as a whole.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What was expected, at the place.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
    /// It is no mistake, and will hardly be what was meant.
    advice: bool,
    span: Option<Span>,
    /// Where something that matters was defined, and what.
    related: Option<(Span, String)>,
    source: Arc<str>,
}

/// All mistakes of the scenarios that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// In the order of files and places.
    pub diagnostics: Vec<Diagnostic>,
}

impl Diagnostic {
    /// A mistake at a place in a file.
    pub(super) fn at(
        path: &str,
        source: &Arc<str>,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Self {
        let (line, column) = place(source, span.start);
        Self {
            code,
            path: path.to_owned(),
            line,
            column,
            message: printable(&message.into()),
            label: printable(&label.into()),
            help: None,
            advice: false,
            span: Some(span),
            related: None,
            source: source.clone(),
        }
    }

    /// A mistake of a file as a whole.
    pub(crate) fn of_file(path: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            path: path.to_owned(),
            line: 0,
            column: 0,
            message: printable(&message.into()),
            label: String::new(),
            help: None,
            advice: false,
            span: None,
            related: None,
            source: Arc::from(""),
        }
    }

    /// It is no mistake, and will hardly be what was meant.
    pub(super) fn into_advice(self) -> Self {
        Self { advice: true, ..self }
    }

    /// Adds what to do about it.
    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        let lines: Vec<String> = help.into().lines().map(printable).collect();
        self.help = Some(lines.join("\n"));
        self
    }

    /// The place.
    pub(crate) fn span(&self) -> Option<Span> {
        self.span
    }

    /// What is wrong at this place is not what the file has there, but what `by` put in its stead.
    pub(crate) fn is_of(&mut self, by: &str) {
        let label = std::mem::take(&mut self.label);
        let wanted = if label.is_empty() { label } else { format!(": {label}") };
        self.message = format!("{by}: {}{wanted}", self.message);
        (self.line, self.column, self.span, self.source) = (0, 0, None, Arc::from(""));
    }

    /// Adds where something was defined.
    pub(crate) fn related(&mut self, span: Option<Span>, text: impl Into<String>) -> &mut Self {
        self.related = span.map(|span| (span, printable(&text.into())));
        self
    }
}

/// A part of a file as it may be shown: what moves the cursor or colours is told as Rust writes it.
fn shown(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source.chars().peekable();
    while let Some(c) = rest.next() {
        let ends_line = c == '\n' || (c == '\r' && rest.peek() == Some(&'\n'));
        if is_harmful(c) && !ends_line && c != '\t' {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// Where a place is in a source as it is shown.
fn shown_span(source: &str, span: Span) -> Span {
    let part = |from: usize, to: usize| shown(source.get(from..to).unwrap_or_default()).len();
    Span { start: part(0, span.start), len: part(span.start, span.start + span.len) }
}

/// Line and column, counted from 1; columns in characters.
fn place(source: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(source.len());
    while !source.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &source[..offset];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        self.advice.then_some(miette::Severity::Warning)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.span?;
        let label = |span: Span, text: &str| {
            let span = shown_span(&self.source, span);
            let span = SourceSpan::new(span.start.into(), span.len);
            LabeledSpan::new_with_span(Some(text.to_owned()), span)
        };
        let related = self.related.iter().map(move |(span, text)| label(*span, text));
        Some(Box::new(std::iter::once(label(span, &self.label)).chain(related)))
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} mistakes", self.diagnostics.len())
    }
}

impl std::error::Error for Problems {}

impl Problems {
    /// All mistakes, with the offending text underlined.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let theme =
            if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme).with_width(80).with_links(false);
        let mut out = String::new();
        for diagnostic in &self.diagnostics {
            let drawn = diagnostic.span.is_some() && {
                let source =
                    NamedSource::new(printable(&diagnostic.path), shown(&diagnostic.source));
                let report = miette::Report::new(diagnostic.clone()).with_source_code(source);
                handler.render_report(&mut out, report.as_ref()).is_ok()
            };
            if !drawn {
                out.push_str(&format!(
                    "{}\n\n  × {}: {}\n",
                    diagnostic.code,
                    printable(&diagnostic.path),
                    diagnostic.message
                ));
                if let Some(help) = &diagnostic.help {
                    out.push_str(&format!("  help: {help}\n"));
                }
            }
            out.push('\n');
        }
        out
    }
}
