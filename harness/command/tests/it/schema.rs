//! The JSON Schema of scenarios, held against an independent validator: all scenarios of the library are valid, and so
//! are all examples; what `squall check` refuses the schema refuses too, but for what a schema cannot say.
//! `BLESS=1 cargo test -p squall-command schema` writes the file in `scenarios`.

use crate::squall;
use jsonschema::Validator;
use serde_json::Value;
use squall::catalogue;
use squall_command::ReferenceSystem;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

const FILE: &str = "scenario.schema.json";
const MODELINE: &str = "# yaml-language-server: $schema=";

fn library() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(&squall(&["schema", "scenario"]).out).unwrap();
    jsonschema::draft7::meta::validate(&schema).unwrap();
    jsonschema::draft7::new(&schema).unwrap()
});

/// What the schema refuses in a scenario, one a line.
pub fn refused(text: &str) -> String {
    let Ok(scenario) = serde_yaml::from_str::<Value>(text) else { return "no YAML".to_owned() };
    VALIDATOR
        .iter_errors(&scenario)
        .map(|error| format!("{}: {error}\n", error.instance_path()))
        .collect()
}

fn scenarios(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scenarios(&path, all);
        } else if path.extension().is_some_and(|end| end == "yaml") {
            all.push(path);
        }
    }
}

#[test]
fn the_file_is_current() {
    let path = library().join(FILE);
    let made = squall(&["schema", "scenario"]).out;
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, made).unwrap();
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == made,
        "{FILE} is not current: run BLESS=1 cargo test -p squall-command schema"
    );
}

#[test]
fn each_scenario_is_valid_and_leads_editors_to_the_schema() {
    let mut all = Vec::new();
    scenarios(&library(), &mut all);
    assert!(all.len() > 100);
    for path in all {
        let text = fs::read_to_string(&path).unwrap();
        if text.contains("\nsystem:") {
            // The schema's words are the reference system's.
            continue;
        }
        assert_eq!(refused(&text), "", "{}", path.display());
        let first = text.lines().next().unwrap();
        let leads =
            first.strip_prefix(MODELINE).unwrap_or_else(|| panic!("{}: {first}", path.display()));
        let file = path.parent().unwrap().join(leads).canonicalize().unwrap();
        assert_eq!(file, library().join(FILE).canonicalize().unwrap());
    }
}

#[test]
fn each_example_is_valid() {
    for word in catalogue::all(&ReferenceSystem) {
        if ["defect", "metric"].contains(&word.kind) {
            continue;
        }
        let name = if word.example.starts_with("name:") { "" } else { "name: x\n" };
        let text = format!("{name}{}\n", word.example);
        assert_eq!(refused(&text), "", "{text}");
    }
}

#[test]
fn every_key_and_word_is_explained() {
    fn described(schema: &Value, path: &str) {
        if let Some(properties) = schema["properties"].as_object() {
            for (name, property) in properties {
                let place = format!("{path}.{name}");
                let said = property["description"].as_str().or(property["$ref"].as_str());
                assert!(said.is_some_and(|text| text.len() > 4), "{place}: {property}");
            }
        }
        match schema {
            Value::Object(all) => {
                all.iter().for_each(|(key, inner)| described(inner, &format!("{path}.{key}")));
            }
            Value::Array(all) => all.iter().for_each(|inner| described(inner, path)),
            _ => {}
        }
    }
    let schema: Value = serde_json::from_str(&squall(&["schema", "scenario"]).out).unwrap();
    described(&schema, "");
}

/// The schema is of the system at hand: its roles, messages, points and signals.
#[test]
fn words_of_the_system_are_enumerated() {
    for (wrong, right) in [
        ("nodes: { server: 3 }", "nodes: { brokers: 3 }"),
        ("settle: 2 fortnights", "settle: 1day 2h 3m 4s 5ms"),
        ("must_see: [frobnicated]", "must_see: [rejoined]"),
        (
            "faults: [{ when: { reaches: nowhere }, crash: leader }]",
            "faults: [{ when: { reaches: store.synced }, crash: leader }]",
        ),
        (
            "faults: [{ at: 1s, lose: { messages: 2%, on: parcel } }]",
            "faults: [{ at: 1s, lose: { messages: 2%, on: [publish, charge] } }]",
        ),
        ("faults: [{ at: 1s, crash: any server }]", "faults: [{ at: 1s, crash: any gateway }]"),
    ] {
        assert_ne!(refused(&format!("name: x\n{wrong}\n")), "", "{wrong}");
        assert_eq!(refused(&format!("name: x\n{right}\n")), "", "{right}");
    }
}
