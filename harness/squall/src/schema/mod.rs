//! The JSON Schema of scenarios, for editors: draft-07, because the YAML language server reads no later one. Made from
//! the tables by which scenarios are read, for the system at hand.
//!
//! What a schema cannot say, `squall check` does: how keys depend on each other's values (a trigger after the end of the
//! workload, a node that there is not, ranges that run backwards).

mod expect;
mod fault;
mod parts;
mod values;

use crate::{
    catalogue,
    faults::{self, FaultKind},
    parameters::ParamKind,
    scenario::{ANY, Absent, Key, MAX_NODES, NOT_ZONES, TABLES, TRIGGERS, Table, Takes},
    system::System,
};
use expect::expectation;
use fault::fault;
use parts::{any_of, body, described, list, one_of};
use serde_json::{Map, Value, json};
use values::{node, target, time, value};

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
            "time": { "type": "string", "allOf": [time(), { "pattern": "[1-9]" }] },
            "timeOrZero": { "type": "string", "allOf": [time()] },
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
        Takes::Alerts => list(&json!({ "anyOf": [alert(), {
            "type": "object", "minProperties": 1, "maxProperties": 1,
            "additionalProperties": { "anyOf": [{ "$ref": "#/definitions/time" }, {
                "type": "object", "additionalProperties": false, "required": ["within"],
                "properties": { "within": { "$ref": "#/definitions/time" } },
            }] },
        }] })),
        Takes::NoAlerts => json!({ "anyOf": [{ "const": ANY }, list(&alert())] }),
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

/// The name of an alert in rules that are not known here.
fn alert() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^\\n\\r\\t]+$" })
}

/// Names that no zone can have: they mean other nodes.
fn taken(system: &dyn System) -> Vec<&'static str> {
    let roles = system.roles().iter().flat_map(|role| [role.name, role.plural]);
    roles.chain(NOT_ZONES.iter().copied()).collect()
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
