//! Every cheat is found out, and its honest twin passes, under the same scenario and seeds.
//!
//! One test a lie: `cargo test -p squall-cheats no_sync`.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

use squall_reports::{Run, Verdict};
use std::process::Command;

/// Runs of one cheat, or of its twin, under a scenario.
fn runs(scenario: &str, defect: &str, count: u32, more: &[&str]) -> Vec<Run> {
    let folder = tempfile::tempdir().unwrap();
    let (yaml, json) = (folder.path().join("scenario.yaml"), folder.path().join("report.json"));
    std::fs::write(&yaml, scenario).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cheats"))
        .arg("run")
        .arg(&yaml)
        .args(["--runs", &count.to_string(), "--defect", defect, "--no-progress", "--report"])
        .arg(&json)
        .args(more)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some_and(|code| code < 2), "{said}");
    let mut report = squall_reports::read(&json).unwrap();
    assert_eq!(report.scenarios.len(), 1, "{said}");
    report.scenarios.remove(0).runs
}

fn explain(run: &Run) -> String {
    format!(
        "seed {}: {} {:?} {:?} {:?}",
        run.seed, run.verdict, run.reason, run.violations, run.signals
    )
}

/// The liar fails in at least `caught` of `count` runs, each failure by one of `breaks` first; the twin passes all.
fn found_out(scenario: &str, id: &str, breaks: &[&str], caught: usize, count: u32) {
    let liar = runs(scenario, id, count, &[]);
    let failed: Vec<&Run> = liar.iter().filter(|run| run.verdict == Verdict::Failed).collect();
    let told: Vec<String> = liar.iter().map(explain).collect();
    assert!(
        failed.len() >= caught,
        "{id}: {} of {count} runs failed:\n{}",
        failed.len(),
        told.join("\n")
    );
    for run in failed {
        let by_name = run.violations.iter().any(|v| breaks.contains(&v.invariant.as_str()));
        assert!(by_name, "{id}: {}", explain(run));
    }
    honest(scenario, id, count);
}

/// The twin passes all runs.
fn honest(scenario: &str, id: &str, count: u32) {
    for run in runs(scenario, &format!("{id}.honest"), count, &[]) {
        assert_eq!(run.verdict, Verdict::Passed, "{id}.honest: {}", explain(&run));
    }
}

const POWER: &str = "
name: power
workload: { events: 100, rate: 80/s }
faults:
  - { at: 600ms, crash: server-1, restart_after: 200ms }
";

const CUT: &str = "
name: cut
workload: { events: 100, rate: 80/s }
faults:
  - { at: 600ms, partition: { isolate: server-1 }, for: 500ms }
";

#[test]
fn no_sync() {
    found_out(POWER, "no-sync", &["no_loss", "durability"], 5, 10);
}

// What passing means: it converged, publishing works, and it stayed so (A2, A5, A11).

#[test]
fn a_client_that_gives_up() {
    found_out(CUT, "gives-up", &["progress"], 3, 3);
}

#[test]
fn a_client_that_hangs() {
    found_out(CUT, "hangs", &["progress"], 3, 3);
}

#[test]
fn a_node_that_tells_nobody_its_state() {
    found_out(CUT, "silent", &["converges"], 2, 2);
}

/// Eight seconds are longer than most runs are watched: every tenth, the first included, is watched for ten.
#[test]
fn an_effect_that_comes_again_later() {
    found_out(CUT, "repeats-later", &["idempotency"], 1, 5);
    let watched = CUT.replace("faults:", "settle: 9s\nfaults:");
    found_out(&watched, "repeats-later", &["idempotency"], 3, 3);
}

/// The client is stopped for three seconds: what was due then came late, however fast it went once it ran again.
#[test]
fn latency_counts_from_when_a_publish_was_due() {
    let scenario = "
name: stopped
workload: { events: 800, rate: 200/s }
faults:
  - { at: 500ms, pause: client-1, for: 3s }
expect:
  - latency: { p50: 500ms }
";
    for run in runs(scenario, "no-sync.honest", 2, &[]) {
        let broken: Vec<&str> = run.violations.iter().map(|v| v.invariant.as_str()).collect();
        assert_eq!(broken, ["latency"], "{}", explain(&run));
        let p50 = run.latency.as_ref().map_or(0, |latency| latency.p50_us);
        assert!(p50 > 500_000, "{p50}");
    }
}

// Leaks: what reaches a run from outside, what a run leaves behind.

const CALM: &str = "
name: calm
workload: { events: 40, rate: 80/s }
faults:
  - { at: 100ms, latency: { delay: 20ms..30ms }, for: 200ms }
