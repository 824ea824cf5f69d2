//! Values of every type, as patterns.

use crate::{parameters::ParamKind, scenario::MAX_NODES, system::System};
use serde_json::{Value, json};

/// A share, as it is written.
pub(super) const SHARE: &str = "^(100(\\.0+)?|[0-9]{1,2}(\\.[0-9]+)?) *%$";

/// A value of a type.
pub(super) fn value(kind: &ParamKind) -> Value {
    let times = "[0-9][0-9a-z ]*";
    let size = "^[0-9]+ *(B|kB|KiB|MB|MiB)$";
    let above_zero = |pattern: &str, example: &str| {
        let above_zero = such_as("^[^%]*[1-9]", &format!("more than 0, such as {example}"));
        let written = such_as(pattern, &format!("such as {example}"));
        json!({ "type": "string", "allOf": [written, above_zero], "examples": [example] })
    };
    let any = |pattern: &str, example: &str| {
        let mut value = such_as(pattern, &format!("such as {example}"));
        value["type"] = json!("string");
        value["examples"] = json!([example]);
        value
    };
    match kind {
        ParamKind::Target => json!({ "$ref": "#/definitions/target" }),
        ParamKind::Time(span) if span.least_ms == 0 => {
            json!({ "$ref": "#/definitions/timeOrZero" })
        }
        ParamKind::Time(_) => json!({ "$ref": "#/definitions/time" }),
        ParamKind::Delay(_) => above_zero(&format!("^{times}(\\.\\.{times})?$"), "10ms..50ms"),
        ParamKind::Range => any(&format!("^{times} *\\.\\. *{times}$"), "2s..5s"),
        ParamKind::Number { low, high } => {
            json!({ "type": "integer", "minimum": low, "maximum": high })
        }
        ParamKind::Share { zero: true } => any(SHARE, "20%"),
        ParamKind::Share { zero: false } => above_zero(SHARE, "20%"),
        ParamKind::Size { zero: true } => any(size, "4KiB"),
        ParamKind::Size { zero: false } => above_zero(size, "4KiB"),
        ParamKind::Throughput => above_zero("^[0-9]+ *(B|kB|KiB|MB|MiB)(/s)?$", "20kB/s"),
        ParamKind::Rate => above_zero("^[0-9]+(\\.[0-9]+)? */s$", "400/s"),
        ParamKind::Text => json!({ "type": "string" }),
        ParamKind::Choice(choice) => {
            let words: Vec<&str> = choice.words.iter().map(|(word, _)| *word).collect();
            json!({ "type": "string", "enum": words })
        }
        ParamKind::Links | ParamKind::Messages => {
            unreachable!("these are keys of their own, not values")
        }
    }
}

/// A pattern, and what an editor says of a text that does not match it; otherwise it would show the pattern.
fn such_as(pattern: &str, wanted: &str) -> Value {
    json!({ "pattern": pattern, "patternErrorMessage": format!("wanted is {wanted}") })
}

/// A time with its unit: `1m 30s`.
pub(super) fn time() -> Value {
    let units = "(ms|msec|millis|s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hr|hrs|hour|hours|d|day|days|w|wk|wks|week|weeks)";
    such_as(&format!("^ *([0-9]+ *{units} *)+$"), "a time with its unit, such as 500ms or 1m 30s")
}

pub(super) fn node(system: &dyn System) -> Value {
    json!({
        "type": "string",
        "pattern": format!("^({})$", nodes(system)),
    })
}

/// Whom a fault hits: one pattern, with the usual words as examples. Of alternatives editors would show the descriptions in
/// place of the fault's.
pub(super) fn target(system: &dyn System) -> Value {
    let roles = system.roles();
    let either: Vec<&str> = roles.iter().flat_map(|role| [role.plural, role.name]).collect();
    let either = format!("({})", either.join("|"));
    let plurals: Vec<&str> = roles.iter().map(|role| role.plural).collect();
    let mut words: Vec<String> = Vec::new();
    let mut alone = vec!["all"];
    if roles.iter().any(|role| role.replica) {
        words.extend(["leader", "followers", "any follower"].map(str::to_owned));
        alone.extend(["leader", "followers?", "any +follower"]);
    }
    words.push("all".to_owned());
    for role in roles {
        words.extend([role.plural.to_owned(), format!("any {}", role.name)]);
        words.push(format!("majority of {}", role.plural));
    }
    words.push("any zone".to_owned());
    let some = "(majority|minority|[1-9][0-9]*)";
    let pattern = format!(
        "^({}|{}|{}|any +{either}|any +zone|{some} +of +{either}|zone +\\S+)$",
        alone.join("|"),
        plurals.join("|"),
        nodes(system)
    );
    let expected = format!(
        "expected whom it hits: a node ({}-1), a role, {}, 2 of a role, zone NAME, or a list of these",
        roles.first().map_or("node", |role| role.name),
        words.join(", ")
    );
    let one = json!({ "type": "string", "pattern": pattern, "patternErrorMessage": expected });
    json!({
        "type": ["string", "array"],
        "pattern": pattern,
        "patternErrorMessage": expected,
        "minItems": 1,
        "items": one,
        "examples": words,
    })
}

/// The names of all nodes that there can be, as a pattern.
fn nodes(system: &dyn System) -> String {
    let of_role = |role: &crate::system::Role| {
        let numbers: Vec<String> =
            (1..=role.max.min(MAX_NODES)).map(|number| number.to_string()).collect();
        format!("{}-({})", role.name, numbers.join("|"))
    };
    system.roles().iter().map(of_role).collect::<Vec<_>>().join("|")
}
