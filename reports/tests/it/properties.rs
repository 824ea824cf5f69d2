//! What holds of every report, and of every file that is taken for one.

use crate::checks;
use proptest::{collection, option, prelude::*, sample::select};
use squall_reports::{
    Canary, CommandInfo, Counters, Evidence, FORMAT, Latency, LatencyRecorder, Machine, Report,
    Run, ScenarioReport, Shard, SystemInfo, Tally, TimeBudget, Tool, Verdict, Violation, parse,
    read,
    render::{Reader, summary},
    write,
};
use std::{collections::BTreeMap, path::Path};
use unicode_width::UnicodeWidthStr as _;

/// Most texts are words; some are anything.
fn text() -> impl Strategy<Value = String> {
    let any = collection::vec(any::<char>(), 0..24).prop_map(String::from_iter);
    prop_oneof![
        select(vec!["", "no_loss", "a scenario", "漢字\u{1b}[2J\n"]).prop_map(str::to_owned),
        select(checks::HOSTILE.to_vec()).prop_map(str::to_owned),
        any
    ]
}

/// Most numbers are small; some are the largest.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..100_000_u64, select(vec![u64::MAX, u64::MAX - 1, 1 << 63]), any::<u64>()]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    use Verdict::{Errored, Failed, Passed, Unstable, Vacuous};
    select(vec![Passed, Failed, Vacuous, Unstable, Errored])
}

fn violation() -> impl Strategy<Value = Violation> {
    let evidence = (number(), number(), text(), text()).prop_map(|(index, at_us, node, text)| {
        Evidence { index, at_us, node, text, ..Evidence::default() }
    });
    let cause = option::of(text());
    (text(), text(), collection::vec(evidence, 0..9), cause).prop_map(
        |(invariant, summary, evidence, consequence_of)| Violation {
            invariant,
            summary,
            evidence,
            consequence_of,
        },
    )
}

/// What a recorder made, or what nobody did.
fn latency() -> impl Strategy<Value = Latency> {
    let made = collection::vec(number(), 1..9).prop_map(|all| {
        let mut recorder = LatencyRecorder::default();
        all.into_iter().for_each(|micros| recorder.record(micros));
        recorder.summary().unwrap_or_default()
    });
    let edited =
        (number(), number(), number(), text()).prop_map(|(count, p50_us, p99_us, text)| Latency {
            count,
            p50_us,
            p99_us,
            histogram: text,
            ..Latency::default()
        });
    prop_oneof![3 => made, 1 => edited]
}

fn counters() -> impl Strategy<Value = Counters> {
    let tally = option::of((number(), number(), number()));
    (collection::vec(number(), 9), tally).prop_map(|(all, tally)| Counters {
        events_published: all[0],
        acknowledged: all[1],
        failed: all[2],
        indeterminate: all[3],
        delivered: all[4],
        applied: all[5],
        dead_lettered: all[6],
        messages: all[7],
        faults: all[8],
        tally: tally.map(|(acknowledged, lost, duplicated)| Tally {
            acknowledged,
            lost,
            duplicated,
        }),
    })
}

fn run() -> impl Strategy<Value = Run> {
    let judged = (
        verdict(),
        option::of(text()),
        collection::btree_map(text(), number(), 0..3),
        collection::vec(violation(), 0..4),
    );
    let measured = (
        [number(), number(), number()],
        option::of(number()),
        counters(),
        option::of(latency()),
        any::<bool>(),
    );
    (judged, measured, text(), text()).prop_map(|(judged, measured, hash, replay)| {
        let (verdict, reason, signals, violations) = judged;
        let ([seed, sim_ms, wall_us], recovery_ms, counters, latency, verified) = measured;
        Run {
            seed,
            verdict,
            reason,
            hash,
            verified,
            sim_ms,
            wall_us,
            recovery_ms,
            signals,
            violations,
            counters,
            latency,
            replay,
            ..Run::default()
        }
    })
}

