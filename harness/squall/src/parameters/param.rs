//! Parameters of faults and types of values: what each is called, its type with unit and bounds, its default, and what it says.

use std::{fmt, time::Duration};

/// A parameter. Reading, printing, lists and documentation follow from it.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// As scenarios write it. Of links and messages it is the name in `says` alone: they are written with keys of
    /// their own, which follow from the type.
    pub name: &'static str,
    /// What it says, in a line.
    pub about: &'static str,
    /// What can be said, and in which unit.
    pub kind: ParamKind,
    /// What counts if it is not said, as scenarios would write it; `None`: it must be said.
    pub default: Option<&'static str>,
}

/// The type of a parameter, with its bounds.
#[derive(Clone, Copy, Debug)]
pub enum ParamKind {
    /// Nodes: `broker-1`, `any broker`, `2 of brokers`, `all`, a list of such.
    Target,
    /// Links, by keys such as `isolate` and `between`.
    Links,
    /// A share of messages, by `messages`, `on` and the keys of links.
    Messages,
    /// A time: `250ms`.
    Time(Span),
    /// A time or a range of times: `50ms`, `10ms..50ms`.
    Delay(Span),
    /// Two times: `2s..5s`.
    Range,
    /// A whole number.
    Number {
        /// At least.
        low: u32,
        /// At most.
        high: u32,
    },
    /// A share: `20%`.
    Share {
        /// It can be zero.
        zero: bool,
    },
    /// A number of bytes: `100B`, `4KiB`.
    Size {
        /// It can be zero.
        zero: bool,
    },
    /// A number of bytes a second, above zero: `20kB/s`.
    Throughput,
    /// Events a second: `200/s`.
    Rate,
    /// A line of text.
    Text,
    /// One of these words.
    Choice(&'static Choice),
}

/// How short and how long a time can be, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// At least.
    pub least_ms: u64,
    /// At most.
    pub most_ms: u64,
}

impl Span {
    /// Any time that can be written, zero too.
    pub const FROM_ZERO: Self = Self { least_ms: 0, most_ms: u64::MAX };
    /// Any time that can be written but zero.
    pub const ABOVE_ZERO: Self = Self { least_ms: 1, most_ms: u64::MAX };

    /// What was expected in place of times of which one is too short, or one too long.
    #[must_use]
    pub fn excludes(&self, shortest: Duration, longest: Duration) -> Option<String> {
        let told = |ms| humantime::format_duration(Duration::from_millis(ms));
        if shortest < Duration::from_millis(self.least_ms) {
            Some(format!("at least {}", told(self.least_ms)))
        } else if longest > Duration::from_millis(self.most_ms) {
            Some(format!("at most {}", told(self.most_ms)))
        } else {
            None
        }
    }
}

/// Words of which one is chosen.
#[derive(Debug)]
pub struct Choice {
    /// What they are, for messages: `direction`.
    pub what: &'static str,
    /// The code of the mistake of naming another.
    pub unknown: &'static str,
    /// Each word, and how a step that was given it is printed.
    pub words: &'static [(&'static str, &'static str)],
}

const fn must(name: &'static str, kind: ParamKind, about: &'static str) -> Param {
    Param { name, about, kind, default: None }
}

const fn may(
    name: &'static str,
    kind: ParamKind,
    default: &'static str,
    about: &'static str,
) -> Param {
    Param { name, about, kind, default: Some(default) }
}

/// Whom the fault hits.
pub const fn node() -> Param {
    must("node", ParamKind::Target, "whom it hits")
}

/// Between whom it acts.
pub const fn links() -> Param {
    must("links", ParamKind::Links, "between whom")
}

/// Between whom it acts; every link unless said.
pub const fn links_or_every() -> Param {
    may("links", ParamKind::Links, "every link", "between whom")
}

/// On which messages it acts.
pub const fn messages() -> Param {
    must("messages", ParamKind::Messages, "which share of which messages")
}

/// A time above zero.
pub const fn time(name: &'static str, default: &'static str, about: &'static str) -> Param {
    may(name, ParamKind::Time(Span::ABOVE_ZERO), default, about)
}

/// A time or a range of times, above zero.
pub const fn delay(name: &'static str, default: &'static str, about: &'static str) -> Param {
    may(name, ParamKind::Delay(Span::ABOVE_ZERO), default, about)
}

/// As that, and it must be said.
pub const fn delay_given(name: &'static str, about: &'static str) -> Param {
    must(name, ParamKind::Delay(Span::ABOVE_ZERO), about)
}

/// A whole number from `low` to `high`.
pub const fn number(
    name: &'static str,
    (low, high): (u32, u32),
    default: &'static str,
    about: &'static str,
) -> Param {
    may(name, ParamKind::Number { low, high }, default, about)
}

/// A share above zero.
pub const fn share(name: &'static str, default: &'static str, about: &'static str) -> Param {
    may(name, ParamKind::Share { zero: false }, default, about)
}

/// A number of bytes above zero.
pub const fn size(name: &'static str, default: &'static str, about: &'static str) -> Param {
    may(name, ParamKind::Size { zero: false }, default, about)
}

/// A number of bytes a second, above zero.
pub const fn throughput(name: &'static str, default: &'static str, about: &'static str) -> Param {
    may(name, ParamKind::Throughput, default, about)
}

/// One of the words of `of`.
pub const fn choice(
    name: &'static str,
    of: &'static Choice,
    default: &'static str,
    about: &'static str,
) -> Param {
    may(name, ParamKind::Choice(of), default, about)
}

impl Param {
    /// What stands in a scenario before its value.
    #[must_use]
    pub fn written(&self) -> &'static str {
        match self.kind {
            ParamKind::Links => "isolate, from, to, between, halves, majority, bridge or ring",
            ParamKind::Messages => "messages, on, and the keys of links",
            _ => self.name,
        }
    }
}

impl fmt::Display for ParamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Target => f.write_str("nodes"),
            Self::Links => f.write_str("links"),
            Self::Messages => f.write_str("messages"),
            Self::Time(_) => f.write_str("a time"),
            Self::Delay(_) => f.write_str("a time or a range of times"),
            Self::Range => f.write_str("a range of times"),
            Self::Number { low, high } => write!(f, "a number from {low} to {high}"),
            Self::Share { .. } => f.write_str("a share"),
            Self::Size { .. } => f.write_str("a size"),
            Self::Rate => f.write_str("a rate"),
            Self::Text => f.write_str("a line of text"),
            Self::Throughput => f.write_str("a size a second"),
            Self::Choice(choice) => {
                let words: Vec<&str> = choice.words.iter().map(|(word, _)| *word).collect();
                f.write_str(&words.join(", "))
            }
        }
    }
}
