//! The JSON Schema of scenarios, for editors: draft-07, because the YAML language server reads no later one. Made from
//! the tables by which scenarios are read, for the system at hand.
//!
//! What a schema cannot say, `squall check` does: how keys depend on each other's values (a trigger after the end of the
//! workload, a node that there is not, ranges that run backwards).

use crate::{
    catalogue::{self, Word},
    faults::{self, FaultKind},
    parameters::{Param, ParamKind},
    scenario::{Absent, Key, MAX_NODES, NOT_ZONES, TABLES, TRIGGERS, Table, Takes},
    syntax::{self, Node},
    system::System,
};
use serde_json::{Map, Value, json};

/// Where the schema will be found by who looks for it at schemastore.org.
const ID: &str = "https://json.schemastore.org/squall-scenario.json";

/// The schema of scenarios for a system.
#[must_use]
pub(crate) fn scenario(system: &dyn System) -> Value {
    let top = TABLES[0];
    let mut schema = table(top, system);
    let about = format!(
        "A scenario of squall for {}: a workload, what goes wrong, and what must hold all the same",
        system.name()
    );
    let head = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": ID,
        "title": "squall scenario",
        "description": about,
        "definitions": {
            "step": step(system),
            "target": target(system),
            "node": node(system),
            "time": { "type": "string", "allOf": [{ "pattern": time() }, { "pattern": "[1-9]" }] },
            "timeOrZero": { "type": "string", "pattern": time() },
            "signal": any_of(&catalogue::signals(system)),
            "point": any_of(&catalogue::points(system)),
            "message": any_of(&catalogue::messages(system)),
        },
        "defaultSnippets": [{
            "label": "scenario",
            "description": "A workload, a fault, and what must have been seen",
            "body": {
                "name": "${1:the leader dies}",
                "workload": { "events": 500, "rate": "250/s" },
                "faults": [{ "at": "500ms", "crash": "${2:leader}", "restart_after": "1s" }],
                "expect": ["no_loss"],
                "must_see": ["leader_changed"],
            },
        }],
    });
    let own = schema.as_object_mut().expect("a table is an object");
    let mut all = head.as_object().expect("it is written so").clone();
    own.remove("description");
    all.append(own);
    Value::Object(all)
}

/// A mapping with the keys of a table.
fn table(table: &Table, system: &dyn System) -> Value {
    let properties: Map<String, Value> =
        table.keys.iter().map(|key| (key.name.to_owned(), self::key(key, system))).collect();
    let required: Vec<&str> = table
        .keys
        .iter()
        .filter(|key| matches!(key.default, Absent::Never))
        .map(|key| key.name)
        .collect();
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "minProperties": 1,
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if table.find("reaches").is_some() {
        let conditions = table.keys.iter().map(|key| key.name).filter(|name| *name != "hit");
        schema["oneOf"] = one_of(conditions);
        schema["dependencies"] =
            json!({ "hit": { "anyOf": one_of(["reaches", "signal"].into_iter()) } });
    }
    schema
}

/// What can stand behind a key, with what it says.
fn key(key: &Key, system: &dyn System) -> Value {
    let mut schema = match &key.takes {
        Takes::One(ParamKind::Text) => {
            json!({ "type": ["string", "number"], "minLength": 1, "maxLength": 120, "pattern": "^[^\\n\\r\\t]*[^\\s]" })
        }
        Takes::One(kind) => value(kind),
        Takes::Keys(inner) => table(inner, system),
        Takes::Counts => counts(system),
        Takes::Zones => json!({
            "type": "object",
            "propertyNames": { "pattern": "^\\S{1,40}$", "not": { "anyOf": [
                { "$ref": "#/definitions/node" },
                { "enum": taken(system) },
            ] } },
            "additionalProperties": list(&json!({ "$ref": "#/definitions/node" })),
        }),
        Takes::Steps => {
            // Two steps may say the same: each has draws of its own.
            json!({ "type": "array", "minItems": 1, "items": { "$ref": "#/definitions/step" } })
        }
        Takes::Expectations => list(&expectation()),
        Takes::Signals => list(&json!({ "$ref": "#/definitions/signal" })),
        Takes::Allowed => list(&json!({
            "type": "string",
            "pattern": "^(read /|write /|call [a-z_0-9]+$|clock$|sleep$|threads$)",
            "examples": catalogue::escapes().iter().map(|word| word.name.clone()).collect::<Vec<_>>(),
        })),
        Takes::Tags => list(&json!({ "type": "string", "pattern": "^[\\w./:-]{1,40}$" })),
        Takes::Point => json!({ "$ref": "#/definitions/point" }),
        Takes::Signal => json!({ "$ref": "#/definitions/signal" }),
        Takes::Step => json!({ "type": ["string", "number"] }),
    };
    let takes = catalogue::takes(&key.takes);
    let about = match key.default {
        Absent::Never => format!("{}.\n\nTakes {takes}. It must be said.", key.about),
        Absent::Is(value) => format!("{}.\n\nTakes {takes}. Without it: {value}.", key.about),
        Absent::Means(words) => format!("{}.\n\nTakes {takes}. Without it: {words}.", key.about),
    };
    described(&mut schema, &about);
    if let Absent::Is(value) = key.default {
        schema["default"] = value.parse::<u32>().map_or(json!(value), |number| json!(number));
    }
    schema
}

