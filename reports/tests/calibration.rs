//! Is `compare` as sure as it says? Versions made up with known properties, many draws, fixed seeds.
//!
//! A version has six scenarios. Recovery and latency are lognormal, as times of retries and elections
//! are; some runs never recover, some are vacuous, and one scenario has a failure of one shape that is
//! common (one run of five). What is rarer than the batches are long is no question of calibration: a
//! failure that only one half happens to show is proof by rule, and a true one.

use squall_reports::{
    Comparison, Counters, Evidence, Latency, Options, Report, Run, ScenarioReport, Verdict,
    Violation, Weight, compare,
};

const DRAWS: u64 = 1_000;

/// The scenario with the common failure.
const FLAKY: usize = 2;

/// SplitMix64 (Steele, Lea and Flood 2014): enough for made-up runs, and the same for ever.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn is(&mut self, chance: f64) -> bool {
        self.unit() < chance
    }

    /// Twelve units make a normal deviate that is near enough.
    fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        let normal: f64 = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        median * (sigma * normal).exp()
    }
}

/// What a version is like.
#[derive(Clone, Copy)]
struct Version {
    /// How often each scenario fails.
    failing: [f64; 6],
    /// How many times as long the first scenario takes to recover.
    slower: f64,
    /// Its runs have times and latencies. Without, draws are made faster.
    numbers: bool,
}

const CORRECT: Version =
    Version { failing: [0.0, 0.0, 0.2, 0.0, 0.0, 0.0], slower: 1.0, numbers: true };

fn run(random: &mut Random, version: Version, scenario: usize, seed: u64) -> Run {
    let slower = if scenario == 0 { version.slower } else { 1.0 };
    let recovery = random.lognormal(300.0 * (1 + scenario) as f64 * slower, 0.4);
    let p99_us = random.lognormal(40_000.0, 0.3) as u64;
    let applied = random.lognormal(2_000.0, 0.1) as u64;
    let verdict = if random.is(version.failing[scenario]) {
        Verdict::Failed
    } else if random.is(0.02) {
        Verdict::Vacuous
    } else {
        Verdict::Passed
    };
    let evidence =
        Evidence { kind: "publish_ok".into(), node: "broker-1".into(), ..Default::default() };
    let violation =
        Violation { invariant: "no_loss".into(), evidence: vec![evidence], ..Default::default() };
    Run {
        seed,
        verdict,
        sim_ms: if version.numbers { 10_000 } else { 0 },
        recovery_ms: (version.numbers && !random.is(0.02)).then_some(recovery as u64),
        signals: [("retried".to_owned(), 1)].into(),
        violations: if verdict == Verdict::Failed { vec![violation] } else { Vec::new() },
        counters: Counters { applied, ..Counters::default() },
        latency: version.numbers.then(|| Latency { p99_us, ..Latency::default() }),
        ..Run::default()
    }
}

fn report(random: &mut Random, version: Version, seeds: std::ops::RangeInclusive<u64>) -> Report {
    let scenarios = (0..version.failing.len()).map(|scenario| ScenarioReport {
        name: format!("s{scenario}"),
        path: format!("s{scenario}.yaml"),
        runs: seeds.clone().map(|seed| run(random, version, scenario, seed)).collect(),
        ..ScenarioReport::default()
    });
    Report { scenarios: scenarios.collect(), ..Report::default() }
}

/// In how many of the draws `is` so, in percent.
fn percent_of(draws: u64, is: impl Fn(&mut Random) -> bool) -> f64 {
    let count = (0..draws).filter(|draw| is(&mut Random(draw << 32))).count();
    100.0 * count as f64 / draws as f64
}

fn compared(base: Report, head: Report) -> Comparison {
    compare(&[base], &[head], &Options::default())
}

fn regresses(comparison: &Comparison, path: &str) -> bool {
    comparison.findings.iter().any(|f| f.weight == Weight::Regression && f.scenario == path)
}

/// Two halves of the seeds, with so many runs a scenario each.
fn mistaken(runs: u64) -> f64 {
    percent_of(DRAWS, |random| {
        let base = report(random, CORRECT, 1..=runs);
        let head = report(random, CORRECT, runs + 1..=2 * runs);
        compared(base, head).count(Weight::Regression) > 0
    })
}

/// A scenario that passes half as often as before, through the failure that is known.
fn noticed(scenario: usize, runs: u64) -> f64 {
    let before = Version { numbers: false, ..CORRECT };
    let mut defect = before;
    let passes = 1.0 - defect.failing[scenario];
    defect.failing[scenario] = 1.0 - passes / 2.0;
    percent_of(DRAWS, |random| {
        let base = report(random, before, 1..=runs);
        let head = report(random, defect, 1..=runs);
        regresses(&compared(base, head), &format!("s{scenario}.yaml"))
    })
}

#[test]
fn halves_of_one_version_differ_in_at_most_one_of_twenty_draws() {
    let percent = mistaken(50);
    println!("50 runs a half: {percent} % of draws report a regression");
    assert!(percent <= 5.0, "{percent} %");
}

#[test]
fn a_halved_pass_rate_is_noticed() {
    for (scenario, runs, least) in [(0, 30, 99.0), (FLAKY, 50, 95.0), (FLAKY, 80, 99.0)] {
        let percent = noticed(scenario, runs);
        println!("scenario {scenario}, {runs} runs a side: noticed in {percent} % of draws");
        assert!(percent >= least, "scenario {scenario}, {runs} runs: {percent} %");
    }
}

/// 1.8 times as long, with all the noise there is: in at least 95 % of 100 draws.
#[test]
fn a_slower_recovery_is_noticed() {
    let percent = percent_of(100, |random| {
        let base = report(random, CORRECT, 1..=50);
        let head = report(random, Version { slower: 1.8, ..CORRECT }, 1..=50);
        let comparison = compared(base, head);
        comparison
            .findings
            .iter()
            .any(|f| f.weight == Weight::Regression && f.subject == "recovery")
    });
    println!("1.8 times slower, 50 runs a side: noticed in {percent} % of draws");
    assert!(percent >= 95.0, "{percent} %");
}
