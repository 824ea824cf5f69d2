//! A whole file.

use super::{
    alerts,
    cure::cure,
    expect, keys,
    model::{Network, Scenario, Workload},
    named,
    reader::Reader,
    settings::{self, Setting},
    step, values,
};
use crate::{
    determinism::Allow,
    faults,
    parameters::Value as Said,
    signals,
    syntax::{self, Node, Problems, Span, Tree, Value, Words, value},
    system::System,
};
use std::{collections::BTreeMap, time::Duration};
use xxhash_rust::xxh3::xxh3_128;

/// The most nodes a run can have: the simulator's cost grows with their square.
pub const MAX_NODES: u32 = 50;

/// Keys without whose value nobody can say whether the others make sense.
const OTHERS_NEED: &[&str] = &["nodes", "zones", "workload"];

/// Words that choose nodes, beside the names of roles and nodes: no zone is called so.
pub const NOT_ZONES: &[&str] = &["all", "any", "leader", "follower", "followers", "zone"];

/// The code of the mistake that a scenario is read for a system that it is not for.
pub(super) const ANOTHER_SYSTEM: &str = "squall::another_system";

/// Reads one scenario from a file's bytes; `path` is for messages.
///
/// # Errors
/// Every mistake in it.
pub fn parse(path: &str, bytes: &[u8], system: &dyn System) -> Result<Scenario, Problems> {
    parse_with(path, bytes, system, &[])
}

/// As [`parse`], with settings in place of what the file says.
///
/// # Errors
/// Every mistake in it.
pub(super) fn parse_with(
    path: &str,
    bytes: &[u8],
    system: &dyn System,
    settings: &[Setting],
) -> Result<Scenario, Problems> {
    let one = |diagnostic| Problems { diagnostics: vec![diagnostic] };
    let mut tree = syntax::parse(path, bytes, OTHERS_NEED).map_err(one)?;
    let mut set = Vec::new();
    for root in &mut tree.roots {
        for setting in settings {
            set.push((setting, settings::put(root, setting, path, system).map_err(one)?));
        }
    }
    let (mut scenario, mut mistakes, mut advice) = (None, tree.mistakes.clone(), Vec::new());
    for root in &tree.roots {
        let mut reader = Reader {
            file: syntax::Reader::new(path, tree.source.clone(), cure),
            system,
            nodes: system.roles().iter().map(|r| (r.name.to_owned(), r.default, None)).collect(),
            zones: Vec::new(),
            workload: (Duration::ZERO, None),
            too_many: Vec::new(),
            events: 0,
            steps: Vec::new(),
            waits: Vec::new(),
            lasting: Vec::new(),
        };
        let said: String = settings.iter().map(|setting| format!("\n--set {setting}")).collect();
        let hash = format!("{:032x}", xxh3_128(&[bytes, said.as_bytes()].concat()));
        scenario = document(&mut reader, root, path, hash, &tree);
        let (told, advised) = reader.file.into_told();
        for mut diagnostic in told {
            if let Some((setting, _)) =
                set.iter().find(|(setting, place)| setting.is_meant_by(&diagnostic, *place))
            {
                diagnostic.is_of(&setting.to_string());
            }
            if !mistakes.contains(&diagnostic) {
                mistakes.push(diagnostic);
            }
        }
        advice = advised;
    }
    mistakes.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    match scenario {
        Some(scenario) if mistakes.is_empty() => {
            let settings: Vec<String> = settings.iter().map(Setting::to_string).collect();
            let set = match settings.as_slice() {
                [] => String::new(),
                all => format!(" [{}]", all.join(", ")),
            };
            let name = scenario.name + &set;
            let advice = Problems { diagnostics: advice };
            Ok(Scenario { name, advice, settings, ..scenario })
        }
        _ => Err(Problems { diagnostics: mistakes }),
    }
}

