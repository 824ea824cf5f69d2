//! The suite notices every known mistake, each by an invariant that it should break: a test a defect, with one scenario that
//! notices it early. `cargo test -p squall-command --test it defects::ack_before_fsync` is one of them.
//!
//! All defects in all scenarios are the business of `squall audit`, as a soak. Here a defect has its cheapest scenario,
//! seed by seed until it is noticed, in one execution each; that the scenario passes without it is shown in
//! `scenarios.rs`. Seeds are the same every time, so what is noticed by the first stays noticed by it until the system or
//! the scenario changes.

use crate::{
    common::{report, scenario},
    named, squall,
};
use squall::system::System as _;
use squall_command::ReferenceSystem;
use squall_reports::{Run, Verdict};
use std::collections::BTreeSet;

/// Seeds that a scenario has for noticing its defect. Most need one.
const SEEDS: u64 = 8;

fn is_noticed(defect: &str, scenario: &str) {
    let known = ReferenceSystem.defects().iter().find(|known| known.id == defect);
    let breaks = &known.unwrap_or_else(|| panic!("there is no defect {defect}")).breaks;
    let path = format!("scenarios/{scenario}.yaml");
    let mut last = String::new();
    for seed in 1..=SEEDS {
        // A replay is one execution; `run` makes a second one of what fails, for its diagram.
        let said = squall(&["replay", &path, "--seed", &seed.to_string(), "--defect", defect]);
        assert!(said.code < 2, "{}{}", said.out, said.err);
        let broken = said.out.lines().filter_map(|line| line.trim().strip_suffix(" violated"));
        let broken: BTreeSet<&str> = broken.map(str::trim).collect();
        if breaks.iter().any(|name| broken.contains(name)) {
            return;
        }
        last = format!("the last run broke {broken:?}:\n{}{}", said.out, said.err);
    }
    panic!("{path} does not notice {defect} by any of {breaks:?} with {SEEDS} seeds; {last}");
}

/// One test a defect: its name and its scenario.
macro_rules! defects {
    ($($defect:ident in $scenario:literal)*) => {
        $(
            #[test]
            fn $defect() {
                is_noticed(&named::case(stringify!($defect)), $scenario);
            }
        )*

        fn tested() -> BTreeSet<String> {
            [$(stringify!($defect)),*].into_iter().map(named::case).collect()
        }
    };
}

defects! {
    unclean_election in "broker/laggard-leads"
    stale_leader_acks in "broker/leader-cut-off-from-brokers"
    reads_uncommitted in "broker/power-failure"
    producer_state_forgotten in "broker/power-failure"
    commits_go_backwards in "consumer/zombie"
    fsync_retried in "resource/sync-fails-then-power"
    dir_not_synced in "broker/power-failure"
    crc_unchecked in "resource/bit-rot"
    torn_tail_kept in "resource/damaged-voter"
    enospc_is_success in "resource/disk-full-then-power"
    frames_unchecked in "network/corruption"
    dedup_evicts_early in "consumer/dies-between-effect-and-mark"
    dedup_expires_by_clock in "clock/jump"
    commit_off_by_one in "consumer/dies-before-effect"
    zombie_consumer in "consumer/rebalance-storm"
    dead_letter_lost in "message/poison-while-answers-are-lost"
    poison_blocks in "consumer/poison"
    redrive_copies in "dependency/gateway-down-for-long"
    shutdown_drops_inflight in "pattern/graceful-stop"
    unbounded_buffer in "consumer/slow"
    timeout_is_failure in "producer/held-beyond-timeout"
    sticks_to_dead_leader in "broker/rolling-restart"
    no_request_timeout in "network/majority"
    retry_hot_loop in "dependency/gateway-down"
    retry_no_jitter in "dependency/gateway-down"
    breaker_never_opens in "dependency/gateway-down"
    breaker_stuck_open in "dependency/gateway-down"
    new_key_each_attempt in "dependency/gateway-answers-late"
    timeout_means_declined in "dependency/gateway-answers-late"
    compensate_twice in "pattern/compensation-is-repeated"
    saga_state_volatile in "pattern/orchestrator-fails-over"
    degrades_payment in "load/spike-during-failover"
    projection_ignores_version in "pattern/projection-is-rebuilt"
    snapshot_ahead in "pattern/projection-is-rebuilt"
    ack_before_fsync in "broker/power-failure"
    ack_before_quorum in "broker/leader-cut-off-from-brokers"
    check_then_mark in "consumer/dies-between-effect-and-mark"
    dedup_in_memory in "consumer/dies-between-effect-and-mark"
    commit_before_apply in "consumer/dies-before-effect"
    producer_retries_blindly in "producer/acks-lost"
    promise_not_synced in "broker/votes-before-power-fails"
    recovery_forgets_promise in "resource/bit-rot"
    poison_committed_first in "consumer/poison"
    dedup_by_high_water in "dependency/gateway-down-for-long"
    rotation_ignores_failures in "pattern/out-of-rotation"
    unbounded_producer_queue in "producer/outage-beyond-patience"
    gives_up_batch in "producer/outage-beyond-patience"
    wedged_after_outage in "producer/outage-beyond-patience"
    retry_drops_key in "dependency/connections-to-the-gateway-break"
    gateway_forgets_keys in "regressions/store-torn-between-records"
    gateway_answers_unsynced in "regressions/store-torn-between-records"
    store_answers_unsynced in "regressions/store-torn-between-records"
    snapshot_in_two_files in "consumer/power-between-two-writes"
    position_before_snapshot in "consumer/power-between-two-writes"
    snapshot_while_catching_up in "consumer/dies-while-catching-up"
    replay_by_own_clock in "pattern/projection-is-rebuilt"
    replay_begins_behind in "pattern/projection-is-rebuilt"
    replay_ends_late in "pattern/projection-is-rebuilt"
}

#[test]
fn each_defect_has_its_test() {
    let known = ReferenceSystem.defects().iter().map(|known| known.id.to_owned());
    named::all_and_no_others(file!(), known.collect(), tested());
}

/// Damage that is stored is told, as something that nobody published.
#[test]
fn what_is_stored_and_was_not_published_is_noticed() {
    let (folder, path) = scenario(
        "name: publishes are damaged on the way
workload: { events: 300, rate: 200/s }
faults:
  - { at: 100ms, corrupt: { messages: 3%, on: [publish] }, for: 1300ms }
expect: [agreement]
",
    );
    let json = folder.path().join("report.json");
    let json_path = json.to_string_lossy();
    let runs = |more: &[&str]| {
        let arguments = ["run", &path, "--runs", "4", "--verify", "none", "--report", &json_path];
        squall(&[&arguments[..], more].concat());
        report(&json).scenarios.remove(0).runs
    };
    // Where the number of an event was damaged, nobody published it at all.
    let told = |run: &Run| {
        run.violations.iter().any(|violation| {
            ["agreement", "no_phantom"].contains(&violation.invariant.as_str())
                && violation.summary.contains("published")
        })
    };
    // In some runs few frames are damaged, in what is not stored or on the way to a broker that does not lead.
    let damaged = runs(&["--defect", "frames-unchecked"]);
    assert!(damaged.iter().any(told), "{damaged:?}");
    assert!(damaged.iter().all(|run| told(run) || run.verdict != Verdict::Failed), "{damaged:?}");
    // Where frames carry a checksum, nothing comes of it.
    let checked = runs(&[]);
    assert!(checked.iter().all(|run| run.verdict != Verdict::Failed), "{checked:?}");
}
