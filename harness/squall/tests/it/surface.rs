//! What this repository promises to others is what was meant to be promised: the public names of each library are those
//! of its `public-api.txt`. `BLESS=1 cargo test -p squall surface` writes them down anew; read what changed.

use crate::sources::{files, without_tests};
use std::{collections::BTreeSet, fs, path::Path};

const LIBRARIES: [&str; 4] = ["harness/judge", "harness/probe", "harness/squall", "reports"];

#[test]
fn what_is_public_is_so_on_purpose() {
    for library in LIBRARIES {
        let folder = Path::new(crate::common::ROOT).join(library);
        let mut names = BTreeSet::new();
        module(&folder.join("src"), &[], &mut names);
        let found: String = names.iter().map(|name| format!("{name}\n")).collect();
        let path = folder.join("public-api.txt");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &found).unwrap();
        }
        let promised = fs::read_to_string(&path).unwrap_or_default();
        let promised: BTreeSet<String> = promised.lines().map(str::to_owned).collect();
        let new: Vec<&String> = names.difference(&promised).collect();
        let gone: Vec<&String> = promised.difference(&names).collect();
        assert!(
            new.is_empty() && gone.is_empty(),
            "{library}: public and not in public-api.txt (BLESS=1 writes it): {new:?}; not public any more: {gone:?}"
        );
    }
}

/// The public names of a module and of the public modules in it: what it defines, with fields, variants and methods,
/// and what it hands on. What is `#[doc(hidden)]` is promised to nobody.
fn module(src: &Path, place: &[&str], names: &mut BTreeSet<String>) {
    let all = files(src);
    let Some(file) = all.iter().find(|file| file.module == place) else { return };
    let text = without_tests(&file.text);
    // The item at whose members we are, and whether all of them are public, as those of traits and enums are.
    let mut item: Option<(String, bool)> = None;
    let mut hidden = false;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.starts_with('}') {
            item = None;
        }
        let depth = (line.len() - line.trim_start().len()) / 4;
        let line = line.trim();
        if line.starts_with("//") || line.starts_with('#') || line.is_empty() {
            hidden |= line.starts_with("#[doc(hidden)]");
            continue;
        }
        let skipped = std::mem::take(&mut hidden);
        let path = |name: &str| [place, &[name]].concat().join("::");
        let word = |rest: &str| {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            rest[..end].to_owned()
        };
        let told = line.strip_prefix("pub ");
        match (depth, told, &item) {
            _ if skipped => {}
            (0, Some(rest), _) if rest.starts_with("mod ") => {
                let name = word(&rest[4..]);
                names.insert(format!("mod {}", path(&name)));
                module(src, &[place, &[name.as_str()]].concat(), names);
            }
            (0, Some(rest), _) if rest.starts_with("use ") => {
                let mut whole = rest.to_owned();
                while !whole.contains(';') {
                    whole.push_str(lines.next().unwrap_or(";").trim());
                }
                for name in crate::sources::paths(whole[4..].trim_end_matches(';')) {
                    let last = name.rsplit([' ', ':']).next().unwrap_or(&name);
                    names.insert(format!("use {}", path(last)));
                }
            }
            (0, Some(rest), _) => {
                let (kind, rest) = kind(rest);
                let name = word(rest);
                names.insert(format!("{kind} {}", path(&name)));
                item = line.ends_with('{').then(|| (name, kind == "trait" || kind == "enum"));
            }
            (0, None, _) if line.starts_with("impl") && line.ends_with('{') => {
                let of = line.trim_end_matches('{').trim();
                let bare = of.split('<').next() == Some("impl") || !of.contains(" for ");
                let name = of.rsplit(' ').next().map(word).unwrap_or_default();
                item = (bare && !of.contains(" for ")).then_some((name, false));
            }
            (1, told, Some((of, open))) => {
                let rest = told.or_else(|| open.then_some(line));
                let Some(rest) = rest else { continue };
                let name = word(kind(rest).1);
                let first = name.chars().next();
                if first.is_some_and(|c| c.is_alphabetic() || c == '_') && !line.starts_with('}') {
                    names.insert(format!("in {}", path(&format!("{of}::{name}"))));
                }
            }
            _ => {}
        }
    }
}

/// What is declared, and from its name on. A field or a variant is of no kind.
fn kind(declared: &str) -> (&'static str, &str) {
    for modifier in ["const fn ", "async fn ", "fn "] {
        if let Some(rest) = declared.strip_prefix(modifier) {
            return ("fn", rest);
        }
    }
    for kind in ["struct", "enum", "trait", "type", "const", "static"] {
        if let Some(rest) = declared.strip_prefix(kind).and_then(|rest| rest.strip_prefix(' ')) {
            return (kind, rest);
        }
    }
    ("", declared)
}