fn document(
    reader: &mut Reader<'_>,
    root: &Node,
    path: &str,
    hash: String,
    tree: &Tree,
) -> Option<Scenario> {
    let table = &keys::SCENARIO;
    let mut fields = reader.fields(root, table.what, &table.names(), "list keys")?;
    let mut lines = BTreeMap::new();
    let name = match fields.take("name") {
        Some((key, node)) => {
            lines.insert("name".to_owned(), reader.line(key.span));
            name(reader, node)
        }
        None => {
            if !tree.unread.iter().any(|key| key == "name") {
                reader.tell("squall::missing", root.span, "the scenario has no name", "name: …");
            }
            None
        }
    };
    let system = fields.take("system").and_then(|(_, node)| {
        let wanted = reader.text(node, "the name of a system")?.trim().to_owned();
        let given = reader.system.name();
        if wanted != given {
            let message = format!("this scenario is for {wanted}, and it is read for {given}");
            reader
                .tell(ANOTHER_SYSTEM, node.span, message, "the system it is for")
                .help(format!("use --system {wanted}, or the file that describes it"));
        }
        Some(wanted)
    });
    let tags = fields.take("tags").map(|(_, node)| tags(reader, node));
    if let Some((_, node)) = fields.take("nodes") {
        nodes(reader, node);
    }
    if let Some((_, node)) = fields.take("zones") {
        zones(reader, node);
    }
    let network = match fields.take("network") {
        Some((_, node)) => network(reader, node),
        None => Some(default_network()),
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
    let mut said = |reader: &mut Reader<'_>, name| {
        fields.take(name).and_then(|(_, node)| values::read(reader, table.kind(name), node))
    };
    let runs = said(reader, "runs").as_ref().map(values::number);
    let settle = said(reader, "settle").as_ref().map(values::time);
    let mut faults = Vec::new();
    if let Some((_, node)) = fields.take("faults") {
        let items = reader.list(node, "faults").unwrap_or_default();
        named::name_all(reader, items);
        for (index, item) in (0..).zip(items) {
            let step = step::read(reader, item, index);
            reader.lasting.push(step.as_ref().is_none_or(|step| step.fault.kind.lasts));
            faults.extend(step);
        }
        named::check_waits(reader);
        step::check_counts(reader, &faults, items.len());
    }
    let expect = fields.take("expect").map(|(_, node)| expect::read(reader, node, &mut lines));
    let (expect, violates) = expect.unwrap_or_default();
    let must_see = fields.take("must_see").map(|(_, node)| signals(reader, "must_see", node));
    let forbidden = fields.take("must_not_see").map(|(key, node)| {
        lines.insert("must_not_see".to_owned(), reader.line(key.span));
        let forbidden = signals(reader, "must_not_see", node);
        let both =
            forbidden.iter().find(|name| must_see.iter().flatten().any(|seen| seen == *name));
        if let Some(both) = both {
            let message = format!("{both} must be seen and must not be seen");
            reader.tell("squall::never", node.span, message, "and must_see names it");
        }
        forbidden
    });
    let must_alert = fields.take("must_alert").map(|(key, node)| {
        lines.insert("must_alert".to_owned(), reader.line(key.span));
        alerts::must(reader, node)
    });
    let must_alert = must_alert.unwrap_or_default();
    let must_not_alert = fields.take("must_not_alert").map(|(key, node)| {
        lines.insert("must_not_alert".to_owned(), reader.line(key.span));
        alerts::must_not(reader, node, &must_alert)
    });
    let allow = fields.take("allow").map(|(_, node)| allow(reader, node));
    Some(Scenario {
        name: name?,
        path: path.to_owned(),
        system,
        hash,
        tags: tags.unwrap_or_default(),
        nodes: reader.nodes.iter().map(|(role, count, _)| (role.clone(), *count)).collect(),
        zones: std::mem::take(&mut reader.zones),
        network: network?,
        workload: workload?,
        runs,
        settle,
        faults,
        expect,
        violates,
        must_see: must_see.unwrap_or_default(),
        must_not_see: forbidden.unwrap_or_default(),
        must_alert,
        must_not_alert: must_not_alert.unwrap_or_default(),
        allow: allow.unwrap_or_default(),
        lines,
        settings: Vec::new(),
        case: String::new(),
        advice: Problems::default(),
    })
}

