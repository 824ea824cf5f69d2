//! The event-driven prototype beside turmoil, both without squall.

use super::{Bench, Part, bare, plan, reference, without_faults};
use crate::{
    measure::in_turns,
    runner::Runner,
    table::{Row, Unit},
};
use bench_common::Job;

pub const PART: Part = Part {
    name: "events",
    title: "7. a prototype: one runtime that jumps to what is next",
    in_short: false,
    measure,
};

fn measure(bench: &Bench) -> Vec<Row> {
    let events = match Runner::start("bench-events") {
        Ok(events) => events,
        Err(error) => {
            eprintln!("bench-events, beside this program: {error}");
            return Vec::new();
        }
    };
    let system = reference();
    let job = |events: u32, rate: &str, lasts_us: u64| {
        Job::System(bare(&plan(&without_faults(events, rate), &*system), lasts_us))
    };
    const MINUTE: u64 = 60_000_000;
    let mut rows = Vec::new();
    let mut compare = |rounds: usize, what: &str, job: &Job, done: u64| {
        let samples = in_turns(
            rounds,
            &mut [
                Box::new(|| events.seconds(job, done)),
                Box::new(|| bench.turmoil.seconds(job, done)),
            ],
        );
        let ms = samples[0].map(|seconds| seconds * 1e3);
        rows.push(Row::of("events", what, &ms, Unit::Milliseconds));
        let ms = samples[1].map(|seconds| seconds * 1e3);
        rows.push(Row::of("events", "  bare turmoil", &ms, Unit::Milliseconds));
        let over = samples[0].over(&samples[1]);
        rows.push(Row::of("events", "  the prototype over bare turmoil", &over, Unit::Ratio));
    };
    let rounds = bench.rounds();
    compare(rounds, "reference system, loaded: 1500 events", &job(1500, "400/s", 6_500_000), 1500);
    compare(3, "reference system, nearly idle: 10 minutes", &job(6, "0.01/s", 10 * MINUTE), 6);
    compare(
        3,
        "3 hosts that wait for timers: an hour",
        &Job::Waits { hosts: 3, seconds: 3_600 },
        3_600,
    );
    compare(
        3,
        "25 hosts that wait for timers: ten minutes",
        &Job::Waits { hosts: 25, seconds: 600 },
        600,
    );
    rows
}
