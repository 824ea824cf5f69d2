//! Whom a fault hits: `broker-1`, `brokers`, `leader`, `any broker`, `2 of brokers`, `all`, or a list.

use super::reader::Reader;
use crate::{
    injection::Target,
    syntax::{Node, Span, Value, Words, choices, nearest},
    system::Role,
};

/// Reads a choice of nodes, telling every mistake.
pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Target> {
    if let Value::Sequence(_) = node.value {
        let items = reader.list(node, "the list of targets")?;
        let targets: Vec<_> = items.iter().map(|item| read(reader, item)).collect();
        return targets.into_iter().collect::<Option<_>>().map(Target::Each);
    }
    let text = reader.text(node, "a target, such as leader or any broker")?.trim();
    one(reader, text, node.span)
}

fn one(reader: &mut Reader<'_>, text: &str, span: Span) -> Option<Target> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["all"] => Some(Target::All),
        ["leader"] => replicas(reader, span, 1, "leader").then_some(Target::Leader),
        ["follower"] | ["any", "follower"] => {
            replicas(reader, span, 2, "follower").then_some(Target::AnyFollower)
        }
        ["any", "zone"] => zones(reader, span).map(|_| Target::AnyZone),
        ["zone", zone] => {
            let known = zones(reader, span)?;
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let known = Words { all: &known, list: "list keys" };
            let code = "squall::unknown_zone";
            let is_one = reader.known(span, zone, "zone", code, known);
            is_one.then(|| Target::Zone((*zone).to_owned()))
        }
        ["followers"] => replicas(reader, span, 2, "followers").then_some(Target::Followers),
        ["any", role] => {
            let role = role_named(reader, role, text, span, |role| role.name)?;
            Some(Target::Any(role.name.to_owned()))
        }
        ["majority", "of", role] => {
            let role = role_named(reader, role, text, span, |role| role.plural)?;
            Some(Target::Majority(role.name.to_owned()))
        }
        ["minority", "of", role] => {
            let role = role_named(reader, role, text, span, |role| role.plural)?;
            let (count, defined) = reader.count_of(role.name);
            if count < 3 {
                let message = format!("a minority of {count} {} is nobody", role.plural);
                reader
                    .tell("squall::impossible_target", span, message, "needs at least 3")
                    .related(defined, format!("{count} {}", role.plural));
                return None;
            }
            Some(Target::Minority(role.name.to_owned()))
        }
        [count, "of", role] if count.parse::<u32>().is_ok() => {
            let wanted = count.parse().unwrap_or(0);
            let role = role_named(reader, role, text, span, |role| role.plural)?;
            let (count, defined) = reader.count_of(role.name);
            if wanted == 0 || wanted > count {
                let message = format!("{wanted} of {count} {} is impossible", role.plural);
                reader
                    .tell("squall::impossible_target", span, message, format!("from 1 to {count}"))
                    .related(defined, format!("{count} {}", role.plural));
                return None;
            }
            Some(Target::Some(wanted, role.name.to_owned()))
        }
        [name] => role_or_node(reader, name, span),
        _ => {
            unknown(reader, text, span);
            None
        }
    }
}

/// The names of the zones; there must be some.
fn zones(reader: &mut Reader<'_>, span: Span) -> Option<Vec<String>> {
    let zones: Vec<String> = reader.zones.iter().map(|(zone, _)| zone.clone()).collect();
    if zones.is_empty() {
        let label = "name them first";
        let message = "this scenario has no zones";
        reader
            .tell("squall::unknown_zone", span, message, label)
            .help("such as zones: { east: [broker-1], west: [broker-2, broker-3] }");
        return None;
    }
    Some(zones)
}

/// Names up to this number are told to be of nodes that there are not.
const FURTHEST: u32 = 99;

fn role_or_node(reader: &mut Reader<'_>, name: &str, span: Span) -> Option<Target> {
    if let Some(role) = reader.system.roles().iter().find(|role| role.plural == name) {
        return Some(Target::Role(role.name.to_owned()));
    }
    if reader.node_names().iter().any(|known| known == name) {
        return Some(Target::Node(name.to_owned()));
    }
    // What could be a name of a node if there were more of them.
    let system = reader.system;
    let could_be = |role: &&Role| (0..=FURTHEST).any(|n| system.node_name(role.name, n) == name);
    let Some(role) = system.roles().iter().find(could_be) else {
        unknown(reader, name, span);
        return None;
    };
    let (count, defined) = reader.count_of(role.name);
    let [first, last] = [1, count].map(|index| system.node_name(role.name, index));
    reader
        .tell(
            "squall::unknown_node",
            span,
            format!("there is no node `{name}`"),
            format!("{first} to {last}"),
        )
        .related(defined, format!("{count} {}", role.plural));
    None
}

fn replicas(reader: &mut Reader<'_>, span: Span, least: u32, what: &str) -> bool {
    let roles: Vec<_> = reader.system.roles().iter().filter(|role| role.replica).collect();
    let count: u32 = roles.iter().map(|role| reader.count_of(role.name).0).sum();
    if count >= least {
        return true;
    }
    let defined = roles.first().and_then(|role| reader.count_of(role.name).1);
    let message = format!("with {count} replicas there is no {what}");
    reader
        .tell("squall::impossible_target", span, message, format!("needs at least {least}"))
        .related(defined, format!("{count} replicas"));
    false
}

fn role_named(
    reader: &mut Reader<'_>,
    word: &str,
    text: &str,
    span: Span,
    form: fn(&Role) -> &'static str,
) -> Option<Role> {
    let roles = reader.system.roles();
    if let Some(role) = roles.iter().find(|role| role.name == word || role.plural == word) {
        return Some(*role);
    }
    let known: Vec<_> = roles.iter().map(form).collect();
    let near = nearest(word, known.iter().copied());
    let label = format!("expected one of: {}", known.join(", "));
    let diagnostic =
        reader.tell("squall::unknown_role", span, format!("there is no role `{word}`"), label);
    if let Some(near) = near {
        diagnostic.help(format!("did you mean `{}`?", text.replace(word, near)));
    }
    None
}

fn unknown(reader: &mut Reader<'_>, text: &str, span: Span) {
    let mut known: Vec<String> =
        ["leader", "any follower", "followers", "all"].map(str::to_owned).to_vec();
    for role in reader.system.roles() {
        let (count, _) = reader.count_of(role.name);
        known.push(role.plural.to_owned());
        known.push(format!("any {}", role.name));
        known.extend((1..=count).map(|index| reader.system.node_name(role.name, index)));
    }
    known.extend(["2 of a role", "majority of a role", "minority of a role"].map(str::to_owned));
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let help = choices(text, Words { all: &known, list: "list roles" });
    let message = format!("`{text}` names no nodes");
    reader.tell("squall::unknown_node", span, message, "expected whom it hits").help(help);
}
