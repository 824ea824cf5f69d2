//! Which rooms may know which: read off the sources, so that a wall that is broken shows in a test.

use std::{fs, path::Path};

/// Each room, and what none of its files may name. Imports go one way: syntax, injection, faults, scenario, plan, sim.
const WALLS: &[(&str, &[&str])] = &[
    ("syntax", &["system", "injection", "parameters", "faults", "scenario", "plan", "sim"]),
    ("injection", &["syntax", "parameters", "faults", "scenario", "plan", "sim"]),
    ("parameters", &["syntax", "faults", "scenario", "plan", "sim"]),
    ("faults", &["syntax", "scenario", "plan", "sim"]),
    ("scenario", &["plan", "sim"]),
    ("determinism", &["scenario", "plan", "sim"]),
    ("plan.rs", &["sim"]),
];

/// The sources of a file, or of a folder and all below it, with their paths.
fn sources(path: &Path, all: &mut Vec<(String, String)>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            sources(&entry.unwrap().path(), all);
        }
    } else if path.extension().is_some_and(|end| end == "rs") {
        all.push((path.display().to_string(), fs::read_to_string(path).unwrap()));
    }
}

/// Whether `text` uses `room` of a crate, alone or among others in braces; `of` is `crate::`, or a crate's name and `::`.
fn names(text: &str, of: &str, room: &str) -> bool {
    let word = |rest: &str| {
        rest.strip_prefix(room)
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    text.match_indices(of).any(|(at, found)| {
        let rest = &text[at + found.len()..];
        let Some(list) = rest.strip_prefix('{') else { return word(rest) };
        let mut depth = 0;
        let end = list.find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth < 0
        });
        // A room stands at the begin of an item of the list, not inside the braces of another.
        let mut depth = 0;
        let mut starts = true;
        list[..end.unwrap_or(list.len())].char_indices().any(|(at, c)| {
            let is_it = depth == 0 && starts && word(&list[at..]);
            depth += i32::from(c == '{') - i32::from(c == '}');
            starts = c == ',' || (starts && c.is_whitespace());
            is_it
        })
    })
}

#[test]
fn no_room_knows_what_it_must_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut broken = Vec::new();
    for (room, walls) in WALLS {
        let mut all = Vec::new();
        sources(&root.join(room), &mut all);
        assert!(!all.is_empty(), "there is no room {room}");
        for (path, text) in all {
            // Unit tests may use whatever they need.
            let text = text.split("#[cfg(test)]").next().unwrap_or_default();
            let known = walls.iter().filter(|wall| names(text, "crate::", wall));
            broken.extend(known.map(|wall| format!("{path} knows {wall}")));
            let outside = names(text, "squall_probe::", "sim") && *room != "determinism";
            broken
                .extend(outside.then(|| format!("{path} knows the simulator's side of the probe")));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_name_is_found_where_it_is_a_room_and_nowhere_else() {
    for text in
        ["use crate::sim::X;", "use crate::{\n    a::{b, c},\n    sim,\n};", "crate::sim::f()"]
    {
        assert!(names(text, "crate::", "sim"), "{text}");
    }
    for text in ["use crate::simple;", "use crate::{a::{sim, b}, c};", "use super::sim;"] {
        assert!(!names(text, "crate::", "sim"), "{text}");
    }
}
