//! The same small workloads under squall and under other simulators.

use super::{Bench, Part, plan};
use crate::{
    measure::{Piece, in_turns},
    runner::Runner,
    systems::{Does, Small},
    table::{Row, Unit},
};
use bench_common::{Echo, Job, Log, seconds};
use squall::{
    system::System,
    testing::{Plan, execute},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

pub const PART: Part = Part {
    name: "simulators",
    title: "6. the same workload under each simulator",
    in_short: true,
    measure,
};

/// Messages of 100 bytes.
const ECHO: Echo = Echo { connections: 64, messages: 500, bytes: 100 };
const LOG: Log = Log { entries: 12_800, under_way: 64, bytes: 100 };

/// Others than turmoil, and the programs that run them. One that was not built is left out.
const OTHERS: &[(&str, &str)] = &[
    ("madsim", "bench-madsim"),
    ("moonpool-sim", "bench-moonpool"),
    ("the prototype", "bench-events"),
];

/// A workload under squall.
struct UnderSquall {
    system: Arc<dyn System>,
    done: Arc<AtomicU64>,
    plan: Plan,
}

impl UnderSquall {
    fn new(does: Does, nodes: &str) -> Self {
        let done = Arc::new(AtomicU64::new(0));
        let system: Arc<dyn System> = Arc::new(Small { does, done: done.clone() });
        let scenario = format!(
            "name: a workload\nnodes: {{ clients: 1, {nodes} }}\n\
             workload: {{ events: 1, rate: 100/s, keys: 1 }}\nsettle: 10ms\n"
        );
        let plan = plan(&scenario, &*system);
        Self { system, done, plan }
    }

    fn seconds(&self, all: u64) -> f64 {
        self.done.store(0, Ordering::Relaxed);
        let (seconds, outcome) = seconds(|| execute(&self.plan, &self.system));
        outcome.expect("a thread can be started");
        assert_eq!(self.done.load(Ordering::Relaxed), all, "all of it is done");
        seconds
    }
}

fn measure(bench: &Bench) -> Vec<Row> {
    let others: Vec<(&str, Runner)> = OTHERS
        .iter()
        .filter(|_| !bench.short)
        .filter_map(|(name, program)| Some((*name, Runner::start(program).ok()?)))
        .collect();
    let echo =
        UnderSquall::new(Does::Echo(ECHO), "servers: 1, leaders: 0, followers: 0, waiters: 0");
    let log = UnderSquall::new(Does::Log(LOG), "servers: 0, leaders: 1, followers: 2, waiters: 0");
    let echoes = u64::from(ECHO.connections * ECHO.messages);
    let mut rows = compare(
        bench,
        &others,
        ("echoes", "echo over turmoil's"),
        (&echo, &Job::Echo(ECHO), echoes),
    );
    rows.extend(compare(
        bench,
        &others,
        ("log entries", "log over turmoil's"),
        (&log, &Job::Log(LOG), LOG.entries.into()),
    ));
    rows
}

fn compare(
    bench: &Bench,
    others: &[(&str, Runner)],
    (what, kept): (&str, &'static str),
    (squall, job, all): (&UnderSquall, &Job, u64),
) -> Vec<Row> {
    let mut pieces: Vec<Piece<'_>> =
        vec![Box::new(|| bench.turmoil.seconds(job, all)), Box::new(|| squall.seconds(all))];
    for (_, runner) in others {
        pieces.push(Box::new(|| runner.seconds(job, all)));
    }
    let samples = in_turns(bench.rounds(), &mut pieces);
    let names = ["turmoil", "squall"].into_iter().chain(others.iter().map(|(name, _)| *name));
    let mut rows = Vec::new();
    for (index, name) in names.enumerate() {
        let rate = samples[index].map(|seconds| all as f64 / seconds);
        rows.push(Row::of("simulators", format!("{name}: {what}"), &rate, Unit::PerSecond));
        if index > 0 {
            let over = samples[index].over(&samples[0]);
            let row = Row::of("simulators", "  its time over turmoil's", &over, Unit::Ratio);
            rows.push(if name == "squall" { row.kept(kept) } else { row });
        }
    }
    rows
}
