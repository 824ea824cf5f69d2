//! The reference system under squall, over the same under bare turmoil.
//!
//! Bare: the same sources, compiled against what squall-probe is in production, on turmoil's sockets and files in memory;
//! the same nodes, publishes and steps. What squall adds: records, hashing and judging them, frames and disks that faults
//! can act on, clients, the observer's host.

use super::{Bench, Part, bare, plan, reference, run, without_faults};
use crate::{
    measure::in_turns,
    table::{Row, Unit},
};
use bench_common::{Job, seconds};

pub const PART: Part = Part {
    name: "floor",
    title: "1. the reference system: 1500 events at 400/s, 9 nodes, no faults",
    in_short: true,
    measure,
};

fn measure(bench: &Bench) -> Vec<Row> {
    let system = reference();
    let plan = plan(&without_faults(1500, "400/s"), &*system);
    let outcome = run(&plan, &system);
    let job = Job::System(bare(&plan, outcome.elapsed));
    let samples = in_turns(
        bench.rounds(),
        &mut [
            Box::new(|| seconds(|| run(&plan, &system)).0),
            Box::new(|| bench.turmoil.seconds(&job, 1500)),
        ],
    );
    let ms = |index: usize| samples[index].map(|seconds| seconds * 1e3);
    vec![
        Row::of("floor", "under squall", &ms(0), Unit::Milliseconds),
        Row::of("floor", "under bare turmoil", &ms(1), Unit::Milliseconds),
        Row::of("floor", "squall over bare turmoil", &samples[0].over(&samples[1]), Unit::Ratio)
            .kept("squall over bare turmoil"),
    ]
}
