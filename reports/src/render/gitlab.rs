//! GitLab's code quality: a list of issues that a merge request shows at the scenarios' lines.
//!
//! An issue is the same in two reports if its fingerprint is.

use crate::{
    format::{Report, Verdict},
    render::{
        problems::{self, Fingerprints, Problem},
        rendering::Rendering,
    },
};
use serde::Serialize;

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
    let mut prints = Fingerprints::default();
    let issues: Vec<Issue> =
        problems::problems(report).iter().map(|problem| issue(problem, &mut prints)).collect();
    // Nothing of it can fail to be written.
    serde_json::to_string_pretty(&issues).unwrap_or_else(|_| "[]".to_owned()) + "\n"
}

fn issue(problem: &Problem<'_>, prints: &mut Fingerprints) -> Issue {
    let path = problems::path(problem.scenario);
    let check = problem.check();
    Issue {
        description: format!(
            "{}: {}: {} (in {})",
            problem.name(),
            check,
            problem.what(),
            problem.how_often()
        ),
        fingerprint: prints.of(problem),
        check_name: check,
        severity: match problem.verdict {
            Verdict::Failed | Verdict::Errored => "critical",
            Verdict::Unstable => "major",
            Verdict::Vacuous | Verdict::Inconclusive => "minor",
            Verdict::Passed => "info",
        },
        location: Location { path, lines: Lines { begin: problem.line() } },
    }
}
