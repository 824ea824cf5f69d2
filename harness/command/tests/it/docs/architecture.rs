//! ARCHITECTURE.md draws the imports that there are: what a table says under "uses" is what the manifests and the `use`
//! lines say, and a room uses only what stands above it.

use super::{
    read, root,
    sources::{files, imports},
};
use std::collections::{BTreeMap, BTreeSet};

/// The names in backticks of a cell.
fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(|name| name.trim_end_matches('/').to_owned()).collect()
}

/// A row of a table: the names that it is of, and those that it says they use.
type Row = (Vec<String>, BTreeSet<String>);

/// The rows of the table under a heading.
fn rows(heading: &str) -> Vec<Row> {
    let text = read("ARCHITECTURE.md");
    let (_, section) =
        text.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let rows: Vec<Row> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.split(" | ").collect();
            (names(cells[0]), names(cells.last().unwrap()).into_iter().collect())
        })
        .collect();
    assert!(!rows.is_empty(), "{heading}: no table");
    rows
}

fn shown(all: &BTreeSet<String>) -> String {
    all.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Holds what is drawn against what there is: for each row the same names, all of them of rows above it.
fn compare(heading: &str, rows: &[Row], used: &BTreeMap<String, BTreeSet<String>>) {
    let mut wrong = Vec::new();
    let mut above: BTreeSet<&String> = BTreeSet::new();
    for (of, drawn) in rows {
        let mut found = BTreeSet::new();
        for name in of {
            match used.get(name) {
                Some(uses) => found.extend(uses.iter().filter(|n| !of.contains(n)).cloned()),
                None => wrong.push(format!("there is no {name}")),
            }
        }
        if found != *drawn {
            wrong.push(format!(
                "{}: drawn {}; found {}",
                of.join(", "),
                shown(drawn),
                shown(&found)
            ));
        }
        let below: Vec<&String> = found.iter().filter(|name| !above.contains(name)).collect();
        if !below.is_empty() {
            wrong.push(format!("{}: uses what stands below it: {below:?}", of.join(", ")));
        }
        above.extend(of);
    }
    for name in used.keys().filter(|name| !above.contains(name)) {
        wrong.push(format!("{name} is not in the table; it uses {}", shown(&used[name])));
    }
    assert!(wrong.is_empty(), "ARCHITECTURE.md, {heading}:\n{}", wrong.join("\n"));
}

#[test]
fn crates_use_what_is_drawn() {
    let workspace = read("Cargo.toml");
    let members = workspace.lines().find(|line| line.starts_with("members")).unwrap();
    let members: Vec<&str> = members.split('"').skip(1).step_by(2).collect();
    let package = |folder: &str| {
        let manifest = read(&format!("{folder}/Cargo.toml"));
        let name = manifest.lines().find_map(|line| line.strip_prefix("name = ")).unwrap();
        name.trim_matches('"').to_owned()
    };
    let folders: BTreeMap<String, &str> =
        members.iter().map(|folder| (package(folder), *folder)).collect();
    let mut used = BTreeMap::new();
    for folder in &members {
        let manifest = read(&format!("{folder}/Cargo.toml"));
        let (_, dependencies) = manifest.split_once("[dependencies]\n").unwrap();
        let dependencies = dependencies.split("\n[").next().unwrap();
        let uses: BTreeSet<String> = dependencies
            .lines()
            .filter_map(|line| folders.get(line.split(['.', ' ', '=']).next().unwrap()))
            .map(|folder| (*folder).to_owned())
            .collect();
        used.insert((*folder).to_owned(), uses);
    }
    compare("Crates", &rows("Crates"), &used);
}

/// What the rooms of a crate import from each other. A room is a folder or a file of its `src`.
fn rooms(folder: &str) -> BTreeMap<String, BTreeSet<String>> {
    let src = root().join(folder);
    let files = files(&src);
    let known: BTreeSet<&[String]> = files.iter().map(|file| file.module.as_slice()).collect();
    let room = |module: &[String]| {
        let first = module.first().cloned().unwrap_or_else(|| "lib".to_owned());
        if src.join(&first).is_dir() { first } else { format!("{first}.rs") }
    };
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in &files {
        let of = room(&file.module);
        let uses = used.entry(of.clone()).or_default();
        // What the root makes public is not drawn: nothing of it is used inside, or there would be a circle.
        if !file.module.is_empty() {
            uses.extend(imports(file, &known).iter().map(|one| room(one)).filter(|r| *r != of));
        }
    }
    used
}

#[test]
fn rooms_of_the_harness_use_what_is_drawn() {
    let mut used = rooms("harness/squall/src");
    // It is for unit tests alone.
    used.remove("walls.rs");
    compare("Rooms of the harness", &rows("Rooms of the harness"), &used);
}

#[test]
fn rooms_of_the_reports_use_what_is_drawn() {
    compare("Rooms of the reports", &rows("Rooms of the reports"), &rooms("reports/src"));
}

#[test]
fn files_that_are_named_exist() {
    let text = read("ARCHITECTURE.md");
    // Where the text says in which room we are, files are named by themselves.
    let rooms = [
        "",
        "harness/",
        "harness/squall/src/",
        "harness/squall/src/sim/",
        "harness/squall/src/determinism/",
        "reports/src/",
    ];
    for name in text.split('`').skip(1).step_by(2) {
        let is_path = name.ends_with(".rs") || name.ends_with('/') || name.ends_with(".md");
        if is_path && !name.contains([' ', '*']) {
            let found = rooms.iter().any(|folder| root().join(format!("{folder}{name}")).exists());
            assert!(found, "ARCHITECTURE.md: there is no {name}");
        }
    }
}
