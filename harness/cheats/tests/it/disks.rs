//! Power and disks.

use crate::{POWER, explain, found_out, runs};
use squall_reports::Verdict;

/// Whatever shows that something acknowledged is gone.
const LOST: &[&str] = &["no_loss", "durability", "agreement"];

const CUT_AT_ANSWERS: &str = "
name: power
workload: { events: 150, rate: 80/s }
faults:
  - { when: { reaches: server.answered, hit: 20 }, crash: server-1, restart_after: 200ms }
  - { when: { reaches: server.answered, hit: 50 }, crash: server-1, restart_after: 200ms }
  - { when: { reaches: server.answered, hit: 80 }, crash: server-1, restart_after: 200ms }
";

fn with(fault: &str) -> String {
    format!("name: x\nworkload: {{ events: 100, rate: 80/s }}\nfaults:\n  - {fault}\n")
}

#[test]
fn no_sync() {
    found_out(POWER, "no-sync", &["no_loss", "durability"], 5, 10);
}

#[test]
fn sync_in_drop() {
    found_out(POWER, "sync-in-drop", LOST, 5, 10);
}

#[test]
fn ack_then_sync() {
    found_out(CUT_AT_ANSWERS, "ack-then-sync", LOST, 8, 10);
    let lose = with("{ at: 600ms, lose_unsynced: server-1, restart_after: 200ms }");
    found_out(&lose, "ack-then-sync", LOST, 10, 10);
}

#[test]
fn rolls_back_torn_tail() {
    let torn = with("{ at: 600ms, torn_write: server-1, restart_after: 200ms }");
    // A tail is found out when the server recovers once more.
    let torn = torn + "  - { at: 1200ms, restart: server-1 }\n";
    found_out(&torn, "rolls-back-torn-tail", LOST, 10, 10);
}

#[test]
fn renames_without_sync() {
    found_out(POWER, "renames-without-sync", LOST, 3, 10);
}

#[test]
fn renames_without_dir_sync() {
    found_out(POWER, "renames-without-dir-sync", LOST, 3, 10);
}

#[test]
fn trusts_write_order() {
    let cuts: String = (1..=6)
        .map(|n| {
            let hit = 15 * n;
            format!(
                "  - {{ when: {{ reaches: server.written, hit: {hit} }}, restart: server-1 }}\n"
            )
        })
        .collect();
    let cuts = format!("name: x\nworkload: {{ events: 100, rate: 80/s }}\nfaults:\n{cuts}");
    let breaks = [LOST, &["no_phantom", "no_duplicate_append"]].concat();
    found_out(&cuts, "trusts-write-order", &breaks, 4, 10);
}

#[test]
fn flushes_in_drop() {
    let killed = with("{ at: 600ms, memory_limit: { node: server-1, bytes: 4B }, for: 200ms }");
    found_out(&killed, "flushes-in-drop", LOST, 7, 10);
    // Who is asked to stop, and does, has its destructors run.
    let stopped = with("{ at: 600ms, stop: { node: server-1, grace: 2s, down: 100ms } }");
    for run in runs(&stopped, "flushes-in-drop", 5, &[]) {
        assert_eq!(run.verdict, Verdict::Passed, "{}", explain(&run));
    }
}

#[test]
fn a_strike_is_felt_once_and_the_dead_tell_nothing() {
    for kind in ["lose_unsynced", "torn_write"] {
        let strike = with(&format!("{{ at: 600ms, {kind}: server-1, restart_after: 200ms }}"));
        for run in runs(&strike, "ack-then-sync.honest", 5, &[]) {
            assert_eq!(run.signals[&format!("{kind}_felt")], 1, "{}", explain(&run));
            // It ran on behind the strike, and passed its fault points for nobody.
            let passed = |point: &str| run.signals[&format!("server.{point}")];
            assert_eq!(passed("written"), passed("synced"), "{}", explain(&run));
        }
    }
}

#[test]
fn appends_behind_a_short_write() {
    let full = with("{ at: 500ms, disk_full: server-1, for: 200ms }");
    let full = full + "  - { at: 1100ms, restart: server-1 }\n";
    found_out(&full, "appends-behind-a-short-write", LOST, 10, 10);
}

#[test]
fn syncs_again() {
    let fails = with("{ at: 500ms, fail_sync: server-1, for: 100ms }");
    let fails = fails + "  - { at: 700ms, restart: server-1 }\n";
    found_out(&fails, "syncs-again", LOST, 3, 10);
}
