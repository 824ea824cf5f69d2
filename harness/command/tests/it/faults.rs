//! Faults that need a system with more than one message on a connection; those that any system feels are tested with
//! the example `tiny` in `harness/squall`.

use crate::{
    common::{report, scenario},
    squall,
};

/// A replayed message needs one that came before it on the same connection, and a message that is overtaken one
/// that comes after it.
#[test]
fn old_messages_come_again_and_new_ones_overtake() {
    for (kind, step) in [
        ("replay", "{ at: 300ms, replay: { messages: 30% }, for: 500ms }"),
        ("reorder", "{ at: 300ms, reorder: { messages: 30%, by: 20ms..60ms }, for: 500ms }"),
    ] {
        let text =
            format!("name: x\nworkload: {{ events: 200, rate: 200/s }}\nfaults:\n  - {step}\n");
        let (folder, path) = scenario(&text);
        let json = folder.path().join("report.json");
        let said = squall(&["run", &path, "--runs", "3", "--report", &json.to_string_lossy()]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        let signal = format!("{kind}_felt");
        assert!(report(&json).runs().all(|(_, run)| run.signals[&signal] > 0), "{kind}");
    }
}
