//! The numbers of a run over its virtual time: what a monitoring system that scrapes every node would have of it.
//!
//! Some are read off the records of any system (`told.rs`), the others are those that the system's own code tells by
//! `squall_probe::gauge` and `counter`. A scrape always reaches a node that runs: the network between the nodes is not
//! the one by which they are scraped.

mod board;
mod state;
mod told;

pub(crate) use state::state;

use crate::{metrics, outcome::RunOutcome, plan::Plan, system::System};
use board::{Board, Labels};
use squall_probe::{NodeId, Record, sim};
use squall_reports::{MetricKind, Series, TraceFault};
use std::{collections::BTreeMap, time::Duration};
use told::{Told, node_labels};

/// The most scrapes of a run: what has more is of no use to anybody.
const MOST: u64 = 100_000;

/// The numbers of a run, scraped after each `every`; `faults` are those that acted.
///
/// # Errors
/// There would be too many scrapes, or the system tells numbers that no monitoring system takes.
pub(crate) fn of(
    plan: &Plan,
    system: &dyn System,
    outcome: &RunOutcome,
    faults: &[TraceFault],
    every: Duration,
) -> Result<Series, String> {
    let every_ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
    if every_ms == 0 {
        return Err("scrapes are a millisecond apart at least".to_owned());
    }
    let scrapes = outcome.elapsed / 1_000 / every_ms + 1;
    if scrapes > MOST {
        return Err(format!(
            "the run lasts {}, which is {scrapes} scrapes of {}: let them be further apart (--scrape), {MOST} at most",
            humantime::format_duration(Duration::from_secs(outcome.elapsed / 1_000_000)),
            humantime::format_duration(every),
        ));
    }
    let own = own(outcome.measures.metrics())?;
    let mut board = Board::default();
    let mut told = Told::new(plan, system, &outcome.names, &mut board);
    let steps = by_step(faults);
    let (mut records, mut measured) =
        (outcome.history.iter().peekable(), outcome.measures.all().iter().peekable());
    for scrape in 0..scrapes {
        let now = scrape * every_ms * 1_000;
        loop {
            let record: Option<u64> = records.peek().map(|record| record.at);
            let measurement = measured.peek().map(|measurement| measurement.at);
            let next = record.into_iter().chain(measurement).min();
            if next.is_none_or(|next| next > now) {
                break;
            }
            if record == next {
                records
                    .next()
                    .into_iter()
                    .for_each(|record: &Record| told.record(&mut board, record));
            } else if let Some(measurement) = measured.next() {
                let metric = &outcome.measures.metrics()[measurement.metric];
                measure(plan, system, &mut board, metric, measurement);
            }
        }
        acting(&mut board, &steps, now);
        board.scrape();
    }
    let known = |name: &str| {
        let built_in = metrics::BUILT_IN.iter().find(|(known, _, _)| *known == name);
        built_in.map_or_else(
            || {
                let kind = own.get(name).copied().unwrap_or(MetricKind::Gauge);
                let meaning = system.meanings().iter().find(|(known, _)| *known == name);
                (kind, meaning.map_or_else(String::new, |(_, meaning)| (*meaning).to_owned()))
            },
            |(_, kind, about)| (*kind, (*about).to_owned()),
        )
    };
    let scrapes = usize::try_from(scrapes).expect("there are a hundred thousand at most");
    let fault_ms = faults.iter().map(|fault| fault.from_us / 1_000).min();
    Ok(Series { every_ms, scrapes, fault_ms, families: board.families(known) })
}

/// What the system's own numbers are, by name.
fn own(all: &[sim::Metric]) -> Result<BTreeMap<&str, MetricKind>, String> {
    let mut own = BTreeMap::new();
    for metric in all {
        let name = metric.name.as_str();
        let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
        let is_word = |text: &str, colon: bool| {
            let fits = |c: char| starts(c) || c.is_ascii_digit() || (colon && c == ':');
            text.starts_with(starts) && text.chars().all(fits)
        };
        if !is_word(name, true) {
            return Err(format!(
                "the system tells `{}`, which is no name of a metric: letters, digits and _ :",
                name.escape_default()
            ));
        }
        if let Some((label, _)) = metric.labels.iter().find(|(label, _)| {
            !is_word(label, false) || ["job", "instance", "role", "le"].contains(&label.as_str())
        }) {
            return Err(format!(
                "the system tells `{name}` with the label `{}`: letters, digits and _, and not job, instance, role or le",
                label.escape_default()
            ));
        }
        if metrics::BUILT_IN.iter().any(|(known, _, _)| *known == name) {
            return Err(format!("the system tells `{name}`, which squall tells itself"));
        }
        let kind = if metric.counts { MetricKind::Counter } else { MetricKind::Gauge };
        if own.insert(name, kind).is_some_and(|before| before != kind) {
            return Err(format!("the system tells `{name}` both as a gauge and as a counter"));
        }
    }
    Ok(own)
}

fn measure(
    plan: &Plan,
    system: &dyn System,
    board: &mut Board,
    metric: &sim::Metric,
    measurement: &sim::Measurement,
) {
    let node: NodeId = measurement.node;
    let mut labels: Labels = node_labels(plan, system, node);
    labels.extend(metric.labels.iter().cloned());
    if metric.counts {
        board.add(Some(node), &metric.name, labels, measurement.value);
    } else {
        board.set(Some(node), &metric.name, labels, measurement.value);
    }
}

/// The labels of a step's fault, and its occurrences. Of these there may be very many.
type Step<'a> = (Labels, Vec<&'a TraceFault>);

fn by_step(faults: &[TraceFault]) -> Vec<Step<'_>> {
    let mut steps: BTreeMap<(&str, u32), Vec<&TraceFault>> = BTreeMap::new();
    for fault in faults {
        steps.entry((&fault.text, fault.line)).or_default().push(fault);
    }
    let labels = |text: &str, line: u32| {
        vec![
            ("fault".to_owned(), squall_reports::printable(text)),
            ("line".to_owned(), line.to_string()),
        ]
    };
    steps.into_iter().map(|((text, line), all)| (labels(text, line), all)).collect()
}

/// How many faults of each step act at a time, in microseconds.
fn acting(board: &mut Board, steps: &[Step<'_>], now: u64) {
    for (labels, faults) in steps {
        let count = faults.iter().filter(|fault| fault.acts_at(now)).count();
        board.set(None, metrics::FAULT, labels.clone(), count as f64);
    }
}
