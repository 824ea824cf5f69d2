//! A report with everything that a page shows, made by hand: no run made it.
#![allow(dead_code)] // Each of its users uses a part.

use squall_reports::{
    Canary, CommandInfo, Counters, Course, Evidence, FORMAT, LatencyRecorder, Machine, Report, Run,
    ScenarioReport, SystemInfo, TimeBudget, Tool, Trace, TraceFault, TraceMessage, TraceRecord,
    Verdict, Violation,
};

pub const NODES: [&str; 9] = [
    "broker-1",
    "broker-2",
    "broker-3",
    "producer-1",
    "producer-2",
    "consumer-1",
    "consumer-2",
    "store-1",
    "gateway-1",
];

/// Numbers that look drawn, and are the same each time.
pub struct Draw(pub u64);

impl Draw {
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// A trace of `records` records and messages around a leader's death, and the evidence in it.
pub fn trace(seed: u64, records: usize, messages: usize) -> (Trace, Vec<Evidence>) {
    let mut draw = Draw(seed);
    let died = 480_000 + draw.below(20) * 4_000;
    let lost = 100 + draw.below(900);
    let mut all = Vec::new();
    let mut say =
        |at_us, node: Option<u16>, kind: &str, text: String, event: Option<u64>, evidence| {
            let key = event.map(|event| event % 7);
            all.push(TraceRecord {
                index: 0,
                at_us,
                node,
                kind: kind.into(),
                text,
                event,
                key,
                evidence,
            });
        };
    for node in 0..9 {
        say(0, Some(node), "up", "starts".into(), None, false);
    }
    say(212_000, Some(0), "lead", "leads term 1".into(), None, false);
    say(
        died - 24_000,
        Some(3),
        "publish",
        format!("publish e{lost} (key {})", lost % 7),
        Some(lost),
        false,
    );
    say(
        died - 16_000,
        Some(0),
        "append",
        format!("has e{lost} at 0:{} (term 1)", lost / 4),
        Some(lost),
        true,
    );
    say(
        died - 12_000,
        Some(0),
        "acknowledge",
        format!("acknowledges e{lost} at 0:{} (term 1)", lost / 4),
        Some(lost),
        true,
    );
    say(
        died - 4_000,
        Some(3),
        "publish_ok",
        format!("publish e{lost} acknowledged at 0:{}", lost / 4),
        Some(lost),
        true,
    );
    say(died, None, "fault_began", "fault 1 begins on broker-1".into(), None, false);
    say(died, Some(0), "crash", "crashes, unsynced data is lost".into(), None, false);
    say(died + 150_000, Some(1), "lead", "leads term 2".into(), None, false);
    say(died + 300_000, Some(0), "up", "starts".into(), None, false);
    say(died + 300_000, Some(0), "rebuild", "rebuilds its log from disk".into(), None, false);
    say(died + 500_000, Some(1), "step_down", "no longer leads term 2".into(), None, false);
    say(died + 520_000, Some(2), "lead", "leads term 3".into(), None, false);
    say(died + 600_000, Some(6), "panic", "panics".into(), None, false);
    say(died + 700_000, Some(5), "exit", "ends by itself".into(), None, false);
    say(2_400_000, None, "offered", "the workload has been offered in full".into(), None, false);
    say(3_100_000, None, "healed", "everything is healed; the calm begins".into(), None, false);
    say(4_000_000, None, "deadline", "the deadline has passed".into(), None, false);
    let fixed = 26;
    for number in fixed..records {
        let at = 300_000 + draw.below(250) * 4_000;
        let (event, position) = (100 + draw.below(900), draw.below(400));
        let (node, kind, text) = match draw.below(4) {
            0 => (draw.below(3), "append", format!("has e{event} at 0:{position} (term 1)")),
            1 => (
                5 + draw.below(2),
                "deliver",
                format!("shipping: given e{event} at 1:{position} (generation {number})"),
            ),
            2 => (
                5 + draw.below(2),
                "apply",
                format!("shipping: effect of e{event} at 1:{position} is durable"),
            ),
            _ => (3 + draw.below(2), "publish", format!("publish e{event} (key {})", event % 7)),
        };
        say(at, u16::try_from(node).ok(), kind, text, Some(event), false);
    }
    all.sort_by_key(|record| record.at_us);
    for (record, index) in all.iter_mut().zip((0..).step_by(17)) {
        record.index = index;
    }
    let evidence = all.iter().filter(|record| record.evidence).map(|record| Evidence {
        index: record.index,
        at_us: record.at_us,
        node: NODES[usize::from(record.node.unwrap_or(0))].into(),
        kind: record.kind.clone(),
        text: record.text.clone(),
    });
    let evidence = evidence.collect();
    let mut frames: Vec<TraceMessage> = (0..messages)
        .map(|_| {
            let sent_us = died - 60_000 + draw.below(50) * 4_000;
            let (from, to, kind) = match draw.below(4) {
                0 => (3 + draw.below(2), 0, "publish"),
                1 => (0, 3 + draw.below(2), "publish_ack"),
                2 => (0, 1 + draw.below(2), "replicate"),
                _ => (5 + draw.below(2), 7, "store"),
            };
            let read = sent_us < died && draw.below(6) > 0 || to == 7;
            TraceMessage {
                from: u16::try_from(from).unwrap_or(0),
                to: u16::try_from(to).unwrap_or(0),
                sent_us,
                read_us: read.then(|| sent_us + 4_000 + draw.below(4) * 4_000),
                kind: kind.into(),
            }
        })
        .collect();
    frames.sort_by_key(|message| message.sent_us);
    let faults = vec![
        TraceFault {
            text: "crash: leader".into(),
            line: 8,
            nodes: vec![0],
            from_us: died,
            to_us: Some(died + 300_000),
        },
        TraceFault {
            text: "partition: isolate broker-3 from every broker".into(),
            line: 11,
            nodes: vec![0, 1, 2],
            from_us: died - 20_000,
            to_us: Some(died + 500_000),
        },
        TraceFault {
            text: "duplicate: 20% of publish on every link".into(),
            line: 14,
            nodes: vec![],
            from_us: 250_000,
            to_us: None,
        },
    ];
    let nodes = NODES.map(str::to_owned).to_vec();
    let course = Some(course(seed, died));
    (Trace { nodes, faults, records: all, messages: frames, left_out: 33_430, course }, evidence)
}

/// The course of a run whose leader dies.
fn course(seed: u64, died: u64) -> Course {
    let mut draw = Draw(seed);
    let part_us = 40_000;
    let parts = 0..120_u64;
    let down = |part: u64| (died / part_us..died / part_us + 5).contains(&part);
    let published = parts.clone().map(|part| if part < 60 { 30 + draw.below(8) } else { 0 });
    let published: Vec<u64> = published.collect();
    let applied = parts.clone().map(|part| match part {
        _ if down(part) => 0,
        60.. => draw.below(6) / 5,
        _ => 84 + draw.below(24),
    });
    let applied: Vec<u64> = applied.collect();
    let latency_us = applied.iter().zip(parts.clone()).map(|(applied, part)| match applied {
        0 => 0,
        _ if down(part.saturating_sub(4)) => 260_000 + draw.below(90) * 1_000,
        _ => 18_000 + draw.below(20) * 1_000,
    });
    let latency_us = latency_us.collect();
    let lag = parts.map(|part| if down(part) { 40 + draw.below(60) } else { 1 + draw.below(4) });
    Course { part_us, published, applied, latency_us, lag: lag.collect() }
}

/// A run that passed.
pub fn passed(path: &str, seed: u64) -> Run {
    let mut draw = Draw(seed);
    let mut latency = LatencyRecorder::default();
    (0..100).for_each(|_| latency.record(8_000 + draw.below(40) * draw.below(9_000)));
    Run {
        seed,
        hash: format!(
            "{:032x}",
            u128::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        ),
        verified: seed % 4 == 1,
        sim_ms: 2_400 + draw.below(2_000),
        wall_us: 40_000 + draw.below(40_000),
        recovery_ms: Some(60 + draw.below(12) * draw.below(120)),
        signals: [("leader_changed".to_owned(), 2), ("retried".to_owned(), 14)].into(),
        counters: Counters {
            events_published: 1_200,
            acknowledged: 1_196,
            indeterminate: 4,
            delivered: 3_700,
            applied: 3_600,
            messages: 8_400,
            faults: 3,
            ..Counters::default()
        },
        latency: latency.summary(),
        replay: format!("squall replay {path} --seed {seed}"),
        ..Run::default()
    }
}

/// A run that failed, with a trace of `records` records and messages.
pub fn failed(path: &str, seed: u64, records: usize, messages: usize) -> Run {
    let (trace, evidence) = trace(seed, records, messages);
    let event = evidence.first().map_or_else(String::new, |e| e.text.clone());
    let lost = event.split(' ').nth(1).unwrap_or("e1").to_owned();
    let violation = |group: &str| Violation {
        invariant: "no_loss".into(),
        summary: format!(
            "{lost} (nowhere in the log) was acknowledged, and {group} never applied it: unseen"
        ),
        evidence: evidence.clone(),
        ..Violation::default()
    };
    Run {
        verdict: Verdict::Failed,
        recovery_ms: None,
        sim_ms: 33_476,
        violations: vec![
            violation("inventory"),
            violation("shipping"),
            Violation {
                invariant: "durability".into(),
                summary: format!(
                    "broker-1 acknowledged {lost} in term 1, and lost it when it crashed"
                ),
                evidence: evidence.iter().skip(1).cloned().collect(),
                ..Violation::default()
            },
        ],
        trace: Some(trace),
        ..passed(path, seed)
    }
}

/// A scenario, its runs counted from seed 1.
pub fn scenario(name: &str, path: &str, runs: Vec<Run>) -> ScenarioReport {
    ScenarioReport {
        name: name.into(),
        path: path.into(),
        hash: "5f0cbb1e7a9d4c33".into(),
        planned: runs.len() as u64,
        runs,
        ..ScenarioReport::default()
    }
}

/// A report of these scenarios.
pub fn report_of(scenarios: Vec<ScenarioReport>) -> Report {
    Report {
        format: FORMAT.into(),
        tool: Tool { name: "squall".into(), version: "0.1.0".into() },
        system: SystemInfo {
            name: "reference-system".into(),
            version: "0.1.0".into(),
            config: [
                ("consensus", "omnipaxos 0.2.4"),
                ("delivery timeout", "4s"),
                ("partitions", "4"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            defects: Vec::new(),
        },
        command: CommandInfo {
            first_seed: 1,
            runs: Some(20),
            verify: "sample".into(),
            rules: Vec::new(),
        },
        started: "2026-11-21T08:08:49Z".into(),
        machine: Machine { os: "linux".into(), arch: "x86_64".into(), cpus: 2 },
        scenarios,
        ..Report::default()
    }
}

/// Texts that do something where they are believed.
pub const HOSTILE: &str =
    "</script><img src=x onerror=alert(1)><!--\u{202e}\0\u{1b}[2J'\"&amp;{{x}}\u{2028}";

/// A report with all that a page shows.
pub fn report() -> Report {
    let of = |path: &str, seeds: std::ops::RangeInclusive<u64>| -> Vec<Run> {
        seeds.map(|seed| passed(path, seed)).collect()
    };
    let death = "scenarios/broker/leader-dies-between-append-and-ack.yaml";
    let mut died = of(death, 1..=20);
    for seed in [3, 7, 11] {
        died[seed - 1] = failed(death, seed as u64, 160, 100);
    }
    // Its trace is gone.
    died[12] = Run { trace: None, ..failed(death, 13, 0, 0) };
    died[14] = Run {
        verdict: Verdict::Errored,
        reason: Some("its worker never yielded for 10 s".into()),
        recovery_ms: None,
        ..passed(death, 15)
    };
    let poison = "scenarios/consumer/poison.yaml";
    let mut poisoned = of(poison, 1..=20);
    poisoned[4].verdict = Verdict::Vacuous;
    poisoned[4].reason = Some("line 8: the trigger never fired: when reaches: broker.acknowledging, hit: 40; must_see: retried was never seen".into());
    let shaky = "scenarios/network/halves.yaml";
    let mut halves = of(shaky, 1..=20);
    halves[8].verdict = Verdict::Unstable;
    halves[8].reason = Some("record 3,120 differs between the two executions".into());
    let odd = "scenarios/消費者/とても長い名前のシナリオ.yaml";
    let mut hostile = failed(odd, 2, 40, 20);
    if let Some(trace) = &mut hostile.trace {
        trace.nodes[0] = HOSTILE.into();
        trace.nodes[5] = "消費者-1-with-a-name-that-goes-on-and-on-and-on".into();
        trace.faults[0].text = HOSTILE.into();
        trace.records[20].text = HOSTILE.into();
    }
    hostile.violations[0].summary = HOSTILE.into();
    Report {
        partial: true,
        time_budget: Some(TimeBudget { wall_ms: 300_000, left_out: 120 }),
        canary: Some(Canary { defect: "ack-before-fsync".into(), runs: 3, noticed_by: None }),
        ..report_of(vec![
            scenario("leader dies between append and acknowledge", death, died),
            scenario("poison events while consumers restart", poison, poisoned),
            scenario("the network falls into halves", shaky, halves),
            scenario(
                "a broker catches up after a long absence",
                "scenarios/broker/long-absence.yaml",
                of("scenarios/broker/long-absence.yaml", 1..=20),
            ),
            scenario(
                &format!("漢字 и кириллица: {}", "a-name-without-an-end-".repeat(6)),
                odd,
                vec![passed(odd, 1), hostile],
            ),
            scenario("not run", "scenarios/idle.yaml", Vec::new()),
        ])
    }
}

/// A thousand failures of five causes in sixty scenarios, beside sixty scenarios that passed.
pub fn thousand() -> Report {
    let invariants = ["no_loss", "durability", "idempotency", "per_key_order", "available"];
    let folders = ["broker", "consumer", "network", "disk"];
    let mut draw = Draw(7);
    let mut left = 1_000;
    let mut scenarios = Vec::new();
    for number in 0..120_usize {
        let folder = folders[number % folders.len()];
        let path = format!("scenarios/{folder}/outage-{number}.yaml");
        let bad = if number < 60 { left / (60 - number) } else { 0 };
        left -= bad;
        let runs = (1..=20).map(|seed| {
            if seed > bad as u64 {
                return passed(&path, seed);
            }
            let first = invariants[(number + draw.below(2) as usize) % invariants.len()];
            let mut run = failed(&path, seed, 120, 60);
            run.violations.remove(1);
            run.violations.truncate(1 + draw.below(2) as usize);
            run.violations[0].invariant = first.into();
            for violation in run.violations.iter_mut().skip(1) {
                violation.consequence_of = Some(first.into());
            }
            run
        });
        let mut one = scenario(&format!("{folder}: outage {number}"), &path, runs.collect());
        one.tags = vec![folder.to_owned()];
        if number % 3 == 0 {
            one.tags.push("nightly".into());
        }
        scenarios.push(one);
    }
    report_of(scenarios)
}

/// The next version: slower after partitions, right about poison, and worse about the death of leaders.
pub fn worse() -> Report {
    let mut report = report();
    report.system.version = "0.2.0".into();
    report.started = "2026-11-22T08:08:49Z".into();
    for scenario in &mut report.scenarios {
        for run in &mut scenario.runs {
            run.hash = format!("{}2", run.hash);
            if scenario.path.contains("halves") {
                run.recovery_ms = run.recovery_ms.map(|ms| ms * 3);
            }
            if scenario.path.contains("poison") && run.verdict == Verdict::Vacuous {
                *run = passed(&scenario.path, run.seed);
            }
            if scenario.path.contains("absence") && run.seed % 2 == 0 {
                *run = failed(&scenario.path, run.seed, 120, 60);
            }
        }
    }
    report.scenarios.truncate(5);
    report
}

/// Ten versions, of other scenarios from the sixth on.
pub fn history() -> Vec<(String, Report)> {
    let version = |number: u64| {
        let runs = (1..=20).map(|seed| match (seed + number) % (4 + number) {
            0 => failed("scenarios/a.yaml", seed, 0, 0),
            _ => Run {
                recovery_ms: Some(300 + 40 * number + seed),
                ..passed("scenarios/a.yaml", seed)
            },
        });
        let mut one = scenario("a", "scenarios/a.yaml", runs.collect());
        one.hash = if number < 5 { "1" } else { "2" }.into();
        let mut report = report_of(vec![one]);
        report.started = format!("2026-11-{:02}T08:08:49Z", 10 + number);
        (format!("nightly-{number}"), report)
    };
    (0..10).map(version).collect()
}
