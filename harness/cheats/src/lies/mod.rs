//! The lies: one file each, and one line in [`ALL`].

mod aborts;
mod ack_then_sync;
mod answers_first;
mod appends_behind_a_short_write;
mod asks_the_real_dns;
mod blocks_elsewhere;
mod flushes_in_drop;
mod forgets_copies;
mod gives_up;
mod hangs;
mod hash_order;
mod hoards;
mod leaks_through_a_static;
mod measures_real_time;
mod never_answers;
mod no_sync;
mod opens_a_real_socket;
mod overflows;
mod panics;
mod panics_in_a_call;
mod prints;
mod reads_the_real_clock;
mod renames_without_dir_sync;
mod renames_without_sync;
mod repeats_later;
mod reset_is_failure;
mod rolls_back_torn_tail;
mod silent;
mod sleeps_the_thread;
mod snapshots;
mod spins;
mod starts_a_process;
mod starts_a_thread;
mod sync_in_drop;
mod syncs_again;
mod takes_gaps;
mod trusts_datagrams;
mod trusts_write_order;
mod uses_tokio_fs;
mod waits_for_the_real_clock;
mod writes_to_the_real_disk;

use crate::cheat::Cheat;

/// Every cheat.
pub const ALL: &[Cheat] = &[
    no_sync::CHEAT,
    gives_up::CHEAT,
    hangs::CHEAT,
    repeats_later::CHEAT,
    silent::CHEAT,
    leaks_through_a_static::CHEAT,
    hash_order::CHEAT,
    prints::CHEAT,
    spins::CHEAT,
    overflows::CHEAT,
    aborts::CHEAT,
    hoards::CHEAT,
    never_answers::CHEAT,
    panics::CHEAT,
    panics_in_a_call::CHEAT,
    asks_the_real_dns::CHEAT,
    blocks_elsewhere::CHEAT,
    measures_real_time::CHEAT,
    opens_a_real_socket::CHEAT,
    reads_the_real_clock::CHEAT,
    sleeps_the_thread::CHEAT,
    starts_a_process::CHEAT,
    starts_a_thread::CHEAT,
    uses_tokio_fs::CHEAT,
    waits_for_the_real_clock::CHEAT,
    writes_to_the_real_disk::CHEAT,
    forgets_copies::CHEAT,
    takes_gaps::CHEAT,
    answers_first::CHEAT,
    reset_is_failure::CHEAT,
    trusts_datagrams::CHEAT,
    sync_in_drop::CHEAT,
    ack_then_sync::CHEAT,
    rolls_back_torn_tail::CHEAT,
    renames_without_sync::CHEAT,
    renames_without_dir_sync::CHEAT,
    trusts_write_order::CHEAT,
    flushes_in_drop::CHEAT,
    appends_behind_a_short_write::CHEAT,
    syncs_again::CHEAT,
];
