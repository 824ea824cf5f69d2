//! What did not pass, by cause, whatever the scenario. What is the same for several runs is told once, as the first of them
//! shows it.

use crate::{
    causes::{Group, across, broken},
    digest::{self, seeds},
    format::{Exit, Report, Run, ScenarioReport, Verdict, Violation},
    render::{rendering::Reader, terminal::style::style},
    text::{printable, table::wrapped_within, words::plural},
};
use owo_colors::OwoColorize as _;
use std::{collections::BTreeMap, fmt::Write as _};

/// Different ends of nodes that are shown.
const EXITS: usize = 3;

/// Different notes on failed runs that are shown.
const NOTES: usize = 3;

/// Records of evidence that are shown.
const EVIDENCE: usize = 6;

/// Scenarios of a cause that are told with their seeds and a command; of others there are the names.
const SCENARIOS: usize = 5;

pub(super) fn failures(out: &mut String, report: &Report, reader: Reader<'_>) {
    for group in across(report) {
        tell(out, &group, reader);
    }
    for scenario in report.scenarios.iter().filter(|scenario| scenario.left_out > 0) {
        let more = plural(usize::try_from(scenario.left_out).unwrap_or(usize::MAX), "more run");
        let name = printable(&scenario.name);
        let why = "it had failed often enough for one cause";
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "{more} of \"{name}\" left out: {why}\n");
    }
}

fn tell(out: &mut String, group: &Group<'_>, reader: Reader<'_>) {
    let scenarios = group.scenarios();
    let extent =
        format!("{} in {}", plural(group.runs.len(), "run"), plural(scenarios.len(), "scenario"));
    let verdict = group.verdict.to_string().to_uppercase();
    let verdict = verdict.style(style(group.verdict, reader.color));
    let invariant = group.verdict == Verdict::Failed && names_an_invariant(group);
    let _ = match invariant {
        true => writeln!(out, "{verdict} {}: {extent}", printable(group.cause)),
        false => writeln!(out, "{verdict} {extent}"),
    };
    if !invariant {
        let reason = if group.cause.is_empty() { "no violation is told" } else { group.cause };
        let _ = writeln!(out, "  {}", printable(reason));
    }
    for (place, (scenario, runs)) in scenarios.iter().take(SCENARIOS).enumerate() {
        let Some(first) = runs.first() else { continue };
        let name = printable(&scenario.name);
        let _ = writeln!(out, "  {name}  ({} {})", seed_word(runs), seeds(runs));
        if place == 0 {
            exits(out, runs);
            if invariant {
                notes(out, runs);
            }
            shown(out, group, first, invariant);
        } else if !invariant && first.reason.as_deref().unwrap_or_default() != group.cause {
            // Numbers in it differ.
            let _ = writeln!(out, "    {}", printable(first.reason.as_deref().unwrap_or_default()));
        }
        let command = digest::command(first, reader.program);
        let _ = writeln!(out, "    replay seed {}: {command}", first.seed);
    }
    if let Some(others) = scenarios.get(SCENARIOS..).filter(|others| !others.is_empty()) {
        let names: Vec<&str> = others.iter().map(|(scenario, _)| scenario.name.as_str()).collect();
        let more = plural(others.len(), "more scenario");
        let text = format!("and in {more}: {}", names.join("; "));
        let _ = writeln!(out, "{}", wrapped_within(&text, 2, reader.width));
    }
    out.push('\n');
}

/// Its cause is an invariant that its runs violate; else nothing is told but that they failed.
fn names_an_invariant(group: &Group<'_>) -> bool {
    let violates = |run: &Run| run.violations.iter().any(|one| one.invariant == group.cause);
    group.runs.first().is_some_and(|(_, run)| violates(run))
}

/// What its first run shows: the violations of the cause, or of a run of another verdict all that there are.
fn shown(out: &mut String, group: &Group<'_>, first: &Run, invariant: bool) {
    for one in broken(first).into_iter().filter(|one| !invariant || one.invariant == group.cause) {
        for violation in one.violations {
            out.push_str("    ");
            if !invariant {
                let _ = write!(out, "{}: ", printable(&violation.invariant));
            }
            proof(out, violation);
        }
        if !invariant && !one.follow.is_empty() {
            let follow: Vec<_> = one.follow.into_iter().map(printable).collect();
            let _ = writeln!(out, "    from it follow: {}", follow.join(", "));
        }
    }
    if invariant && !group.follow.is_empty() {
        let follow: Vec<String> = group
            .follow
            .iter()
            .map(|(name, number)| format!("{} ({number})", printable(name)))
            .collect();
        let _ = writeln!(out, "    from it follow (runs): {}", follow.join(", "));
    }
}

/// Nodes that ended by themselves, before what follows from it: each end once, as the first run shows it, with the
/// seeds in which it comes.
fn exits(out: &mut String, runs: &[&Run]) {
    let mut told: Vec<(&Exit, Vec<&Run>)> = Vec::new();
    for run in runs {
        for exit in &run.exits {
            let known = told.iter_mut().find(|(first, _)| first.reason == exit.reason);
            match known {
                Some((_, runs)) if runs.last().is_some_and(|last| last.seed == run.seed) => {}
                Some((_, runs)) => runs.push(run),
                None => told.push((exit, vec![run])),
            }
        }
    }
    for (exit, runs) in told.iter().take(EXITS) {
        let (seconds, ms) = (exit.at_us / 1_000_000, exit.at_us / 1_000 % 1_000);
        let (node, reason) = (printable(&exit.node), printable(&exit.reason));
        let number = plural(runs.len(), "seed");
        let _ = writeln!(out, "    {node} ended at {seconds}.{ms:03}s: {reason} ({number})");
    }
    if told.len() > EXITS {
        let _ = writeln!(out, "    and {} ends more", told.len() - EXITS);
    }
}

/// What is to be known beside, each once, with the seeds of which it is told.
fn notes(out: &mut String, runs: &[&Run]) {
    let mut told: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        if let Some(reason) = &run.reason {
            told.entry(reason).or_default().push(run);
        }
    }
    for (note, runs) in told.iter().take(NOTES) {
        let _ = writeln!(out, "    {} ({}: {})", printable(note), seed_word(runs), seeds(runs));
    }
    if told.len() > NOTES {
        let _ = writeln!(out, "    and {} notes more", told.len() - NOTES);
    }
}

/// What is to be known of runs that passed: of what they lost as was to be expected, and the like.
pub(super) fn passed_with_notes(out: &mut String, scenario: &ScenarioReport, program: &str) {
    let noted = |run: &&Run| run.verdict == Verdict::Passed && run.reason.is_some();
    let noted: Vec<&Run> = scenario.runs.iter().filter(noted).collect();
    let Some(first) = noted.first() else { return };
    let (word, all) = (seed_word(&noted), seeds(&noted));
    let _ = writeln!(out, "  {}  ({word} {all})", printable(&scenario.name));
    let reason = first.reason.as_deref().unwrap_or_default();
    let _ = writeln!(out, "    seed {}: {}", first.seed, printable(reason));
    let _ = writeln!(out, "    replay seed {}: {}", first.seed, digest::command(first, program));
}

fn seed_word(runs: &[&Run]) -> &'static str {
    if runs.len() == 1 { "seed" } else { "seeds" }
}

fn proof(out: &mut String, violation: &Violation) {
    let _ = writeln!(out, "{}", printable(&violation.summary));
    for evidence in violation.evidence.iter().take(EVIDENCE) {
        let _ = writeln!(out, "    {}", digest::evidence(evidence, usize::MAX));
    }
}
