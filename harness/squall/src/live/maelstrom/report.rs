//! What came of a run, as reports have it.

use crate::{
    live::nemesis::Remains,
    outcome::{Fates, felt_signals, why_faults_prove_nothing},
    plan::Plan,
};
use serde_json::Value;
use squall_maelstrom::{
    Findings, Judged, KeptHistory, Verdict as Came,
    history::{self, Event, Kind, Op},
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

/// Why the run of a plan proves nothing, by its faults; and what was felt, by name.
pub(super) fn vacuous(plan: &Plan, remains: &Remains) -> (Vec<String>, BTreeMap<String, u64>) {
    let signals = felt_signals(plan, &remains.felt);
    let Remains { unfired, begun_steps, felt, .. } = remains;
    let fates = Fates { unfired, begun_steps, felt };
    (why_faults_prove_nothing(plan, fates, &signals, |_| None), signals)
}

/// A run, by what its history comes to, why it proves nothing, and why nobody can say whether it passed.
pub(super) fn run(
    workload: &Workload,
    events: &[Event],
    judged: &Judged,
    vacuous: &[String],
    doubts: &[String],
) -> Run {
    let mut vacuous = vacuous.to_vec();
    let why = || Some(line(&judged.why));
    let (verdict, reason) = match judged.verdict {
        // What proves something is proven, whatever else is missing.
        Came::Failed => (Verdict::Failed, facts(&judged.findings)),
        Came::Errored => (Verdict::Errored, why()),
        _ if !doubts.is_empty() => (Verdict::Inconclusive, Some(doubts.join("; "))),
        Came::Inconclusive => (Verdict::Inconclusive, why()),
        Came::Vacuous => {
            vacuous.insert(0, judged.why.clone());
            (Verdict::Vacuous, Some(vacuous.join("; ")))
        }
        Came::Passed if !vacuous.is_empty() => (Verdict::Vacuous, Some(vacuous.join("; "))),
        Came::Passed => (Verdict::Passed, None),
    };
    let ops = history::pair(events);
    let count = |kind: Kind| ops.iter().filter(|op| op.outcome == kind).count() as u64;
    Run {
        verdict,
        reason,
        violations: violations(&judged.findings, events),
        judged: workload
            .anomalies
            .iter()
            .map(|name| ((*name).to_owned(), count(Kind::Ok)))
            .collect(),
        counters: Counters {
            events_published: ops.len() as u64,
            acknowledged: count(Kind::Ok),
            failed: count(Kind::Fail),
            indeterminate: count(Kind::Info),
            ..Counters::default()
        },
        latency: latency(&ops),
        ..Run::default()
    }
}

/// What was counted, in words.
fn facts(findings: &Findings) -> Option<String> {
    let facts = findings.facts.iter().map(|(name, value)| format!("{name} {value}"));
    let facts = facts.collect::<Vec<_>>().join(", ");
    (!facts.is_empty()).then_some(facts)
}

/// What happened, in words: when, in microseconds, and what.
pub(super) fn lines(kept: &KeptHistory) -> Vec<(u64, String)> {
    let events = kept.events.iter().map(|event| {
        let last = if event.last { " (at last)" } else { "" };
        (event.time, format!("{:<8} {}{last}", event.node, said(event)))
    });
    let faults = kept.faults.iter().map(|(at, what)| (*at, format!("squall   {what}")));
    let mut lines: Vec<(u64, String)> = events.chain(faults).collect();
    lines.sort_by_key(|(at, _)| *at);
    lines
}

/// From asking to the answer.
fn latency(ops: &[Op]) -> Option<Latency> {
    let mut recorder = LatencyRecorder::default();
    for op in ops.iter().filter(|op| op.ok()) {
        recorder.record(op.ended_us.unwrap_or(op.began_us) - op.began_us);
    }
    recorder.summary()
}

/// One of each name: the first of it, and how many there are.
fn violations(findings: &Findings, events: &[Event]) -> Vec<Violation> {
    let mut violations: Vec<Violation> = Vec::new();
    for anomaly in &findings.anomalies {
        if violations.iter().any(|known| known.invariant == anomaly.name) {
            continue;
        }
        let more = match findings.count(&anomaly.name) {
            0 | 1 => String::new(),
            count => format!(" (the first of {count})"),
        };
        violations.push(Violation {
            invariant: anomaly.name.clone(),
            summary: line(&anomaly.about) + &more,
            evidence: (anomaly.events.iter())
                .filter_map(|index| events.get(usize::try_from(*index).ok()?))
                .take(EVIDENCE)
                .map(evidence)
                .collect(),
            consequence_of: None,
        });
    }
    violations
}

fn evidence(event: &Event) -> Evidence {
    Evidence {
        index: event.index,
        at_us: event.time,
        node: event.node.clone(),
        kind: format!("{}_{}", event.f, event.kind.name()),
        text: said(event),
    }
}

fn said(event: &Event) -> String {
    let error = event.error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default();
    let (value, kind) = (shown(&event.value), event.kind.name());
    let said = format!("client {}: {} {kind} {value}{error}", event.process, event.f);
    said.trim_end().to_owned()
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
