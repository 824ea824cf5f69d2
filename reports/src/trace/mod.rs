//! A run's trace in the formats of viewers that people have.

mod openmetrics;
mod perfetto;
mod shiviz;

pub use openmetrics::openmetrics;
pub use perfetto::perfetto;
pub use shiviz::shiviz;

#[cfg(test)]
fn sample() -> crate::format::Trace {
    use crate::format::{Trace, TraceFault, TraceMessage, TraceRecord};
    let record = |index, at_us, node, kind: &str, text: &str| TraceRecord {
        index,
        at_us,
        node,
        kind: kind.into(),
        text: text.into(),
        ..TraceRecord::default()
    };
    Trace {
        nodes: vec!["broker-1".into(), "producer \"1\"".into()],
        faults: vec![TraceFault {
            text: "crash: leader".into(),
            line: 4,
            nodes: vec![0],
            from_us: 2_000,
            to_us: None,
        }],
        records: vec![
            record(0, 500, Some(1), "publish", "publish e1 (key 2)"),
            record(3, 1_500, Some(0), "append", "has e1\nat 0:0"),
            record(4, 2_000, None, "fault_began", "fault 1 begins on broker-1"),
        ],
        messages: vec![
            TraceMessage {
                from: 1,
                to: 0,
                sent_us: 600,
                read_us: Some(1_400),
                kind: "publish".into(),
            },
            TraceMessage { from: 0, to: 1, sent_us: 1_600, read_us: None, kind: "ack".into() },
        ],
        left_out: 0,
        course: None,
    }
}
