//! Values of every type of [`ParamKind`]: of parameters of faults, and of keys of scenarios.

use super::{keys::Table, reader::Reader, target};
use crate::{
    parameters::{ParamKind, Span as Bounds, Value as Said},
    syntax::{Fields, Node, Words, value},
};
use std::time::Duration;

/// Reads what is said, telling every mistake.
pub(super) fn read(reader: &mut Reader<'_>, kind: &ParamKind, node: &Node) -> Option<Said> {
    if let ParamKind::Target = kind {
        return target::read(reader, node).map(Said::Target);
    }
    let expected = expected(kind);
    if let ParamKind::Choice(choice) = kind {
        let words: Vec<&str> = choice.words.iter().map(|(word, _)| *word).collect();
        let word = reader.text(node, expected)?.trim();
        let known = Words { all: &words, list: "list keys" };
        if !reader.known(node.span, word, choice.what, choice.unknown, known) {
            return None;
        }
    }
    let said = reader.scalar(node, expected, |text| parse(kind, text))?;
    let (nothing, code) = match (&said, kind) {
        (Said::Time(time), ParamKind::Time(Bounds { least_ms: 1.., .. })) => {
            (time.is_zero(), "squall::bad_value")
        }
        (Said::Delay(_, 0), _) => (true, "squall::bad_value"),
        (Said::Share(share), ParamKind::Share { zero: false }) => (*share == 0.0, "squall::never"),
        (Said::Size(bytes), ParamKind::Size { zero: false }) => (*bytes == 0, "squall::bad_value"),
        (Said::Throughput(bytes), _) => (*bytes == 0, "squall::bad_value"),
        _ => (false, ""),
    };
    if nothing {
        let label = format!("must be above zero, such as {}", example(kind));
        reader.tell(code, node.span, format!("{expected} of zero"), label);
        return None;
    }
    let out_of_bounds = match (&said, kind) {
        (Said::Time(time), ParamKind::Time(bounds)) => bounds.excludes(*time, *time),
        (Said::Delay(min_ms, max_ms), ParamKind::Delay(bounds)) => {
            let time = |ms: &u32| Duration::from_millis(u64::from(*ms));
            bounds.excludes(time(min_ms), time(max_ms))
        }
        _ => None,
    };
    if let Some(label) = out_of_bounds {
        let message = format!("{expected} of {}", node.flow());
        reader.tell("squall::bad_value", node.span, message, label);
        return None;
    }
    Some(said)
}

/// What is said under a key of a table; if nothing is said, what counts then. `None` if it is wrong.
pub(super) fn of_key(
    reader: &mut Reader<'_>,
    table: &Table,
    fields: &mut Fields<'_>,
    name: &str,
) -> Option<Said> {
    let kind = table.kind(name);
    match fields.take(name) {
        Some((_, node)) => read(reader, kind, node),
        None => Some(default_of(table, name)),
    }
}

/// What counts where a key of a table is not said.
pub(super) fn default_of(table: &Table, name: &str) -> Said {
    parse(table.kind(name), table.default(name)).expect("a test reads every default")
}

/// A whole number, of a table that says one.
pub(super) fn number(said: &Said) -> u32 {
    match said {
        Said::Number(number) => *number,
        other => unreachable!("the table says a number, and this was read: {other:?}"),
    }
}

/// A time, of a table that says one.
pub(super) fn time(said: &Said) -> Duration {
    match said {
        Said::Time(time) => *time,
        other => unreachable!("the table says a time, and this was read: {other:?}"),
    }
}

/// What a type is called in messages and lists.
pub(super) fn expected(kind: &ParamKind) -> &'static str {
    match kind {
        ParamKind::Target => "a target",
        ParamKind::Links => "a choice of links",
        ParamKind::Messages => "a share of messages",
        ParamKind::Time(_) => "a time",
        ParamKind::Delay(_) => "a delay",
        ParamKind::Range => "a range of time",
        ParamKind::Number { .. } => "a number",
        ParamKind::Share { .. } => "a share",
        ParamKind::Size { .. } => "a size",
        ParamKind::Throughput => "a size a second",
        ParamKind::Rate => "a rate",
        ParamKind::Text => "a line of text",
        ParamKind::Choice(_) => "a word",
    }
}

/// A value of a type, as scenarios write it.
pub(super) fn example(kind: &ParamKind) -> &'static str {
    match kind {
        ParamKind::Target => "leader",
        ParamKind::Links => "isolate: leader",
        ParamKind::Messages => "messages: 20%",
        ParamKind::Time(_) => "200ms",
        ParamKind::Delay(_) => "50ms..200ms",
        ParamKind::Range => "2s..5s",
        ParamKind::Number { .. } => "5",
        ParamKind::Share { .. } => "20%",
        ParamKind::Size { .. } => "4KiB",
        ParamKind::Throughput => "20kB/s",
        ParamKind::Rate => "200/s",
        ParamKind::Text => "the leader dies",
        ParamKind::Choice(choice) => choice.words[0].0,
    }
}

/// A value with its unit. Zero is a mistake where somebody says it, and a default where nobody does.
pub(super) fn parse(kind: &ParamKind, text: &str) -> Result<Said, String> {
    match kind {
        ParamKind::Time(_) => value::duration(text).map(Said::Time),
        // A message takes a step of the simulation at least.
        ParamKind::Delay(_) => match value::range_or_one(text)? {
            (_, 0) => Ok(Said::Delay(0, 0)),
            (min_ms, max_ms) => Ok(Said::Delay(min_ms.max(1), max_ms)),
        },
        ParamKind::Range => value::range(text).map(|(from, to)| Said::Range(from, to)),
        ParamKind::Number { low, high } => match text.parse::<u32>() {
            Ok(number) if (low..=high).contains(&&number) => Ok(Said::Number(number)),
            _ => Err(format!("expected a whole number from {low} to {high}")),
        },
        ParamKind::Share { .. } => value::percent(text).map(Said::Share),
        ParamKind::Size { .. } => value::size(text).map(Said::Size),
        ParamKind::Throughput => {
            value::size(text.strip_suffix("/s").unwrap_or(text)).map(Said::Throughput)
        }
        ParamKind::Rate => value::rate(text).map(Said::Rate),
        ParamKind::Text => Ok(Said::Text(text.to_owned())),
        ParamKind::Choice(choice) => {
            let index = choice.words.iter().position(|(word, _)| *word == text);
            index.map(Said::Choice).ok_or_else(|| format!("no {}", choice.what))
        }
        ParamKind::Target | ParamKind::Links | ParamKind::Messages => {
            unreachable!("these are no scalars: they are read from nodes and from fields")
        }
    }
}
