//! What did not pass. What is the same for several runs is told once: the violations of an
//! invariant, whatever else was violated with it, and else a reason.

use crate::{
    causes::{Broken, broken, by_cause},
    digest::{self, ORDER, seeds},
    format::{Exit, Run, ScenarioReport, Verdict, Violation},
    render::terminal::style::style,
    text::{printable, words::plural},
};
use owo_colors::OwoColorize as _;
use std::{collections::BTreeMap, fmt::Write as _};

/// Different ends of nodes that are shown.
const EXITS: usize = 3;

/// Different notes on failed runs that are shown.
const NOTES: usize = 3;

/// Records of evidence that are shown.
const EVIDENCE: usize = 6;

pub(super) fn failures(out: &mut String, scenario: &ScenarioReport, program: &str, color: bool) {
    let of = |verdict| scenario.runs.iter().filter(move |run| run.verdict == verdict);
    let failed: Vec<&Run> = of(Verdict::Failed).collect();
    if !failed.is_empty() {
        headline(out, Verdict::Failed, scenario, &failed, color);
        exits(out, &failed);
        notes(out, &failed);
        violated(out, &failed, program);
    }
    for verdict in ORDER {
        if matches!(verdict, Verdict::Passed | Verdict::Failed) {
            continue;
        }
        let mut reasons: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
        for run in of(verdict) {
            reasons.entry(run.reason.as_deref().unwrap_or_default()).or_default().push(run);
        }
        for (reason, runs) in reasons {
            let Some(first) = runs.first() else { continue };
            headline(out, verdict, scenario, &runs, color);
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(out, "  {}", printable(reason));
            exits(out, &runs);
            for Broken { invariant, violations, follow } in broken(first) {
                for violation in violations {
                    let _ = write!(out, "  {}: ", printable(invariant));
                    proof(out, violation);
                }
                if !follow.is_empty() {
                    let follow: Vec<_> = follow.into_iter().map(printable).collect();
                    let _ = writeln!(out, "    from it follow: {}", follow.join(", "));
                }
            }
            replay(out, first, program);
            out.push('\n');
        }
    }
    if scenario.left_out > 0 {
        let more = plural(usize::try_from(scenario.left_out).unwrap_or(usize::MAX), "more run");
        let name = printable(&scenario.name);
        let why = "it had failed often enough for one cause";
        let _ = writeln!(out, "{more} of \"{name}\" left out: {why}\n");
    }
}

fn headline(
    out: &mut String,
    verdict: Verdict,
    scenario: &ScenarioReport,
    runs: &[&Run],
    color: bool,
) {
    let _ = writeln!(
        out,
        "{} {}  ({} {})",
        verdict.to_string().to_uppercase().style(style(verdict, color)),
        printable(&scenario.name),
        seed_word(runs),
        seeds(runs),
    );
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
        let _ = writeln!(out, "  {node} ended at {seconds}.{ms:03}s: {reason} ({number})");
    }
    if told.len() > EXITS {
        let _ = writeln!(out, "  and {} ends more", told.len() - EXITS);
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
        let _ = writeln!(out, "  {} ({}: {})", printable(note), seed_word(runs), seeds(runs));
    }
    if told.len() > NOTES {
        let _ = writeln!(out, "  and {} notes more", told.len() - NOTES);
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

/// A line for each invariant whose violation is a cause, the one that most runs show first, with what its first run
/// shows, and in one line what follows from it.
fn violated(out: &mut String, failed: &[&Run], program: &str) {
    let mut shown: Vec<&Run> = Vec::new();
    for cause in by_cause(failed) {
        let (name, runs) = (cause.invariant, cause.runs);
        let number = plural(runs.len(), "seed");
        let _ = writeln!(out, "  {}: {number} ({})", printable(name), seeds(&runs));
        let Some(first) = runs.first() else { continue };
        let shows = broken(first).into_iter().find(|one| one.invariant == name);
        for violation in shows.into_iter().flat_map(|one| one.violations) {
            out.push_str("    ");
            proof(out, violation);
        }
        if !cause.follow.is_empty() {
            let follow: Vec<String> = cause
                .follow
                .iter()
                .map(|(name, number)| format!("{} ({number})", printable(name)))
                .collect();
            let _ = writeln!(out, "    from it follow (seeds): {}", follow.join(", "));
        }
        if shown.iter().all(|run| run.seed != first.seed) {
            shown.push(first);
        }
    }
    if shown.is_empty() {
        let _ = writeln!(out, "  no violation is told");
        shown.extend(failed.first());
    }
    for run in shown {
        replay(out, run, program);
    }
    out.push('\n');
}

fn proof(out: &mut String, violation: &Violation) {
    let _ = writeln!(out, "{}", printable(&violation.summary));
    for evidence in violation.evidence.iter().take(EVIDENCE) {
        let _ = writeln!(out, "    {}", digest::evidence(evidence, usize::MAX));
    }
}

fn replay(out: &mut String, run: &Run, program: &str) {
    let _ = writeln!(out, "  replay seed {}: {}", run.seed, digest::command(run, program));
}
