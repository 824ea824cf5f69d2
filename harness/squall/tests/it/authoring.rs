//! Writing scenarios for a system that is not the reference system: its own words are listed, explained, completed and
//! used by templates.

use crate::{common::scenario, tiny};
use serde_json::Value;

fn schema() -> Value {
    serde_json::from_str(&tiny(&["schema", "scenario"]).out).unwrap()
}

#[test]
fn the_schema_has_the_words_of_the_system() {
    let schema = schema();
    jsonschema::draft7::meta::validate(&schema).unwrap();
    let roles = schema["properties"]["nodes"]["properties"].as_object().unwrap();
    assert!(roles.contains_key("servers") && !roles.contains_key("brokers"), "{roles:?}");
    let points = &schema["definitions"]["point"]["enum"];
    assert_eq!(points, &serde_json::json!(["server.synced"]));
    let valid = |text: Value| jsonschema::draft7::is_valid(&schema, &text);
    let with = |target: &str| serde_json::json!({ "name": "x", "faults": [{ "at": "1s", "crash": target }] });
    assert!(valid(with("any server")) && valid(with("server-1")) && valid(with("clients")));
    assert!(!valid(with("any broker")) && !valid(with("server-0")));
}

#[test]
fn templates_are_of_its_roles() {
    for mode in [
        "broker",
        "producer",
        "consumer",
        "network",
        "message",
        "resource",
        "clock",
        "dependency",
        "load",
    ] {
        let text = tiny(&["new", mode]).out;
        let (_folder, path) = scenario(&text);
        let said = tiny(&["check", &path]);
        assert_eq!(said.code, 0, "{text}{}", said.err);
    }
}

#[test]
fn its_words_are_listed_and_explained() {
    assert!(tiny(&["list", "points"]).out.contains("the server has synced an event"));
    assert!(tiny(&["explain", "server"]).out.contains("servers: a role"));
    assert!(tiny(&["explain", "crash"]).out.contains("Can hit: "));
    assert_eq!(tiny(&["explain", "brokers"]).code, 2);
}
