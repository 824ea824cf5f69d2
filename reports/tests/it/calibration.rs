//! Is `compare` as sure as it says? Versions made up with known properties, many draws, fixed seeds.
//!
//! All of it is in `reports/CALIBRATION.md`, which is written by
//! `cargo test --release -p squall-reports --test it calibration -- --ignored` (some minutes). What runs in
//! CI makes some of the cells again, to the last draw, so that the page cannot be of another `compare`.
//!
//! Recovery and latency are lognormal, as times of retries and elections are; 2 % of runs never recover
//! and 2 % are vacuous. Every scenario fails in a way of its own, so that what one scenario shows in the
//! base does not make the failure of another one known.

use squall_reports::{
    Comparison, Counters, Evidence, Latency, Options, Report, Run, ScenarioReport, Verdict,
    Violation, Weight, compare,
};
use std::{fmt::Write as _, panic::resume_unwind};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/CALIBRATION.md");

const SCENARIOS: [usize; 3] = [1, 3, 30];
const RATES: [f64; 5] = [0.0, 0.01, 0.02, 0.05, 0.2];
const RUNS: [u64; 4] = [10, 20, 50, 100];

/// SplitMix64 (Steele, Lea and Flood 2014): enough for made-up runs, and the same for ever.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
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

/// What a version is like: its first scenario, and the others.
#[derive(Clone, Copy)]
struct Version {
    scenarios: usize,
    /// How often the first scenario fails, and how often each of the others.
    failing: (f64, f64),
    /// How many times as long the first scenario takes to recover.
    slower: f64,
}

impl Version {
    fn failing(scenarios: usize, rate: f64) -> Self {
        Self { scenarios, failing: (rate, rate), slower: 1.0 }
    }
}

fn run(random: &mut Random, version: Version, scenario: usize, seed: u64) -> Run {
    let (slower, rate) = match scenario {
        0 => (version.slower, version.failing.0),
        _ => (1.0, version.failing.1),
    };
    let recovery = random.lognormal(300.0 * (1 + scenario % 6) as f64 * slower, 0.4);
    let p99_us = random.lognormal(40_000.0, 0.3) as u64;
    let applied = random.lognormal(2_000.0, 0.1) as u64;
    let verdict = if random.is(rate) {
        Verdict::Failed
    } else if random.is(0.02) {
        Verdict::Vacuous
    } else {
        Verdict::Passed
    };
    let violation = || Violation {
        invariant: ["no_loss", "order", "idempotency"][scenario % 3].into(),
        evidence: vec![Evidence {
            kind: format!("kind {scenario}"),
            node: "broker-1".into(),
            ..Evidence::default()
        }],
        ..Violation::default()
    };
    Run {
        seed,
        verdict,
        hash: format!("{:x}", random.bits()),
        sim_ms: 20_000,
        recovery_ms: (!random.is(0.02)).then_some(recovery as u64),
        signals: [("retried".to_owned(), 1)].into(),
        violations: (verdict == Verdict::Failed).then(violation).into_iter().collect(),
        counters: Counters { applied, ..Counters::default() },
        latency: Some(Latency { p99_us, ..Latency::default() }),
        ..Run::default()
    }
}

fn report(random: &mut Random, version: Version, seeds: std::ops::RangeInclusive<u64>) -> Report {
    let scenarios = (0..version.scenarios).map(|scenario| ScenarioReport {
        name: format!("s{scenario}"),
        path: format!("s{scenario}.yaml"),
        runs: seeds.clone().map(|seed| run(random, version, scenario, seed)).collect(),
        ..ScenarioReport::default()
    });
    Report { scenarios: scenarios.collect(), ..Report::default() }
}

/// How the two sides belong together.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sides {
    /// Other seeds.
    Unpaired,
    /// The same seeds, and all histories changed: every run is a new draw.
    Moved,
    /// The same seeds, and one history of ten changed.
    Tenth,
}

impl Sides {
    const ALL: [Self; 3] = [Self::Unpaired, Self::Moved, Self::Tenth];

