//! Findings: reports in, what is found out, a case for each kind by hand.

use super::*;
use crate::format::{
    Evidence, Latency, Run, ScenarioReport, Shard, TimeBudget, Verdict, Violation,
};

mod findings;
mod rendering;
mod robust;

/// A run that passed.
fn run(seed: u64) -> Run {
    Run {
        seed,
        hash: format!("{seed:x}"),
        sim_ms: 10_000,
        recovery_ms: Some(500 + seed % 7),
        signals: [("retried".to_owned(), 3)].into(),
        latency: Some(Latency { p99_us: 20_000 + seed % 5, ..Latency::default() }),
        counters: crate::format::Counters { applied: 200, ..Default::default() },
        replay: format!("squall replay s.yaml --seed {seed}"),
        ..Run::default()
    }
}

/// A run that broke an invariant, with evidence of these kinds on `broker-1`. It has a history of its own.
fn failed(seed: u64, invariant: &str, kinds: &[&str]) -> Run {
    let evidence = kinds.iter().zip(0..).map(|(kind, index)| Evidence {
        index,
        at_us: 17 * seed,
        node: format!("broker-{}", 1 + seed % 3),
        kind: (*kind).to_owned(),
        text: format!("{kind} e{seed}"),
    });
    let violation = Violation {
        invariant: invariant.to_owned(),
        summary: format!("e{seed} is wrong"),
        evidence: evidence.collect(),
        ..Violation::default()
    };
    let hash = format!("{seed:x} {invariant} {kinds:?}");
    Run { verdict: Verdict::Failed, violations: vec![violation], hash, ..run(seed) }
}

/// Of seeds from 1, the first ones broke `no_loss`, the usual way.
fn flaky(runs: u64, failing: u64) -> Vec<Run> {
    let one = |seed| {
        if seed <= failing { failed(seed, "no_loss", &["publish_ok"]) } else { run(seed) }
    };
    (1..=runs).map(one).collect()
}

fn with_verdict(verdict: Verdict, seeds: std::ops::RangeInclusive<u64>) -> Vec<Run> {
    let reason = Some("because".to_owned());
    seeds.map(|seed| Run { verdict, reason: reason.clone(), ..run(seed) }).collect()
}

fn scenario(name: &str, runs: Vec<Run>) -> ScenarioReport {
    ScenarioReport {
        name: name.to_owned(),
        path: format!("scenarios/{name}.yaml"),
        hash: "aa".to_owned(),
        runs,
        ..ScenarioReport::default()
    }
}

fn report(version: &str, scenarios: Vec<ScenarioReport>) -> Report {
    let mut report =
        Report { format: crate::format::FORMAT.to_owned(), scenarios, ..Report::default() };
    report.tool = crate::format::Tool { name: "squall".to_owned(), version: "0.1.0".to_owned() };
    report.system.name = "reference".to_owned();
    report.system.version = version.to_owned();
    report
}

/// One scenario on both sides.
fn against(base: Vec<Run>, head: Vec<Run>) -> Comparison {
    compare(
        &[report("1.0", vec![scenario("s", base)])],
        &[report("2.0", vec![scenario("s", head)])],
        &Options::default(),
    )
}

/// What was found: weight, kind, subject.
fn found(comparison: &Comparison) -> Vec<(Weight, FindingKind, &str)> {
    comparison.findings.iter().map(|f| (f.weight, f.kind, f.subject.as_str())).collect()
}
