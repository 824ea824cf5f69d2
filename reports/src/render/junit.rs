//! JUnit's XML, which every CI server reads: a suite for each folder, a case for each scenario.
//!
//! It was never specified; what is written is valid by the schema that Jenkins checks it with
//! (junit-10.xsd), which `harness/checks/junit-schema` proves.

use crate::{
    digest::{self, sum, tally},
    format::{Canary, Report, Run, ScenarioReport, Verdict},
    render::{
        problems::{self, Problem, TEXT, headline, path, told},
        rendering::Rendering,
    },
    text::{clip, numbers::grouped, printable, words::plural},
};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

pub(super) const RENDERING: Rendering = Rendering {
    name: "junit",
    help: "JUnit XML",
    option: Some("Write JUnit XML to this file"),
    render: |report, _| junit(report, "squall"),
};

/// Runs of a scenario that did not pass and are told with their evidence.
const RUNS: usize = 5;

/// A report as JUnit's XML. A scenario is a case: a failure where a run failed or is unstable or
/// vacuous, an error where the worst that happened is a run that ended its worker, skipped where
/// there are no runs. Times are wall times. Nothing that was run at all is an error, and so is a
/// known defect that nobody noticed a failure. `program` is how the reader calls squall.
fn junit(report: &Report, program: &str) -> String {
    let mut folders: BTreeMap<String, Vec<&ScenarioReport>> = BTreeMap::new();
    for scenario in &report.scenarios {
        let path = path(scenario);
        let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
        folders.entry(clip(folder, TEXT)).or_default().push(scenario);
    }
    let mut out = quick_junit::Report::new("squall");
    out.set_time(wall(report.runs().map(|(_, run)| run)));
    for (folder, scenarios) in folders {
        let mut suite = TestSuite::new(folder);
        suite.set_time(wall(scenarios.iter().flat_map(|scenario| &scenario.runs)));
        describe(&mut suite, report);
        suite.add_test_cases(scenarios.into_iter().map(|scenario| case(scenario, program)));
        out.add_test_suite(suite);
    }
    let whole: Vec<TestCase> =
        nothing(report).into_iter().chain(report.canary.as_ref().map(noticed)).collect();
    if !whole.is_empty() {
        let mut suite = TestSuite::new("squall");
        suite.set_time(Duration::ZERO);
        suite.add_test_cases(whole);
        out.add_test_suite(suite);
    }
    // Writing to memory cannot fail.
    let text = out.to_string().unwrap_or_default();
    // The schema knows no `skipped` of all suites together: it is the first that is written.
    text.replacen(&format!(" skipped=\"{}\"", out.skipped), "", 1)
}

/// Wall time of runs.
fn wall<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Duration {
    Duration::from_micros(sum(runs, |run| run.wall_us))
}

fn describe(suite: &mut TestSuite, report: &Report) {
    let system = &report.system;
    let mut property = |name: &str, value: &str| {
        suite.add_property((name, clip(value, TEXT).as_str()));
    };
    property("system", &format!("{} {}", system.name, system.version));
    property("defects", &system.defects.join(", "));
    property("first seed", &report.command.first_seed.to_string());
    property("started", &report.started);
    if let Some(shard) = &report.shard {
        property("shard", &shard.to_string());
    }
    if report.partial {
        property("partial", "not all of the planned runs are in it");
    }
}

fn case(scenario: &ScenarioReport, program: &str) -> TestCase {
    let tally = tally(&scenario.runs);
    let status = match tally.first() {
        None => {
            let mut status = TestCaseStatus::skipped();
            let why = scenario.skipped.as_deref().unwrap_or("no run was made");
            status.set_message(clip(why, TEXT));
            status
        }
        Some((Verdict::Passed, _)) => TestCaseStatus::success(),
        Some((worst, _)) => {
            let kind = match worst {
                Verdict::Errored => NonSuccessKind::Error,
                _ => NonSuccessKind::Failure,
            };
            let problems = problems::of(scenario);
            let check = problems.first().map_or_else(|| worst.to_string(), Problem::check);
            let mut status = TestCaseStatus::non_success(kind);
            status.set_type(check).set_message(headline(scenario, &problems));
            status.set_description(body(scenario, program));
            status
        }
    };
    let mut case = TestCase::new(problems::name(scenario), status);
    case.set_classname(class(scenario));
    case.set_time(wall(&scenario.runs));
    case
}

/// `scenarios.consumer.poison`: servers take what stands before the last dot for a package.
fn class(scenario: &ScenarioReport) -> String {
    let path = path(scenario);
    let stem = path.strip_suffix(".yaml").or_else(|| path.strip_suffix(".yml")).unwrap_or(&path);
    clip(stem, TEXT).replace('/', ".")
}

/// What the first runs that did not pass show, and the commands that make them again.
fn body(scenario: &ScenarioReport, program: &str) -> String {
    let mut wrong: Vec<&Run> =
        scenario.runs.iter().filter(|run| run.verdict != Verdict::Passed).collect();
    wrong.sort_by_key(|run| digest::ORDER.iter().position(|verdict| *verdict == run.verdict));
    let mut out = format!("{}:{}\n", path(scenario), problems::line(scenario, None));
    for run in wrong.iter().take(RUNS) {
        out.push('\n');
        out.push_str(&told(run, program));
    }
    if wrong.len() > RUNS {
        let seeds = digest::seeds(&wrong[RUNS..]);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "\nand {} (seeds {seeds})", plural(wrong.len() - RUNS, "more run"));
    }
    out
}

/// A report without runs proves nothing, and no server takes a report without cases for a failure.
fn nothing(report: &Report) -> Option<TestCase> {
    if report.runs().next().is_some() {
        return None;
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("nothing").set_message("nothing was run");
    let mut case = TestCase::new("something was run", status);
    case.set_classname("squall").set_time(Duration::ZERO);
    Some(case)
}

fn noticed(canary: &Canary) -> TestCase {
    let defect = clip(&canary.defect, TEXT);
    let status = match &canary.noticed_by {
        Some(_) => TestCaseStatus::success(),
        None => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let runs = grouped(canary.runs);
            status.set_type("canary").set_message(format!("nobody noticed it in {runs} runs"));
            status
        }
    };
    let mut case = TestCase::new(format!("the known defect {defect} is noticed"), status);
    case.set_classname("squall").set_time(Duration::ZERO);
    if let Some(command) = &canary.noticed_by {
        case.set_system_out(printable(command));
    }
    case
}