/// Names that no zone can have: they mean other nodes.
fn taken(system: &dyn System) -> Vec<&'static str> {
    let roles = system.roles().iter().flat_map(|role| [role.name, role.plural]);
    roles.chain(NOT_ZONES.iter().copied()).collect()
}

/// Gives a schema its description: beside a reference nothing else is read.
fn described(schema: &mut Value, about: &str) {
    if schema.get("$ref").is_some() {
        *schema = json!({ "allOf": [schema.clone()] });
    }
    schema["description"] = json!(about);
}

fn list(items: &Value) -> Value {
    json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": items })
}

/// One of these keys, and only one.
fn one_of<'a>(keys: impl Iterator<Item = &'a str>) -> Value {
    keys.map(|key| json!({ "required": [key] })).collect()
}

/// One of these words, each with its meaning, as the YAML language server reads it.
fn any_of(words: &[Word]) -> Value {
    words_of(words.iter().map(|word| (word.name.clone(), word.line.clone())))
}

fn words_of(words: impl Iterator<Item = (String, String)>) -> Value {
    // A fault point is listed among the signals as well.
    let mut all: Vec<(String, String)> = Vec::new();
    for word in words {
        if !all.contains(&word) {
            all.push(word);
        }
    }
    let (names, meanings): (Vec<String>, Vec<String>) = all.into_iter().unzip();
    json!({ "type": "string", "enum": names, "enumDescriptions": meanings })
}

fn counts(system: &dyn System) -> Value {
    let role = |role: &crate::system::Role| {
        let about = format!("{}. {} unless said.", role.about, role.default);
        let schema = json!({
            "type": "integer", "minimum": role.min, "maximum": role.max.min(MAX_NODES),
            "default": role.default, "description": about,
        });
        (role.plural.to_owned(), schema)
    };
    let roles: Map<String, Value> = system.roles().iter().map(role).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": roles })
}

/// A step: one trigger, one fault, and what belongs to them.
fn step(system: &dyn System) -> Value {
    let of_step = TABLES.iter().find(|table| table.find("at").is_some()).expect("steps have one");
    let mut schema = table(of_step, system);
    let faults = faults::CATALOGUE.iter().map(|kind| (kind.key.to_owned(), fault(kind)));
    let properties = schema["properties"].as_object_mut().expect("a table has some");
    properties.extend(faults);
    let keys = || faults::CATALOGUE.iter().map(|kind| kind.key);
    schema["allOf"] = json!([
        { "oneOf": one_of(TRIGGERS.iter().copied()) },
        { "oneOf": one_of(keys()) },
    ]);
    let lasting = faults::CATALOGUE.iter().filter(|kind| kind.lasts).map(|kind| kind.key);
    let down = faults::CATALOGUE.iter().filter(|kind| kind.example.contains("restart_after"));
    schema["dependencies"] = json!({
        "for": { "anyOf": one_of(lasting) },
        "restart_after": { "anyOf": one_of(down.map(|kind| kind.key)) },
        "until": ["every"],
        "within": { "anyOf": one_of(["when", "after"].into_iter()) },
        "delay": { "anyOf": one_of(["when", "after"].into_iter()) },
    });
    let snippet = |kind: &&FaultKind| json!({ "label": kind.key, "description": kind.does, "body": body(kind.example) });
    schema["defaultSnippets"] = faults::CATALOGUE.iter().map(snippet).collect();
    schema["description"] = json!("A trigger, a fault, and how long it lasts");
    schema
}

