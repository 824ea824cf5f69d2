//! What a step of bare turmoil costs when nothing happens, and where that goes.

use super::{Bench, Part};
use crate::{
    measure::{Piece, in_turns},
    table::{Row, Unit},
};
use bench_common::{Job, Stepped};

pub const PART: Part = Part {
    name: "steps",
    title: "   a step of bare turmoil in which nothing happens",
    in_short: false,
    measure,
};

const STEPS: u32 = 2_000;

fn measure(bench: &Bench) -> Vec<Row> {
    [3, 11, 25].into_iter().flat_map(|hosts| with(bench, hosts)).collect()
}

fn with(bench: &Bench, hosts: usize) -> Vec<Row> {
    let what = [Stepped::All, Stepped::Links, Stepped::Runtimes, Stepped::BareRuntimes];
    let mut pieces = what.map(|what| -> Piece<'_> {
        let job = Job::Steps { hosts, steps: STEPS, what };
        Box::new(move || bench.turmoil.seconds(&job, STEPS.into()) / f64::from(STEPS) * 1e6)
    });
    let samples = in_turns(bench.rounds(), &mut pieces);
    let less = |index: usize, without: &[usize]| {
        let mut less = samples[index].clone();
        for other in without {
            let both = less.0.iter_mut().zip(&samples[*other].0);
            both.for_each(|(less, other)| *less -= other);
        }
        less
    };
    let row = |what: &str, samples| {
        Row::of("steps", format!("{hosts} hosts: {what}"), &samples, Unit::Microseconds)
    };
    vec![
        row("a step", samples[0].clone()),
        row("  runtimes that sleep for a tick", samples[3].clone()),
        row("  their LocalSets", less(2, &[3])),
        row("  the network's clock, each link's queue", samples[1].clone()),
        row("  each host looks through all links; the rest", less(0, &[1, 2])),
    ]
}
