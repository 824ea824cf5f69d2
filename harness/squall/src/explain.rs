//! `squall explain WORD`: all that is known of a word, wherever it is defined.

use crate::{
    catalogue::{self, Parameter, Word},
    faults,
    parameters::ParamKind,
    scenario::Scenario,
    system::{Role, System},
};
use std::fmt::Write as _;

/// What a word means, each time it is one; empty if nobody knows it. A role can be said in the singular.
#[must_use]
pub(crate) fn explain(word: &str, system: &dyn System) -> Vec<String> {
    let singular = |role: &&Role| role.name == word;
    let plural = system.roles().iter().find(singular).map_or(word, |role| role.plural);
    let is_it = |known: &&Word| {
        known.name == plural
            || (known.kind == "escape" && known.name.split(' ').next() == Some(word))
    };
    let mut told: Vec<String> = Vec::new();
    let found = catalogue::all(system);
    let mut seen: Vec<&Word> = Vec::new();
    for word in found.iter().filter(is_it) {
        // A fault point is listed among the signals as well.
        if !seen.contains(&word) {
            seen.push(word);
            told.push(text(word, system));
        }
    }
    told
}

fn text(word: &Word, system: &dyn System) -> String {
    let mut out = format!("{}: a {}\n\n", word.name, word.kind)
        .replace(": a invariant", ": an invariant")
        .replace(": a escape", ": an escape");
    if word.kind != "fault" {
        wrap(&mut out, 2, &sentence(&word.line));
    }
    for line in &word.about {
        wrap(&mut out, 2, line);
    }
    if let Some(hits) = hits(word, system) {
        wrap(&mut out, 2, &hits);
    }
    for paragraph in &word.edges {
        out.push('\n');
        wrap(&mut out, 2, paragraph);
    }
    if !word.parameters.is_empty() {
        out.push_str("\n  What can be said of it:\n");
        for Parameter { name, takes, default, about } in &word.parameters {
            let default = match default {
                Some(default) => format!("; {default} unless said"),
                None => "; must be said".to_owned(),
            };
            wrap(&mut out, 4, &format!("{name}: {about} ({takes}{default})"));
        }
    }
    out.push_str("\n  Example:\n");
    for line in word.example.lines() {
        let _ = writeln!(out, "    {line}");
    }
    if !word.related.is_empty() {
        out.push('\n');
        wrap(&mut out, 2, &format!("See also: {}", word.related.join(", ")));
    }
    out
}

fn sentence(line: &str) -> String {
    let mut chars = line.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}

/// Which roles a fault can hit.
fn hits(word: &Word, system: &dyn System) -> Option<String> {
    let kind =
        faults::CATALOGUE.iter().find(|kind| word.kind == "fault" && kind.key == word.name)?;
    let roles: Vec<&str> = system.roles().iter().map(|role| role.plural).collect();
    let has = |wanted: fn(&ParamKind) -> bool| kind.params.iter().any(|param| wanted(&param.kind));
    Some(if has(|kind| matches!(kind, ParamKind::Target)) {
        format!("Can hit: {}.", roles.join(", "))
    } else if has(|kind| matches!(kind, ParamKind::Messages)) {
        format!(
            "Can hit messages ({}) between any of: {}.",
            system.messages().join(", "),
            roles.join(", ")
        )
    } else if has(|kind| matches!(kind, ParamKind::Links)) {
        format!("Can hit links between any of: {}.", roles.join(", "))
    } else {
        let clients: Vec<&str> =
            system.roles().iter().filter(|role| role.client).map(|role| role.plural).collect();
        format!("Hits no node: it acts on what the {} publish.", clients.join(" and "))
    })
}

/// What a scenario is about: `comment` stands at the head of its file.
#[must_use]
pub(crate) fn scenario(scenario: &Scenario, comment: &str) -> String {
    let mut out = format!("{}: a scenario, in {}\n\n", scenario.name, scenario.path);
    wrap(&mut out, 2, comment);
    let listed = |out: &mut String, what: &str, words: Vec<String>| {
        if !words.is_empty() {
            wrap(out, 2, &format!("{what}: {}.", words.join(", ")));
        }
    };
    listed(&mut out, "Tags", scenario.tags.clone());
    let nodes = scenario.nodes.iter().map(|(role, count)| format!("{count} {role}"));
    listed(&mut out, "Nodes", nodes.collect());
    let steps = scenario.faults.iter().map(|step| format!("line {}: {}", step.line, step.fault));
    listed(&mut out, "Faults", steps.collect());
    listed(&mut out, "Expects", scenario.expect.iter().map(|expect| expect.name.clone()).collect());
    listed(&mut out, "Must see", scenario.must_see.clone());
    let path = crate::shell::quote(&scenario.path);
    let _ = write!(out, "\n  Example:\n    squall run {path} --runs 1\n");
    out
}

/// Adds a text in lines within 80 characters, indented; what goes on is indented by two more.
fn wrap(out: &mut String, indent: usize, text: &str) {
    let mut line = " ".repeat(indent);
    let mut is_first = true;
    for word in text.split_whitespace() {
        if line.chars().count() + word.chars().count() > 79 && !is_first {
            let _ = writeln!(out, "{}", line.trim_end());
            line = " ".repeat(indent + 2);
        }
        is_first = false;
        let _ = write!(line, "{word} ");
    }
    if !is_first {
        let _ = writeln!(out, "{}", line.trim_end());
    }
}
