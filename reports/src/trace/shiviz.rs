//! Logs for ShiViz (Beschastnikh et al., "Debugging distributed systems", CACM 2016): events with
//! vector clocks, from which it draws its space-time diagram.
//!
//! Its default expression reads them: a line `host {clock}`, then a line with the event.

use crate::{format::Trace, text::printable};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt::Write as _};

/// What happens on a node, in the order of time; a message is sent before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Sends(usize),
    Reads(usize),
    Records(usize),
}

/// The trace as a log.
#[must_use]
pub fn shiviz(trace: &Trace) -> String {
    let hosts: Vec<String> = trace.nodes.iter().map(|node| host(node)).collect();
    let squall = hosts.len();
    let mut steps: Vec<(u64, Step)> = Vec::new();
    for (index, message) in trace.messages.iter().enumerate() {
        steps.push((message.sent_us, Step::Sends(index)));
        if let Some(read) = message.read_us {
            steps.push((read.max(message.sent_us), Step::Reads(index)));
        }
    }
    for (index, record) in trace.records.iter().enumerate() {
        steps.push((record.at_us, Step::Records(index)));
    }
    steps.sort_unstable();
    let mut clocks: Vec<BTreeMap<usize, u64>> = vec![BTreeMap::new(); hosts.len() + 1];
    let mut carried: BTreeMap<usize, BTreeMap<usize, u64>> = BTreeMap::new();
    let mut out = String::new();
    for (at, step) in steps {
        let message = |index: usize| &trace.messages[index];
        let name = |node: u16| hosts.get(usize::from(node)).map_or("?", String::as_str);
        let (place, text) = match step {
            Step::Sends(index) => {
                let message = message(index);
                let lost = if message.read_us.is_none() { ", which never reads it" } else { "" };
                let text = format!("sends {} to {}{lost}", message.kind, name(message.to));
                (usize::from(message.from), text)
            }
            Step::Reads(index) => {
                let message = message(index);
                let text = format!("reads {} from {}", message.kind, name(message.from));
                (usize::from(message.to), text)
            }
            Step::Records(index) => {
                let record = &trace.records[index];
                (record.node.map_or(squall, usize::from), record.text.clone())
            }
        };
        let Some(clock) = clocks.get_mut(place) else { continue };
        if let Step::Reads(index) = step {
            for (node, time) in carried.remove(&index).unwrap_or_default() {
                let known = clock.entry(node).or_default();
                *known = time.max(*known);
            }
        }
        *clock.entry(place).or_default() += 1;
        let name_of = |place: usize| hosts.get(place).map_or("squall", String::as_str);
        let told: Map<String, Value> =
            clock.iter().map(|(node, time)| (name_of(*node).to_owned(), (*time).into())).collect();
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "{} {}\n{}.{:06}s {}\n",
            name_of(place),
            Value::Object(told),
            at / 1_000_000,
            at % 1_000_000,
            printable(&text),
        );
        if let Step::Sends(index) = step {
            carried.insert(index, clock.clone());
        }
    }
    out
}

/// A name without blanks, as the format wants it.
fn host(name: &str) -> String {
    printable(name).split_whitespace().collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_read_a_message_knows_what_its_sender_knew() {
        let log = shiviz(&super::super::sample());
        let lines: Vec<&str> = log.lines().collect();
        let expected = [
            r#"producer_"1" {"producer_\"1\"":1}"#,
            "0.000500s publish e1 (key 2)",
            r#"producer_"1" {"producer_\"1\"":2}"#,
            "0.000600s sends publish to broker-1",
            r#"broker-1 {"broker-1":1,"producer_\"1\"":2}"#,
            r#"0.001400s reads publish from producer_"1""#,
            r#"broker-1 {"broker-1":2,"producer_\"1\"":2}"#,
            r"0.001500s has e1\nat 0:0",
            r#"broker-1 {"broker-1":3,"producer_\"1\"":2}"#,
            r#"0.001600s sends ack to producer_"1", which never reads it"#,
            r#"squall {"squall":1}"#,
            "0.002000s fault 1 begins on broker-1",
        ];
        assert_eq!(lines, expected);
    }
}
