//! What CONTRIBUTING.md says of adding things: one file each, found by its name, and one line in one list.

use super::{read, root};
use squall::testing::FAULTS;
use squall_judge::CATALOGUE as INVARIANTS;
use squall_reports::render::RENDERINGS;

/// Each name has its file, and its list names it once beside its `mod`.
fn one_file_and_one_line(folder: &str, list: &str, names: &[&str], line: &dyn Fn(&str) -> String) {
    let text = read(&format!("{folder}/{list}"));
    for name in names {
        let (file, module) = (format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs"));
        assert!(root().join(&file).exists() || root().join(&module).exists(), "there is no {file}");
        let line = line(name);
        assert_eq!(text.matches(&line).count(), 1, "{folder}/{list}: {line}");
        assert!(text.contains(&format!("mod {name};")), "{folder}/{list}: mod {name};");
    }
}

#[test]
fn a_fault_is_a_file_and_a_line() {
    let names: Vec<&str> = FAULTS.iter().map(|kind| kind.key).collect();
    one_file_and_one_line("harness/squall/src/faults", "mod.rs", &names, &|name| {
        format!("            {name}::{},\n", name.to_uppercase())
    });
}

#[test]
fn a_rendering_is_a_file_and_a_line() {
    let names: Vec<String> =
        RENDERINGS.iter().map(|rendering| rendering.name.replace('-', "_")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    one_file_and_one_line("reports/src/render", "mod.rs", &names, &|name| {
        format!("    {name}::RENDERING,\n")
    });
}

#[test]
fn an_invariant_is_a_file_and_a_line() {
    let names: Vec<&str> = INVARIANTS.iter().map(|entry| entry.name).collect();
    one_file_and_one_line("harness/judge/src", "lib.rs", &names, &|name| {
        format!("    {name}::ENTRY,\n")
    });
}
