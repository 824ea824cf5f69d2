//! What can be expected.

use super::{
    parts::{described, list, words_of},
    values::SHARE,
};
use serde_json::{Map, Value, json};

/// An entry of `expect`.
pub(super) fn expectation() -> Value {
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
    let invariant = || {
        let all = squall_judge::CATALOGUE.iter();
        words_of(all.map(|entry| (entry.name.to_owned(), entry.about.to_owned())))
    };
    let variant = json!({ "type": "string", "description": "A variant of the system" });
    let one_or_more =
        |one: &Value, about: &str| json!({ "description": about, "anyOf": [one, list(one)] });
    json!({ "anyOf": [
        words_of(names.into_iter()),
        {
            "type": "object", "additionalProperties": false, "minProperties": 1,
            "maxProperties": 1, "properties": limits,
        },
        {
            "type": "object", "additionalProperties": false, "required": ["violates"],
            "properties": {
                "violates": one_or_more(&invariant(), "What is known to be violated; of a list at least one"),
                "with": one_or_more(&variant, "Only by these variants of the system"),
                "unless": one_or_more(&variant, "Not by these variants of the system"),
            },
        },
    ] })
}