    fn title(self) -> &'static str {
        match self {
            Self::Unpaired => "Other seeds on either side",
            Self::Moved => "The same seeds, every history changed",
            Self::Tenth => "The same seeds, one history of ten changed",
        }
    }

    /// A base of one version and a head of another.
    fn draw(self, random: &mut Random, before: Version, after: Version, runs: u64) -> [Report; 2] {
        let base = report(random, before, 1..=runs);
        let first = if self == Self::Unpaired { runs + 1 } else { 1 };
        let mut head = report(random, after, first..=first + runs - 1);
        if self == Self::Tenth {
            let kept = base.scenarios.iter().flat_map(|scenario| &scenario.runs);
            let drawn = head.scenarios.iter_mut().flat_map(|scenario| &mut scenario.runs);
            for (drawn, kept) in drawn.zip(kept) {
                if !random.is(0.1) {
                    drawn.clone_from(kept);
                }
            }
        }
        [base, head]
    }
}

fn compared(base: &Report, head: &Report) -> Comparison {
    compare(std::slice::from_ref(base), std::slice::from_ref(head), &Options::default())
}

fn regresses(comparison: &Comparison) -> bool {
    comparison.count(Weight::Regression) > 0
}

/// A regression of the first scenario that is no number's.
fn fails_more(comparison: &Comparison) -> bool {
    let numbers = ["recovery", "latency", "throughput"];
    comparison.findings.iter().any(|finding| {
        finding.weight == Weight::Regression
            && finding.scenario == "s0.yaml"
            && !numbers.contains(&finding.subject.as_str())
    })
}

fn is_slower(comparison: &Comparison) -> bool {
    comparison.findings.iter().any(|finding| {
        finding.weight == Weight::Regression
            && finding.scenario == "s0.yaml"
            && finding.subject == "recovery"
    })
}

/// Draws are divided over this number of threads; which thread makes a draw changes nothing.
const THREADS: u64 = 8;

/// In how many of the draws `is` so.
fn count(draws: u64, is: impl Fn(&mut Random) -> bool + Sync) -> u64 {
    count_among(0..draws, is)
}