";

/// All runs pass, verified, with the same histories whatever the processes.
fn stable(id: &str) {
    let all = ["--verify", "all", "--jobs"];
    let one = runs(CALM, id, 4, &[&all[..], &["1"]].concat());
    let three = runs(CALM, id, 4, &[&all[..], &["3"]].concat());
    for (one, three) in one.iter().zip(&three) {
        assert_eq!(one.verdict, Verdict::Passed, "{id}: {}", explain(one));
        assert!(one.verified);
        assert_eq!(one.hash, three.hash, "{id}: seed {}", one.seed);
    }
}

#[test]
fn leaks_through_a_static() {
    let id = "leaks-through-a-static";
    for jobs in ["1", "2"] {
        for run in runs(CALM, id, 6, &["--verify", "all", "--jobs", jobs]) {
            assert_eq!(run.verdict, Verdict::Unstable, "{}", explain(&run));
            let reason = run.reason.unwrap_or_default();
            assert!(reason.contains("suspects: what outlives a run (a `static`"), "{reason}");
        }
    }
    for run in runs(CALM, id, 21, &["--verify", "sample", "--jobs", "1"]) {
        let verdict = if run.seed % 10 == 1 { Verdict::Unstable } else { Verdict::Passed };
        assert_eq!(run.verdict, verdict, "{}", explain(&run));
    }
    stable("leaks-through-a-static.honest");
}

#[test]
fn hash_order() {
    for run in runs(CALM, "hash-order", 4, &["--verify", "all"]) {
        assert_eq!(run.verdict, Verdict::Unstable, "{}", explain(&run));
        let reason = run.reason.unwrap_or_default();
        assert!(reason.contains("suspects: the order of a HashMap"), "{reason}");
    }
    stable("hash-order.honest");
}

#[test]
fn prints() {
    let start = std::time::Instant::now();
    stable("prints");
    stable("prints.honest");
    assert!(start.elapsed().as_secs() < 20);
}

/// The liar is told what it did past the simulation; the twin passes.
fn escapes(id: &str, told: &[&str]) {
    for run in runs(CALM, id, 2, &[]) {
        let reason = run.reason.clone().unwrap_or_default();
        assert_eq!(run.verdict, Verdict::Errored, "{id}: {}", explain(&run));
        assert!(reason.starts_with("escaped: server-1 called "), "{id}: {reason}");
        for told in told {
            assert!(reason.contains(told), "{id}: {told} is not in: {reason}");
        }
        // The crate is told only where the compiler has left its name.
        let place = format!("lies::{}", id.replace('-', "_"));
        assert!(reason.contains(&place), "{id}: {reason}");
    }
    honest(CALM, id, 2);
}