/// Lines of a scenario as data.
fn body(text: &str) -> Value {
    let tree =
        syntax::parse("an example", text.as_bytes(), &[]).expect("a test reads every example");
    tree.roots.first().map(data).unwrap_or_default()
}

fn data(node: &Node) -> Value {
    match &node.value {
        syntax::Value::Scalar(text) => {
            text.parse::<u32>().map_or(json!(text), |number| json!(number))
        }
        syntax::Value::Sequence(items) => items.iter().map(data).collect(),
        syntax::Value::Mapping(entries) => Value::Object(
            entries.iter().map(|(key, value)| (key.text.clone(), data(value))).collect(),
        ),
        syntax::Value::Null => Value::Null,
    }
}

/// What can stand behind a fault's key.
fn fault(kind: &FaultKind) -> Value {
    let mut alone = Vec::new();
    match kind.params {
        [only @ Param { kind: ParamKind::Target, .. }] => alone.push(value(&only.kind)),
        [first, rest @ ..] => {
            let scalar = matches!(first.kind, ParamKind::Target | ParamKind::Share { .. });
            if scalar && rest.iter().all(|param| param.default.is_some()) {
                alone.push(value(&first.kind));
            }
        }
        [] => {}
    }
    if !matches!(kind.params, [Param { kind: ParamKind::Target, .. }]) {
        alone.push(parameters(kind));
    }
    let mut schema = match alone.as_slice() {
        [one] => one.clone(),
        _ => json!({ "anyOf": alone }),
    };
    let lasts = if kind.lasts { " Lasts as long as `for` says." } else { "" };
    let about = format!(
        "{}.{lasts}\n\nStands for {}. Felt when {}.\n\n- {}",
        kind.does, kind.stands_for, kind.felt_when, kind.example
    );
    described(&mut schema, &about);
    schema
}

/// The parameters of a fault as a mapping.
fn parameters(kind: &FaultKind) -> Value {
    let mut properties = Map::new();
    let (mut required, mut all) = (Vec::new(), Vec::new());
    for param in kind.params {
        match param.kind {
            ParamKind::Links => {
                links(&mut properties);
                let some = one_of(LINKS.iter().map(|(key, _)| *key).filter(|key| *key != "from"));
                all.push(match param.default {
                    None => json!({ "oneOf": some }),
                    Some(_) => {
                        json!({ "anyOf": [{ "oneOf": some }, { "not": { "anyOf": some } }] })
                    }
                });
            }
            ParamKind::Messages => {
                links(&mut properties);
                let some = one_of(LINKS.iter().map(|(key, _)| *key).filter(|key| *key != "from"));
                all.push(json!({ "anyOf": [{ "oneOf": some }, { "not": { "anyOf": some } }] }));
                let mut share = value(&ParamKind::Share { zero: false });
                described(&mut share, "Which share of the messages");
                properties.insert("messages".to_owned(), share);
                let kinds = json!({ "$ref": "#/definitions/message" });
                let on = json!({
                    "description": "Kinds of message; without it, all",
                    "anyOf": [kinds, list(&kinds)],
                });
                properties.insert("on".to_owned(), on);
                required.push("messages");
            }
            _ => {
                let mut schema = value(&param.kind);
                described(&mut schema, param.about);
                match param.default {
                    Some(default) => {
                        let number = default.parse::<u32>();
                        schema["default"] = number.map_or(json!(default), |number| json!(number));
                    }
                    None => required.push(param.name),
                }
                properties.insert(param.name.to_owned(), schema);
            }
        }
    }
    let mut schema =
        json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if !all.is_empty() {
        schema["allOf"] = json!(all);
        let isolated_or_to = one_of(["isolate", "to"].into_iter());
        schema["dependencies"] = json!({ "to": ["from"], "from": { "anyOf": isolated_or_to } });
    }
    schema
}

