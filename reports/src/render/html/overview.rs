//! The head of the page: what came of the batch, and what a reader must know before the numbers.

use crate::{
    causes,
    digest::{self, tally},
    format::{Report, Verdict},
    page::{
        fill,
        story::name,
        verdicts::{VerdictCount, counts, glyph, word},
    },
    text::{
        clip_within,
        numbers::{grouped, span},
        words::plural,
    },
};
use askama::Template;

/// Characters of a foreign text that are shown.
const TEXT: usize = 300;

/// Invariants that are listed.
const MOST: usize = 60;

#[derive(Template)]
#[template(path = "render/html/overview.html")]
struct Overview {
    title: String,
    verdict: &'static str,
    glyph: &'static str,
    counts: Vec<VerdictCount>,
    system: String,
    work: String,
    notices: Vec<Notice>,
}

/// What a reader must know before the numbers.
struct Notice {
    /// `note` or `warning`.
    class: &'static str,
    head: &'static str,
    text: String,
}

fn worst_of(report: &Report) -> Option<Verdict> {
    tally(report.runs().map(|(_, run)| run)).first().map(|(verdict, _)| *verdict)
}

/// What came of it, in a few words.
pub(super) fn title(report: &Report) -> String {
    let all = report.runs().count();
    let passed = report.runs().filter(|(_, run)| run.verdict == Verdict::Passed).count();
    match all - passed {
        _ if all == 0 => "Nothing was run".to_owned(),
        0 if all == 1 => "The run passed".to_owned(),
        0 => format!("All {} passed", plural(all, "run")),
        wrong => format!("{} of {} did not pass", grouped(wrong as u64), plural(all, "run")),
    }
}

/// The head of the page.
pub(super) fn render(report: &Report) -> String {
    let worst = worst_of(report);
    let some = report.runs().next().is_some();
    fill(&Overview {
        title: title(report),
        verdict: word(worst),
        glyph: glyph(worst),
        counts: counts(report.runs().map(|(_, run)| run)),
        system: version(&report.system.name, &report.system.version),
        work: if some { digest::work(report) } else { String::new() },
        notices: notices(report),
    })
}

fn version(name: &str, version: &str) -> String {
    clip_within(&format!("{name} {version}"), TEXT)
}

fn notices(report: &Report) -> Vec<Notice> {
    let mut all = Vec::new();
    let mut say = |class, head, text| all.push(Notice { class, head, text });
    if report.runs().next().is_none() {
        say("warning", "Empty", "No run is in this report: it says nothing of the system.".into());
    }
    let there = report.runs().count();
    if report.partial {
        let planned: u64 = report.scenarios.iter().map(|s| s.planned).fold(0, u64::saturating_add);
        let of = if planned == 0 { String::new() } else { format!(" of {}", grouped(planned)) };
        let text = format!("Not all of the planned runs are in it: {}{of}.", plural(there, "run"));
        say("warning", "Partial", text);
    }
    if let Some(shard) = &report.shard {
        let text =
            format!("Part {shard} of a batch that was divided: the rest is in other reports.");
        say("note", "Shard", text);
    }
    if let Some(budget) = &report.time_budget {
        let given = span(budget.wall_ms);
        let text = match budget.left_out {
            0 => format!("The batch was given {given}, and needed no more."),
            left => {
                format!("The batch was given {given}; {} left out when that was spent.", were(left))
            }
        };
        say("note", "Time budget", text);
    }
    if let Some(canary) = &report.canary {
        let (defect, runs) =
            (clip_within(&canary.defect, TEXT), plural(canary.runs as usize, "run"));
        match &canary.noticed_by {
            Some(command) => {
                let text = format!(
                    "The known defect {defect} was switched on for {runs}, and noticed: {}",
                    clip_within(command, TEXT)
                );
                say("note", "Canary", text);
            }
            None => {
                let text = format!(
                    "The known defect {defect} was switched on for {runs}, and nothing noticed it: \
                     what passed here proves little."
                );
                say("warning", "Canary", text);
            }
        }
    }
    if !report.system.defects.is_empty() {
        let defects: Vec<_> =
            report.system.defects.iter().map(|name| clip_within(name, TEXT)).collect();
        let text =
            format!("Switched on, so that failures are to be expected: {}.", defects.join(", "));
        say("note", "Known defects", text);
    }
    for scenario in &report.scenarios {
        if let Err(error) = digest::latency(&scenario.runs) {
            let text = format!("{}: {}", name(scenario), clip_within(&error, TEXT));
            say("warning", "Latencies", text);
        }
    }
    all
}

fn were(runs: u64) -> String {
    format!("{} planned {}", grouped(runs), if runs == 1 { "run was" } else { "runs were" })
}

/// Of what the batch was.
pub(super) fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let mut all = vec![("System", version(&report.system.name, &report.system.version))];
    let config: Vec<_> = report
        .system
        .config
        .iter()
        .map(|(name, value)| format!("{} = {}", clip_within(name, TEXT), clip_within(value, TEXT)))
        .collect();
    if !config.is_empty() {
        all.push(("Configuration", config.join(", ")));
    }
    let command = &report.command;
    let seeds = match command.runs {
        Some(runs) => format!("{} per scenario, ", plural(runs as usize, "seed")),
        None => String::new(),
    };
    let asked = format!(
        "{seeds}from seed {}; executed twice: {}",
        command.first_seed,
        clip_within(&command.verify, TEXT)
    );
    all.push(("Asked for", asked));
    all.push(("Work", digest::work(report)));
    all.push(("World", digest::live(report).unwrap_or_default()));
    all.push(("Read", digest::read_to_the_end(report).unwrap_or_default()));
    let skipped: Vec<String> = digest::skipped(report)
        .iter()
        .take(MOST)
        .map(|(scenario, why)| {
            format!("{} ({})", clip_within(&scenario.name, 80), clip_within(why, TEXT))
        })
        .collect();
    all.push(("Skipped", skipped.join(", ")));
    let machine = &report.machine;
    let cores = plural(machine.cpus as usize, "core");
    let machine =
        format!("{}, {cores}", clip_within(&format!("{} {}", machine.os, machine.arch), TEXT));
    all.push(("Machine", machine));
    let judged = causes::judged(report);
    let (idle, busy): (Vec<_>, Vec<_>) = judged.iter().partition(|one| one.idle == one.runs);
    let held: Vec<String> = busy
        .iter()
        .filter(|one| one.violated == 0)
        .take(MOST)
        .map(|one| format!("{} {}", clip_within(one.invariant, 60), grouped(one.facts)))
        .collect();
    all.push(("Held, with facts judged", held.join(", ")));
    let idle: Vec<String> =
        idle.iter().take(MOST).map(|one| clip_within(one.invariant, 60)).collect();
    all.push(("Not applicable: nothing to judge", idle.join(", ")));
    all.push(("Started", clip_within(&report.started, TEXT)));
    all.push(("Tool", version(&report.tool.name, &report.tool.version)));
    all.retain(|(_, text)| !text.trim().is_empty());
    all
}
