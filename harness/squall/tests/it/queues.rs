//! The examples of the presets: each keeps what its preset promises, and each mistake that it can be told to make is found out
//! by the name of what it breaks. `queue` is all of them but the log, which is `tiny`.

use crate::{
    common::{self, Said, report, scenario},
    example, tiny,
};
use squall_reports::Report;

const SCENARIOS: &str = "harness/squall/examples/queue/scenarios";

const KINDS: [&str; 8] = [
    "sqs_fifo",
    "sqs_standard",
    "rabbitmq_queue",
    "redis_list",
    "redis_stream",
    "nats_jetstream",
    "pub_sub",
    "work_queue",
];

/// Each mistake, a scenario that notices it, and the invariant by which.
const MISTAKES: [(&str, &str, &str); 16] = [
    ("answers-before-sync", "broker-loses-power", "no_loss"),
    ("hands-out-twice", "calm", "one_lease"),
    ("forgets-extensions", "calm", "lease_respected"),
    ("leases-by-the-clock", "clocks-jump", "lease_respected"),
    ("forgets-the-dead", "consumer-dies", "drains"),
    ("acknowledges-in-memory", "publishes-are-repeated", "acknowledged_stays_gone"),
    ("counts-in-memory", "broker-loses-power", "delivery_count"),
    ("goes-on-for-ever", "poison", "delivery_count"),
    ("ignores-groups", "calm", "group_order"),
    ("forgets-ids", "publishes-are-repeated", "deduplicated"),
    ("drops-what-is-given-back", "calm", "no_loss"),
    ("starves-what-is-given-back", "more-than-they-can-do", "fair"),
    ("pushes-back", "consumer-sleeps", "acknowledged_stays_gone"),
    ("effect-before-the-end", "acknowledgements-get-lost", "idempotency"),
    ("expires-early", "more-than-they-can-do", "no_loss"),
    ("loses-a-subscription", "calm", "no_loss"),
];

fn queue(kind: &str, arguments: &[&str]) -> Said {
    common::run(&example("queue"), &[&[kind], arguments].concat())
}

fn run(kind: &str, scenario: &str, more: &[&str]) -> (Said, Report) {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let path = format!("{SCENARIOS}/{scenario}");
    let arguments =
        ["run", &path, "--quiet", "--verify", "none", "--report", json.to_str().unwrap()];
    let said = queue(kind, &[&arguments, more].concat());
    assert!(said.code < 2, "{kind}: {}{}", said.out, said.err);
    (said, report(&json))
}

/// The mistakes that a kind can be told to make, as it lists them.
fn mistakes(kind: &str) -> Vec<String> {
    let said = queue(kind, &["list", "defects"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let first = |line: &str| line.split_whitespace().next().map(str::to_owned);
    let words = said.out.lines().filter(|line| !line.starts_with(' ')).filter_map(first);
    words.filter(|word| MISTAKES.iter().any(|(id, ..)| id == word)).collect()
}

#[test]
fn nothing_is_wrong_with_any_kind() {
    for kind in KINDS {
        let (said, _) = run(kind, "", &["--runs", "1"]);
        assert_eq!(said.code, 0, "{kind}: {}", said.out);
    }
}

#[test]
fn each_mistake_is_found_out_by_its_name() {
    let mut made = 0;
    for kind in KINDS {
        for mistake in mistakes(kind) {
            let known = MISTAKES.iter().find(|(id, ..)| *id == mistake).unwrap();
            let (_, scenario, invariant) = known;
            let scenario = format!("{scenario}.yaml");
            let (_, report) =
                run(kind, &scenario, &["--runs", "3", "--max-failures", "1", "--defect", &mistake]);
            let broken: Vec<&str> = report
                .runs()
                .flat_map(|(_, run)| &run.violations)
                // What vanished before it was promised may show by the order of its group first.
                .filter(|v| v.consequence_of.is_none() || v.invariant == "no_loss")
                .map(|violation| violation.invariant.as_str())
                .collect();
            assert!(broken.contains(invariant), "{kind}, {mistake}: {broken:?}");
            made += 1;
        }
    }
    assert!(made > 50, "{made}");
}

#[test]
fn a_log_keeps_what_a_kafka_like_log_promises() {
    let calm = "name: calm\nworkload: { events: 60, rate: 60/s }\n";
    let dies =
        format!("{calm}faults:\n  - {{ every: 200ms, crash: server-1, restart_after: 100ms }}\n");
    for (text, more, code) in
        [(calm, &[][..], 0), (&dies, &[], 0), (&dies, &["--defect", "no-sync"], 1)]
    {
        let (folder, path) = scenario(text);
        let json = folder.path().join("report.json");
        let arguments =
            ["run", &path, "--runs", "3", "--quiet", "--report", json.to_str().unwrap()];
        assert_eq!(tiny(&[&arguments, more].concat()).code, code, "{text} {more:?}");
        let report = report(&json);
        let broken = |name: &str| {
            let mut all = report.runs().flat_map(|(_, run)| &run.violations);
            all.any(|violation| violation.invariant == name)
        };
        assert_eq!(broken("durability"), code == 1);
        assert!(report.runs().all(|(_, run)| run.judged["order"] > 0));
        // Effects that happen once are not promised.
        assert!(report.runs().all(|(_, run)| !run.judged.contains_key("idempotency")));
    }
}

#[test]
fn a_kind_that_there_is_not_is_told() {
    let said = common::run(&example("queue"), &["sqs_fifi", "run"]);
    assert_eq!(said.code, 2, "{}", said.err);
}

#[test]
fn what_a_queue_promises_is_all_that_it_is_judged_by() {
    let (_, report) = run("rabbitmq_queue", "calm.yaml", &["--runs", "1"]);
    let (_, run) = report.runs().next().unwrap();
    let judged = |name: &str| run.judged.get(name).copied().unwrap_or(0);
    assert!(judged("one_lease") > 0 && judged("no_loss") > 0);
    for of_a_log in ["no_skip", "single_owner", "order", "eventual_consistency", "agreement"] {
        assert!(!run.judged.contains_key(of_a_log), "{of_a_log}");
    }
}
