//! The life of what a violation is about, step by step: its records, what the nodes did meanwhile, and the faults.

use crate::{
    format::{Trace, TraceRecord, Violation},
    text::{
        clip_within,
        numbers::{grouped, record_time},
    },
};
use std::collections::BTreeSet;

/// Kinds of records that tell of a node, or of the run as a whole, and not of an event.
const LIFE_OF_NODES: [&str; 11] = [
    "crash",
    "kill",
    "panic",
    "exit",
    "up",
    "lead",
    "step_down",
    "offered",
    "healed",
    "converged",
    "deadline",
];

/// A step.
pub(super) struct Step {
    /// The record; none if it is a fault's beginning or end.
    pub(super) index: Option<u64>,
    /// Microseconds of virtual time.
    pub(super) at_us: u64,
    /// The same, in words.
    pub(super) at: String,
    pub(super) node: String,
    pub(super) text: String,
    /// `proof`, `life`, `node` or `fault`.
    pub(super) class: &'static str,
}

/// What a violation is about.
pub(super) struct Life {
    /// The events of its evidence.
    pub(super) events: Vec<u64>,
    /// In the order of time.
    pub(super) steps: Vec<Step>,
    /// Steps that are not told.
    pub(super) more: usize,
}

impl Life {
    /// `e431`, `e431 and e7`; nothing if no event is spoken of.
    pub(super) fn name(&self) -> String {
        let named: Vec<String> = self.events.iter().take(3).map(|id| format!("e{id}")).collect();
        match self.events.len().saturating_sub(named.len()) {
            0 => named.join(", "),
            more => format!("{} and {} more", named.join(", "), grouped(more as u64)),
        }
    }
}

/// The life of what `violation` is about, as far as `trace` knows it: at most `most` steps, each text of at most `text`
/// characters. What proves comes before what happened to the events, and that before what happened around them.
pub(super) fn life(trace: &Trace, violation: &Violation, most: usize, text: usize) -> Life {
    let proves: BTreeSet<u64> = violation.evidence.iter().map(|one| one.index).collect();
    let events: BTreeSet<u64> = trace
        .records
        .iter()
        .filter(|record| proves.contains(&record.index))
        .filter_map(|record| record.event)
        .collect();
    let mut all: Vec<(u8, Step)> = Vec::new();
    let mut say = |rank, step| all.push((rank, step));
    let node = |place: Option<u16>| {
        let name = place.and_then(|place| trace.nodes.get(usize::from(place)));
        clip_within(name.map_or("squall", String::as_str), 60)
    };
    let of_record = |record: &TraceRecord, class| Step {
        index: Some(record.index),
        at_us: record.at_us,
        at: record_time(record.at_us),
        node: node(record.node),
        text: clip_within(&record.text, text),
        class,
    };
    let (mut from, mut to) = (u64::MAX, 0);
    for record in &trace.records {
        let (rank, class) = match record.event {
            _ if proves.contains(&record.index) => (0, "proof"),
            Some(event) if events.contains(&event) => (1, "life"),
            _ => continue,
        };
        (from, to) = (from.min(record.at_us), to.max(record.at_us));
        say(rank, of_record(record, class));
    }
    let within = |at: u64| (from..=to).contains(&at);
    for record in trace.records.iter().filter(|record| within(record.at_us)) {
        let told = proves.contains(&record.index);
        if told || !LIFE_OF_NODES.contains(&record.kind.as_str()) {
            continue;
        }
        say(2, of_record(record, "node"));
    }
    for fault in &trace.faults {
        let mut edge = |at_us: u64, what: &str| {
            say(
                2,
                Step {
                    index: None,
                    at_us,
                    at: record_time(at_us),
                    node: "fault".to_owned(),
                    text: clip_within(&format!("{} {what}", fault.text), text),
                    class: "fault",
                },
            );
        };
        if within(fault.from_us) {
            edge(fault.from_us, "begins");
        }
        if let Some(end) = fault.to_us.filter(|end| within(*end)) {
            edge(end, "is over");
        }
    }
    all.sort_by_key(|(rank, step)| (*rank, step.at_us, step.index));
    let more = all.len().saturating_sub(most);
    all.truncate(most);
    let mut steps: Vec<Step> = all.into_iter().map(|(_, step)| step).collect();
    // What began at one time: the fault before what it did.
    steps.sort_by_key(|step| (step.at_us, step.class != "fault", step.index));
    Life { events: events.into_iter().collect(), steps, more }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{Evidence, TraceFault};

    #[test]
    fn a_life_is_told_with_what_the_nodes_did_meanwhile() {
        let record = |index, kind: &str, event| TraceRecord {
            index,
            at_us: index * 1_000,
            node: Some(0),
            kind: kind.into(),
            text: format!("{kind} {index}"),
            event,
            ..TraceRecord::default()
        };
        let trace = Trace {
            nodes: vec!["a".into()],
            records: vec![
                record(0, "up", None),
                record(1, "publish", Some(7)),
                record(2, "publish", Some(8)),
                record(3, "crash", None),
                record(4, "append", Some(7)),
                record(5, "commit", None),
                record(6, "apply", Some(7)),
                record(9, "up", None),
            ],
            faults: vec![
                TraceFault {
                    text: "cut".into(),
                    from_us: 3_000,
                    to_us: Some(8_000),
                    ..TraceFault::default()
                },
                TraceFault { text: "early".into(), from_us: 0, ..TraceFault::default() },
            ],
            ..Trace::default()
        };
        let proof = Evidence { index: 4, ..Evidence::default() };
        let violation = Violation { evidence: vec![proof], ..Violation::default() };
        let told = |most| {
            let life = life(&trace, &violation, most, 90);
            let steps: Vec<_> =
                life.steps.iter().map(|step| format!("{} {}", step.class, step.text)).collect();
            (life.name(), steps, life.more)
        };
        let all = [
            "life publish 1",
            "fault cut begins",
            "node crash 3",
            "proof append 4",
            "life apply 6",
        ];
        assert_eq!(told(9), ("e7".to_owned(), all.map(str::to_owned).to_vec(), 0));
        let few = ["life publish 1", "proof append 4"];
        assert_eq!(told(2), ("e7".to_owned(), few.map(str::to_owned).to_vec(), 3));
    }
}