fn count_among(draws: std::ops::Range<u64>, is: impl Fn(&mut Random) -> bool + Sync) -> u64 {
    let part = |thread: u64| {
        let draws = (draws.start + thread..draws.end).step_by(THREADS as usize);
        draws.filter(|draw| is(&mut Random(draw << 32))).count() as u64
    };
    std::thread::scope(|scope| {
        let part = &part;
        let threads: Vec<_> = (0..THREADS).map(|t| scope.spawn(move || part(t))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .sum()
    })
}

/// One cell of the grid: two versions that are alike.
fn mistaken(sides: Sides, scenarios: usize, rate: f64, runs: u64, draws: u64) -> u64 {
    mistaken_among(0..draws, sides, (scenarios, rate, runs))
}

fn mistaken_among(
    draws: std::ops::Range<u64>,
    sides: Sides,
    (scenarios, rate, runs): (usize, f64, u64),
) -> u64 {
    let version = Version::failing(scenarios, rate);
    count_among(draws, |random| {
        let [base, head] = sides.draw(random, version, version, runs);
        regresses(&compared(&base, &head))
    })
}

/// Draws of a cell of the page.
fn draws(scenarios: usize) -> u64 {
    if scenarios == 30 { 400 } else { 1_000 }
}

fn percent(count: u64, draws: u64) -> f64 {
    100.0 * count as f64 / draws as f64
}

/// A defect in the first scenario, and who notices it.
struct Defect {
    what: &'static str,
    before: f64,
    after: f64,
    slower: f64,
    noticed: fn(&Comparison) -> bool,
}

const DEFECTS: [Defect; 6] = [
    Defect {
        what: "fails in 10 % of runs, before 1 %",
        before: 0.01,
        after: 0.1,
        slower: 1.0,
        noticed: fails_more,
    },
    Defect {
        what: "fails in 30 % of runs, before 1 %",
        before: 0.01,
        after: 0.3,
        slower: 1.0,
        noticed: fails_more,
    },
    Defect {
        what: "passes half as often, before always",
        before: 0.0,
        after: 0.5,
        slower: 1.0,
        noticed: fails_more,
    },
    Defect {
        what: "passes half as often, before in 80 %",
        before: 0.2,
        after: 0.6,
        slower: 1.0,
        noticed: fails_more,
    },
    Defect {
        what: "recovers 1.5 times slower",
        before: 0.01,
        after: 0.01,
        slower: 1.5,
        noticed: is_slower,
    },
    Defect {
        what: "recovers 2 times slower",
        before: 0.01,
        after: 0.01,
        slower: 2.0,
        noticed: is_slower,
    },
];

fn found(defect: &Defect, sides: Sides, scenarios: usize, runs: u64, draws: u64) -> u64 {
    let before = Version { scenarios, failing: (defect.before, 0.01), slower: 1.0 };
    let after = Version { scenarios, failing: (defect.after, 0.01), slower: defect.slower };
    count(draws, |random| {
        let [base, head] = sides.draw(random, before, after, runs);
        (defect.noticed)(&compared(&base, &head))
    })
}

/// The drop that the first scenario is said to see, made: how often it is found. The others fail in one
/// run of twenty, so that there is something to correct for.
fn promised(sides: Sides, scenarios: usize, rate: f64, runs: u64, draws: u64) -> u64 {
    let version = Version { scenarios, failing: (rate, 0.05), slower: 1.0 };
    count(draws, |random| {
        let [base, head] = sides.draw(random, version, version, runs);
        let first = compared(&base, &head).scenarios.swap_remove(0);
        let (Some(drop), Some(side)) = (first.detectable_drop, first.base) else { return false };
        let passes = side.passed.count as f64 / side.passed.of as f64 - drop;
        let worse = Version { failing: (1.0 - passes, 0.05), ..version };
        let first = if sides == Sides::Unpaired { runs + 1 } else { 1 };
        let head = report(random, worse, first..=first + runs - 1);
        fails_more(&compared(&base, &head))
    })
}

/// A row of a table of the grid.
fn row(scenarios: usize, runs: u64, cells: &[f64]) -> String {
    let cells: Vec<String> = cells.iter().map(|percent| format!("{percent:.1}")).collect();
    format!("| {scenarios} | {runs} | {} |", cells.join(" | "))
}

fn promise_row(sides: Sides, scenarios: usize, rate: f64, runs: u64, draws: u64) -> String {
    let found = promised(sides, scenarios, rate, runs, draws);
    let how = if sides == Sides::Unpaired { "other seeds" } else { "the same seeds" };
    format!("| {how} | {scenarios} | {runs} | {:.0} | {:.1} |", rate * 100.0, percent(found, draws))
}

fn defect_row(defect: &Defect, sides: Sides, scenarios: usize, draws: u64) -> String {
    let cells: Vec<String> = RUNS
        .iter()
        .map(|runs| format!("{:.0}", percent(found(defect, sides, scenarios, *runs, draws), draws)))
        .collect();
    let how = if sides == Sides::Unpaired { "other" } else { "same" };
    format!("| {} | {scenarios} | {how} | {} |", defect.what, cells.join(" | "))
}

const INTRODUCTION: &str = "\
# How sure a comparison is

Written by `cargo test --release -p squall-reports --test it calibration -- --ignored`; CI makes some of the cells again
and holds them against this page. Every cell compares made-up versions with fixed seeds, 1,000 times (with 30 scenarios
400 times): recovery and latency lognormal, 2 % of runs vacuous, 2 % never recover, every scenario fails in a way of its own.

## False regressions

Two sides of one version: in how many of 100 comparisons anything at all is called a regression, by proof, rate or number.
Columns: the share of runs that fail, in every scenario alike. At most 5 is wanted. With the same seeds and no history
changed there is none by construction: equal runs are equal.

The middle table is why a seed that passed and now fails is not proof by itself. A change that moves a history draws
the run anew, and under a system that fails in 2 % of runs, about 2 % of all seeds turn from passed to failed in every
innocent change. Called proof, that would be a false regression in nearly every cell. So it is asked how probable it
is at most, whatever the rate, that a failure which was there before shows in none of the base's N runs and in at least F
of the K histories that changed: max over p of (1 - p)^N P(Bin(K, p) >= F), times one more than the kinds of failure
that the base shows. At most 3.6 % is proof: one failure if no more than a tenth of the histories changed, four if all
did. Everything else that is new is something to look at, with the command for the base, or a regression by its rate.
One assumption remains: that runs whose histories changed are no likelier to fail than others were before.
";

/// The five largest cells of the grid in `page`, by 2,000 other draws: the largest of many is the
/// largest also because it was the luckiest.
fn worst_again(page: &str) -> String {
    let mut cells = Vec::new();
    for sides in Sides::ALL {
        let title = format!("### {}\n", sides.title());
        let table = page.split_once(&title).map_or("", |(_, table)| table);
        let rows = table.lines().skip(3).take(SCENARIOS.len() * RUNS.len());
        for row in rows {
            let numbers: Vec<f64> = row.split('|').filter_map(|c| c.trim().parse().ok()).collect();
            let (scenarios, runs) = (numbers[0] as usize, numbers[1] as u64);
            for (cell, rate) in numbers[2..].iter().zip(RATES) {
                cells.push((*cell, sides, (scenarios, rate, runs)));
            }
        }
    }
    assert_eq!(cells.len(), Sides::ALL.len() * SCENARIOS.len() * RUNS.len() * RATES.len());
    cells.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut out = format!(
        "\n{AGAIN}\n\n| seeds | scenarios | runs a side | fails | before | again | 95 % interval |\n\
         |---|---:|---:|---:|---:|---:|---:|\n"
    );
    for (cell, sides, given) in cells.into_iter().take(5) {
        let draws = 2_000;
        let again = percent(mistaken_among(1_000_000..1_000_000 + draws, sides, given), draws);
        let margin = 1.96 * (again * (100.0 - again) / draws as f64).sqrt();
        let (scenarios, rate, runs) = given;
        let _ = writeln!(
            out,
            "| {} | {scenarios} | {runs} | {:.0} % | {cell:.1} | {again:.1} | {:.1} to {:.1} |",
            sides.title().to_lowercase(),
            rate * 100.0,
            (again - margin).max(0.0),
            again + margin,
        );
        assert!(again <= 5.0, "{sides:?}, {given:?}: {again} %");
    }
    out
}

const AGAIN: &str = "The five largest of these 180 cells again, with 2,000 other draws each: the largest of many is \
                     largest also by luck.";

/// Draws the worst cells of the page again.
#[test]
#[ignore = "writes reports/CALIBRATION.md"]
fn write_the_worst_cells_again() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (grid, rest) = page.split_once("\n## What is found").unwrap();
    let grid = &grid[..=grid.rfind("\n\nThe ").unwrap()];
    let page = format!("{grid}{}\n## What is found{rest}", worst_again(grid));
    std::fs::write(PAGE, page).unwrap();
}

