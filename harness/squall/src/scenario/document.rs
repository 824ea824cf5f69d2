//! A whole file.

use super::{
    expect,
    model::{Network, Scenario, Workload},
    reader::Reader,
    step,
};
use crate::{
    determinism::Allow,
    faults, signals,
    syntax::{self, Node, Problems, Span, Value, value},
    system::System,
};
use std::{collections::BTreeMap, time::Duration};
use xxhash_rust::xxh3::xxh3_128;

const KEYS: &[&str] = &[
    "name", "nodes", "zones", "network", "workload", "runs", "settle", "faults", "expect",
    "must_see", "allow",
];

/// The most nodes a run can have: the simulator's cost grows with their square.
const MAX_NODES: u32 = 50;

/// Reads one scenario from a file's bytes; `path` is for messages.
///
/// # Errors
/// Every mistake in it.
pub fn parse(path: &str, bytes: &[u8], system: &dyn System) -> Result<Scenario, Problems> {
    let (source, root) = syntax::parse(path, bytes)
        .map_err(|diagnostic| Problems { diagnostics: vec![diagnostic] })?;
    let mut reader = Reader {
        file: syntax::Reader::new(path, source),
        system,
        nodes: system.roles().iter().map(|r| (r.name.to_owned(), r.default, None)).collect(),
        zones: Vec::new(),
        workload: (Duration::ZERO, None),
        too_many: Vec::new(),
        events: 0,
    };
    let scenario = document(&mut reader, &root, path, bytes);
    let problems = reader.file.into_problems();
    match scenario {
        Some(scenario) if problems.diagnostics.is_empty() => Ok(scenario),
        _ => Err(problems),
    }
}

fn document(reader: &mut Reader<'_>, root: &Node, path: &str, bytes: &[u8]) -> Option<Scenario> {
    let mut fields = reader.fields(root, "a scenario", KEYS)?;
    let mut lines = BTreeMap::new();
    let name = match fields.take("name") {
        Some((key, node)) => {
            lines.insert("name".to_owned(), reader.line(key.span));
            name(reader, node)
        }
        None => {
            reader.tell("squall::missing", root.span, "the scenario has no name", "name: …");
            None
        }
    };
    if let Some((_, node)) = fields.take("nodes") {
        nodes(reader, node);
    }
    if let Some((_, node)) = fields.take("zones") {
        zones(reader, node);
    }
    let network = match fields.take("network") {
        Some((_, node)) => network(reader, node),
        None => Some(Network { min_ms: 4, max_ms: 12 }),
    };
    let workload = match fields.take("workload") {
        Some((_, node)) => workload(reader, node),
        None => Some(default_workload()),
    };
    // What depends on the workload is checked against the usual one if this one makes no sense.
    let length = workload.clone().unwrap_or_else(default_workload);
    reader.workload.0 =
        Duration::from_millis((f64::from(length.events) * 1e3 / length.rate) as u64);
    reader.events = length.events;
    let runs =
        fields.take("runs").map(|(_, node)| reader.number(node, "a number of runs", 1, 1_000_000));
    let settle = fields
        .take("settle")
        .and_then(|(_, node)| reader.scalar(node, "a settling time", value::duration));
    let mut faults = Vec::new();
    if let Some((_, node)) = fields.take("faults") {
        let items = reader.list(node, "faults").unwrap_or_default();
        for item in items {
            faults.extend(step::read(reader, item));
        }
        step::check_counts(reader, &faults, items.len());
    }
    let expect = fields.take("expect").map(|(_, node)| expect::read(reader, node, &mut lines));
    let must_see = fields.take("must_see").map(|(_, node)| must_see(reader, node));
    let allow = fields.take("allow").map(|(_, node)| allow(reader, node));
    Some(Scenario {
        name: name?,
        path: path.to_owned(),
        hash: format!("{:032x}", xxh3_128(bytes)),
        nodes: reader.nodes.iter().map(|(role, count, _)| (role.clone(), *count)).collect(),
        zones: std::mem::take(&mut reader.zones),
        network: network?,
        workload: workload?,
        runs: runs.flatten(),
        settle,
        faults,
        expect: expect.unwrap_or_default(),
        must_see: must_see.unwrap_or_default(),
        allow: allow.unwrap_or_default(),
        lines,
    })
}

fn name(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let name = reader.text(node, "a name")?.trim();
    let label = if name.is_empty() {
        "must not be empty"
    } else if name.chars().count() > 120 {
        "at most 120 characters"
    } else if name.chars().any(char::is_control) {
        "must be one line of text"
    } else {
        return Some(name.to_owned());
    };
    reader.tell("squall::bad_value", node.span, "this is no name for a scenario", label);
    None
}

fn nodes(reader: &mut Reader<'_>, node: &Node) {
    let roles = reader.system.roles();
    let plurals: Vec<_> = roles.iter().map(|role| role.plural).collect();
    let Some(mut fields) = reader.fields(node, "nodes", &plurals) else { return };
    for (index, role) in roles.iter().enumerate() {
        let Some((key, node)) = fields.take(role.plural) else { continue };
        let max = role.max.min(MAX_NODES);
        if let Some(count) = reader.number(node, "a number of nodes", role.min, max) {
            let len = (node.span.start + node.span.len).saturating_sub(key.span.start);
            let whole = Span { start: key.span.start, len };
            reader.nodes[index] = (role.name.to_owned(), count, Some(whole));
        }
    }
    let total: u32 = reader.nodes.iter().map(|(_, count, _)| *count).sum();
    if total > MAX_NODES {
        let message = format!("{total} nodes are too many");
        reader.tell("squall::bad_value", node.span, message, format!("at most {MAX_NODES}"));
    }
}