/// Words of the author's own.
fn tags(reader: &mut Reader<'_>, node: &Node) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for item in reader.list(node, "tags").unwrap_or_default() {
        let Some(tag) = reader.text(item, "a tag") else { continue };
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':');
        if tag.is_empty() || tag.len() > 40 || !tag.chars().all(allowed) {
            let label = "one word of letters, digits and - _ . / : and at most 40 characters";
            reader.tell("squall::bad_value", item.span, "this is no tag", label);
        } else if all.iter().any(|other| other == tag) {
            reader.tell("squall::twice", item.span, format!("{tag} is named twice"), "again");
        } else {
            all.push(tag.to_owned());
        }
    }
    all
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
    let Some(mut fields) = reader.fields(node, "nodes", &plurals, "list roles") else { return };
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
    let known = reader.node_names();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut placed: Vec<(String, Span)> = Vec::new();
    for (key, node) in entries {
        let unfit = |c: char| c.is_whitespace() || squall_reports::is_harmful(c);
        if key.text.is_empty() || key.text.contains(unfit) || key.text.len() > 40 {
            let label = "one word of at most 40 characters";
            reader.tell("squall::bad_value", key.span, "this is no name for a zone", label);
            continue;
        }
        let roles = reader.system.roles();
        let of_role = roles.iter().any(|role| role.name == key.text || role.plural == key.text);
        let taken = if of_role {
            Some("a role")
        } else if known.contains(&key.text.as_str()) {
            Some("a node")
        } else {
            NOT_ZONES.contains(&key.text.as_str()).then_some("a choice of nodes")
        };
        if let Some(taken) = taken {
            let message = format!("a zone is called `{}`, and so is {taken}", key.text);
            reader
                .tell("squall::ambiguous", key.span, message, "give it another name")
                .help("such as east: who reads `zone east` and `brokers` knows which is which");
        }
        let mut members = Vec::new();
        for item in reader.list(node, "the list of a zone's nodes").unwrap_or_default() {
            let Some(name) = reader.text(item, "the name of a node") else { continue };
            let words = Words { all: &known, list: "list roles" };
            if !reader.known(item.span, name, "node", "squall::unknown_node", words) {
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
    let table = &keys::NETWORK;
    let mut fields = reader.fields(node, table.what, &table.names(), "list keys")?;
    let between = fields.take("between zones").map(|(key, node)| {
        if reader.zones.len() < 2 {
            let message = "between zones, and there are none to be between";
            reader
                .tell("squall::unknown_zone", key.span, message, "name two at least")
                .help("such as zones: { east: [broker-1], west: [broker-2, broker-3] }");
        }
        values::read(reader, table.kind("between zones"), node)
    });
    let network = values::of_key(reader, table, &mut fields, "latency").map(|said| latency(&said));
    let between_zones = match between {
        Some(said) => {
            let Network { min_ms, max_ms, .. } = latency(&said?);
            Some((min_ms, max_ms))
        }
        None => None,
    };
    Some(Network { between_zones, ..network? })
}

fn default_network() -> Network {
    latency(&values::default_of(&keys::NETWORK, "latency"))
}

fn latency(said: &Said) -> Network {
    match *said {
        Said::Delay(min_ms, max_ms) => Network { min_ms, max_ms, between_zones: None },
        _ => unreachable!("the table says a delay"),
    }
}

/// A workload of the values of its table, in its order.
fn workload_of(said: &[Said]) -> Workload {
    match *said {
        [
            Said::Number(events),
            Said::Rate(rate),
            Said::Number(keys),
            Said::Size(size),
            Said::Share(poison),
        ] => Workload { events, rate, keys, size, poison },
        _ => unreachable!("the table says these, in this order"),
    }
}

fn default_workload() -> Workload {
    let table = &keys::WORKLOAD;
    let said: Vec<Said> =
        table.keys.iter().map(|key| values::default_of(table, key.name)).collect();
    workload_of(&said)
}

fn workload(reader: &mut Reader<'_>, node: &Node) -> Option<Workload> {
    let table = &keys::WORKLOAD;
    let mut fields = reader.fields(node, table.what, &table.names(), "list keys")?;
    reader.workload.1 = Some(node.span);
    let before = reader.mistakes();
    let said: Vec<Option<Said>> =
        table.keys.iter().map(|key| values::of_key(reader, table, &mut fields, key.name)).collect();
    let workload = workload_of(&said.into_iter().collect::<Option<Vec<Said>>>()?);
    if f64::from(workload.events) / workload.rate > value::LONGEST.as_secs_f64() {
        let message = format!("offering this workload takes longer than {}", value::longest());
        reader.tell("squall::bad_value", node.span, message, "fewer events, or a higher rate");
    }
    (reader.mistakes() == before).then_some(workload)
}

fn signals(reader: &mut Reader<'_>, key: &str, node: &Node) -> Vec<String> {
    let felt: Vec<String> = faults::CATALOGUE.iter().map(|kind| kind.signal()).collect();
    let known: Vec<&str> = signals::BUILT_IN
        .iter()
        .map(|(name, _)| *name)
        .chain(felt.iter().map(String::as_str))
        .chain(reader.system.signals().iter().copied())
        .chain(reader.system.points().iter().copied())
        .collect();
    let mut all: Vec<String> = Vec::new();
    for item in reader.list(node, key).unwrap_or_default() {
        let Value::Scalar(name) = &item.value else {
            let message = format!("expected a signal, found {}", item.value.kind());
            reader.tell("squall::wrong_type", item.span, message, "such as leader_changed");
            continue;
        };
        let words = Words { all: &known, list: "list signals" };
        if !reader.known(item.span, name, "signal", "squall::unknown_signal", words) {
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
