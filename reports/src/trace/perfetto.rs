//! Chrome's trace event format, which Perfetto (ui.perfetto.dev) and chrome://tracing read.
//!
//! Source: "Trace Event Format", Google, 2016. Nodes are processes, records are instants, faults are
//! slices, messages are arrows between two slices of a microsecond.

use crate::format::Trace;
use serde_json::{Value, json};

/// The process of squall itself.
const SQUALL: u64 = 0;

/// The trace as JSON.
#[must_use]
pub fn perfetto(trace: &Trace) -> String {
    let process = |node: u16| u64::from(node) + 1;
    let mut events: Vec<Value> = vec![name(SQUALL, "squall")];
    for (index, node) in trace.nodes.iter().enumerate() {
        events.push(name(index as u64 + 1, node));
    }
    let end = trace.records.iter().map(|record| record.at_us).max().unwrap_or(0);
    for (number, fault) in trace.faults.iter().enumerate() {
        let to = fault.to_us.unwrap_or(end).max(fault.from_us);
        let places = std::iter::once(SQUALL).chain(fault.nodes.iter().map(|node| process(*node)));
        for pid in places {
            events.push(json!({
                "ph": "X", "cat": "fault", "name": fault.text, "pid": pid, "tid": number + 10,
                "ts": fault.from_us, "dur": to - fault.from_us, "args": { "line": fault.line },
            }));
        }
    }
    for record in &trace.records {
        let cat = if record.evidence { "evidence" } else { "record" };
        events.push(json!({
            "ph": "i", "s": "t", "cat": cat, "name": record.kind, "ts": record.at_us,
            "pid": record.node.map_or(SQUALL, process), "tid": 1,
            "args": { "text": record.text, "index": record.index, "event": record.event,
                      "key": record.key },
        }));
    }
    for (id, message) in trace.messages.iter().enumerate() {
        let node = |node: u16| trace.nodes.get(usize::from(node)).map_or("?", String::as_str);
        let slice = |pid: u64, ts: u64, what: String| {
            json!({
                "ph": "X", "cat": "message", "name": what, "pid": pid, "tid": 2, "ts": ts, "dur": 1,
            })
        };
        let arrow = |ph: &str, pid: u64, ts: u64| {
            json!({
                "ph": ph, "bp": "e", "cat": "message", "name": message.kind, "id": id, "pid": pid,
                "tid": 2, "ts": ts,
            })
        };
        let (from, to) = (process(message.from), process(message.to));
        let lost = if message.read_us.is_none() { ", never read" } else { "" };
        let what = format!("{} to {}{lost}", message.kind, node(message.to));
        events.push(slice(from, message.sent_us, what));
        if let Some(read) = message.read_us {
            events.push(slice(to, read, format!("{} from {}", message.kind, node(message.from))));
            events.push(arrow("s", from, message.sent_us));
            events.push(arrow("f", to, read));
        }
    }
    json!({ "displayTimeUnit": "ms", "traceEvents": events }).to_string()
}

fn name(pid: u64, name: &str) -> Value {
    json!({ "ph": "M", "name": "process_name", "pid": pid, "tid": 0, "args": { "name": name } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_processes_and_a_message_that_was_read_is_an_arrow() {
        let value: Value = serde_json::from_str(&perfetto(&super::super::sample())).unwrap();
        let events = value["traceEvents"].as_array().unwrap();
        let of = |ph: &str| events.iter().filter(|event| event["ph"] == ph).collect::<Vec<_>>();
        let names: Vec<_> = of("M").iter().map(|event| event["args"]["name"].clone()).collect();
        assert_eq!(names, ["squall", "broker-1", "producer \"1\""]);
        let records = super::super::sample().records;
        let moments = of("i").iter().map(|event| event["ts"].clone()).collect::<Vec<_>>();
        assert_eq!(moments, records.iter().map(|r| json!(r.at_us)).collect::<Vec<_>>());
        let (starts, ends) = (of("s"), of("f"));
        assert_eq!((starts.len(), ends.len()), (1, 1), "one message was read");
        assert_eq!(starts[0]["id"], ends[0]["id"]);
        assert_eq!((&starts[0]["ts"], &starts[0]["pid"]), (&json!(600), &json!(2)));
        assert_eq!((&ends[0]["ts"], &ends[0]["pid"]), (&json!(1_400), &json!(1)));
        // Viewers bind an arrow to the slice at its time, on its thread.
        for arrow in starts.iter().chain(&ends) {
            assert!(of("X").iter().any(|slice| {
                slice["ts"] == arrow["ts"]
                    && slice["pid"] == arrow["pid"]
                    && slice["tid"] == arrow["tid"]
            }));
        }
        // A fault stands at squall, and at each node that it strikes.
        let faults = of("X").into_iter().filter(|event| event["cat"] == "fault");
        let faults: Vec<_> = faults.map(|e| (&e["name"], e["pid"].as_u64().unwrap())).collect();
        let crash = json!("crash: leader");
        assert_eq!(faults, [(&crash, 0), (&crash, 1)]);
    }
}
