//! What can stand behind a fault's key.

use super::{
    parts::{described, list, one_of},
    values::value,
};
use crate::{
    faults::FaultKind,
    parameters::{Param, ParamKind},
};
use serde_json::{Map, Value, json};

/// What can stand behind a fault's key.
pub(super) fn fault(kind: &FaultKind) -> Value {
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
