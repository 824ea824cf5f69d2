//! What a run spends its time on, and what squall adds to bare turmoil.
//!
//!     cargo bench -p squall-command
//!
//! `one run` against `bare turmoil` (as many hosts, idle, for as many steps) in the same invocation is the
//! ratio to watch: both slow down together on a slow machine.

#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use squall::{
    system::System,
    testing::{HistoryHash, Plan, execute, parse},
};
use squall_command::ReferenceSystem;
use squall_judge::{Judge, Setup};
use squall_probe::{EventId, Name, NodeId, Position, Record, What};
use std::{hint::black_box, sync::Arc, time::Duration};

const SCENARIO: &[u8] =
    include_bytes!("../../../scenarios/broker/leader-dies-while-partition-heals.yaml");

fn run(criterion: &mut Criterion) {
    let system: Arc<dyn System> = Arc::new(ReferenceSystem);
    let scenario = parse("bench", SCENARIO, system.as_ref()).unwrap();
    let plan = Plan::new(&scenario, 1, system.as_ref(), &[]);
    let steps = execute(&plan, &system, false).unwrap().elapsed / 1_000 / u64::from(plan.tick_ms);
    let hosts = plan.nodes.len() + 1;
    let mut group = criterion.benchmark_group("run");
    group.sample_size(20);
    group.throughput(Throughput::Elements(steps));
    group.bench_function("one run", |bencher| {
        bencher.iter(|| execute(black_box(&plan), &system, false).unwrap());
    });
    group.bench_function("bare turmoil", |bencher| {
        bencher.iter(|| {
            let mut sim = turmoil::Builder::new()
                .tick_duration(Duration::from_millis(u64::from(plan.tick_ms)))
                .simulation_duration(Duration::from_secs(3_600))
                .build();
            for host in 0..hosts {
                sim.host(format!("host-{host}"), || async {
                    std::future::pending::<()>().await;
                    Ok(())
                });
            }
            for _ in 0..steps {
                sim.step().unwrap();
            }
        });
    });
    group.finish();
}

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
    let setup = Setup {
        groups: (0..4).map(Name).collect(),
        group_names: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
        replicas: (0..3).map(NodeId).collect(),
        ..Setup::default()
    };
    group.bench_function("judge", |bencher| {
        bencher.iter(|| {
            let mut judge = Judge::new(&setup);
            records.iter().for_each(|record| judge.record(record));
            judge.finish(&|_| String::new())
        });
    });
    group.finish();
}

fn check(criterion: &mut Criterion) {
    criterion.bench_function("scenario: parse and check", |bencher| {
        bencher.iter(|| parse("bench", black_box(SCENARIO), &ReferenceSystem).unwrap());
    });
}

criterion_group!(benches, run, record, check);
criterion_main!(benches);
