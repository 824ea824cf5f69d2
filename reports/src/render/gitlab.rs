//! GitLab's code quality: a list of issues that a merge request shows at the scenarios' lines.
//!
//! An issue is the same in two reports if its fingerprint is: it depends on the scenario and the
//! invariant, on no seed, no time and no machine.

use crate::{
    format::{Report, Verdict},
    render::{
        problems::{self, Problem},
        rendering::Rendering,
    },
};
use serde::Serialize;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_128;

pub(super) const RENDERING: Rendering = Rendering {
    name: "gitlab",
    help: "GitLab's code-quality JSON",
    option: Some("Write a GitLab code-quality report (JSON) to this file"),
    render: |report, _| gitlab(report),
};

#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    /// Unique in the list, in hexadecimal.
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// What did not pass as a code quality report, one issue for each scenario and invariant; an empty
/// list if everything passed. What belongs to no file is not in it: that nothing was run, or that a
/// known defect was not noticed.
fn gitlab(report: &Report) -> String {
    let mut seen = BTreeMap::new();
    let issues: Vec<Issue> =
        problems::problems(report).iter().map(|problem| issue(problem, &mut seen)).collect();
    // Nothing of it can fail to be written.
    serde_json::to_string_pretty(&issues).unwrap_or_else(|_| "[]".to_owned()) + "\n"
}

fn issue(problem: &Problem<'_>, seen: &mut BTreeMap<String, u32>) -> Issue {
    let path = problems::path(problem.scenario);
    // Where the file lies outside the folder that squall was called in, its folder depends on the
    // machine.
    let elsewhere = path.starts_with('/') || path.contains(':');
    let file = if elsewhere { path.rsplit('/').next().unwrap_or_default() } else { &path };
    let check = problem.check();
    let identity = format!("{file}\0{}\0{}\0{check}", problem.scenario.name, problem.verdict);
    // Scenarios that cannot be told apart are counted: two issues are never one.
    let nth = seen.entry(identity.clone()).or_default();
    *nth += 1;
    Issue {
        description: format!(
            "{}: {}: {} (in {})",
            problem.name(),
            check,
            problem.what(),
            problem.how_often()
        ),
        fingerprint: format!("{:032x}", xxh3_128(format!("{identity}\0{nth}").as_bytes())),
        check_name: check,
        severity: match problem.verdict {
            Verdict::Failed | Verdict::Errored => "critical",
            Verdict::Unstable => "major",
            Verdict::Vacuous => "minor",
            Verdict::Passed => "info",
        },
        location: Location { path, lines: Lines { begin: problem.line() } },
    }
}
