//! The reference in `docs/reference`, made from the lists and comments that define what it tells of:
//! `BLESS=1 cargo test -p squall-command reference` writes it.

use super::{read, root};
use crate::common;
use squall::{
    catalogue::{self, Word},
    system::System as _,
    testing::FAULTS,
};
use squall_command::ReferenceSystem;
use squall_judge::{CATALOGUE as INVARIANTS, Layer, PRESETS, Preset};
use std::{collections::BTreeMap, fmt::Write as _, fs, process::Command};

/// Writes a page.
type Page = fn() -> String;

/// Each page and what writes it.
const PAGES: &[(&str, Page)] = &[
    ("commands.md", commands),
    ("defects.md", defects),
    ("exit-codes.md", exit_codes),
    ("faults.md", faults),
    ("invariants.md", invariants),
    ("keys.md", keys),
    ("metrics.md", metrics),
    ("promises.md", promises),
    ("report.md", report),
    ("signals.md", signals),
    ("words.md", words),
];

#[test]
fn the_reference_is_current() {
    let folder = root().join("docs/reference");
    for (name, page) in PAGES {
        let made = "Made from the sources by `BLESS=1 cargo test -p squall-command reference`; a test keeps it current.";
        let text = page().replacen("\n\n", &format!("\n\n<!-- {made} -->\n\n"), 1);
        if std::env::var_os("BLESS").is_some() {
            fs::write(folder.join(name), text).unwrap();
            continue;
        }
        let found = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(
            found == text,
            "docs/reference/{name} is not current: run BLESS=1 cargo test -p squall-command reference"
        );
    }
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(PAGES.iter().any(|(page, _)| *page == name), "nothing makes docs/reference/{name}");
    }
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn table(heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = format!("| {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out
}

fn of_words<'w>(words: impl IntoIterator<Item = &'w Word>) -> String {
    let rows = words.into_iter().map(|word| vec![format!("`{}`", word.name), word.line.clone()]);
    table(&["name", "means"], rows)
}

/// As that, with all that is said of each.
fn of_words_in_full(words: &[Word]) -> String {
    let said =
        |word: &Word| format!("{}. {}", word.line.trim_end_matches('.'), word.about.join(" "));
    let rows = words.iter().map(|word| vec![format!("`{}`", word.name), said(word)]);
    table(&["name", "means"], rows)
}

fn keys() -> String {
    let mut out = String::from(
        "# Keys of scenarios\n\nWhat a scenario can say, beside the [parameters of faults](faults.md). `squall list keys` prints \
         this list, `squall explain KEY` one of them, and `squall schema scenario` tells it to editors.\n",
    );
    let mut last = String::new();
    for word in catalogue::keys() {
        let [place, takes, without] = word.about.as_slice() else { panic!("{word:?}") };
        if *place != last {
            let heading = place.trim_start_matches("Stands ").trim_end_matches('.');
            let _ = write!(out, "\n## {}\n\n", capital(heading));
            out += "| key | says | takes | without it |\n|---|---|---|---|\n";
            last = place.clone();
        }
        let takes = takes.trim_start_matches("Takes ").trim_end_matches('.');
        let without = without.trim_start_matches("Without it: ").trim_end_matches('.');
        let cells = [format!("`{}`", word.name), word.line, takes.to_owned(), without.to_owned()];
        let _ = writeln!(out, "| {} |", cells.map(|text| cell(&text)).join(" | "));
    }
    out + "\n## Examples\n\n"
        + &catalogue::keys()
            .iter()
            .map(|word| format!("```yaml\n{}\n```\n", word.example))
            .collect::<Vec<_>>()
            .join("\n")
}

/// The comment at the head of a file, without its first paragraph: a list of paragraphs.
fn head(path: &str) -> Vec<String> {
    let text = read(path);
    let lines: Vec<&str> =
        text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let paragraphs: Vec<String> = lines
        .split(|line| line.is_empty())
        .filter(|lines| !lines.is_empty())
        .map(|lines| plain(&lines.join(" ")))
        .collect();
    paragraphs
}

