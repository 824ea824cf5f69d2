//! What schemas are made of.

use crate::{
    catalogue::Word,
    syntax::{self, Node},
};
use serde_json::{Value, json};

/// Gives a schema its description: beside a reference nothing else is read.
pub(super) fn described(schema: &mut Value, about: &str) {
    if schema.get("$ref").is_some() {
        *schema = json!({ "allOf": [schema.clone()] });
    }
    schema["description"] = json!(about);
}

pub(super) fn list(items: &Value) -> Value {
    json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": items })
}

/// One of these keys, and only one.
pub(super) fn one_of<'a>(keys: impl Iterator<Item = &'a str>) -> Value {
    keys.map(|key| json!({ "required": [key] })).collect()
}

/// One of these words, each with its meaning, as the YAML language server reads it.
pub(super) fn any_of(words: &[Word]) -> Value {
    words_of(words.iter().map(|word| (word.name.clone(), word.line.clone())))
}

pub(super) fn words_of(words: impl Iterator<Item = (String, String)>) -> Value {
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

/// Lines of a scenario as data.
pub(super) fn body(text: &str) -> Value {
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
