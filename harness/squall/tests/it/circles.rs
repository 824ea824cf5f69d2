//! Inside each crate imports go one way: no file imports, by whatever way round, a file that imports it.

use crate::sources::{Source, files, imports};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

const CRATES: &[&str] = &[
    "harness/squall",
    "harness/judge",
    "harness/live",
    "harness/maelstrom",
    "harness/probe",
    "harness/command",
    "harness/cheats",
    "reference-system",
    "reports",
];

#[test]
fn no_file_imports_itself_by_way_of_others() {
    let mut wrong = Vec::new();
    for name in CRATES {
        let circle = circle(&files(&Path::new(crate::common::ROOT).join(name).join("src")));
        if !circle.is_empty() {
            wrong.push(format!("{name}: {}", circle.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "files in circles of imports:\n{}", wrong.join("\n"));
}

/// Files that import themselves by way of others.
fn circle(files: &[Source]) -> Vec<String> {
    let known: BTreeSet<&[String]> = files.iter().map(|file| file.module.as_slice()).collect();
    let imports: BTreeMap<&[String], BTreeSet<Vec<String>>> =
        files.iter().map(|file| (file.module.as_slice(), imports(file, &known))).collect();
    let reaches_itself = |module: &[String]| {
        let mut reached = BTreeSet::new();
        let mut left = vec![module];
        while let Some(next) = left.pop() {
            left.extend(imports[next].iter().map(Vec::as_slice).filter(|one| reached.insert(*one)));
        }
        reached.contains(module)
    };
    imports.keys().filter(|module| reaches_itself(module)).map(|module| module.join("/")).collect()
}

fn file(module: &str, text: &str) -> Source {
    let module = module.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    Source { module, text: text.to_owned() }
}

#[test]
fn a_circle_is_seen() {
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

#[test]
fn a_parent_that_uses_its_child_and_a_child_that_uses_its_parent_are_a_circle() {
    let child = || file("a/b", "use super::A;");
    for parent in [
        "mod b;\npub use b::B;",
        "mod b;\n\nuse self::b::B;",
        "mod b;\n\npub(super) use b::{\n    B, C,\n};",
        "mod b;\n\nfn x() -> b::B {}",
    ] {
        assert_eq!(circle(&[file("a", parent), child()]), ["a", "a/b"], "{parent}");
    }
    // The parent only declares its child, or takes nothing of it but in its tests.
    for parent in ["mod b;", "#[cfg(test)]\nuse b::B;", "#[cfg(test)]\nmod tests {\n    use b::B;"]
    {
        assert_eq!(circle(&[file("a", parent), child()]), [""; 0], "{parent}");
    }
    // The child takes nothing of its parent: it says who may see it, and uses a sister.
    let parent = || file("a", "pub use b::B;");
    for child in
        ["pub(in crate::a) struct B;", "use super::c::C;", "// See super::A.\nuse std::a::A;"]
    {
        assert_eq!(circle(&[parent(), file("a/b", child), file("a/c", "")]), [""; 0], "{child}");
    }
}

#[test]
fn what_the_root_exports_is_taken_from_the_root() {
    let root = || file("", "mod a;\npub use a::A;\nmod b;");
    let a = file("a", "use crate::b::B;");
    assert_eq!(circle(&[root(), a, file("b", "use crate::A;")]), ["", "a", "b"]);
    let a = file("a", "use crate::b::B;");
    assert_eq!(circle(&[root(), a, file("b", "")]), [""; 0]);
}
