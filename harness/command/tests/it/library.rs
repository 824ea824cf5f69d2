//! The library of scenarios: its README says what is in the files, and every kind of fault is in one.

use squall::testing::{FAULTS, load};
use squall_command::ReferenceSystem;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// Folders, in the order of the README, and what they are about.
const FOLDERS: &[(&str, &str)] = &[
    ("producer", "Producers: their network, their brokers, their own deaths"),
    ("broker", "Brokers: crashes, failover, pauses, absence, zones"),
    ("consumer", "Consumers: crashes between any two steps, slowness, zombies"),
    ("network", "The network: partitions of every shape, delay, loss, damage"),
    ("message", "Messages that nobody can handle"),
    ("resource", "Disks, memory, connections"),
    ("clock", "Time"),
    ("dependency", "The payment gateway"),
    ("load", "Load together with faults"),
    ("pattern", "The patterns that are meant to save the system, at their hardest moment"),
    ("disaster", "Everything at once"),
    ("incidents", "Modelled on published outages and analyses, named in each file"),
    ("regressions", "Found by the suite, with their stories"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The first sentence of the comment at the top of a file.
fn comment(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
    let lines: Vec<&str> =
        lines.filter(|line| !line.starts_with("yaml-language-server:")).collect();
    let whole = lines.join(" ");
    let end = whole.find(". ").map_or(whole.len(), |at| at + 1);
    whole[..end].trim_end_matches('.').replace('|', "\\|")
}

fn readme() -> String {
    let folder = root().join("scenarios");
    let scenarios = load(std::slice::from_ref(&folder), &ReferenceSystem).unwrap();
    let mut by_folder: BTreeMap<String, Vec<(String, String, String)>> = BTreeMap::new();
    let mut by_fault: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for scenario in &scenarios {
        let path = Path::new(&scenario.path).strip_prefix(&folder).unwrap();
        let (directory, file) =
            (path.parent().unwrap().to_string_lossy(), path.to_string_lossy().into_owned());
        let mut kinds: Vec<&str> = Vec::new();
        for step in &scenario.faults {
            let kind = step.fault.kind.key;
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
            by_fault.entry(kind).or_default().insert(file.clone());
        }
        let text = std::fs::read_to_string(&scenario.path).unwrap();
        let row = (file, comment(&text), kinds.join(", "));
        by_folder.entry(directory.into_owned()).or_default().push(row);
    }
    let mut out = String::from(
        "# Scenarios\n\nWhich failure is in which file. Generated from the files by \
         `BLESS=1 cargo test -p squall-command library`; CI checks that it is current.\n",
    );
    for (folder, about) in FOLDERS {
        let _ = write!(out, "\n## {about}\n\n| file | what happens | faults |\n|---|---|---|\n");
        for (file, about, kinds) in by_folder.remove(*folder).unwrap_or_default() {
            let _ = writeln!(out, "| [{file}]({file}) | {about} | {kinds} |");
        }
    }
    assert!(by_folder.is_empty(), "folders without a heading: {:?}", by_folder.keys());
    out.push_str("\n## By kind of fault\n\n| fault | files |\n|---|---|\n");
    for entry in FAULTS {
        let files = by_fault.get(entry.key).cloned().unwrap_or_default();
        assert!(!files.is_empty(), "no scenario has {}", entry.key);
        let files: Vec<String> = files.iter().map(|file| format!("[{file}]({file})")).collect();
        let _ = writeln!(out, "| `{}` | {} |", entry.key, files.join(", "));
    }
    out
}

#[test]
fn the_readme_is_current() {
    let path = root().join("scenarios/README.md");
    let expected = readme();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, expected).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "scenarios/README.md is not current: run BLESS=1 cargo test -p squall-command library"
    );
}

#[test]
fn each_scenario_says_what_it_is_modelled_on() {
    let folder = root().join("scenarios");
    for scenario in load(&[folder], &ReferenceSystem).unwrap() {
        let text = std::fs::read_to_string(&scenario.path).unwrap();
        let told = comment(&text);
        assert!(!told.is_empty(), "{}: no comment at the top", scenario.path);
    }
}
