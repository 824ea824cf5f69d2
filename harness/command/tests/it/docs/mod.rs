//! What people read: that the reference is current, that every command does what the text says, that links lead somewhere,
//! and that ARCHITECTURE.md draws what the sources import. `cargo test -p squall-command docs`.

mod architecture;
mod book;
mod commands;
mod links;
mod reference;
#[path = "../../../../squall/tests/it/sources.rs"]
#[allow(dead_code)] // One part of it is for the tests of the public surface.
mod sources;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The root of the repository.
fn root() -> &'static Path {
    Path::new(crate::common::ROOT)
}

/// A file of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pages that are written for people, from the root of the repository.
fn pages() -> Vec<String> {
    let mut all: Vec<String> = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "ci/README.md",
        "harness/checks/README.md",
    ]
    .map(str::to_owned)
    .to_vec();
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).unwrap() {
            let path = folder.join(entry.unwrap().file_name());
            if root().join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                all.push(path.to_string_lossy().into_owned());
            }
        }
    }
    all.sort();
    all
}
