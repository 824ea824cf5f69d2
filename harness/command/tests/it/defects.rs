//! The suite notices every known mistake, each by an invariant that it should break: a test a defect, with one scenario that
//! notices it early. `cargo test -p squall-command --test it defects::ack_before_fsync` is one of them.
//!
//! All defects in all scenarios are the business of `squall audit`, as a soak. Here a defect has its cheapest scenario,
//! seed by seed from one that notices it, in one execution each; that the scenario passes without it is shown in
//! `scenarios.rs`. A seed is the same run every time: the others are for when the system or the scenario has changed.

use crate::{
    common::{report, scenario},
    named, squall,
};
use squall::system::System as _;
use squall_command::ReferenceSystem;
use squall_reports::{Run, Verdict};
use std::collections::BTreeSet;

/// Seeds that a scenario has for noticing its defect, from the first on.
const SEEDS: u64 = 8;

fn is_noticed(defect: &str, scenario: &str, first: u64) {
    let known = ReferenceSystem.defects().iter().find(|known| known.id == defect);
    let breaks = &known.unwrap_or_else(|| panic!("there is no defect {defect}")).breaks;
    let path = format!("scenarios/{scenario}.yaml");
    let mut last = String::new();
    for seed in first..first + SEEDS {
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
    panic!(
        "{path} does not notice {defect} by any of {breaks:?} with {SEEDS} seeds from {first}; {last}"
    );
}

/// One test a defect: its name, its scenario, and the seed that notices it.
macro_rules! defects {
    ($($defect:ident in $scenario:literal seed $seed:literal)*) => {
        $(
            #[test]
            fn $defect() {
                is_noticed(&named::case(stringify!($defect)), $scenario, $seed);
            }
        )*

        fn tested() -> BTreeSet<String> {
            [$(stringify!($defect)),*].into_iter().map(named::case).collect()
        }
    };
}

defects! {
    unclean_election in "broker/laggard-leads" seed 1
    stale_leader_acks in "broker/leader-cut-off-from-brokers" seed 1
    reads_uncommitted in "broker/power-failure" seed 1
    producer_state_forgotten in "broker/power-failure" seed 4
    disk_is_believed in "resource/restored-replica" seed 1
    sequence_is_sacred in "resource/restored-log" seed 1
    commits_go_backwards in "consumer/zombie" seed 1
    fsync_retried in "resource/sync-fails-then-power" seed 1
    dir_not_synced in "broker/power-failure" seed 3
    crc_unchecked in "resource/bit-rot" seed 4
    torn_tail_kept in "resource/damaged-voter" seed 1
    enospc_is_success in "resource/disk-full-then-power" seed 1
    frames_unchecked in "network/corruption" seed 1
    dedup_evicts_early in "consumer/dies-between-effect-and-mark" seed 1
    dedup_expires_by_clock in "clock/jump" seed 1
    commit_off_by_one in "consumer/dies-before-effect" seed 1
    zombie_consumer in "consumer/rebalance-storm" seed 1
    dead_letter_lost in "message/poison-while-answers-are-lost" seed 1
    poison_blocks in "consumer/poison" seed 1
    redrive_copies in "dependency/gateway-down-for-long" seed 1
    shutdown_drops_inflight in "pattern/graceful-stop" seed 1
    unbounded_buffer in "consumer/slow" seed 1
    timeout_is_failure in "producer/held-beyond-timeout" seed 1
    sticks_to_dead_leader in "broker/rolling-restart" seed 2
    no_request_timeout in "network/majority" seed 1
    retry_hot_loop in "dependency/gateway-down" seed 1
    retry_no_jitter in "dependency/gateway-down" seed 1
    breaker_never_opens in "dependency/gateway-down" seed 1
    breaker_stuck_open in "dependency/gateway-down" seed 1
    new_key_each_attempt in "dependency/gateway-answers-late" seed 1
    timeout_means_declined in "dependency/gateway-answers-late" seed 1
    compensate_twice in "pattern/compensation-is-repeated" seed 1
    saga_state_volatile in "pattern/orchestrator-fails-over" seed 1
    degrades_payment in "load/spike-during-failover" seed 1
    projection_ignores_version in "pattern/projection-is-rebuilt" seed 1
    snapshot_ahead in "pattern/projection-is-rebuilt" seed 1
    ack_before_fsync in "broker/power-failure" seed 3
    ack_before_quorum in "broker/leader-cut-off-from-brokers" seed 1
    check_then_mark in "consumer/dies-between-effect-and-mark" seed 1
    dedup_in_memory in "consumer/dies-between-effect-and-mark" seed 1
    commit_before_apply in "consumer/dies-before-effect" seed 1
    producer_retries_blindly in "producer/acks-lost" seed 1
    promise_not_synced in "broker/votes-before-power-fails" seed 2
    recovery_forgets_promise in "resource/bit-rot" seed 1
    poison_committed_first in "consumer/poison" seed 1
    dedup_by_high_water in "dependency/gateway-down-for-long" seed 1
    rotation_ignores_failures in "pattern/out-of-rotation" seed 1
    unbounded_producer_queue in "producer/outage-beyond-patience" seed 1
    gives_up_batch in "producer/outage-beyond-patience" seed 3
    wedged_after_outage in "producer/outage-beyond-patience" seed 1
    retry_drops_key in "dependency/connections-to-the-gateway-break" seed 1
    gateway_forgets_keys in "regressions/store-torn-between-records" seed 2
    gateway_answers_unsynced in "regressions/store-torn-between-records" seed 1
    store_answers_unsynced in "regressions/store-torn-between-records" seed 1
    snapshot_in_two_files in "consumer/power-between-two-writes" seed 6
    position_before_snapshot in "consumer/power-between-two-writes" seed 3
    snapshot_while_catching_up in "consumer/dies-while-catching-up" seed 1
    replay_by_own_clock in "pattern/projection-is-rebuilt" seed 2
    replay_begins_behind in "pattern/projection-is-rebuilt" seed 1
    replay_ends_late in "pattern/projection-is-rebuilt" seed 1
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
