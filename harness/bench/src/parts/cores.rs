//! One worker against one for each core, by the command itself.

use super::{Bench, Part};
use crate::{
    measure::Samples,
    table::{Row, Unit},
};
use std::{
    process::{Command, Stdio},
    thread::available_parallelism,
    time::Instant,
};

pub const PART: Part =
    Part { name: "cores", title: "4. one worker against all", in_short: false, measure };

const SCENARIO: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../scenarios/broker/leader-dies-while-partition-heals.yaml"
);

/// Seconds of a clock that a batch of this number of runs takes.
fn batch(jobs: usize, runs: usize) -> f64 {
    let here = std::env::current_exe().expect("this program has a file");
    let program = here.with_file_name("bench-squall");
    let (runs, jobs) = (runs.to_string(), jobs.to_string());
    let begun = Instant::now();
    let done = Command::new(program)
        .args(["run", SCENARIO, "--no-progress", "--quiet", "--verify", "none"])
        .args(["--runs", &runs, "--jobs", &jobs])
        .stdout(Stdio::null())
        .status();
    let seconds = begun.elapsed().as_secs_f64();
    assert!(done.is_ok_and(|status| status.success()), "the scenario passes");
    seconds
}

fn measure(bench: &Bench) -> Vec<Row> {
    let cores = available_parallelism().map_or(1, usize::from);
    let runs = 20 * cores;
    let (mut one, mut all, mut linear) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.rounds().min(5) {
        let (with_one, with_all) = (batch(1, runs), batch(cores, runs));
        one.push(runs as f64 / with_one);
        all.push(runs as f64 / with_all);
        linear.push(with_one / with_all / cores as f64);
    }
    let all_of = format!("standard runs a second, --jobs {cores}");
    vec![
        Row::of("cores", "standard runs a second, --jobs 1", &Samples(one), Unit::PerSecond),
        Row::of("cores", all_of, &Samples(all), Unit::PerSecond),
        Row::of(
            "cores",
            "of linear (by the clock: the machine must be idle)",
            &Samples(linear),
            Unit::Ratio,
        ),
    ]
}
