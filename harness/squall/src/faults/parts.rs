//! What the readers of several faults have in common.

use super::Target;
use crate::{
    scenario::Reader,
    syntax::{Fields, Node, Value, value},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Whom a fault hits, and what else is said of it: `slow_node: broker-1`, or
/// `slow_node: { node: broker-1, one_in: 10 }`.
pub(super) fn node_and<'n>(
    reader: &mut Reader<'_>,
    node: &'n Node,
    what: &str,
    extra: &[&str],
) -> Option<(Target, Fields<'n>)> {
    if !matches!(node.value, Value::Mapping(_)) {
        return Some((Target::read(reader, node)?, Fields::none(node.span)));
    }
    let keys: Vec<&str> = [&["node"], extra].concat();
    let mut fields = reader.fields(node, what, &keys)?;
    let Some((_, target)) = fields.take("node") else {
        let label = format!("such as node: {}", example(reader));
        reader.tell("squall::missing", fields.span, format!("{what}: of whom?"), label);
        return None;
    };
    Some((Target::read(reader, target)?, fields))
}

fn example(reader: &Reader<'_>) -> String {
    let role = reader.system.roles().first().map_or("node", |role| role.name);
    format!("any {role}")
}

/// A time above zero; `usual` unless said.
pub(super) fn time(
    reader: &mut Reader<'_>,
    fields: &mut Fields<'_>,
    key: &str,
    usual: Duration,
) -> Option<Duration> {
    match fields.take(key) {
        Some((_, node)) => reader.positive(node, "a time"),
        None => Some(usual),
    }
}

/// A whole number within bounds; `usual` unless said.
pub(super) fn number(
    reader: &mut Reader<'_>,
    fields: &mut Fields<'_>,
    key: &str,
    (low, high): (u32, u32),
    usual: u32,
) -> Option<u32> {
    match fields.take(key) {
        Some((_, node)) => reader.number(node, "a number", low, high),
        None => Some(usual),
    }
}

/// A share above zero; `usual` unless said.
pub(super) fn share(
    reader: &mut Reader<'_>,
    fields: &mut Fields<'_>,
    key: &str,
    usual: f64,
) -> Option<f64> {
    let Some((_, node)) = fields.take(key) else { return Some(usual) };
    let share = reader.scalar(node, "a share", value::percent)?;
    if share == 0.0 {
        reader.tell("squall::never", node.span, "nothing is hit", "such as 20%");
        return None;
    }
    Some(share)
}

/// Milliseconds in `duration`.
pub(super) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Microseconds in `duration`.
pub(super) fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Whether a clock is behind: `direction: behind`; ahead unless said.
pub(super) fn behind(reader: &mut Reader<'_>, fields: &mut Fields<'_>) -> Option<bool> {
    let Some((_, node)) = fields.take("direction") else { return Some(false) };
    reader.scalar(node, "a direction", |text| match text {
        "ahead" => Ok(false),
        "behind" => Ok(true),
        _ => Err("ahead or behind".to_owned()),
    })
}

/// A size in bytes, above zero; `usual` unless said.
pub(super) fn size(
    reader: &mut Reader<'_>,
    fields: &mut Fields<'_>,
    key: &str,
    usual: u32,
) -> Option<u32> {
    let Some((_, node)) = fields.take(key) else { return Some(usual) };
    reader.scalar(node, "a size", |text| match value::size(text)? {
        0 => Err("at least 1B".to_owned()),
        size => Ok(size),
    })
}

/// Which operations on files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operations {
    /// Reads.
    Reads,
    /// Writes.
    Writes,
    /// Reads and writes.
    Both,
}

/// `on: reads`, `on: writes`; both unless said.
pub(super) fn operations(reader: &mut Reader<'_>, fields: &mut Fields<'_>) -> Option<Operations> {
    let Some((_, node)) = fields.take("on") else { return Some(Operations::Both) };
    reader.scalar(node, "an operation", |text| match text {
        "reads" => Ok(Operations::Reads),
        "writes" => Ok(Operations::Writes),
        "both" => Ok(Operations::Both),
        _ => Err("reads, writes or both".to_owned()),
    })
}