/// A comment without the links of rustdoc, which lead nowhere in Markdown.
fn plain(comment: &str) -> String {
    let mut out = String::new();
    let mut rest = comment;
    while let Some((before, after)) = rest.split_once("[`") {
        let Some((name, after)) = after.split_once("`]") else { break };
        let _ = write!(out, "{before}`{}`", name.trim_start_matches("crate::"));
        rest = after;
    }
    out + rest
}

/// The members of an item with their comments: of `pub struct X {`, `pub enum X {`, or of a whole file if `item` is empty.
fn documented(path: &str, item: &str) -> Vec<(String, String)> {
    let text = read(path);
    let (body, indent) = if item.is_empty() {
        (text.as_str(), "")
    } else {
        let (_, body) = text.split_once(item).unwrap_or_else(|| panic!("{path} has no {item}"));
        (body.split("\n}").next().unwrap(), "    ")
    };
    let mut found = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    for line in body.lines() {
        let Some(line) = line.strip_prefix(indent).filter(|line| !line.starts_with(' ')) else {
            continue;
        };
        if let Some(text) = line.strip_prefix("///") {
            comment.push(text.trim());
        } else if line.starts_with(|c: char| c.is_alphabetic()) {
            found.push((line.to_owned(), plain(&std::mem::take(&mut comment).join(" "))));
        }
    }
    found
}

/// The fields of each variant of an enum, with their types.
fn fields(path: &str, item: &str) -> BTreeMap<String, Vec<String>> {
    let text = read(path);
    let (_, body) = text.split_once(item).unwrap_or_else(|| panic!("{path} has no {item}"));
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut variant = String::new();
    for line in body.split("\n}").next().unwrap().lines() {
        let depth = line.len() - line.trim_start().len();
        let line = line.trim().trim_end_matches(',');
        if !line.starts_with(|c: char| c.is_alphabetic()) {
            continue;
        }
        match depth {
            4 => variant = name(line),
            8 => all.entry(variant.clone()).or_default().push(format!("`{line}`")),
            _ => {}
        }
    }
    all
}

fn faults() -> String {
    let mut out = String::from(
        "# Faults\n\nWhat can go wrong, as a step of a scenario. [Writing scenarios](../scenarios.md) tells of triggers and \
         of who is hit; `squall list faults` prints this list. A fault without parameters beside the first can be given \
         that alone (`crash: leader`), else a mapping (`slow_disk: { node: leader, by: 50ms }`). A run in which a fault \
         began and was never felt is vacuous.\n\n",
    );
    let index: Vec<String> = FAULTS.iter().map(|kind| format!("[{0}](#{0})", kind.key)).collect();
    let _ = writeln!(out, "{}\n\n## Types of values\n", index.join(" · "));
    let mut kinds: BTreeMap<String, String> = BTreeMap::new();
    for param in FAULTS.iter().flat_map(|kind| kind.params) {
        let text = param.kind.to_string();
        if !text.contains(", ") && !text.starts_with("a number") {
            kinds.insert(text, param.kind.bounds());
        }
    }
    out += &table(&["type", "what can be said"], kinds.into_iter().map(|(k, b)| vec![k, b]));
    for kind in FAULTS {
        let lasts = if kind.lasts {
            "It lasts as long as `for` says, else until everything is healed."
        } else {
            "It happens at once."
        };
        let _ = write!(
            out,
            "\n## {}\n\n{}. {lasts}\n\n- Stands for: {}.\n- Felt (`{}`) when {}.\n\n",
            kind.key,
            kind.does,
            kind.stands_for,
            kind.signal(),
            kind.felt_when
        );
        let rows = kind.params.iter().map(|param| {
            let default = param.default.map_or("must be given".to_owned(), |d| format!("`{d}`"));
            vec![
                format!("`{}`", param.written()),
                param.kind.to_string(),
                default,
                param.about.to_owned(),
            ]
        });
        if kind.params.is_empty() {
            out += "It has no parameters.\n";
        } else {
            out += &table(&["parameter", "type", "default", "means"], rows);
        }
        let _ = write!(out, "\n```yaml\n- {}\n```\n", kind.example);
        for paragraph in head(&format!("harness/squall/src/faults/{}.rs", kind.key)).iter().skip(1)
        {
            let _ = write!(out, "\n{paragraph}\n");
        }
    }
    out
}

