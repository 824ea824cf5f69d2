//! What came of a run, as reports have it.

use crate::{
    live::nemesis::Remains,
    outcome::{never_felt, never_seen},
    plan::Plan,
};
use serde_json::Value;
use squall_maelstrom::{
    Outcome, Verdict as Came,
    history::{self, Event, Kind},
    workloads::Workload,
};
use squall_reports::{Counters, Evidence, Latency, LatencyRecorder, Run, Verdict, Violation};
use std::{collections::BTreeMap, time::Duration};

/// How many pieces of evidence a violation has.
const EVIDENCE: usize = 12;

/// A time in microseconds.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).expect("no run takes 500,000 years")
}

/// Several lines as one.
pub(super) fn line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" | ")
}

/// The run of a plan. `doubts` are why nobody can say whether it passed.
pub(super) fn run(
    plan: &Plan,
    workload: &Workload,
    outcome: &Outcome,
    remains: &Remains,
    doubts: &[String],
    healed: Duration,
) -> Run {
    let felt = |step: u16| remains.felt.get(&step).copied().unwrap_or(0);
    let mut signals: BTreeMap<String, u64> = BTreeMap::new();
    let mut steps: Vec<u16> = Vec::new();
    for fault in plan.faults.iter().filter(|fault| felt(fault.step) > 0) {
        if !steps.contains(&fault.step) {
            steps.push(fault.step);
            *signals.entry(fault.fault.kind.signal()).or_default() += felt(fault.step);
        }
    }
    let mut vacuous: Vec<String> = remains.unfired.clone();
    vacuous.extend(never_felt(plan, &remains.begun_steps, |step| felt(step) > 0, |_| None));
    vacuous.extend(never_seen(plan, &signals));
    let (verdict, reason) = match outcome.verdict {
        // What proves something is proven, whatever else is missing.
        Came::Failed => (Verdict::Failed, None),
        Came::Errored => (Verdict::Errored, Some(line(&outcome.why))),
        _ if !doubts.is_empty() => (Verdict::Inconclusive, Some(doubts.join("; "))),
        Came::Inconclusive => (Verdict::Inconclusive, Some(outcome.why.clone())),
        Came::Vacuous => {
            vacuous.insert(0, outcome.why.clone());
            (Verdict::Vacuous, Some(vacuous.join("; ")))
        }
        Came::Passed if !vacuous.is_empty() => (Verdict::Vacuous, Some(vacuous.join("; "))),
        Came::Passed => (Verdict::Passed, None),
    };
    let facts: Vec<String> =
        outcome.findings.facts.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let failed = verdict == Verdict::Failed && !facts.is_empty();
    let reason = reason.or_else(|| failed.then(|| facts.join(", ")));
    let count = |kind: Kind| -> u64 {
        let counts = outcome.counts.values();
        counts.filter_map(|ended| ended.get(kind.name())).sum()
    };
    let done = count(Kind::Ok);
    Run {
        seed: plan.seed,
        verdict,
        reason,
        sim_ms: micros(outcome.took) / 1_000,
        recovery_ms: (verdict == Verdict::Passed)
            .then(|| micros(outcome.took.saturating_sub(healed)) / 1_000),
        signals,
        violations: violations(outcome),
        judged: workload.anomalies.iter().map(|name| ((*name).to_owned(), done)).collect(),
        counters: Counters {
            events_published: done + count(Kind::Fail) + count(Kind::Info),
            acknowledged: done,
            failed: count(Kind::Fail),
            indeterminate: count(Kind::Info),
            messages: outcome.messages,
            faults: remains.begun,
            ..Counters::default()
        },
        latency: latency(outcome),
        ..Run::default()
    }
}

/// From asking to the answer.
fn latency(outcome: &Outcome) -> Option<Latency> {
    let mut recorder = LatencyRecorder::default();
    for op in history::pair(&outcome.events).iter().filter(|op| op.ok()) {
        recorder.record(op.ended_us.unwrap_or(op.began_us) - op.began_us);
    }
    recorder.summary()
}

/// One of each name: the first of it, and how many there are.
fn violations(outcome: &Outcome) -> Vec<Violation> {
    let mut violations: Vec<Violation> = Vec::new();
    for anomaly in &outcome.findings.anomalies {
        if violations.iter().any(|known| known.invariant == anomaly.name) {
            continue;
        }
        let more = match outcome.findings.count(&anomaly.name) {
            0 | 1 => String::new(),
            count => format!(" (the first of {count})"),
        };
        violations.push(Violation {
            invariant: anomaly.name.clone(),
            summary: line(&anomaly.about) + &more,
            evidence: (anomaly.events.iter())
                .filter_map(|index| outcome.events.get(usize::try_from(*index).ok()?))
                .take(EVIDENCE)
                .map(evidence)
                .collect(),
            consequence_of: None,
        });
    }
    violations
}

fn evidence(event: &Event) -> Evidence {
    let error = event.error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default();
    let value = shown(&event.value);
    let kind = event.kind.name();
    Evidence {
        index: event.index,
        at_us: event.time,
        node: event.node.clone(),
        kind: format!("{}_{kind}", event.f),
        text: format!("client {}: {} {kind} {value}{error}", event.process, event.f)
            .trim_end()
            .to_owned(),
    }
}

/// A value that may be long, for people.
fn shown(value: &Value) -> String {
    const MOST: usize = 100;
    let text = value.to_string();
    let parts = match value {
        Value::Null => return String::new(),
        Value::Array(items) => format!(" ({} of them)", items.len()),
        _ => String::new(),
    };
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…{parts}", &text[..at]),
        None => text,
    }
}
