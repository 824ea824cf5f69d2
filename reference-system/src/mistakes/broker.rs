//! Mistakes that brokers can make.

use super::known::{Known, every_client};
use crate::{
    broker::{
        log::{Change, SharedLog},
        pending::Pending,
        state::{State, group::Commit},
    },
    policies::Policies,
    wire::{
        Checksums,
        broker::BrokerReply,
        events::{Place, PlacedEvent},
        log::{Command, Entry},
    },
};
use omnipaxos::{
    ballot_leader_election::Ballot,
    messages::{
        Message,
        sequence_paxos::{PaxosMessage, PaxosMsg},
    },
};
use std::{collections::BTreeMap, time::Duration};

pub(super) const KNOWN: &[Known] = &[
    Known {
        id: "ack-before-fsync",
        about: "the broker acknowledges before its log is synced, as NATS JetStream does by default (Jepsen, 2.12.1)",
        breaks: &["durability"],
        make: |p| p.broker.must_be_synced = |_| false,
    },
    Known {
        id: "ack-before-quorum",
        about: "the leader acknowledges alone, as Kafka does with acks=1",
        breaks: &["durability", "no_loss"],
        make: |p| p.broker.answered_undecided = acknowledge_at_once,
    },
    Known {
        id: "unclean-election",
        about: "a replica behind the committed log may lead, as in Kafka before 0.11",
        breaks: &["durability", "no_loss", "agreement"],
        make: |p| p.broker.overheard = ignore_what_followers_have,
    },
    Known {
        id: "stale-leader-acks",
        about: "a leader that is cut off from its quorum acknowledges after a while, as in Redis Sentinel's split brain",
        breaks: &["durability", "no_loss", "single_leader"],
        make: |p| p.broker.answered_undecided = acknowledge_after_a_while,
    },
    Known {
        id: "reads-uncommitted",
        about: "consumers are served above the commit point",
        breaks: &["no_dirty_read", "agreement"],
        make: |p| p.broker.beyond_commit = read_uncommitted,
    },
    Known {
        id: "disk-is-believed",
        about: "a broker that starts again believes its disk, also one that has gone back in time, and forgets what it has \
         promised and accepted since",
        breaks: &[
            "single_leader",
            "agreement",
            "commit_after_apply",
            "order",
            "durability",
            "no_loss",
        ],
        make: |p| p.broker.asks_how_far = false,
    },
    Known {
        id: "producer-state-forgotten",
        about: "a restarted broker forgets the producers' sequence numbers (KIP-360, UNKNOWN_PRODUCER_ID)",
        breaks: &["no_duplicate_append", "agreement"],
        make: |p| p.broker.forgotten = State::forget_producers,
    },
    Known {
        id: "commits-go-backwards",
        about: "a late or foreign commit rewinds the group, as before generations were checked",
        breaks: &["commit_after_apply"],
        make: |p| p.broker.groups.commit = |_, _, _, _| Commit::Moves,
    },
    Known {
        id: "fsync-retried",
        about: "a failed sync is tried again and the second success believed (PostgreSQL's fsync surprise, 2018)",
        breaks: &["no_loss", "durability", "agreement", "eventual_consistency"],
        make: |p| p.broker.care.fsync_retried = true,
    },
    Known {
        id: "dir-not-synced",
        about: "a new log file's directory entry is never synced (Pillai et al., OSDI 2014)",
        breaks: &["durability", "no_loss", "agreement"],
        make: |p| p.broker.care.dir_not_synced = true,
    },
    Known {
        id: "crc-unchecked",
        about: "a corrupt record of the log is served",
        breaks: &["durability", "agreement", "no_loss", "eventual_consistency"],
        make: |p| p.broker.care.crc_unchecked = true,
    },
    Known {
        id: "torn-tail-kept",
        about: "recovery drops everything behind the first bad record, although replicas have it",
        breaks: &["agreement", "no_loss", "durability"],
        make: |p| p.broker.care.torn_tail_kept = true,
    },
    Known {
        id: "enospc-is-success",
        about: "an append that failed for want of space is acknowledged",
        breaks: &["no_loss", "durability", "agreement"],
        make: |p| p.broker.care.enospc_is_success = true,
    },
    Known {
        id: "frames-unchecked",
        about: "messages carry no checksum (Amazon S3's outage of 20 July 2008)",
        breaks: &["durability", "no_phantom", "agreement", "no_loss", "no_panic"],
        make: |p| ignore_checksums(p),
    },
    Known {
        id: "promise-not-synced",
        about: "a promise to a new leader leaves before it is on disk, and a broker that starts again does not ask the others for \
         theirs (etcd-io/raft: hard state must be saved before messages are sent)",
        breaks: &["durability", "votes_kept", "agreement", "no_loss"],
        make: |p| {
            p.broker.must_be_synced = sync_all_but_promises;
            p.broker.asks_promises = false;
        },
    },
    Known {
        id: "recovery-forgets-promise",
        about: "a log that was fetched from others comes without what had been promised (Alagappan et al., FAST 2018)",
        breaks: &["durability", "votes_kept", "agreement", "no_loss"],
        make: |p| p.broker.recovered_promise = |_| None,
    },
];

