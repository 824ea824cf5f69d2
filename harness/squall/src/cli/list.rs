//! `squall list`: the words that scenarios are made of, from the lists that define them, and scenarios themselves.

use super::shared::{
    files::read,
    live::WorldArg,
    scenarios::Chosen,
    stop::Stop,
    terminal::{say, width},
};
use crate::{
    catalogue::{LISTS, Word},
    exit::PASSED,
    live::{self, KnownSystem},
    scenario::Scenario,
    system::System,
};
use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser},
};
use serde::Serialize;
use squall_reports::{Report, Verdict, printable};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::PathBuf,
};

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// What to list
    #[arg(value_parser = whats())]
    what: String,
    /// Only lines with all of these in them
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// All that is known of each, as `squall explain` has it in short
    #[arg(long)]
    long: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Of scenarios: those in these files and folders [default: scenarios]
    #[arg(long = "in", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Of scenarios: how they did in this report
    #[arg(long, value_name = "REPORT")]
    earlier: Option<PathBuf>,
    /// Of faults: which can be carried out in this world, here; and why the others cannot
    #[arg(long, value_enum)]
    world: Option<WorldArg>,
    #[command(flatten)]
    chosen: Chosen,
}

const SCENARIOS: &str = "scenarios";
const SYSTEMS: &str = "systems";
const FAULTS: &str = "faults";

/// What a live world does with each of these faults, on this machine.
fn in_live(words: &[&Word]) -> Vec<(String, String)> {
    let capabilities = live::capabilities();
    words
        .iter()
        .map(|word| {
            let told = match live::refused(&word.name, capabilities) {
                None => "yes".to_owned(),
                Some(why) => format!("no: {why}"),
            };
            (word.name.clone(), told)
        })
        .collect()
}

fn whats() -> PossibleValuesParser {
    let words = LISTS.iter().map(|(name, about, _)| PossibleValue::new(*name).help(*about));
    let systems = "What `--system` knows by name, and its variants";
    let words = words.chain([PossibleValue::new(SYSTEMS).help(systems)]);
    let about = "Name, tags, faults, what must be seen, and how they did last";
    PossibleValuesParser::new(words.chain([PossibleValue::new(SCENARIOS).help(about)]))
}

#[derive(Serialize)]
struct Words<'a> {
    format: &'static str,
    words: Vec<&'a Word>,
}

/// What is known of each system that has a name, and of its variants.
fn systems(known: &[KnownSystem]) -> Result<Vec<(String, String)>, Stop> {
    let mut lines = Vec::new();
    for system in known {
        let described = live::load(&PathBuf::from(system.name), known).map_err(Stop::Mistakes)?;
        let programs: Vec<&str> =
            described.programs.iter().map(|program| program.name.as_str()).collect();
        lines.push((system.name.to_owned(), format!("Needs {}", programs.join(", "))));
        let variants = described.variants.into_iter();
        lines.extend(variants.map(|variant| (format!("  {}", variant.id), variant.about)));
    }
    Ok(lines)
}

pub(super) fn list(
    args: &ListArgs,
    system: &dyn System,
    known: &[KnownSystem],
) -> Result<u8, Stop> {
    let wanted: Vec<String> = args.words.iter().map(|word| word.to_lowercase()).collect();
    let fits = |text: &str| {
        let text = text.to_lowercase();
        wanted.iter().all(|word| text.contains(word))
    };
    if args.what == SCENARIOS {
        return list_scenarios(args, system, fits);
    }
    if args.what == SYSTEMS {
        let lines = systems(known)?.into_iter();
        say(&columns(lines.filter(|(name, about)| fits(&format!("{name} {about}")))));
        return Ok(PASSED);
    }
    let of_words = args.paths.is_empty() && args.earlier.is_none() && args.chosen.is_all();
    if !of_words {
        let message = "error: --in, --earlier and --filter choose scenarios: squall list scenarios";
        return Err(Stop::Input(message.to_owned()));
    }
    let named = LISTS.iter().find(|(name, _, _)| *name == args.what);
    let (_, _, all) = named.ok_or_else(|| Stop::input(format!("no list of {}", args.what)))?;
    let all = all(system);
    let text = |word: &Word| format!("{} {} {}", word.name, word.line, word.about.join(" "));
    let words: Vec<&Word> = all.iter().filter(|word| fits(&text(word))).collect();
    match args.world {
        Some(_) if args.what != FAULTS => {
            return Err(Stop::input("--world is about faults: squall list faults --world live"));
        }
        Some(WorldArg::Live) => {
            say(&columns(in_live(&words).into_iter()));
            return Ok(PASSED);
        }
        Some(WorldArg::Simulation) | None => {}
    }
    if args.json {
        let listed = Words { format: "squall-words/1", words };
        say(&(serde_json::to_string_pretty(&listed).map_err(Stop::broken)? + "\n"));
        return Ok(PASSED);
    }
    if words.is_empty() && !all.is_empty() {
        eprintln!("no {} has all of these in it: {}", args.what, args.words.join(" "));
    }
    let lines = words.iter().map(|word| (word.name.clone(), word.line.clone()));
    if args.long {
        say(&long(&words));
    } else {
        say(&columns(lines));
    }
    Ok(PASSED)
}

