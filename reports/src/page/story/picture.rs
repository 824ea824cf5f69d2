//! What the diagram of a run shows: its trace, or the evidence alone where there is none.

use crate::format::{Evidence, Run, Trace, TraceRecord};
use std::collections::BTreeSet;

/// The picture of a run; none if there is nothing to draw.
pub(super) fn picture(run: &Run) -> Option<Trace> {
    let mut trace = run.trace.clone().unwrap_or_default();
    complete(&mut trace, run.violations.iter().flat_map(|violation| &violation.evidence));
    let nodes = trace.nodes.len();
    let known = |node: u16| usize::from(node) < nodes;
    // A report may come from anywhere, and may name nodes that are not there.
    for record in &mut trace.records {
        record.node = record.node.filter(|node| known(*node));
    }
    for fault in &mut trace.faults {
        fault.nodes.retain(|node| known(*node));
    }
    trace.messages.retain(|message| known(message.from) && known(message.to));
    trace.records.sort_by_key(|record| (record.at_us, record.index));
    let empty = trace.records.is_empty() && trace.messages.is_empty() && trace.faults.is_empty();
    (!empty).then_some(trace)
}

/// Adds evidence that the trace does not hold, and marks what it holds.
fn complete<'a>(trace: &mut Trace, evidence: impl Iterator<Item = &'a Evidence>) {
    let evidence: Vec<&Evidence> = evidence.collect();
    let proves: BTreeSet<u64> = evidence.iter().map(|evidence| evidence.index).collect();
    let mut there = BTreeSet::new();
    for record in &mut trace.records {
        record.evidence |= proves.contains(&record.index);
        there.insert(record.index);
    }
    for evidence in evidence {
        if there.insert(evidence.index) {
            let node = node(&mut trace.nodes, &evidence.node);
            trace.records.push(TraceRecord {
                index: evidence.index,
                at_us: evidence.at_us,
                node,
                kind: evidence.kind.clone(),
                text: evidence.text.clone(),
                evidence: true,
                ..TraceRecord::default()
            });
        }
    }
}

/// The index of a node, which is new if it has no lane yet. The harness has none.
fn node(nodes: &mut Vec<String>, name: &str) -> Option<u16> {
    if name.is_empty() || name == "squall" {
        return None;
    }
    let place = nodes.iter().position(|node| node == name).unwrap_or_else(|| {
        nodes.push(name.to_owned());
        nodes.len() - 1
    });
    u16::try_from(place).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TraceMessage, Violation};

    fn evidence(index: u64, node: &str) -> Evidence {
        Evidence { index, at_us: index * 10, node: node.into(), ..Evidence::default() }
    }

    fn violated(evidence: Vec<Evidence>) -> Run {
        let violations = vec![Violation { evidence, ..Violation::default() }];
        Run { violations, ..Run::default() }
    }

    #[test]
    fn without_a_trace_the_evidence_is_drawn_alone() {
        let run = violated(vec![
            evidence(5, "b"),
            evidence(3, "a"),
            evidence(5, "b"),
            evidence(4, "squall"),
        ]);
        let trace = picture(&run).unwrap();
        assert_eq!(trace.nodes, ["b", "a"]);
        let records: Vec<_> = trace.records.iter().map(|r| (r.index, r.node, r.evidence)).collect();
        assert_eq!(records, [(3, Some(1), true), (4, None, true), (5, Some(0), true)]);
        assert_eq!(picture(&Run::default()), None);
    }

    #[test]
    fn evidence_that_a_trace_lacks_is_added_and_nodes_that_are_not_there_are_forgotten() {
        let mut run = violated(vec![evidence(5, "a"), evidence(6, "a")]);
        let record = |index, node| TraceRecord { index, node, ..TraceRecord::default() };
        run.trace = Some(Trace {
            nodes: vec!["a".into()],
            records: vec![record(5, Some(0)), record(1, Some(7))],
            messages: vec![TraceMessage { to: 9, ..TraceMessage::default() }],
            ..Trace::default()
        });
        let trace = picture(&run).unwrap();
        let records: Vec<_> = trace.records.iter().map(|r| (r.index, r.node, r.evidence)).collect();
        assert_eq!(records, [(1, None, false), (5, Some(0), true), (6, Some(0), true)]);
        assert_eq!(trace.messages, []);
    }
}
