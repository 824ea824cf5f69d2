//! What the manifests say, and the files: no crate names a dependency that it does not use, what builds is what they ask
//! for, users get few crates and need no newer compiler than we say, no file lies beside the modules, and a crate has one binary of integration tests.

use crate::common::ROOT;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
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
    let mut named: BTreeSet<String> = BTreeSet::new();
    for folder in members() {
        let member = folder.file_name().unwrap().display();
        let manifest = names(&fs::read_to_string(folder.join("Cargo.toml")).unwrap());
        let (mut library, mut tests) = (String::new(), String::new());
        // A crate of brokers has a folder for each.
        let code = if folder.join("src").is_dir() { "src" } else { "" };
        sources(&folder.join(code), &mut library);
        for part in [code, "tests", "examples", "benches"] {
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

/// The crates of the workspace, by their folders.
fn members() -> Vec<PathBuf> {
    let workspace = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    let members = workspace.lines().find(|line| line.starts_with("members")).unwrap();
    members.split('"').skip(1).step_by(2).map(|member| Path::new(ROOT).join(member)).collect()
}

/// A file that no `mod` names is compiled by nobody: neither tests nor lints see it.
#[test]
fn every_file_is_a_module() {
    for member in members() {
        for part in ["src", "tests", "examples", "benches"] {
            without_a_mod(&member.join(part), &mut |path| panic!("no `mod` names {path}"));
        }
    }
}

/// Tells of the files in a folder and below it that the file above them does not declare. What lies at the top of `src` or
/// of another folder of targets is found by Cargo, if it is a target.
fn without_a_mod(folder: &Path, tell: &mut dyn FnMut(std::path::Display<'_>)) {
    let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
    let above = ["mod.rs", "main.rs", "lib.rs"].map(|name| read(folder.join(name))).concat()
        + &read(folder.with_extension("rs"));
    let targets = folder.ends_with("tests") && folder.join("../Cargo.toml").exists();
    let folders = ["examples", "benches", "src/bin"];
    let targets = targets || folders.iter().any(|of_targets| folder.ends_with(of_targets));
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            without_a_mod(&path, tell);
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let root = ["mod", "main", "lib"].contains(&&*name);
        let rust = path.extension().is_some_and(|ending| ending == "rs");
        let declared = above.lines().any(|line| line.trim().ends_with(&format!("mod {name};")));
        if rust && !root && !targets && !declared {
            tell(path.display());
        }
    }
}

#[test]
fn a_crate_has_one_binary_of_integration_tests() {
    for member in members() {
        let tests = fs::read_dir(member.join("tests")).into_iter().flatten();
        for path in tests.map(|entry| entry.unwrap().path()) {
            let binary = path.extension().is_some_and(|ending| ending == "rs")
                || path.join("main.rs").exists();
            assert!(!binary || path.ends_with("it"), "a second binary: {}", path.display());
        }
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

/// What Cargo says of this workspace, from what is already here.
fn cargo(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    let told = command.args(arguments).arg("--offline").current_dir(ROOT).output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap()
}

/// A service links squall-probe in production, and wants to carry as little as it can.
#[test]
fn in_production_squall_probe_brings_few_crates() {
    let below = |package: &str| -> BTreeSet<String> {
        let tree = ["tree", "-p", package, "--no-default-features", "-e", "normal"];
        let told = cargo(&[&tree[..], &["--prefix", "none", "--locked"]].concat());
        let names = told.lines().filter_map(|line| line.split(' ').next());
        names.filter(|name| *name != package).map(str::to_owned).collect()
    };
    let probe = below("squall-probe");
    // tokio's own, with the features that the probe asks for.
    let tokio = [
        "bytes",
        "libc",
        "mio",
        "pin-project-lite",
        "proc-macro2",
        "quote",
        "socket2",
        "syn",
        "tokio",
        "tokio-macros",
        "unicode-ident",
    ];
    let beside: Vec<&String> =
        probe.iter().filter(|name| !tokio.contains(&name.as_str())).collect();
    assert_eq!(beside, ["ppv-lite86", "rand_chacha", "rand_core", "zerocopy"]);
}

#[test]
fn no_dependency_asks_for_a_newer_compiler_than_we_do() {
    // Of other platforms there may be nothing here.
    let host = Command::new("rustc").arg("-vV").current_dir(ROOT).output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
    let told =
        cargo(&["metadata", "--locked", "--format-version", "1", "--filter-platform", &host]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let number = |version: &serde_json::Value| -> Option<(u32, u32)> {
        let mut parts = version.as_str()?.split('.').map_while(|part| part.parse().ok());
        Some((parts.next()?, parts.next()?))
    };
    let packages = told["packages"].as_array().unwrap();
    let ours = packages.iter().find(|package| package["name"] == "squall").unwrap();
    let ours = number(&ours["rust_version"]).unwrap();
    let mut judged = 0;
    for package in packages {
        if let Some(asked) = number(&package["rust_version"]) {
            assert!(asked <= ours, "{} asks for Rust {asked:?}", package["name"]);
            judged += 1;
        }
    }
    assert!(judged > 100, "{judged}");
}