fn scenario() -> impl Strategy<Value = ScenarioReport> {
    let lines = collection::btree_map(text(), any::<u32>(), 0..3);
    (text(), text(), text(), number(), lines, collection::vec(run(), 0..6)).prop_map(
        |(name, path, hash, planned, lines, runs)| ScenarioReport {
            left_out: 0,
            tags: vec![name.clone()],
            skipped: None,
            case: name.clone(),
            name,
            path,
            hash,
            planned,
            lines,
            runs,
        },
    )
}

fn report() -> impl Strategy<Value = Report> {
    let tool = (text(), text()).prop_map(|(name, version)| Tool { name, version });
    let config = collection::btree_map(text(), text(), 0..3);
    let system = (text(), text(), config, collection::vec(text(), 0..3)).prop_map(
        |(name, version, config, defects): (_, _, BTreeMap<_, _>, _)| SystemInfo {
            name,
            version,
            config,
            defects,
        },
    );
    let command =
        (number(), option::of(any::<u32>()), text()).prop_map(|(first_seed, runs, verify)| {
            CommandInfo { first_seed, runs, verify, rules: Vec::new() }
        });
    let machine =
        (text(), text(), any::<u32>()).prop_map(|(os, arch, cpus)| Machine { os, arch, cpus });
    let parts =
        (
            any::<bool>(),
            option::of((any::<u32>(), any::<u32>()).prop_map(|(index, of)| Shard {
                index,
                of,
                ..Shard::default()
            })),
            option::of(
                (number(), number())
                    .prop_map(|(wall_ms, left_out)| TimeBudget { wall_ms, left_out }),
            ),
            option::of(
                (text(), number(), option::of(text()))
                    .prop_map(|(defect, runs, noticed_by)| Canary { defect, runs, noticed_by }),
            ),
        );
    let all = (tool, system, command, text(), machine, parts, collection::vec(scenario(), 0..4));
    all.prop_map(|(tool, system, command, started, machine, parts, scenarios)| {
        let (partial, shard, time_budget, canary) = parts;
        Report {
            format: FORMAT.to_owned(),
            tool,
            system,
            command,
            world: squall_reports::World::Simulation,
            started,
            machine,
            partial,
            shard,
            time_budget,
            canary,
            scenarios,
        }
    })
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_or_refused(
        bytes in collection::vec(any::<u8>(), 0..256),
        json in "[\\[\\]{}\",:0-9a-z\\\\ -]{0,64}",
    ) {
        let path = Path::new("r");
        prop_assert!(parse(path, &bytes).is_err());
        let _ = parse(path, json.as_bytes());
        let inside = format!("{{\"format\": \"{FORMAT}\", \"scenarios\": [{json}");
        prop_assert!(parse(path, inside.as_bytes()).is_err());
    }

    #[test]
    fn what_is_written_is_read(report in report()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        write(&path, &report).unwrap();
        prop_assert_eq!(read(&path).unwrap(), report);
    }

    #[test]
    fn every_report_is_told_within_its_table(report in report(), color: bool) {
        let text = summary(&report, Reader { color, ..Reader::OF_A_FILE });
        let harmful = |c: char| c.is_control() && c != '\n' && !(color && c == '\u{1b}');
        prop_assert!(!text.contains(harmful), "{text:?}");
        if !color {
            let (table, _) = text.split_once("\n\n").unwrap();
            for line in table.lines() {
                prop_assert!(line.width() <= 80, "{} columns: {line}", line.width());
            }
        }
    }

    #[test]
    fn every_report_is_rendered_harmlessly_within_its_bounds(
        report in report(),
        bytes in 0..20_000_usize,
    ) {
        checks::all(&report, bytes);
    }

    #[test]
    fn a_report_with_another_byte_is_told_or_refused(
        report in report(),
        changes in collection::vec((any::<prop::sample::Index>(), any::<u8>()), 16),
    ) {
        let text = serde_json::to_vec(&report).unwrap();
        for (at, byte) in changes {
            let mut damaged = text.clone();
            damaged[at.index(text.len())] = byte;
            if let Ok(report) = parse(Path::new("r"), &damaged) {
                let _ = summary(&report, Reader::OF_A_FILE);
                checks::all(&report, 2_000);
            }
        }
    }
}
