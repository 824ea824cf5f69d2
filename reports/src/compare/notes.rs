//! What to know before reading a comparison: how the sides differ but for the version, and what is
//! missing from them.

use crate::{
    compare::{
        known::Known,
        model::{Note, NoteKind, ScenarioComparison},
        sides::{Otherwise, Runs},
    },
    digest,
    format::{Report, Tally},
    text::words::{list, plural},
};
use std::collections::{BTreeMap, BTreeSet};

/// Names in a note.
const NAMED: usize = 4;

type SideOf<'r, 'a> = (&'a [Report], &'r Runs<'a>);

/// All notes, alarms first.
pub(super) fn notes(
    base: SideOf<'_, '_>,
    head: SideOf<'_, '_>,
    known: &Known<'_>,
    scenarios: &[ScenarioComparison],
    compared: usize,
) -> Vec<Note> {
    let mut notes: Vec<Note> = base.1.notes.iter().chain(&head.1.notes).cloned().collect();
    let mut say = |kind, text| notes.push(Note { kind, text });
    if compared == 0 {
        let text = "Nothing was compared: no scenario has runs on both sides that can be. This is \
                    not a pass.";
        say(NoteKind::Alarm, text.to_owned());
    }
    for text in differences(base.0, head.0) {
        say(NoteKind::Caution, text);
    }
    for (name, (reports, runs)) in [("base", base), ("head", head)] {
        for text in missing(name, reports, runs) {
            say(NoteKind::Caution, text);
        }
        for text in mixed(name, runs) {
            say(NoteKind::Caution, text);
        }
    }
    let otherwise = judged_otherwise(base.1, head.1);
    if let Some(text) = seeds(base.1, head.1) {
        say(NoteKind::Caution, text);
    }
    for text in losses(base.1, head.1) {
        say(NoteKind::Info, text);
    }
    if !known.by_text.is_empty() {
        let names: Vec<String> = known.by_text.iter().map(|name| (*name).to_owned()).collect();
        let text = format!(
            "A report is from a version that did not tell the kind of evidence: violations of {} are \
             recognised by their text, less surely.",
            list(&names, NAMED),
        );
        say(NoteKind::Caution, text);
    }
    if let Some(text) = pairing(scenarios) {
        say(NoteKind::Info, text);
    }
    notes.extend(otherwise);
    notes.sort_by_key(|note| note.kind);
    notes
}

/// That runs of the base and the head did the same and were judged otherwise.
fn judged_otherwise(base: &Runs<'_>, head: &Runs<'_>) -> Option<Note> {
    let mut otherwise = Otherwise::default();
    for (path, before) in &base.scenarios {
        let Some(after) = head.scenarios.get(path) else { continue };
        for (hash, runs) in &before.versions {
            let Some(again) = after.versions.get(hash) else { continue };
            for (seed, one) in runs {
                if let Some(other) = again.get(seed) {
                    otherwise.see(path, one, other);
                }
            }
        }
    }
    otherwise.note("base and head")
}

/// What clients found that read all that the systems hold, by scenario, where something was lost or there twice.
fn losses(base: &Runs<'_>, head: &Runs<'_>) -> Vec<String> {
    let of = |runs: &Runs<'_>, path: &str| {
        let versions = runs.scenarios.get(path)?.versions.values();
        digest::readings(versions.flat_map(|runs| runs.values().map(|sourced| sourced.run)))
    };
    let words = |Tally { acknowledged, lost, duplicated }: Tally, side: &str| {
        let twice = match duplicated {
            0 => String::new(),
            some => format!(" and {some} were there again"),
        };
        format!("{lost} of {acknowledged} acknowledged events were lost{twice} in the {side}")
    };
    let both = base.scenarios.keys().filter_map(|path| {
        let (before, after) = (of(base, path)?, of(head, path)?);
        let clean = |tally: Tally| tally.lost == 0 && tally.duplicated == 0;
        (!clean(before) || !clean(after))
            .then(|| format!("{path}: {}, {}.", words(before, "base"), words(after, "head")))
    });
    both.collect()
}

/// All values of something, in the order in which they come up; each once.
fn values(reports: &[Report], of: impl Fn(&Report) -> String) -> Vec<String> {
    let mut seen = BTreeSet::new();
    reports.iter().map(of).filter(|value| seen.insert(value.clone())).collect()
}

/// What differs between the sides.
fn differences(base: &[Report], head: &[Report]) -> Vec<String> {
    let mut out = Vec::new();
    if base.is_empty() || head.is_empty() {
        return out;
    }
    let mut differ = |what: &str, of: &dyn Fn(&Report) -> String| {
        let (before, after) = (values(base, of), values(head, of));
        if before.iter().collect::<BTreeSet<_>>() != after.iter().collect() {
            out.push(format!(
                "{what}: {} in the base, {} in the head.",
                list(&before, NAMED),
                list(&after, NAMED),
            ));
        }
    };
    differ(
        "The version of the tool differs, and with it the plans that are drawn from the seeds",
        &|report| format!("{} {}", report.tool.name, report.tool.version),
    );
    differ("The systems differ", &|report| report.system.name.clone());
    differ("Known defects that were switched on differ", &|report| {
        let defects: BTreeSet<&str> = report.system.defects.iter().map(String::as_str).collect();
        if defects.is_empty() {
            "none".to_owned()
        } else {
            defects.into_iter().collect::<Vec<_>>().join(" + ")
        }
    });
    let keys: BTreeSet<&str> = base
        .iter()
        .chain(head)
        .flat_map(|report| report.system.config.keys().map(String::as_str))
        .collect();
    for key in keys {
        differ(&format!("The configuration differs in {key}"), &|report| {
            report.system.config.get(key).cloned().unwrap_or_else(|| "unset".to_owned())
        });
    }
    out
}

