//! Inside each crate imports go one way: no file imports, by whatever way round, a file that imports it.

use crate::sources::{Source, files, imports};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

const CRATES: &[&str] = &[
    "harness/squall",
    "harness/judge",
    "harness/probe",
    "harness/command",
    "harness/cheats",
    "reference-system",
    "reports",
];

#[test]
fn no_file_imports_itself_by_way_of_others() {
    for name in CRATES {
        let files = files(&Path::new(crate::common::ROOT).join(name).join("src"));
        let circle = circle(&files);
        assert!(circle.is_empty(), "{name}: a circle of imports: {}", circle.join(", "));
    }
}

/// Files that import each other: what remains when files that import nothing of the others are taken away, again and
/// again, and then those that nothing imports.
fn circle(files: &[Source]) -> Vec<String> {
    let known: BTreeSet<&[String]> = files.iter().map(|file| file.module.as_slice()).collect();
    let mut left: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> =
        files.iter().map(|file| (file.module.clone(), imports(file, &known))).collect();
    loop {
        let imported: BTreeSet<Vec<String>> = left.values().flatten().cloned().collect();
        let before = left.len();
        let names: BTreeSet<Vec<String>> = left.keys().cloned().collect();
        left.retain(|name, imports| {
            imported.contains(name) && imports.iter().any(|import| names.contains(import))
        });
        if left.len() == before {
            return left.into_keys().map(|module| module.join("/")).collect();
        }
    }
}

#[test]
fn a_circle_is_seen() {
    let file = |module: &str, text: &str| Source {
        module: module.split('/').map(str::to_owned).collect(),
        text: text.to_owned(),
    };
    let straight =
        [file("a", "use crate::{b::B, c::{D, E}};"), file("b", "use super::c;"), file("c", "")];
    assert_eq!(circle(&straight), [""; 0]);
    let round = [
        file("a", "use crate::b::B;"),
        file("b", "fn x() { super::c::y() }"),
        file("c", "use crate::a::A;"),
    ];
    assert_eq!(circle(&round), ["a", "b", "c"]);
}
