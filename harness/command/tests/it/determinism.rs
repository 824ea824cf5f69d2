//! Same plan, same seed, same history: in another process, beside other runs, at another position.

use crate::{common::report, squall};
use squall::{
    system::{Client, Cluster, Defect, Error, LocalFuture, Node, Promises, Role, State, System},
    testing::{Plan, execute, load},
};
use squall_command::ReferenceSystem;
use squall_reports::Report;
use std::{path::Path, sync::Arc};

const SCENARIOS: &[&str] = &[
    "scenarios/broker/leader-dies-while-partition-heals.yaml",
    "scenarios/network/slow-and-out-of-order.yaml",
];

fn run(more: &[&str]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let path_text = path.to_string_lossy();
    let arguments = [&["run"], SCENARIOS, &["--report", &path_text], more].concat();
    let said = squall(&arguments);
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
    report(&path)
}

#[test]
fn reports_differ_in_nothing_but_times_whatever_the_parallelism() {
    let one = run(&["--runs", "4", "--jobs", "1"]);
    let three = run(&["--runs", "4", "--jobs", "3"]);
    assert_eq!(one.without_times(), three.without_times());
    assert!(one.runs().all(|(_, run)| run.hash.len() == 32));
}

#[test]
fn a_run_does_not_depend_on_those_before_it() {
    let all = run(&["--runs", "3", "--jobs", "1", "--verify", "none"]);
    let last = run(&["--runs", "1", "--seed", "3", "--jobs", "1", "--verify", "none"]);
    for (all, last) in all.scenarios.iter().zip(&last.scenarios) {
        assert_eq!(all.runs[2].hash, last.runs[0].hash);
    }
}

#[test]
fn a_violation_is_replayed_with_the_same_history() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let path_text = path.to_string_lossy();
    let scenario = "scenarios/broker/leader-cut-off-from-brokers.yaml";
    let defect = ["--defect", "ack-before-quorum"];
    let said =
        squall(&[&["run", scenario, "--runs", "2", "--report", &path_text], &defect[..]].concat());
    assert_eq!(said.code, 1, "{}", said.out);
    let report = report(&path);
    let (_, failed) = report.runs().find(|(_, run)| !run.violations.is_empty()).unwrap();
    assert!(failed.violations.iter().any(|violation| violation.invariant == "no_loss"));
    let seed = failed.seed.to_string();
    let command = failed.replay.strip_prefix("squall ").unwrap();
    assert!(said.out.contains(command));
    let again = squall(&[&["replay", scenario, "--seed", &seed], &defect[..]].concat());
    assert_eq!(again.code, 1);
    assert!(again.out.contains(&failed.hash), "{}", again.out);
    for violation in &failed.violations {
        assert!(again.out.contains(&violation.summary), "{}", violation.summary);
    }
    assert!(again.out.contains("<- evidence"));
    assert!(!again.out.contains("not the same run"));

    // The command itself knows which history it should find.
    let words: Vec<&str> = command.split(' ').collect();
    assert!(squall(&words).out.contains(&failed.hash));
    let (last, others) = words.split_last().unwrap();
    let (_, made_by) = last.split_once(':').unwrap();
    let other = format!("000000000000:{made_by}");
    let other = squall(&[others, &[other.as_str()]].concat());
    assert_eq!(other.code, 1);
    assert!(other.out.contains("this is not the same run"), "{}", other.out);
}

/// The reference system, of which nobody knows what it waits for.
struct Opaque;

impl System for Opaque {
    fn name(&self) -> &str {
        ReferenceSystem.name()
    }
    fn version(&self) -> &str {
        ReferenceSystem.version()
    }
    fn config(&self) -> Vec<(String, String)> {
        ReferenceSystem.config()
    }
    fn roles(&self) -> &[Role] {
        ReferenceSystem.roles()
    }
    fn groups(&self) -> &[&'static str] {
        ReferenceSystem.groups()
    }
    fn messages(&self) -> &[&'static str] {
        ReferenceSystem.messages()
    }
    fn points(&self) -> &[&'static str] {
        ReferenceSystem.points()
    }
    fn signals(&self) -> &[&'static str] {
        ReferenceSystem.signals()
    }
    fn defects(&self) -> &[Defect] {
        ReferenceSystem.defects()
    }
    fn promises(&self) -> Promises {
        ReferenceSystem.promises()
    }
    fn start(&self, node: Node, cluster: Cluster) -> LocalFuture<Result<(), Error>> {
        ReferenceSystem.start(node, cluster)
    }
    fn client(&self, node: Node, cluster: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
        ReferenceSystem.client(node, cluster)
    }
    fn inspect(&self, node: Node, cluster: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
        ReferenceSystem.inspect(node, cluster)
    }
}

#[test]
fn what_nobody_waits_for_can_be_jumped_over_and_the_history_stays() {
    let scenarios = [
        "scenarios/broker/power-failure.yaml",
        "scenarios/network/heavy-tail.yaml",
        "scenarios/load/noisy-neighbours.yaml",
        "scenarios/clock/jump-while-gateway-is-down.yaml",
    ];
    let (known, opaque): (Arc<dyn System>, Arc<dyn System>) =
        (Arc::new(ReferenceSystem), Arc::new(Opaque));
    for file in scenarios {
        let path = Path::new(crate::common::ROOT).join(file);
        let scenario = load(&[path], known.as_ref()).unwrap().remove(0);
        let plan = Plan::new(&scenario, 1, known.as_ref(), &[]);
        let [jumps, steps] = [&known, &opaque].map(|system| execute(&plan, system).unwrap());
        assert_eq!(jumps.hash, steps.hash, "{file}");
        assert_eq!(jumps.elapsed, steps.elapsed, "{file}");
    }
}