#[test]
fn writes_to_the_real_disk() {
    let told = ["std::fs::write", "openat /tmp/squall-cheats-copy", "use squall_probe::fs"];
    escapes("writes-to-the-real-disk", &told);
    let path = std::path::Path::new("/tmp/squall-cheats-copy");
    assert!(!path.exists());
    let allowed = format!("{CALM}allow: [write {}]\n", path.display());
    for run in runs(&allowed, "writes-to-the-real-disk", 2, &["--verify", "all"]) {
        assert_eq!(run.verdict, Verdict::Passed, "{}", explain(&run));
    }
    assert_eq!(std::fs::read(path).unwrap().len(), 8);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn uses_tokio_fs() {
    escapes("uses-tokio-fs", &["tokio::fs::", "use squall_probe::fs"]);
}

#[test]
fn blocks_elsewhere() {
    escapes("blocks-elsewhere", &["spawn_blocking", "a thread", "squall_probe::fs"]);
}

#[test]
fn opens_a_real_socket() {
    escapes("opens-a-real-socket", &["std::net::tcp::", "bind", "socket", "use squall_probe::net"]);
}

#[test]
fn asks_the_real_dns() {
    escapes("asks-the-real-dns", &["lookup_host", "DNS", "use squall_probe::net"]);
}

#[test]
fn starts_a_thread() {
    escapes("starts-a-thread", &["std::thread::", "use squall_probe::task::spawn"]);
    let allowed = format!("{CALM}allow: [threads]\n");
    for run in runs(&allowed, "starts-a-thread", 2, &[]) {
        assert_eq!(run.verdict, Verdict::Passed, "{}", explain(&run));
    }
}

#[test]
fn starts_a_process() {
    escapes("starts-a-process", &["std::process::", "start nothing"]);
}

#[test]
fn sleeps_the_thread() {
    escapes("sleeps-the-thread", &["std::thread::", "sleep", "use tokio::time::sleep"]);
}

#[test]
fn waits_for_the_real_clock() {
    escapes("waits-for-the-real-clock", &["std::sync::mpsc"]);
}

#[test]
fn reads_the_real_clock() {
    escapes("reads-the-real-clock", &["std::time::SystemTime::now", "use squall_probe::clock"]);
    // Allowed, it is virtual time, and a function of the run.
    let allowed = format!("{CALM}allow: [clock]\n");
    for run in runs(&allowed, "reads-the-real-clock", 3, &["--verify", "all"]) {
        assert_eq!(run.verdict, Verdict::Passed, "{}", explain(&run));
        assert!(run.verified);
    }
}

#[test]
fn measures_real_time() {
    escapes("measures-real-time", &["std::time::Instant::now", "tokio::time::Instant"]);
}

// What happens to messages: copies, order, resets (A4, section 3).

fn messages(fault: &str) -> String {
    format!(
        "name: messages\nworkload: {{ events: 200, rate: 100/s }}\nfaults:\n  - {{ {fault} }}\n"
    )
}

#[test]
fn a_copy_that_comes_after_it_is_forgotten() {
    let late = messages("at: 300ms, duplicate: { messages: 30%, on: send, by: 6s }, for: 1s");
    found_out(&late, "forgets-copies", &["idempotency", "no_duplicate_append"], 3, 3);
    // Sooner it is known again: the lie needs a run that waits for what was injected.
    let soon = messages("at: 300ms, duplicate: { messages: 30%, on: send, by: 1s }, for: 1s");
    for run in runs(&soon, "forgets-copies", 3, &[]) {
        assert_eq!(run.verdict, Verdict::Passed, "{}", explain(&run));
    }
}

#[test]
fn messages_that_overtake_each_other() {
    let scenario =
        messages("at: 300ms, reorder: { messages: 20%, on: send, by: 30ms..80ms }, for: 1s");
    // Order is promised for each key: of few keys neighbours have the same.
    let scenario = scenario.replace("rate: 100/s", "rate: 100/s, keys: 4");
    found_out(&scenario, "takes-gaps", &["order"], 3, 3);
}

#[test]
fn what_was_read_and_answered_for_when_the_connection_was_reset() {
    let scenario = messages("every: 130ms, reset: { isolate: server-1 }");
    found_out(&scenario, "answers-first", &["no_loss"], 3, 3);
    found_out(&scenario, "reset-is-failure", &["no_phantom"], 3, 3);
}

// Panics: whose business they are (B1).

/// A panic that nobody handles fails the run; one that is handled is told, and judged by what follows.
fn panics_handled(id: &str) {
    found_out(CALM, id, &["no_panic"], 3, 3);
    for run in runs(CALM, &format!("{id}.honest"), 2, &["--verify", "all"]) {
        let told = run.signals.get("panic_handled").is_some_and(|count| *count > 0);
        assert!(told, "{}", explain(&run));
    }
}

#[test]
fn panics() {
    panics_handled("panics");
}

#[test]
fn panics_in_a_call() {
    panics_handled("panics-in-a-call");
}

// Power and disks (A6, A7, A8, A12, A19).

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

// What was named under `expect` and judged nothing (A14).

#[test]
fn what_judges_nothing_proves_nothing() {
    let named = |name: &str| {
        format!(
            "name: named\nworkload: {{ events: 60, rate: 100/s, poison: 10% }}\nexpect: [no_loss, {name}]\n"
        )
    };
    for (name, because) in [
        ("retry_policy", "the system does not promise it (Promises::retries)"),
        ("dead_letters", "the system does not promise it (Promises::dead_letters)"),
        ("no_skip", "no Deliver was recorded"),
        ("conserved", "it judges each sum that a node tells at the end"),
    ] {
        for run in runs(&named(name), "no-sync.honest", 1, &[]) {
            assert_eq!(run.verdict, Verdict::Vacuous, "{}", explain(&run));
            let reason = run.reason.clone().unwrap_or_default();
            let said = format!("{name} was named under expect and judged nothing: {because}");
            assert!(reason.contains(&said), "{}", explain(&run));
            assert_eq!(run.judged.get(name), Some(&0), "{:?}", run.judged);
            assert!(
                run.judged.get("no_loss").is_some_and(|facts| *facts >= 60),
                "{:?}",
                run.judged
            );
        }
    }
    for run in runs(&named("idempotency"), "no-sync.honest", 1, &[]) {
        assert_eq!(run.verdict, Verdict::Passed, "{}", explain(&run));
    }
}
