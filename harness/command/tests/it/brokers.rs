//! Brokers that are known by name: what is said of them before any of their programs runs. What they do is tested by
//! harness/checks/live-brokers, where their programs are.

use crate::{common::ROOT, squall};
use std::process::Command;

/// All that `list systems` names.
fn systems() -> Vec<String> {
    let listed = squall(&["list", "systems"]);
    assert_eq!(listed.code, 0, "{}{}", listed.out, listed.err);
    let names = listed.out.lines().filter(|line| !line.starts_with(' '));
    names.filter_map(|line| Some(line.split_whitespace().next()?.to_owned())).collect()
}

#[test]
fn each_system_has_scenarios_that_are_read_with_it_and_with_no_other() {
    let systems = systems();
    assert!(systems.iter().any(|name| name == "nats") && systems.len() > 1, "{systems:?}");
    for name in &systems {
        let own = format!("scenarios/live/{name}");
        let said = squall(&["check", "--system", name]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        assert!(said.out.contains(&own), "they are what is meant without a word: {}", said.out);
        // A folder with others leaves them out; where there is nothing else, it says for whom it is.
        let said = squall(&["check", &own]);
        assert_eq!(said.code, 2, "{}", said.out);
        assert!(said.err.contains(&format!("use --system {name}")), "{}", said.err);
    }
    let said = squall(&["check", "scenarios/live/redis/retries.yaml"]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("this scenario is for redis, and it is read for reference-system"),
        "{}",
        said.err
    );
}

#[test]
fn a_variant_that_is_not_known_is_refused_with_those_that_are() {
    let said = squall(&["check", "--system", "redis", "--variant", "wait1"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("did you mean `wait-1`?"), "{}", said.err);
    let said = squall(&["check", "--variant", "wait-1"]);
    assert!(said.code == 2 && said.err.contains("--system"), "{}", said.err);
    let said = squall(&["check", "--system", "no-such-broker"]);
    assert!(
        said.code == 2 && said.err.contains("known by name are kafka, nats, rabbitmq, redis"),
        "{}",
        said.err
    );
}

#[test]
fn a_program_that_is_missing_is_named_before_anything_runs() {
    let made = Command::new(env!("CARGO_BIN_EXE_squall"))
        .args(["run", "--system", "nats", "--runs", "1"])
        .env("SQUALL_NATS_SERVER", "/no/such/program")
        .current_dir(ROOT)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert_eq!(made.status.code(), Some(2), "{said}");
    assert!(
        said.contains("nats cannot be run here: SQUALL_NATS_SERVER is /no/such/program"),
        "{said}"
    );
}

#[test]
fn a_folder_for_a_team_that_runs_the_broker_is_read_as_it_is() {
    for name in systems() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("ours").to_string_lossy().into_owned();
        let said = squall(&["init", "--system", &name, &dir]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        let description = format!("{dir}/system.yaml");
        let scenarios = format!("{dir}/scenarios");
        let said = squall(&["check", "--system", &description, &scenarios]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        for file in ["README.md", ".github/workflows/squall.yml"] {
            let text = std::fs::read_to_string(format!("{dir}/{file}")).unwrap();
            assert!(!text.replace("${{", "").contains("{{"), "{file} has something to fill in");
        }
        let again = squall(&["init", "--system", &name, &dir]);
        assert!(again.code == 2 && again.err.contains("is not empty"), "{}", again.err);
    }
    let said = squall(&["init", "--system", "examples/tickets/system.yaml", "/tmp/never"]);
    assert!(said.code == 2 && said.err.contains("squall list systems"), "{}", said.err);
}