/// Name and what it means: a line each, as wide as the terminal.
fn columns(lines: impl Iterator<Item = (String, String)> + Clone) -> String {
    let first = lines.clone().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 2;
    let most = width();
    let mut out = String::new();
    for (name, about) in lines {
        let line = format!("{name:<first$}{about}");
        let line = line.trim_end();
        match line.char_indices().nth(most.saturating_sub(1)) {
            Some((end, _)) if line.chars().count() > most => {
                let _ = writeln!(out, "{}…", line[..end].trim_end());
            }
            _ => {
                let _ = writeln!(out, "{line}");
            }
        }
    }
    out
}

/// All that is known of each, in two columns within 80 characters.
fn long(words: &[&Word]) -> String {
    let width = words.iter().map(|word| word.name.chars().count()).max().unwrap_or(0) + 2;
    let mut out = String::new();
    for word in words {
        let parameters = word.parameters.iter().map(|param| {
            let default = param.default.as_ref().map_or("must be said", |default| default);
            format!("{}: {} ({default})", param.name, param.about)
        });
        let example = word.example.lines().map(str::to_owned);
        let first = (word.kind != "fault").then(|| word.line.clone());
        let paragraphs =
            first.into_iter().chain(word.about.iter().cloned()).chain(parameters).chain(example);
        let mut line = format!("{:<width$}", word.name);
        for paragraph in paragraphs {
            for part in paragraph.split(' ').filter(|part| !part.is_empty()) {
                let full = line.chars().count() + part.chars().count() > 79;
                if full && line.trim_end().len() > width {
                    let _ = writeln!(out, "{}", line.trim_end());
                    line = " ".repeat(width);
                }
                let _ = write!(line, "{part} ");
            }
            let _ = writeln!(out, "{}", line.trim_end());
            line = " ".repeat(width);
        }
    }
    out
}

/// A scenario, as far as one chooses by it.
#[derive(Serialize)]
struct Listed<'a> {
    path: &'a str,
    name: &'a str,
    tags: &'a [String],
    faults: Vec<&'static str>,
    must_see: &'a [String],
    expect: Vec<&'a str>,
    /// How many runs of the report came to each verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<BTreeMap<String, usize>>,
}

#[derive(Serialize)]
struct Scenarios<'a> {
    format: &'static str,
    scenarios: Vec<Listed<'a>>,
}

fn list_scenarios(
    args: &ListArgs,
    system: &dyn System,
    fits: impl Fn(&str) -> bool,
) -> Result<u8, Stop> {
    let scenarios = args.chosen.load(&args.paths, system)?;
    let earlier = args.earlier.as_deref().map(read).transpose()?;
    let listed: Vec<Listed<'_>> = scenarios
        .iter()
        .map(|scenario| listed(scenario, earlier.as_ref()))
        .filter(|listed| fits(&in_line(listed)) || fits(listed.path))
        .collect();
    if args.json {
        let all = Scenarios { format: "squall-scenarios/1", scenarios: listed };
        say(&(serde_json::to_string_pretty(&all).map_err(Stop::broken)? + "\n"));
        return Ok(PASSED);
    }
    if args.long {
        for one in &listed {
            say(&format!("{}\n  {}\n", printable(one.path), in_line(one).replace(" · ", "\n  ")));
        }
        return Ok(PASSED);
    }
    say(&columns(listed.iter().map(|one| (printable(one.path), in_line(one)))));
    Ok(PASSED)
}

fn listed<'a>(scenario: &'a Scenario, earlier: Option<&Report>) -> Listed<'a> {
    let faults: BTreeSet<&'static str> =
        scenario.faults.iter().map(|step| step.fault.kind.key).collect();
    let last = earlier.and_then(|report| {
        let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
        let of =
            report.scenarios.iter().find(|s| s.path == scenario.path || s.name == scenario.name);
        for run in &of?.runs {
            *verdicts.entry(run.verdict.to_string()).or_default() += 1;
        }
        Some(verdicts)
    });
    Listed {
        path: &scenario.path,
        name: &scenario.name,
        tags: &scenario.tags,
        faults: faults.into_iter().collect(),
        must_see: &scenario.must_see,
        expect: scenario.expect.iter().map(|expect| expect.name.as_str()).collect(),
        last,
    }
}

fn in_line(listed: &Listed<'_>) -> String {
    let mut parts = vec![format!("\"{}\"", printable(listed.name))];
    if let Some(last) = &listed.last {
        let passed = Verdict::Passed.to_string();
        let mut verdicts: Vec<(&String, &usize)> = last.iter().collect();
        verdicts.sort_by_key(|(verdict, _)| **verdict == passed);
        let told: Vec<String> =
            verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        parts.push(if told.is_empty() { "never ran".to_owned() } else { told.join(", ") });
    }
    let mut add = |what: &str, words: Vec<&str>| {
        if !words.is_empty() {
            parts.push(format!("{what} {}", words.join(", ")));
        }
    };
    add("tags", listed.tags.iter().map(String::as_str).collect());
    add("faults", listed.faults.clone());
    add("must see", listed.must_see.iter().map(String::as_str).collect());
    parts.join(" · ")
}
