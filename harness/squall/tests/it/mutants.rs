//! `harness/judge/mutants.md` says of each mutant that no test notices why that is right. Here, in no time and without
//! cargo-mutants: each stands there once, with a reason, and what it changes is still in the code. That nothing else survives
//! takes hours, and is what `harness/checks/mutants` finds out.

use crate::{common::ROOT, sources::without_tests};
use std::{collections::BTreeSet, fs, path::Path};

/// The mutants of the page, as `FILE: CHANGE`, each with what is said of it.
fn explained(page: &str) -> Vec<(&str, String)> {
    let mut all: Vec<(&str, String)> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        if let Some((mutant, why)) =
            line.strip_prefix("- `").and_then(|rest| rest.split_once("`: "))
        {
            all.push((mutant, why.to_owned()));
            inside = true;
        } else if inside && line.starts_with("  ") {
            all.last_mut().unwrap().1.push_str(line);
        } else {
            assert!(!line.starts_with('-'), "this is no `- `FILE: CHANGE`: why`: {line}");
            inside = false;
        }
    }
    all
}

/// What is wrong with a change, as cargo-mutants words it, of this text: its function, or what it replaces, is not there.
fn stale(change: &str, text: &str) -> Option<String> {
    let (what, function) = match change.rsplit_once(" in ") {
        Some((what, function)) => (Some(what), function),
        // All that a function does is replaced.
        None => {
            let rest = change.strip_prefix("replace ")?;
            (None, rest.split(" -> ").next()?.split(" with ").next()?)
        }
    };
    let name = function.rsplit("::").next()?;
    let bodies: Vec<&str> = ["(", "<"]
        .iter()
        .flat_map(|end| {
            let head = format!("fn {name}{end}");
            text.match_indices(&head).map(|(at, _)| body(text, at)).collect::<Vec<_>>()
        })
        .collect();
    if bodies.is_empty() {
        return Some(format!("there is no function {name}"));
    }
    // `impl Trait for Type`, or the type alone.
    let of = function.rsplit_once("::").map_or("", |(of, _)| of);
    let of = of.trim_start_matches('<').trim_start_matches("impl ").trim_end_matches('>');
    if let Some(missing) = of.split(" for ").find(|part| !text.contains(part)) {
        return Some(format!("there is no {missing}"));
    }
    let what = what?;
    let original = what.strip_prefix("delete ").or_else(|| {
        let from = what.strip_prefix("replace ")?;
        from.split(" with ").next().filter(|from| !from.starts_with("match guard "))
    })?;
    // How a match arm or a field is printed is not how it is written.
    let comparable = !original.contains(' ');
    (comparable && !bodies.iter().any(|body| body.contains(original)))
        .then(|| format!("{name} has no {original}"))
}

/// A function, from its `fn` to the brace that ends it.
fn body(text: &str, at: usize) -> &str {
    let mut depth = 0;
    for (index, c) in text[at..].char_indices() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        // One without a body ends before it begins.
        if depth == 0 && (c == '}' || c == ';') {
            return &text[at..at + index];
        }
    }
    &text[at..]
}

#[test]
fn each_mutant_that_is_explained_is_still_one() {
    let page = fs::read_to_string(Path::new(ROOT).join("harness/judge/mutants.md")).unwrap();
    let mut seen = BTreeSet::new();
    for (mutant, why) in explained(&page) {
        let (file, change) = mutant.split_once(": ").unwrap_or_else(|| panic!("{mutant}"));
        let looked_at = ["harness/judge/src/", "harness/probe/src/sim/"];
        let known = looked_at.iter().any(|room| file.starts_with(room));
        assert!(known, "harness/checks/mutants changes no such file: {mutant}");
        let text = fs::read_to_string(Path::new(ROOT).join(file));
        let text = text.unwrap_or_else(|error| panic!("{mutant}: {error}"));
        let wrong = stale(change, without_tests(&text));
        assert_eq!(wrong, None, "mutants.md explains {mutant}");
        assert!(!why.trim().is_empty(), "mutants.md does not say why: {mutant}");
        assert!(seen.insert(mutant), "mutants.md says it twice: {mutant}");
    }
}

#[test]
fn a_mutant_of_what_is_gone_is_told() {
    let text = "impl Invariant for Order {\n    fn finish(&mut self) {\n        if a < b { c }\n    }\n}\nfn least() -> u64 { 1 }\n";
    let finish = "<impl Invariant for Order>::finish";
    for change in [
        &format!("replace < with <= in {finish}"),
        &format!("replace {finish} with ()"),
        "replace least -> u64 with 0",
    ] {
        assert_eq!(stale(change, text), None, "{change}");
    }
    for (change, wrong) in [
        (&*format!("replace > with >= in {finish}"), "finish has no >"),
        (&*format!("delete ! in {finish}"), "finish has no !"),
        ("replace < with <= in <impl Invariant for Loss>::finish", "there is no Loss"),
        ("replace most -> u64 with 0", "there is no function most"),
    ] {
        assert_eq!(stale(change, text).as_deref(), Some(wrong), "{change}");
    }
    let page = "head\n\n- `a.rs: replace x with ()`: it\n  is so.\n- `b.rs: delete ! in y`: why\n";
    let told = explained(page);
    assert_eq!(told[0], ("a.rs: replace x with ()", "it  is so.".to_owned()));
    assert_eq!(told[1].0, "b.rs: delete ! in y");
}