/// Nobody looks at the checksums of messages.
fn ignore_checksums(policies: &mut Policies) {
    every_client(policies, |client| client.checksums = Checksums::Ignored);
    policies.broker.checksums = Checksums::Ignored;
    policies.store.checksums = Checksums::Ignored;
    policies.gateway.checksums = Checksums::Ignored;
}

/// Promises may leave before they are on disk. (Before a promise omnipaxos appends what it has gathered, which is
/// nothing.)
fn sync_all_but_promises(change: &Change) -> bool {
    match change {
        Change::Decided(_) | Change::Promise(_) | Change::Heard(..) | Change::Old => false,
        Change::Entries(_, entries) => !entries.is_empty(),
        Change::Accepted(_) => true,
    }
}

/// The leader acknowledges alone.
fn acknowledge_at_once(pending: &mut Pending) {
    acknowledge(pending, Duration::ZERO);
}

/// Whoever has led for long enough believes that it still does.
fn acknowledge_after_a_while(pending: &mut Pending) {
    acknowledge(pending, Duration::from_millis(250));
}

fn acknowledge(pending: &mut Pending, after: Duration) {
    for caller in pending.take_publishes(after) {
        caller.answer("publish_ack", BrokerReply::Published(Vec::new()));
    }
}

/// A new leader does not hear what its followers have that it lacks.
fn ignore_what_followers_have(message: &mut Message<Entry>) {
    if let Message::SequencePaxos(PaxosMessage { msg: PaxosMsg::Promise(promise), .. }) = message {
        promise.n_accepted = Ballot::default();
        promise.accepted_idx = 0;
        promise.decided_idx = 0;
        promise.log_sync = None;
    }
}

/// Consumers are given events that are in the leader's log and not committed, at the places that they would have.
fn read_uncommitted(
    state: &State,
    log: &SharedLog,
    applied: usize,
    positions: &[Place],
) -> Vec<PlacedEvent> {
    let mut ends: BTreeMap<u32, u64> =
        (0..).zip(&state.partitions).map(|(partition, log)| (partition, log.end())).collect();
    let wanted: BTreeMap<u32, u64> = positions.iter().copied().collect();
    let mut events = Vec::new();
    for entry in log.lock().slice(applied, usize::MAX) {
        let Command::Publish { batches, .. } = &entry.0.command else { continue };
        for batch in batches {
            for event in &batch.events {
                let end = ends.entry(batch.partition).or_default();
                if wanted.get(&batch.partition).is_some_and(|from| from <= end) {
                    events.push((batch.partition, *end, event.clone()));
                }
                *end += 1;
            }
        }
    }
    events
}