/// Writes the page.
#[test]
#[ignore = "writes reports/CALIBRATION.md; takes minutes even in release"]
fn write_the_page() {
    let mut page = INTRODUCTION.to_owned();
    for sides in Sides::ALL {
        let _ = write!(page, "\n### {}\n\n| scenarios | runs a side |", sides.title());
        let _ =
            writeln!(page, " 0 % | 1 % | 2 % | 5 % | 20 % |\n|---:|---:|---:|---:|---:|---:|---:|");
        for scenarios in SCENARIOS {
            for runs in RUNS {
                let draws = draws(scenarios);
                let cells: Vec<f64> = RATES
                    .iter()
                    .map(|rate| percent(mistaken(sides, scenarios, *rate, runs, draws), draws))
                    .collect();
                let row = row(scenarios, runs, &cells);
                println!("{} {row}", sides.title());
                let _ = writeln!(page, "{row}");
            }
        }
    }
    let again = worst_again(&page);
    page.push_str(&again);
    page.push_str(
        "\n## What is found\n\nA defect in one scenario; all others fail in 1 % of runs. In how many of \
         100 comparisons it is called a\nregression of that scenario, corrected for all tests (Holm). \
         With the same seeds, all histories changed.\n\n\
         | defect | scenarios | seeds | 10 runs | 20 | 50 | 100 |\n|---|---:|---|---:|---:|---:|---:|\n",
    );
    for defect in &DEFECTS {
        for scenarios in [1, 30] {
            for sides in [Sides::Unpaired, Sides::Moved] {
                let row =
                    defect_row(defect, sides, scenarios, if scenarios == 1 { 400 } else { 100 });
                println!("{row}");
                let _ = writeln!(page, "{row}");
            }
        }
    }
    page.push_str(
        "\n## What `sees` promises\n\nThe drop in the column `sees`, made: it is promised to be found \
         in 80 of 100 comparisons. The other scenarios\nfail in 5 % of runs.\n\n\
         | seeds | scenarios | runs a side | fails before, % | found |\n|---|---:|---:|---:|---:|\n",
    );
    for (sides, scenarios, rate, runs) in PROMISES {
        let row = promise_row(sides, scenarios, rate, runs, if scenarios == 1 { 400 } else { 100 });
        println!("{row}");
        let _ = writeln!(page, "{row}");
    }
    std::fs::write(PAGE, page).unwrap();
}

