//! Histories by hand.

use super::{Event, Kind, Op, pair};
use serde_json::Value;

/// Events by hand: process, what happened, operation, value; `final` where the operation ends with `!`.
pub(crate) fn ops(events: &[(u64, Kind, &str, Value)]) -> Vec<Op> {
    let event = |(index, (process, kind, f, value)): (usize, &(u64, Kind, &str, Value))| Event {
        index: index as u64,
        time: index as u64 * 1000,
        process: *process,
        node: format!("n{}", process % 3),
        kind: *kind,
        f: f.trim_end_matches('!').to_owned(),
        value: value.clone(),
        error: None,
        last: f.ends_with('!'),
    };
    pair(&events.iter().enumerate().map(event).collect::<Vec<_>>())
}

/// Operations one after the other: each ends before the next begins.
pub(crate) fn sequential(done: &[(u64, Kind, &str, Value, Value)]) -> Vec<Op> {
    let events: Vec<_> = done
        .iter()
        .flat_map(|(process, outcome, f, asked, value)| {
            [(*process, Kind::Invoke, *f, asked.clone()), (*process, *outcome, *f, value.clone())]
        })
        .collect();
    ops(&events)
}
