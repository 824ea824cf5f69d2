//! Reading our own sources: the files of a crate, and what they import.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A file of a crate.
pub struct Source {
    /// The path of its module; that of the root (`lib.rs`, or `main.rs` where there is none) is empty.
    pub module: Vec<String>,
    /// What is in it.
    pub text: String,
}

/// Every file below a crate's `src`, but those that hold tests only.
pub fn files(src: &Path) -> Vec<Source> {
    let root = if src.join("lib.rs").exists() { "lib" } else { "main" };
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
            if module.last().is_some_and(|last| last == "mod") || module == [root] {
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

/// The modules of its own crate that a file imports, as far as they are files.
///
/// What is taken from a parent (`super::X`) is an import of the parent's file, and what is taken from a child (`child::X`)
/// one of the child's. That a file declares a module (`mod child;`), or says who may see something (`pub(in crate::x)`),
/// is none.
pub fn imports(source: &Source, known: &BTreeSet<&[String]>) -> BTreeSet<Vec<String>> {
    let (trees, rest) = uses(without_tests(&source.text));
    let mut found: Vec<String> = trees.iter().flat_map(|tree| paths(tree)).collect();
    found.extend(written_out(&rest));
    let imported = found.iter().filter_map(|path| module_of(path, source, known));
    imported.filter(|module| *module != source.module).collect()
}

/// The trees of all `use` statements, and what else a file says. Comments, and what is imported for tests, are left out.
fn uses(text: &str) -> (Vec<String>, String) {
    let (mut trees, mut rest) = (Vec::new(), String::new());
    let mut tests_only = false;
    let mut lines = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    while let Some(line) = lines.next() {
        let visible = line.strip_prefix("pub").unwrap_or(line).trim_start();
        let to_whom = visible.strip_prefix('(').and_then(|to| to.split_once(')'));
        let statement = to_whom.map_or(visible, |(_, statement)| statement).trim_start();
        if let Some(tree) = statement.strip_prefix("use ") {
            let mut tree = tree.to_owned();
            while !tree.ends_with(';') {
                tree.push_str(lines.next().unwrap_or(";"));
            }
            if !tests_only {
                trees.push(tree.trim_end_matches(';').to_owned());
            }
        } else {
            rest.push_str(line);
            rest.push('\n');
        }
        tests_only = line == "#[cfg(test)]";
    }
    (trees, rest)
}

/// Paths that are written out where they are used.
fn written_out(text: &str) -> Vec<String> {
    let of_a_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(of_a_path).map(|ahead| at + ahead) {
        at = text[start..].find(|c| !of_a_path(c)).map_or(text.len(), |length| start + length);
        let path = &text[start..at];
        if path.contains("::") && !text[..start].ends_with("pub(in ") {
            found.push(path.to_owned());
        }
    }
    found
}

/// The file of this crate in which what a path means is looked for; `None` if it means something of another crate.
fn module_of(path: &str, source: &Source, known: &BTreeSet<&[String]>) -> Option<Vec<String>> {
    let mut parts = path.split("::").map(|part| part.split(" as ").next().unwrap().trim());
    let mut module = source.module.clone();
    let first = parts.next()?;
    match first {
        "crate" => module.clear(),
        "super" => drop(module.pop()),
        "self" => {}
        child => {
            module.push(child.to_owned());
            if !known.contains(module.as_slice()) {
                return None;
            }
        }
    }
    for part in parts {
        match part {
            "super" => drop(module.pop()),
            "self" | "" => {}
            part => {
                module.push(part.to_owned());
                if !known.contains(module.as_slice()) {
                    module.pop();
                    break;
                }
            }
        }
    }
    Some(module)
}
