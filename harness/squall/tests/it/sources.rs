//! Reading our own sources: the files of a crate, and what they import.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A file of a crate.
pub struct Source {
    /// The path of its module; that of `lib.rs` is empty.
    pub module: Vec<String>,
    /// What is in it.
    pub text: String,
}

/// Every file below a crate's `src`, but those that hold tests only.
pub fn files(src: &Path) -> Vec<Source> {
    let mut all = Vec::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let relative = path.strip_prefix(src).unwrap().with_extension("");
            let mut module: Vec<String> =
                relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            if path.extension().is_none_or(|ending| ending != "rs")
                || module.iter().any(|part| part == "tests")
            {
                continue;
            }
            if module.last().is_some_and(|last| last == "mod") || module == ["lib"] {
                module.pop();
            }
            all.push(Source { module, text: fs::read_to_string(&path).unwrap() });
        }
    }
    all
}

/// A file without its module of tests, which comes last.
pub fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests {").map_or(text, |at| &text[..at])
}

/// The paths of a `use`, one each: `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
pub fn paths(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else { return vec![tree.to_owned()] };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let (mut depth, mut parts) = (0_u32, vec![String::new()]);
    for c in inner.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(c);
        }
    }
    let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    parts.flat_map(paths).map(|path| format!("{head}{path}")).collect()
}

/// The modules that a file imports from its own crate, as far as they are files.
pub fn imports(source: &Source, known: &BTreeSet<&[String]>) -> BTreeSet<Vec<String>> {
    let text: String = without_tests(&source.text)
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join(" ");
    let mut found: Vec<String> = Vec::new();
    for start in ["use crate::", "use super::"] {
        for (at, _) in text.match_indices(start) {
            let tree = &text[at + 4..];
            found.extend(paths(tree.split(';').next().unwrap_or_default()));
        }
    }
    // Paths that are written out where they are used.
    for start in ["crate::", "super::"] {
        for (at, _) in text.match_indices(start) {
            let path = &text[at..];
            let end = path.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            found.push(path[..end.unwrap_or(path.len())].to_owned());
        }
    }
    let mut modules = BTreeSet::new();
    for path in found {
        let mut base: Vec<String> = Vec::new();
        for part in path.split("::").map(str::trim).filter(|part| !part.is_empty()) {
            match part {
                "crate" => base.clear(),
                "super" => {
                    if base.is_empty() {
                        base.clone_from(&source.module);
                    }
                    base.pop();
                }
                part => base.push(part.to_owned()),
            }
        }
        while !known.contains(base.as_slice()) && !base.is_empty() {
            base.pop();
        }
        // Of a path such as `$crate::…` nothing remains but the root, which imports nothing by itself.
        if !base.is_empty() && base != source.module {
            modules.insert(base);
        }
    }
    modules
}