/// What goes wrong in a layer explains what goes wrong later in those below it.
fn layer(layer: Layer) -> String {
    let name = format!("{layer:?}");
    let found = documented("harness/judge/src/invariant.rs", "pub enum Layer {");
    let (_, about) = found.into_iter().find(|(line, _)| *line == format!("{name},")).unwrap();
    about
}

fn invariants() -> String {
    let mut out = String::from(
        "# Invariants\n\nWhat is judged, from the history of records alone. `squall list invariants` prints this list. Those \
         of safety are judged in every run, named under `expect` or not. They stand in layers: what goes wrong in one \
         explains what goes wrong later in those below it, and is told first. One that is named under `expect` and had \
         nothing to judge makes the run vacuous.\n",
    );
    let mut last = None;
    for entry in INVARIANTS {
        if last != Some(entry.layer) {
            let _ = write!(out, "\n## {}\n", layer(entry.layer).trim_end_matches('.'));
            last = Some(entry.layer);
        }
        let judged = match (entry.safety, entry.limit) {
            (true, _) => "in every run".to_owned(),
            (false, Some(limit)) if limit.default().is_some() => {
                format!("in every run, with a limit: {limit}")
            }
            (false, Some(limit)) => format!("with a limit: {limit}"),
            (false, None) => "where it is named".to_owned(),
        };
        let _ = write!(
            out,
            "\n### {}\n\n{}\n\n- Judged: {judged}.\n- A fact that it judges: {}.\n- Needs the records: {}. Without them it is not applicable.\n",
            entry.name,
            entry.about,
            entry.judged,
            entry.needed(|kind| format!("`{kind}`"))
        );
        let promise = entry.promise.map_or("none, it is judged of everybody", |p| p.words);
        let _ = writeln!(out, "- Needs the [promise](promises.md): {promise}.");
        if let Some(limit) = entry.limit {
            let _ = writeln!(out, "- Example: `{}: {{ {} }}`.", entry.name, limit.example());
        }
        for paragraph in head(&format!("harness/judge/src/{}.rs", entry.name)) {
            let own = format!("`{}`: ", entry.name);
            let paragraph = paragraph.strip_prefix(&own).map_or(paragraph.clone(), capital);
            let _ = write!(out, "\n{paragraph}\n");
        }
    }
    out += "\n## Records\n\nWhat a system under test records with `squall_probe::record`, and what the harness adds.\n\n";
    let path = "harness/probe/src/record/what.rs";
    let (records, fields) = (documented(path, "pub enum What {"), fields(path, "pub enum What {"));
    out += &table(
        &["record", "says", "means"],
        records.into_iter().map(|(line, about)| {
            let name = name(&line);
            let says = fields.get(&name).map(|fields| fields.join(", ")).unwrap_or_default();
            vec![format!("`{name}`"), says, about]
        }),
    );
    out
}

/// What can be said of a promise: the variants of its type, or its fields.
fn said(heading: &str, item: &str) -> String {
    let members = documented("harness/judge/src/promises.rs", item);
    let rows = members.into_iter().map(|(line, about)| vec![format!("`{}`", name(&line)), about]);
    format!("\n## {heading}\n\n{}", table(&["value", "means"], rows))
}

