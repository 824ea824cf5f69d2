//! Judging histories: time and memory a record.
//!
//! The histories are those of the reference system, of runs that are long enough. "All" is what a run pays beside keeping
//! the history itself: every invariant, and what they share.

use super::{Bench, Part, bare, plan, reference, run, without_faults};
use crate::{
    measure::{Piece, Samples, in_turns},
    memory,
    table::{Row, Unit},
};
use bench_common::{Job, seconds};
use squall::testing::{HistoryHash, Plan, setup};
use squall_judge::{CATALOGUE, Judge, Setup};
use squall_probe::{Record, sim::Names};

pub const PART: Part = Part { name: "judging", title: "5. judging", in_short: true, measure };

/// A history, and what its judge knows beforehand.
struct Judged {
    records: Vec<Record>,
    setup: Setup,
    /// The run that made it.
    plan: Plan,
}

fn history(events: u32, rate: &str) -> Judged {
    let system = reference();
    let plan = plan(&without_faults(events, rate), &*system);
    let records = run(&plan, &system).history;
    let setup = setup(&plan, &*system, &mut Names::default());
    Judged { records, setup, plan }
}

fn fold(mut judge: Judge, records: &[Record]) -> Judge {
    records.iter().for_each(|record| judge.record(record));
    judge
}

/// Seconds until the last word.
fn judge(make: impl FnOnce() -> Judge, records: &[Record]) -> f64 {
    let (seconds, judgement) = seconds(|| fold(make(), records).finish(&|_| String::new()));
    assert_eq!(judgement.violations, [], "the history is a correct system's");
    seconds
}

fn measure(bench: &Bench) -> Vec<Row> {
    let mut rows = share_of_a_run(bench);
    // Some 32 records an event.
    let sizes: &[(&str, u32)] = if bench.short {
        &[("10^5", 3_100)]
    } else {
        &[("10^4", 300), ("10^5", 3_100), ("10^6", 31_000), ("10^7", 312_000)]
    };
    for (size, events) in sizes {
        let Judged { records, setup, .. } = history(*events, "1000/s");
        let count = records.len() as f64;
        let rounds = if records.len() > 5_000_000 { 1 } else { bench.rounds().min(5) };
        let samples = in_turns(
            rounds,
            &mut [
                Box::new(|| judge(|| Judge::new(&setup), &records)),
                Box::new(|| judge(|| Judge::alone(&setup, None), &records)),
                Box::new(|| hash(&records)),
            ],
        );
        let record = |samples: &Samples| samples.map(|seconds| seconds / count * 1e9);
        rows.push(Row::of(
            "judging",
            format!("{size} records: all, a record"),
            &record(&samples[0]),
            Unit::Nanoseconds,
        ));
        rows.push(Row::of(
            "judging",
            "  of it the history and what all share",
            &record(&samples[1]),
            Unit::Nanoseconds,
        ));
        let held = memory::most(|| judge(|| Judge::new(&setup), &records));
        let history = memory::most(|| fold(Judge::alone(&setup, None), &records));
        let bytes = |held: usize| Samples(vec![held as f64 / count]);
        rows.push(Row::of(
            "judging",
            "  in use at most, a record, with the history",
            &bytes(held),
            Unit::Bytes,
        ));
        rows.push(Row::of(
            "judging",
            "    without it",
            &bytes(held.saturating_sub(history)),
            Unit::Bytes,
        ));
        if *size == "10^5" {
            let over = samples[0].over(&samples[2]);
            rows.push(Row::of("judging", "  all, over hashing the history", &over, Unit::Ratio));
        }
        if *size == "10^5" && !bench.short {
            rows.extend(each_alone(bench, &records, &setup, count));
        }
    }
    rows
}

/// What judging is of a run.
fn share_of_a_run(bench: &Bench) -> Vec<Row> {
    let Judged { records, setup, plan } = history(1500, "400/s");
    let system = reference();
    let lasts = records.last().map_or(0, |record| record.at);
    let job = Job::System(bare(&plan, lasts));
    let samples = in_turns(
        bench.rounds(),
        &mut [
            Box::new(|| judge(|| Judge::new(&setup), &records)),
            Box::new(|| seconds(|| run(&plan, &system)).0),
            Box::new(|| hash(&records)),
            Box::new(|| bench.turmoil.seconds(&job, 1500)),
        ],
    );
    let [part, hashing, floor] =
        [(0, 1), (2, 1), (0, 3)].map(|(a, b)| samples[a].over(&samples[b]));
    vec![
        Row::of("judging", "share of a standard run without faults", &part, Unit::Ratio),
        Row::of("judging", "  hashing, share of that run", &hashing, Unit::Ratio),
        Row::of(
            "judging",
            "  judging over all of that run under bare turmoil",
            &floor,
            Unit::Ratio,
        )
        .kept("judging over a run under bare turmoil"),
    ]
}

fn hash(records: &[Record]) -> f64 {
    let (seconds, _) = seconds(|| {
        let mut hash = HistoryHash::default();
        records.iter().for_each(|record| hash.record(record));
        hash.hex()
    });
    seconds
}

fn each_alone(bench: &Bench, records: &[Record], setup: &Setup, count: f64) -> Vec<Row> {
    let mut pieces: Vec<Piece<'_>> =
        vec![Box::new(|| judge(|| Judge::alone(setup, None), records))];
    for entry in CATALOGUE {
        pieces.push(Box::new(|| judge(|| Judge::alone(setup, Some(entry.name)), records)));
    }
    let samples = in_turns(bench.rounds(), &mut pieces);
    let base = memory::most(|| judge(|| Judge::alone(setup, None), records));
    let mut rows = Vec::new();
    for (entry, alone) in CATALOGUE.iter().zip(&samples[1..]) {
        let both = alone.0.iter().zip(&samples[0].0);
        let more = Samples(both.map(|(alone, none)| (alone - none) / count * 1e9).collect());
        let held = memory::most(|| judge(|| Judge::alone(setup, Some(entry.name)), records));
        let bytes = held.saturating_sub(base) as f64 / count;
        let mut row = Row::of(
            "judging",
            format!("  {}: {bytes:.1} B, and", entry.name),
            &more,
            Unit::Nanoseconds,
        );
        // Of a difference near nothing the spread says nothing.
        row.spread = None;
        rows.push(row);
    }
    rows
}