/// `zones: { east: [broker-1], west: [broker-2, broker-3] }`
fn zones(reader: &mut Reader<'_>, node: &Node) {
    let Value::Mapping(entries) = &node.value else {
        let message = format!("zones is {}, not a mapping", node.value.kind());
        let label = "such as { east: [broker-1], west: [broker-2, broker-3] }";
        reader.tell("squall::wrong_type", node.span, message, label);
        return;
    };
    let known: Vec<String> = reader
        .nodes
        .iter()
        .flat_map(|(role, count, _)| (1..=*count).map(move |index| format!("{role}-{index}")))
        .collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut placed: Vec<(String, Span)> = Vec::new();
    for (key, node) in entries {
        if key.text.is_empty() || key.text.contains(char::is_whitespace) || key.text.len() > 40 {
            let label = "one word of at most 40 characters";
            reader.tell("squall::bad_value", key.span, "this is no name for a zone", label);
            continue;
        }
        let mut members = Vec::new();
        for item in reader.list(node, "the list of a zone's nodes").unwrap_or_default() {
            let Some(name) = reader.text(item, "the name of a node") else { continue };
            if !reader.known(item.span, name, "node", "squall::unknown_node", &known) {
                continue;
            }
            if let Some((_, first)) = placed.iter().find(|(other, _)| other == name) {
                let first = *first;
                reader
                    .tell("squall::twice", item.span, format!("{name} is in two zones"), "again")
                    .related(Some(first), "first here");
                continue;
            }
            placed.push((name.to_owned(), item.span));
            members.push(name.to_owned());
        }
        reader.zones.push((key.text.clone(), members));
    }
}

fn network(reader: &mut Reader<'_>, node: &Node) -> Option<Network> {
    let mut fields = reader.fields(node, "network", &["latency"])?;
    let Some((_, latency)) = fields.take("latency") else {
        reader.tell("squall::missing", fields.span, "network says nothing", "latency: 2ms..10ms");
        return None;
    };
    let (min_ms, max_ms) = reader.scalar(latency, "a latency", value::range_or_one)?;
    if min_ms == 0 {
        let label = "at least 1ms: a step of the simulation";
        reader.tell("squall::bad_value", latency.span, "a latency of zero", label);
        return None;
    }
    if max_ms > 10_000 {
        reader.tell("squall::bad_value", latency.span, "a latency this long", "at most 10s");
        return None;
    }
    Some(Network { min_ms, max_ms })
}

fn default_workload() -> Workload {
    Workload { events: 1_000, rate: 200.0, keys: 50, size: 100, poison: 0.0 }
}

fn workload(reader: &mut Reader<'_>, node: &Node) -> Option<Workload> {
    let known = ["events", "rate", "keys", "size", "poison"];
    let mut fields = reader.fields(node, "workload", &known)?;
    reader.workload.1 = Some(node.span);
    let mut workload = default_workload();
    let before = reader.mistakes();
    if let Some((_, node)) = fields.take("events")
        && let Some(events) = reader.number(node, "a number of events", 1, 1_000_000)
    {
        workload.events = events;
    }
    if let Some((_, node)) = fields.take("rate")
        && let Some(rate) = reader.scalar(node, "a rate", value::rate)
    {
        workload.rate = rate;
    }
    if let Some((_, node)) = fields.take("keys")
        && let Some(keys) = reader.number(node, "a number of keys", 1, 1_000_000)
    {
        workload.keys = keys;
    }
    if let Some((_, node)) = fields.take("size")
        && let Some(size) = reader.scalar(node, "a size", value::size)
    {
        workload.size = size;
    }
    if let Some((_, node)) = fields.take("poison")
        && let Some(poison) = reader.scalar(node, "a share", value::percent)
    {
        workload.poison = poison;
    }
    if f64::from(workload.events) / workload.rate > value::LONGEST.as_secs_f64() {
        let message = "offering this workload takes longer than an hour";
        reader.tell("squall::bad_value", node.span, message, "fewer events, or a higher rate");
    }
    (reader.mistakes() == before).then_some(workload)
}

fn must_see(reader: &mut Reader<'_>, node: &Node) -> Vec<String> {
    let felt: Vec<String> = faults::CATALOGUE.iter().map(|kind| kind.signal()).collect();
    let known: Vec<&str> = signals::BUILT_IN
        .iter()
        .map(|(name, _)| *name)
        .chain(felt.iter().map(String::as_str))
        .chain(reader.system.signals().iter().copied())
        .chain(reader.system.points().iter().copied())
        .collect();
    let mut all: Vec<String> = Vec::new();
    for item in reader.list(node, "must_see").unwrap_or_default() {
        let Value::Scalar(name) = &item.value else {
            let message = format!("expected a signal, found {}", item.value.kind());
            reader.tell("squall::wrong_type", item.span, message, "such as leader_changed");
            continue;
        };
        if !reader.known(item.span, name, "signal", "squall::unknown_signal", &known) {
            continue;
        }
        if all.contains(name) {
            reader.tell("squall::twice", item.span, format!("{name} is named twice"), "again");
            continue;
        }
        all.push(name.clone());
    }
    all
}

/// `allow: [read /etc/app.conf, clock]`
fn allow(reader: &mut Reader<'_>, node: &Node) -> Vec<Allow> {
    let mut all: Vec<Allow> = Vec::new();
    for item in reader.list(node, "allow").unwrap_or_default() {
        let Some(allowed) = reader.scalar(item, "something that can be allowed", Allow::parse)
        else {
            continue;
        };
        if all.contains(&allowed) {
            reader.tell("squall::twice", item.span, format!("{allowed} is allowed twice"), "again");
            continue;
        }
        all.push(allowed);
    }
    all
}
