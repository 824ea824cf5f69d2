//! What the manifests say: no crate names a dependency that it does not use, and what builds is what they ask for.

use crate::common::ROOT;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

/// The names under each heading of a manifest.
fn names(manifest: &str) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut heading = String::new();
    for line in manifest.lines() {
        if let Some(rest) = line.strip_prefix('[') {
            heading = rest.trim_end_matches(']').to_owned();
        } else if let Some(name) = line.split(['.', ' ', '=']).next()
            && !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        {
            all.entry(heading.clone()).or_default().push(name.to_owned());
        }
    }
    all
}

/// Every source below a folder of a crate, as one text.
fn sources(folder: &Path, out: &mut String) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            out.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

fn uses(text: &str, dependency: &str) -> bool {
    let name = dependency.replace('-', "_");
    text.match_indices(&name).any(|(at, _)| {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        !before.ends_with(word) && (after.starts_with("::") || after.starts_with([';', ' ', ',']))
    })
}

#[test]
fn every_dependency_is_used() {
    let root = Path::new(ROOT);
    let workspace = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let members = workspace.lines().find(|line| line.starts_with("members")).unwrap();
    let mut named: BTreeSet<String> = BTreeSet::new();
    for member in members.split('"').skip(1).step_by(2) {
        let folder = root.join(member);
        let manifest = names(&fs::read_to_string(folder.join("Cargo.toml")).unwrap());
        let (mut library, mut tests) = (String::new(), String::new());
        sources(&folder.join("src"), &mut library);
        for part in ["src", "tests", "examples", "benches"] {
            sources(&folder.join(part), &mut tests);
        }
        for (heading, text) in [("dependencies", &library), ("dev-dependencies", &tests)] {
            for dependency in manifest.get(heading).into_iter().flatten() {
                assert!(uses(text, dependency), "{member}: {heading}: {dependency} is not used");
                named.insert(dependency.clone());
            }
        }
    }
    for dependency in &names(&workspace)["workspace.dependencies"] {
        assert!(named.contains(dependency), "no crate of the workspace names {dependency}");
    }
}

#[test]
fn the_toolchain_is_no_older_than_the_manifest_asks_for() {
    let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    let asked = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    // In the root, rustup obeys its rust-toolchain.toml.
    let told = Command::new("rustc").arg("--version").current_dir(ROOT).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let numbers = |text: &str| -> Vec<u32> {
        text.trim_matches('"').split(['.', '-']).map_while(|part| part.parse().ok()).collect()
    };
    let found = numbers(told.split(' ').nth(1).unwrap());
    assert!(found >= numbers(asked), "{asked} is asked for, and {told} builds");
}
