//! What a system does past the simulation.

use crate::{CALM, explain, honest, runs};
use squall_reports::Verdict;

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
