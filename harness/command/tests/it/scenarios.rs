//! Each scenario of the library passes, with its first seed. `cargo test -p squall-command --test it
//! scenarios::broker::crash_loop` is one of them. More seeds are the business of the pipeline's soak.

use crate::{common::ROOT, named, squall};
use std::{collections::BTreeSet, fs, path::Path};

fn passes(folder: &str, file: &str) {
    let path = format!("scenarios/{folder}/{}.yaml", named::case(file));
    let said = squall(&["run", &path, "--runs", "1", "--verify", "none", "--no-progress"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

/// One test a file of `scenarios/`, by folder.
macro_rules! scenarios {
    ($($folder:ident { $($file:ident)* })*) => {
        $(
            mod $folder {
                $(
                    #[test]
                    fn $file() {
                        super::passes(stringify!($folder), stringify!($file));
                    }
                )*
            }
        )*

        fn tested() -> BTreeSet<String> {
            let names = [$($(concat!(stringify!($folder), "/", stringify!($file))),*),*];
            names.into_iter().map(named::case).collect()
        }
    };
}

scenarios! {
    producer {
        acks_lost
        crash_loop
        held_beyond_timeout
        late_and_old
        outage_beyond_patience
        producer_dies
        stopped_politely
    }
    broker {
        crash_loop
        killed_processes
        laggard_leads
        leader_cut_off_from_brokers
        leader_dies_between_append_and_ack
        leader_dies_while_partition_heals
        long_absence
        pause
        power_failure
        rolling_restart
        slow_node
        votes_before_power_fails
        zone
    }
    consumer {
        die_while_redriving
        dies_before_effect
        dies_between_effect_and_mark
        dies_while_catching_up
        poison
        power_between_two_writes
        rebalance_storm
        redelivered_during_an_outage
        slow
        the_last_step
        zombie
    }
    network {
        bridge_and_ring
        clogged
        corruption
        flapping
        halves
        heavy_tail
        majority
        messages_to_databases
        one_way
        slow_and_out_of_order
        storm_of_reconnects
    }
    message {
        poison_while_answers_are_lost
        undecodable_burst
    }
    resource {
        bit_rot
        connections_and_memory
        damaged_voter
        disk_full
        disk_full_then_power
        failing_sync
        io_errors
        lying_power
        power_under_light_load
        publishers_are_held_back
        restored_log
        restored_majority
        restored_minority
        restored_replica
        slow_disk
        storage_array
        sync_fails_then_power
        wiped
        wiped_voter
    }
    clock {
        every_clock_is_wrong
        jump
        jump_while_gateway_is_down
        set_back_after_a_member_died
        skew
    }
    dependency {
        connections_to_the_gateway_break
        every_server_is_one
        gateway_answers_late
        gateway_down
        gateway_down_for_long
        gateway_fails_and_is_slow
    }
    load {
        noisy_neighbours
        ramp_on_a_starved_store
        spike_during_failover
    }
    pattern {
        compensation_is_repeated
        everything_is_deployed
        graceful_stop
        orchestrator_fails_over
        out_of_rotation
        projection_is_rebuilt
        snapshot_rots
    }
    disaster {
        backup_drill
        drill
        monkey
    }
    incidents {
        aws_kinesis_2020_11_25
        aws_s3_2008_07_20
        aws_s3_2017_02_28
        cloudflare_2020_11_02
        facebook_2021_10_04
        github_2018_10_21
        gitlab_2017_01_31
        google_cloud_2019_06_02
        joyent_2014_05_27
        leap_second_2012_06_30
        nats_jepsen_2025
        roblox_2021_10_28
        slack_2021_01_04
        stripe_2019_07_10
    }
    regressions {
        batch_given_up_after_restore
        breaker_that_nobody_closes
        dead_letter_comes_late
        dead_letter_redelivered
        given_up_out_of_order
        last_word_on_an_old_connection
        loyalty_decides_twice
        old_promises_told
        snapshot_before_power_failure
        stopped_before_it_asked
        store_torn_between_records
        sync_of_an_older_promise
        vote_under_way_when_a_disk_goes_back
        waiting_for_room
    }
}

#[test]
fn each_file_has_its_test() {
    let mut files = BTreeSet::new();
    for folder in fs::read_dir(Path::new(ROOT).join("scenarios")).unwrap() {
        let folder = folder.unwrap().path();
        for file in fs::read_dir(&folder).into_iter().flatten() {
            let file = file.unwrap().path();
            if file.is_dir() {
                // Those of brokers: brokers.rs.
                continue;
            }
            let (folder, name) = (folder.file_name().unwrap(), file.file_stem().unwrap());
            files.insert(format!("{}/{}", folder.display(), name.display()));
        }
    }
    named::all_and_no_others(file!(), files, tested());
}
