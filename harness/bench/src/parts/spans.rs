//! Simulated over real time: nearly idle and loaded, small and large, for long.

use super::{Bench, Part, bare, plan, reference, run};
use crate::{
    measure::{Piece, in_turns},
    systems::{Does, Small},
    table::{Row, Unit},
};
use bench_common::{Job, seconds};
use squall::{system::System, testing::Plan};
use std::sync::{Arc, atomic::AtomicU64};

pub const PART: Part =
    Part { name: "spans", title: "3. simulated over real time", in_short: true, measure };

/// The reference system, with one event in ten seconds, or loaded.
fn of_reference(nodes: &str, events: u32, rate: &str) -> String {
    format!(
        "name: long\nnodes: {{ {nodes} }}\n\
         workload: {{ events: {events}, rate: {rate}, keys: 10 }}\nexpect: [no_loss]\n"
    )
}

/// Nodes that wait for timers of minutes; a client publishes every 100 s.
fn of_waiters(waiters: u32, events: u32) -> String {
    format!(
        "name: waiting\nnodes: {{ clients: 1, waiters: {waiters}, servers: 0, leaders: 0, \
         followers: 0 }}\nworkload: {{ events: {events}, rate: 0.01/s, keys: 1 }}\nsettle: 1s\n"
    )
}

const NINE: &str = "brokers: 3, producers: 2, consumers: 2";
const LARGE: &str = "brokers: 7, producers: 6, consumers: 10";

fn measure(bench: &Bench) -> Vec<Row> {
    let reference = reference();
    let waiting: Arc<dyn System> =
        Arc::new(Small { does: Does::Waits, done: Arc::new(AtomicU64::new(0)) });
    let small = "brokers: 2, producers: 1, consumers: 1";
    let mut asked = vec![
        ("idle: 3 nodes that wait for timers", of_waiters(2, 6), &waiting),
        ("idle: 9 nodes, the reference system", of_reference(NINE, 6, "0.1/s"), &reference),
    ];
    if !bench.short {
        asked.extend([
            ("idle: 25 nodes, the reference system", of_reference(LARGE, 6, "0.1/s"), &reference),
            ("loaded: 6 nodes (its least), 400/s", of_reference(small, 1500, "400/s"), &reference),
            ("loaded: 9 nodes, 400/s", of_reference(NINE, 1500, "400/s"), &reference),
            ("loaded: 25 nodes, 400/s", of_reference(LARGE, 1500, "400/s"), &reference),
        ]);
    }
    let all: Vec<(&str, Plan, &Arc<dyn System>)> = asked
        .into_iter()
        .map(|(what, text, system)| (what, plan(&text, &**system), system))
        .collect();
    let lasts: Vec<f64> =
        all.iter().map(|(_, plan, system)| run(plan, system).elapsed as f64 / 1e6).collect();
    let bare_idle = Job::System(bare(&all[1].1, (lasts[1] * 1e6) as u64));
    let mut pieces: Vec<Piece<'_>> = all
        .iter()
        .map(|(_, plan, system)| -> Piece<'_> { Box::new(|| seconds(|| run(plan, system)).0) })
        .collect();
    pieces.push(Box::new(|| bench.turmoil.seconds(&bare_idle, 6)));
    let rounds = if bench.short { bench.rounds() } else { 5 };
    let samples = in_turns(rounds, &mut pieces);
    let mut rows = Vec::new();
    for (((what, ..), lasts), samples) in all.iter().zip(&lasts).zip(&samples) {
        let times = samples.map(|seconds| lasts / seconds);
        rows.push(Row::of("spans", *what, &times, Unit::TimesRealTime));
    }
    let idle = samples[1].over(samples.last().expect("it was measured"));
    rows.push(
        Row::of("spans", "idle: 9 nodes, squall over bare turmoil", &idle, Unit::Ratio)
            .kept("idle squall over bare turmoil"),
    );
    if !bench.short {
        let once = |what: &str, plan: &Plan, system: &Arc<dyn System>| {
            let samples = in_turns(0, &mut [Box::new(|| seconds(|| run(plan, system)).0)]);
            Row::of("spans", what, &samples[0], Unit::Seconds)
        };
        let hour = plan(&of_reference(NINE, 36, "0.01/s"), &*reference);
        rows.push(once("an hour of the reference system, nearly idle", &hour, &reference));
        let day = plan(&of_waiters(2, 24 * 36), &*waiting);
        rows.push(once("a day of 3 nodes that wait for timers of minutes", &day, &waiting));
    }
    rows
}
