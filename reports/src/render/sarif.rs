//! SARIF 2.1.0 (OASIS, 2020), which code scanning of GitHub, Azure DevOps and others reads: a result for each scenario and
//! invariant, at the line of the scenario that asked for it, beside the lines of the faults that acted.
//!
//! What belongs to no file is a notification of the tool: that nothing was run, or that a known defect was not noticed.

use crate::{
    digest,
    format::{Report, Verdict},
    render::{
        annotations::{Annotation, outside},
        problems::{self, Fingerprints, Problem},
        rendering::Rendering,
    },
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const RENDERING: Rendering = Rendering {
    name: "sarif",
    help: "SARIF 2.1.0 (JSON), for code scanning",
    option: Some("Write SARIF 2.1.0 (JSON), for code scanning, to this file"),
    render: |report, _| sarif(report),
};

/// Lines of faults that a result names.
const STEPS: usize = 8;

fn sarif(report: &Report) -> String {
    let problems = problems::problems(report);
    let mut rules: Vec<String> = problems.iter().map(Problem::check).collect();
    rules.sort_unstable();
    rules.dedup();
    let mut prints = Fingerprints::default();
    let results: Vec<Value> =
        problems.iter().map(|problem| result(problem, &rules, &mut prints)).collect();
    let notifications: Vec<Value> = outside(report)
        .into_iter()
        .map(|Annotation { level, title, message, .. }| {
            json!({
                "level": level.to_string(),
                "message": { "text": format!("{title}: {message}") },
            })
        })
        .collect();
    let rules: Vec<Value> = rules.iter().map(|rule| json!({ "id": rule })).collect();
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "squall",
                "version": crate::text::printable(&report.tool.version),
                "rules": rules,
            } },
            "automationDetails": {
                "id": format!("squall/{}/", crate::text::printable(&report.system.name)),
            },
            "invocations": [{
                // It ran to its end; what it found is in the results.
                "executionSuccessful": !report.partial,
                "toolExecutionNotifications": notifications,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    // Nothing of it can fail to be written.
    serde_json::to_string_pretty(&log).unwrap_or_default() + "\n"
}

fn result(problem: &Problem<'_>, rules: &[String], prints: &mut Fingerprints) -> Value {
    let check = problem.check();
    let replay =
        problem.runs.first().map_or_else(String::new, |run| digest::command(run, "squall"));
    let path = problems::path(problem.scenario);
    let mut result = json!({
        "ruleId": check,
        "ruleIndex": rules.iter().position(|rule| *rule == check),
        "kind": "fail",
        "level": match problem.verdict {
            Verdict::Vacuous | Verdict::Inconclusive => "warning",
            _ => "error",
        },
        "message": { "text": format!(
            "{}: {}: {}\nin {}\n{replay}", problem.name(), check, problem.what(), problem.how_often()
        ) },
        "partialFingerprints": { "squall/v1": prints.of(problem) },
        "occurrenceCount": problem.runs.len(),
    });
    if !path.is_empty() {
        let place = |line: u32| {
            json!({
                "artifactLocation": { "uri": uri(&path) },
                "region": { "startLine": line },
            })
        };
        result["locations"] = json!([{ "physicalLocation": place(problem.line()) }]);
        let trace = problem.runs.iter().find_map(|run| run.trace.as_ref());
        let steps: BTreeMap<u32, &str> = trace
            .into_iter()
            .flat_map(|trace| trace.faults.iter().map(|fault| (fault.line.max(1), &*fault.text)))
            .collect();
        let related: Vec<Value> = (1..)
            .zip(steps.iter().take(STEPS))
            .map(|(id, (line, fault)): (u32, _)| {
                json!({
                    "id": id,
                    "message": { "text": crate::text::clip(fault, problems::TEXT) },
                    "physicalLocation": place(*line),
                })
            })
            .collect();
        if !related.is_empty() {
            result["relatedLocations"] = json!(related);
        }
    }
    result
}

/// A path as a reference to a resource (RFC 3986): of a file elsewhere, absolute.
fn uri(path: &str) -> String {
    let mut out = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        // A colon in the first part would name a scheme.
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_reference() {
        assert_eq!(uri("scenarios/a b.yaml"), "scenarios/a%20b.yaml");
        assert_eq!(uri("c:é"), "c%3A%C3%A9");
        assert_eq!(uri("/tmp/x.yaml"), "file:///tmp/x.yaml");
    }
}
