//! What passing means: it converged, publishing works, and it stayed so.

use crate::{CUT, explain, found_out, runs};

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