/// A share, as it is written.
const SHARE: &str = "^(100(\\.0+)?|[0-9]{1,2}(\\.[0-9]+)?) *%$";

/// The keys that choose links.
const LINKS: &[(&str, &str)] = &[
    ("isolate", "Cuts these off from all others, or from those of `from`"),
    ("from", "Of one way, where it begins; of `isolate`, from whom"),
    ("to", "One way, from those of `from` to these"),
    ("between", "Between these two, both ways"),
    ("halves", "Splits these into two halves, drawn"),
    ("majority", "Splits these into a majority and the rest, drawn"),
    ("bridge", "Splits these into two sides and one that sees both, drawn"),
    ("ring", "Each of these sees its neighbours only"),
];

fn links(properties: &mut Map<String, Value>) {
    let target = json!({ "$ref": "#/definitions/target" });
    for (key, about) in LINKS {
        let mut schema = match *key {
            "between" => json!({ "type": "array", "minItems": 2, "maxItems": 2, "items": target }),
            _ => target.clone(),
        };
        described(&mut schema, about);
        properties.insert((*key).to_owned(), schema);
    }
}

/// A value of a type.
fn value(kind: &ParamKind) -> Value {
    let times = "[0-9][0-9a-z ]*";
    let size = "^[0-9]+ *(B|kB|KiB|MB|MiB)$";
    let above_zero = |pattern: &str, example: &str| {
        let positive = "^[^%]*[1-9]";
        json!({ "type": "string", "allOf": [{ "pattern": pattern }, { "pattern": positive }], "examples": [example] })
    };
    let any = |pattern: &str, example: &str| json!({ "type": "string", "pattern": pattern, "examples": [example] });
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

/// A time with its unit: `1m 30s`.
fn time() -> String {
    let units =
        "(ms|msec|millis|s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hr|hrs|hour|hours)";
    format!("^ *([0-9]+ *{units} *)+$")
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

fn node(system: &dyn System) -> Value {
    json!({
        "type": "string",
        "pattern": format!("^({})$", nodes(system)),
    })
}

/// Whom a fault hits: one pattern, with the usual words as examples. Of alternatives editors would show the descriptions in
/// place of the fault's.
fn target(system: &dyn System) -> Value {
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

/// An entry of `expect`.
fn expectation() -> Value {
    let mut names = Vec::new();
    let mut limits = Map::new();
    for entry in squall_judge::CATALOGUE {
        if entry.limit.is_none_or(|limit| limit.default().is_some()) {
            names.push((entry.name.to_owned(), entry.about.to_owned()));
        }
        let time = json!({ "$ref": "#/definitions/time" });
        let schema = match entry.limit {
            None => continue,
            Some(squall_judge::Limit::Within { .. }) => json!({ "anyOf": [time, {
                "type": "object", "additionalProperties": false, "required": ["within"],
                "properties": { "within": time },
            }] }),
            Some(squall_judge::Limit::AtLeast) => json!({
                "type": "object", "additionalProperties": false, "required": ["at_least"],
                "properties": {
                    "at_least": {
                        "type": "string", "description": "At least this share: 90%", "pattern": SHARE,
                    },
                    "during": {
                        "type": ["string", "number"],
                        "description": "Of what is published while the step of this name acts",
                    },
                    "after": {
                        "type": ["string", "number"],
                        "description": "Of what is published after the step of this name is over",
                    },
                },
                "not": { "required": ["during", "after"] },
            }),
            Some(squall_judge::Limit::Quantile) => {
                let quantiles: Map<String, Value> = squall_judge::QUANTILES
                    .iter()
                    .map(|(name, _)| ((*name).to_owned(), time.clone()))
                    .collect();
                json!({
                    "type": "object", "additionalProperties": false, "minProperties": 1,
                    "maxProperties": 1, "properties": quantiles,
                })
            }
        };
        let mut schema = schema;
        described(&mut schema, entry.about);
        limits.insert(entry.name.to_owned(), schema);
    }
    json!({ "anyOf": [
        words_of(names.into_iter()),
        {
            "type": "object", "additionalProperties": false, "minProperties": 1,
            "maxProperties": 1, "properties": limits,
        },
    ] })
}
