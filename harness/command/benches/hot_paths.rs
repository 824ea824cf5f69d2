//! Small pieces of squall that everything goes through, one at a time. What a run costs, and what squall adds to the
//! simulator: `harness/checks/bench`.
//!
//!     cargo bench -p squall-command

#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use squall::testing::{HistoryHash, parse};
use squall_command::ReferenceSystem;
use squall_probe::{EventId, Name, NodeId, Position, Record, What};
use std::hint::black_box;

const SCENARIO: &[u8] =
    include_bytes!("../../../scenarios/broker/leader-dies-while-partition-heals.yaml");

/// The records of 1,000 events: three replicas, four groups.
fn records() -> Vec<Record> {
    let mut records = Vec::new();
    for number in 0..1_000 {
        let (event, position) = (EventId(number + 1), Position::new(0, number));
        let at = number * 1_000;
        for node in 0..3 {
            let what = What::Append { position, event, key: 0, term: 1, content: 0 };
            records.push(Record { at, node: NodeId(node), what });
        }
        for group in 0..4 {
            let (group, generation) = (Name(group), 1);
            let deliver = What::Deliver { group, position, event, generation, content: 0 };
            let apply = What::Apply { group, position, event, generation, member: group };
            records.push(Record { at, node: NodeId(4), what: deliver });
            records.push(Record { at, node: NodeId(5), what: apply });
        }
    }
    records
}

fn record(criterion: &mut Criterion) {
    let records = records();
    let mut group = criterion.benchmark_group("records");
    group.throughput(Throughput::Elements(records.len() as u64));
    group.bench_function("hash", |bencher| {
        bencher.iter(|| {
            let mut hash = HistoryHash::default();
            records.iter().for_each(|record| hash.record(record));
            hash.hex()
        });
    });
    group.finish();
}

fn check(criterion: &mut Criterion) {
    criterion.bench_function("scenario: parse and check", |bencher| {
        bencher.iter(|| parse("bench", black_box(SCENARIO), &ReferenceSystem).unwrap());
    });
}

criterion_group!(benches, record, check);
criterion_main!(benches);