const PROMISES: [(Sides, usize, f64, u64); 8] = [
    (Sides::Unpaired, 1, 0.0, 50),
    (Sides::Unpaired, 1, 0.1, 50),
    (Sides::Unpaired, 30, 0.0, 50),
    (Sides::Unpaired, 30, 0.1, 50),
    (Sides::Moved, 1, 0.0, 50),
    (Sides::Moved, 1, 0.1, 50),
    (Sides::Moved, 30, 0.0, 50),
    (Sides::Moved, 30, 0.1, 50),
];

/// The cells that are cheap, as they are in the page.
#[test]
fn the_page_is_current() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    assert!(page.starts_with(INTRODUCTION), "the page is of another version: write it again");
    for sides in Sides::ALL {
        let table = page.split_once(sides.title()).unwrap().1;
        for (scenarios, runs, column) in [(1, 10, 4), (1, 20, 3)] {
            let draws = draws(scenarios);
            let found = mistaken(sides, scenarios, RATES[column], runs, draws);
            let head = format!("| {scenarios} | {runs} |");
            let line = table.lines().find(|line| line.starts_with(&head)).unwrap();
            let cell: f64 = line.split('|').nth(3 + column).unwrap().trim().parse().unwrap();
            let now = percent(found, draws);
            assert!((cell - now).abs() <= 0.051, "{sides:?}, {line}: now {now}");
        }
    }
    // All of the grid is there, and no cell is above 5 %.
    let grid = page.split_once("\n## What is found").unwrap().0;
    let rows: Vec<&str> = grid
        .lines()
        .filter(|line| {
            line.split('|').nth(1).is_some_and(|cell| cell.trim().parse::<u64>().is_ok())
        })
        .collect();
    assert_eq!(rows.len(), Sides::ALL.len() * SCENARIOS.len() * RUNS.len());
    for row in rows {
        for cell in row.split('|').skip(3).take(5) {
            assert!(cell.trim().parse::<f64>().unwrap() <= 5.0, "{row}");
        }
    }
}

/// A few of the cells in which the rule "passed before, fails now" would be mistaken nearly always.
#[test]
fn versions_that_are_alike_seldom_differ() {
    for (sides, scenarios, rate, runs, draws) in [
        (Sides::Unpaired, 3, 0.02, 50, 200),
        (Sides::Moved, 1, 0.05, 50, 400),
        (Sides::Moved, 3, 0.02, 50, 200),
        (Sides::Tenth, 3, 0.02, 50, 200),
        (Sides::Moved, 30, 0.02, 20, 20),
    ] {
        let found = mistaken(sides, scenarios, rate, runs, draws);
        println!("{sides:?}, {scenarios} scenarios, {rate}, {runs} runs: {found} of {draws}");
        // At 5 %, more than this comes once in a thousand times.
        let most = 0.05 * draws as f64;
        assert!(found as f64 <= most + 3.1 * (most * 0.95).sqrt(), "{sides:?}: {found} of {draws}");
    }
}

#[test]
fn a_defect_is_found_as_often_as_is_promised() {
    for (sides, scenarios, draws) in [(Sides::Moved, 1, 300), (Sides::Unpaired, 30, 60)] {
        let found = promised(sides, scenarios, 0.05, 30, draws);
        println!("{sides:?}, {scenarios} scenarios: {found} of {draws}");
        let least = 0.8 * draws as f64;
        assert!(
            found as f64 >= least - 3.1 * (least * 0.2).sqrt(),
            "{sides:?}: {found} of {draws}"
        );
    }
    for (defect, least) in [(2, 99.0), (5, 95.0)] {
        let percent = percent(found(&DEFECTS[defect], Sides::Moved, 3, 50, 100), 100);
        assert!(percent >= least, "{}: {percent} %", DEFECTS[defect].what);
    }
}