/// What a side does not have.
fn missing(name: &str, reports: &[Report], runs: &Runs<'_>) -> Vec<String> {
    let mut out = Vec::new();
    let planned: u64 =
        runs.scenarios.values().map(|scenario| scenario.planned).fold(0, u64::saturating_add);
    let has = runs.side.runs as u64;
    let parts: Vec<String> = reports
        .iter()
        .filter_map(|report| report.shard.as_ref().map(ToString::to_string))
        .collect();
    if planned > has || reports.iter().any(|report| report.partial && report.shard.is_none()) {
        let of = if planned > has {
            format!("it has {has} of {planned} planned runs")
        } else {
            "not all planned runs are in it".to_owned()
        };
        out.push(format!("The {name} is partial: {of}."));
    }
    if !parts.is_empty() && planned > has {
        out.push(format!("The {name} has shards {}.", list(&parts, NAMED)));
    }
    let left_out = reports
        .iter()
        .filter_map(|report| report.time_budget)
        .map(|budget| budget.left_out)
        .fold(0, u64::saturating_add);
    if left_out > 0 {
        out.push(format!("The {name} ran out of time: {left_out} planned runs were left out."));
    }
    let canaries = values(reports, |report| {
        report.canary.as_ref().map_or_else(String::new, |canary| canary.defect.clone())
    });
    for defect in canaries.iter().filter(|defect| !defect.is_empty()) {
        out.push(format!("The {name} has runs with the defect {defect} switched on, as a canary."));
    }
    out
}

/// What a side mixes.
fn mixed(name: &str, runs: &Runs<'_>) -> Vec<String> {
    let mut out = Vec::new();
    for (what, values) in [("systems", &runs.side.systems), ("tools", &runs.side.tools)] {
        if values.len() > 1 {
            out.push(format!("The {name} mixes {what}: {}.", list(values, NAMED)));
        }
    }
    let edited: Vec<String> = runs
        .scenarios
        .iter()
        .filter(|(_, scenario)| scenario.versions.len() > 1)
        .map(|(path, _)| (*path).to_owned())
        .collect();
    if !edited.is_empty() {
        let text = format!(
            "The {name} has several versions of {}; one is compared.",
            list(&edited, NAMED)
        );
        out.push(text);
    }
    out
}

/// That other seeds were run.
fn seeds(base: &Runs<'_>, head: &Runs<'_>) -> Option<String> {
    let of = |side: &Runs<'_>| -> BTreeMap<String, BTreeSet<u64>> {
        side.scenarios
            .iter()
            .map(|(path, scenario)| {
                let seeds = scenario.versions.values().flat_map(|runs| runs.keys().copied());
                ((*path).to_owned(), seeds.collect())
            })
            .collect()
    };
    let (base, head) = (of(base), of(head));
    let differ: Vec<(&BTreeSet<u64>, &BTreeSet<u64>)> = base
        .iter()
        .filter_map(|(path, before)| Some((before, head.get(path)?)))
        .filter(|(before, after)| before != after && !before.is_empty() && !after.is_empty())
        .collect();
    let (before, after) = differ.first()?;
    Some(format!(
        "Not the same seeds were run in {}: {} in the base, {} in the head{}.",
        plural(differ.len(), "scenario"),
        span(before),
        span(after),
        if differ.len() > 1 { ", for example" } else { "" },
    ))
}

/// `1 to 50`, or `30 seeds from 1 to 50`.
fn span(seeds: &BTreeSet<u64>) -> String {
    match (seeds.first(), seeds.last()) {
        (Some(first), Some(last)) if first == last => first.to_string(),
        (Some(first), Some(last)) if last - first == seeds.len() as u64 - 1 => {
            format!("{first} to {last}")
        }
        (Some(first), Some(last)) => {
            format!("{} from {first} to {last}", plural(seeds.len(), "seed"))
        }
        _ => "none".to_owned(),
    }
}

/// How many runs are pairs, and how many of them the version did not change at all.
fn pairing(scenarios: &[ScenarioComparison]) -> Option<String> {
    let pairs: usize = scenarios.iter().filter_map(|scenario| scenario.pairs).sum();
    let same: usize = scenarios.iter().map(|scenario| scenario.same_history).sum();
    (pairs > 0).then(|| {
        format!(
            "{} of runs with the same plan; {same} of them have the same history.",
            plural(pairs, "pair")
        )
    })
}
