//! How many runs a second of one processor makes.

use super::{Bench, Part, plan, reference, run};
use crate::{
    measure::{Piece, in_turns},
    table::{Row, Unit},
};
use bench_common::{Job, Stepped, seconds};

pub const PART: Part =
    Part { name: "rates", title: "2. runs, one worker, judged", in_short: true, measure };

const STANDARD: &str =
    include_str!("../../../../scenarios/broker/leader-dies-while-partition-heals.yaml");

const SHORTEST: &str = "name: shortest useful\nnodes: { brokers: 3, producers: 1, consumers: 1 }\n\
    workload: { events: 50, rate: 200/s, keys: 10 }\nsettle: 200ms\n\
    faults:\n  - at: 100ms\n    crash: any follower\n    restart_after: 100ms\nexpect: [no_loss]\n";

const LARGE: &str = "name: 25 nodes\nnodes: { brokers: 7, producers: 6, consumers: 10 }\n\
    workload: { events: 1500, rate: 400/s, keys: 50 }\n\
    faults:\n  - at: 1s\n    crash: leader\n    restart_after: 1s\nexpect: [no_loss]\n";

fn measure(bench: &Bench) -> Vec<Row> {
    let system = reference();
    let of = |text: &str| plan(text, &*system);
    let [shortest, standard, large] = [of(SHORTEST), of(STANDARD), of(LARGE)];
    let times = |plan: &squall::testing::Plan| run(plan, &system).elapsed as f64 / 1e6;
    let (short_lasts, standard_lasts, large_lasts) =
        (times(&shortest), times(&standard), times(&large));
    let steps = (standard_lasts * 1e3) as u32 / standard.tick_ms;
    let job = Job::Steps { hosts: standard.nodes.len() + 1, steps, what: Stepped::All };
    let mut pieces: Vec<Piece<'_>> = vec![
        Box::new(|| seconds(|| run(&shortest, &system)).0),
        Box::new(|| seconds(|| run(&standard, &system)).0),
        Box::new(|| bench.turmoil.seconds(&job, steps.into())),
    ];
    if !bench.short {
        pieces.push(Box::new(|| seconds(|| run(&large, &system)).0));
    }
    let samples = in_turns(bench.rounds(), &mut pieces);
    let rate = |what: &str, index: usize| {
        Row::of("rates", what, &samples[index].map(|seconds| 1.0 / seconds), Unit::PerSecond)
    };
    let over = |what: &str, index: usize, lasts: f64| {
        Row::of("rates", what, &samples[index].map(|seconds| lasts / seconds), Unit::TimesRealTime)
    };
    let mut rows = vec![
        rate("shortest useful: 7 nodes, 50 events, a crash", 0),
        over("  simulated over real time", 0, short_lasts),
        rate("standard: 9 nodes, 1500 events, three faults", 1),
        over("  simulated over real time", 1, standard_lasts),
    ];
    if !bench.short {
        rows.push(rate("25 nodes, 1500 events, a crash", 3));
        rows.push(over("  simulated over real time", 3, large_lasts));
    }
    let over = |what: &str, index: usize, name: &'static str| {
        Row::of("rates", what, &samples[index].over(&samples[2]), Unit::Ratio).kept(name)
    };
    rows.push(over("standard, over its steps idle, bare", 1, "standard run over its steps idle"));
    rows.push(over("shortest, over the same steps", 0, "shortest run over the same steps"));
    rows
}
