//! The example of each fault, on the reference system: it is felt, and survived. A fault that nothing feels is vacuous, and
//! a system that does not survive it fails. `cargo test -p squall-command --test it faults::crash_loop` is one of them.

use crate::{
    common::{report, scenario},
    squall,
};
use squall::testing::{FAULTS, parse};
use squall_command::ReferenceSystem;
use squall_reports::Verdict;

/// The fault whose file in `harness/squall/src/faults` has this name; that is its key.
fn felt_and_survived(key: &str) {
    let kind = FAULTS.iter().find(|kind| kind.key == key).unwrap();
    let mut text = format!(
        "name: {key}\nworkload: {{ events: 500, rate: 200/s }}\nzones: {{ here: [broker-1] }}\nfaults:\n  - {}\n",
        kind.example
    );
    let example = parse("example", text.as_bytes(), &ReferenceSystem).unwrap();
    if example.faults[0].fault.injection().destroys_disks() {
        // What is gone from a disk is noticed by who starts on it.
        text += "  - { at: 2200ms, restart: brokers }\n";
    }
    let (folder, path) = scenario(&text);
    let json = folder.path().join("report.json");
    let json_path = json.to_string_lossy();
    let said = squall(&["run", &path, "--runs", "1", "--verify", "none", "--report", &json_path]);
    assert!(said.code < 2, "{text}{}{}", said.out, said.err);
    let run = report(&json).scenarios.remove(0).runs.remove(0);
    assert_eq!(run.verdict, Verdict::Passed, "{text}{}{}", said.out, said.err);
    let felt = run.signals.contains_key(&format!("{key}_felt"));
    assert!(felt, "{text}{:?}", run.signals);
}

macro_rules! tests {
    ($($file:ident::$_constant:ident,)*) => {
        $(
            #[test]
            fn $file() {
                felt_and_survived(stringify!($file));
            }
        )*
    };
}

squall::each_fault!(tests);