fn promises() -> String {
    let mut out = String::from(
        "# Promises\n\nWhat a system says of itself in `System::promises`, in the words of its field. Nothing is judged that it \
         does not promise; [invariants](invariants.md) tell which promise each needs.\n\n",
    );
    let fields = documented("harness/judge/src/promises.rs", "pub struct Promises {");
    let rows = fields.into_iter().map(|(line, about)| vec![format!("`{}`", name(&line)), about]);
    out += &table(&["promise", "means"], rows);
    for (heading, item) in [
        ("`storage`", "pub enum Storage {"),
        ("`storage: Queue`", "pub struct Queue {"),
        ("`lease` of a queue", "pub enum Lease {"),
        ("`counts` of a queue", "pub enum Counts {"),
        ("`delivery`", "pub enum Delivery {"),
        ("`order`", "pub enum Order {"),
        ("`groups`", "pub enum Groups {"),
        ("`deduplication`", "pub enum Deduplication {"),
        ("`dead_letters`", "pub enum DeadLetters {"),
    ] {
        out += &said(heading, item);
    }
    out += "\n## Presets\n\nWhat systems that people know promise, as functions of `squall::system`. A system that is configured \
            otherwise begins with one and changes it: `Promises { order: Order::PerKey, ..pub_sub() }`. Each has an example with mistakes \
            of its own, which says of each what it breaks: `cargo run -p squall --example queue -- NAME list defects`, and of the \
            log `cargo run -p squall --example tiny -- list defects`.\n";
    for Preset { name, about, source, promises } in PRESETS {
        let promises = promises();
        let judged = |safety: bool| {
            let all = INVARIANTS.iter().filter(|entry| {
                entry.safety == safety && entry.promise.is_some() && entry.is_promised(&promises)
            });
            all.map(|entry| format!("`{}`", entry.name)).collect::<Vec<_>>().join(", ")
        };
        let _ = write!(
            out,
            "\n### {name}\n\n{about}\n\n- Judged because of it: {}; at the end, or with a limit: {}.\n- Source: {source}.\n",
            judged(true),
            judged(false)
        );
    }
    out
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// The name of what a line declares.
fn name(line: &str) -> String {
    let line = line.trim_start_matches("pub ").trim_start_matches("const ");
    line.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn exit_codes() -> String {
    let codes = documented("harness/squall/src/exit.rs", "");
    let rows = codes.into_iter().map(|(line, about)| {
        let value = line.rsplit("= ").next().unwrap().trim_end_matches(';').to_owned();
        vec![value, about, format!("`squall::exit::{}`", name(&line))]
    });
    format!(
        "# Exit codes\n\nOf every command. Nothing else is returned, whatever the system under test does.\n\n{}",
        table(&["code", "means", "constant"], rows)
    )
}

fn signals() -> String {
    let all = catalogue::signals(&ReferenceSystem);
    let is_felt = |word: &&Word| word.name.ends_with("_felt");
    let own = |word: &&Word| ReferenceSystem.signals().contains(&word.name.as_str());
    let is_point = |word: &&Word| word.kind == "fault point";
    let felt = all.iter().filter(is_felt).map(|word| {
        let when = word.line.split_once(": ").map_or(word.line.as_str(), |(_, when)| when);
        vec![format!("`{}`", word.name), when.to_owned()]
    });
    let rest = all.iter().filter(|word| !is_felt(word) && !is_point(word) && !own(word));
    format!(
        "# Signals\n\nWhat `must_see` can name: a run in which it was not seen is vacuous. The report counts all of them \
         (`signals`). `squall list signals` prints this list.\n\n## Of every system\n\n{}\n## That a fault was felt\n\n{}\n\
         ## Of the reference system\n\nSignals of its own:\n\n{}\nIts fault points, which `reaches` can name as well:\n\n{}",
        of_words(rest),
        table(&["name", "counts each time that"], felt),
        of_words(all.iter().filter(own)),
        of_words(all.iter().filter(is_point))
    )
}

fn metrics() -> String {
    let all = catalogue::metrics(&ReferenceSystem);
    let own = |word: &&Word| ReferenceSystem.metrics().contains(&word.name.as_str());
    format!(
        "# Metrics\n\nThe numbers of a run over virtual time, which `squall replay SCENARIO --seed N --as openmetrics` writes \
         and [rules for alerts](../alerts.md) ask for. `squall list metrics` prints this list. A counter's name ends with \
         `_total` where it is written. What belongs to a node has the labels job, instance and role, and begins anew with \
         it.\n\n## Of every system\n\n{}\n## Of the reference system\n\n{}",
        of_words(all.iter().filter(|word| !own(word))),
        of_words(all.iter().filter(own))
    )
}

fn words() -> String {
    format!(
        "# Words of scenarios\n\nWhat scenarios can name of the reference system, and what they can allow. `squall list \
         roles`, `messages`, `points` and `escapes` print the same, each for the system that the program was built with.\n\n\
         ## Roles\n\n{}\n## Kinds of message\n\nFor `on`.\n\n{}\n## What `allow` can name\n\nWhat reaches past the \
         simulation ends a run as `errored`, unless the scenario allows it.\n\n{}",
        of_words_in_full(&catalogue::roles(&ReferenceSystem)),
        of_words(&catalogue::messages(&ReferenceSystem)),
        of_words(&catalogue::escapes())
    )
}

fn defects() -> String {
    format!(
        "# Known mistakes of the reference system\n\nWhat `--defect` switches on, and what `squall audit` switches on one by \
         one. Each is a mistake that real systems have shipped.\n\n{}",
        of_words_in_full(&catalogue::defects(&ReferenceSystem))
    )
}

fn help(command: &[&str]) -> String {
    let said = Command::new(env!("CARGO_BIN_EXE_squall"))
        .args(command)
        .arg("--help")
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    let text = String::from_utf8(said.stdout).unwrap();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn commands() -> String {
    let all = help(&[]);
    let (_, list) = all.split_once("Commands:\n").unwrap();
    let names: Vec<&str> = list
        .lines()
        .map_while(|line| line.trim().split(' ').next().filter(|name| !name.is_empty()))
        .filter(|name| *name != "help")
        .collect();
    let mut out = format!(
        "# Commands\n\nWhat `squall --help` says, and of each command.\n\n```text\n{all}```\n"
    );
    for name in names {
        let _ = write!(out, "\n## squall {name}\n\n```text\n{}```\n", help(&[name]));
    }
    out
}

fn report() -> String {
    let said = crate::squall(&["schema", "report"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let schema: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let mut out = String::from(
        "# The report\n\nThe fields of the format `squall-report/1`, which `--report` writes. `squall schema report` prints its \
         JSON Schema. Fields may be added to it, and a reader must ignore those that it does not know; what is there keeps \
         its meaning. Times that end in `_ms` are in milliseconds, in `_us` in microseconds.\n",
    );
    let mut object = |title: &str, schema: &serde_json::Value| {
        let about = schema["description"].as_str().unwrap_or_default();
        let _ = write!(out, "\n## {title}\n\n{}\n\n", plain(about));
        if let Some(fields) = schema["properties"].as_object() {
            let required: Vec<&str> = schema["required"]
                .as_array()
                .map(|names| names.iter().filter_map(|name| name.as_str()).collect())
                .unwrap_or_default();
            let rows = fields.iter().map(|(name, field)| {
                let there =
                    if required.contains(&name.as_str()) { "always" } else { "if there is one" };
                let about = plain(field["description"].as_str().unwrap_or_default());
                vec![format!("`{name}`"), kind(field), there.to_owned(), about]
            });
            out += &table(&["field", "type", "is there", "means"], rows);
        } else if let Some(words) = schema["oneOf"].as_array() {
            let rows = words.iter().map(|word| {
                let text = word["const"].as_str().unwrap_or_default();
                vec![format!("`{text}`"), plain(word["description"].as_str().unwrap_or_default())]
            });
            out += &table(&["value", "means"], rows);
        }
    };
    object("Report", &schema);
    for (name, schema) in schema["$defs"].as_object().unwrap() {
        object(name, schema);
    }
    out
}

/// A type of the schema, in words.
fn kind(field: &serde_json::Value) -> String {
    if let Some(name) = field["$ref"].as_str() {
        let name = name.trim_start_matches("#/$defs/");
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(all) = field["anyOf"].as_array() {
        return all.first().map(kind).unwrap_or_default();
    }
    let word = match &field["type"] {
        serde_json::Value::Array(all) => all[0].as_str().unwrap_or_default(),
        one => one.as_str().unwrap_or_default(),
    };
    match word {
        "array" => format!("list of {}", kind(&field["items"])),
        "object" => format!("map to {}", kind(&field["additionalProperties"])),
        "integer" => "whole number".to_owned(),
        "boolean" => "true or false".to_owned(),
        other => other.to_owned(),
    }
}

#[test]
fn comments_are_found_and_read() {
    assert_eq!(plain("see [`crate::a::B`] and [`c`]."), "see `a::B` and `c`.");
    assert!(common::ROOT.ends_with("../.."));
}
