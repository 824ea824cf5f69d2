//! Known mistakes that the system can be told to make, all off by default.

use serde::{Deserialize, Serialize};

/// A mistake: its name, what it is, who shipped it, and which invariant it should break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// As on a command line.
    pub id: &'static str,
    /// The mistake, with its precedent.
    pub about: &'static str,
    /// The invariants of which one should fall.
    pub breaks: &'static [&'static str],
}

macro_rules! defects {
    ($($id:literal $field:ident [$($breaks:literal),*] $about:literal;)*) => {
        /// Which mistakes are switched on.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Defects {
            $(#[doc = $about] pub $field: bool,)*
        }

        /// Every mistake.
        pub const KNOWN: &[Known] = &[$(
            Known { id: $id, about: $about, breaks: &[$($breaks),*] },
        )*];

        impl Defects {
            fn switch(&mut self, id: &str) -> Option<&mut bool> {
                match id {
                    $($id => Some(&mut self.$field),)*
                    _ => None,
                }
            }
        }
    };
}

defects! {
    // The broker.
    "ack-before-fsync" ack_before_fsync ["durability"]
        "the broker acknowledges before its log is synced, as NATS JetStream does by default (Jepsen, 2.12.1)";
    "ack-before-quorum" ack_before_quorum ["durability", "no_loss"]
        "the leader acknowledges alone, as Kafka does with acks=1";
    "unclean-election" unclean_election ["durability", "no_loss", "agreement"]
        "a replica behind the committed log may lead, as in Kafka before 0.11";
    "stale-leader-acks" stale_leader_acks ["durability", "no_loss", "single_leader"]
        "a leader that is cut off from its quorum acknowledges after a while, as in Redis Sentinel's split brain";
    "reads-uncommitted" reads_uncommitted ["no_dirty_read", "agreement"]
        "consumers are served above the commit point";
    "producer-state-forgotten" producer_state_forgotten ["no_duplicate_append", "agreement"]
        "a restarted broker forgets the producers' sequence numbers (KIP-360, UNKNOWN_PRODUCER_ID)";
    "commits-go-backwards" commits_go_backwards ["commit_after_apply"]
        "a late or foreign commit rewinds the group, as before generations were checked";
    "fsync-retried" fsync_retried ["no_loss", "durability", "agreement", "eventual_consistency"]
        "a failed sync is tried again and the second success believed (PostgreSQL's fsync surprise, 2018)";
    "dir-not-synced" dir_not_synced ["durability", "no_loss", "agreement"]
        "a new log file's directory entry is never synced (Pillai et al., OSDI 2014)";
    "crc-unchecked" crc_unchecked ["durability", "agreement", "no_loss", "eventual_consistency"]
        "a corrupt record of the log is served";
    "torn-tail-kept" torn_tail_kept ["agreement", "no_loss", "durability"]
        "recovery drops everything behind the first bad record, although replicas have it";
    "enospc-is-success" enospc_is_success ["no_loss", "durability", "agreement"]
        "an append that failed for want of space is acknowledged";
    "frames-unchecked" frames_unchecked ["durability", "no_phantom", "agreement", "no_loss", "no_panic"]
        "messages carry no checksum (Amazon S3's outage of 20 July 2008)";
    "promise-not-synced" promise_not_synced ["durability", "votes_kept", "agreement", "no_loss"]
        "a promise to a new leader leaves before it is on disk (etcd-io/raft: hard state must be saved before \
         messages are sent)";
    "recovery-forgets-promise" recovery_forgets_promise ["durability", "votes_kept", "agreement", "no_loss"]
        "a log that was fetched from others comes without what had been promised (Alagappan et al., FAST 2018)";
    // Consumers.
    "check-then-mark" check_then_mark ["idempotency"]
        "the consumer checks the processed ids, acts, then marks: the tutorials' idempotent consumer";
    "dedup-in-memory" dedup_in_memory ["idempotency"]
        "the processed ids do not survive the consumer's restart";
    "dedup-evicts-early" dedup_evicts_early ["idempotency"]
        "a bounded store of processed ids forgets some that can still be delivered again";
    "dedup-expires-by-clock" dedup_expires_by_clock ["idempotency", "saga_atomicity", "conserved"]
        "processed ids expire by the wall clock, which may jump";
    "commit-before-apply" commit_before_apply ["commit_after_apply", "no_loss"]
        "the offset is committed on delivery, as with Kafka's enable.auto.commit";
    "commit-off-by-one" commit_off_by_one ["commit_after_apply"]
        "the offset committed is one too far: position and last offset confused";
    "zombie-consumer" zombie_consumer ["single_owner", "idempotency"]
        "generations are not fenced after a rebalance, as in Kafka before KIP-98";
    "dead-letter-lost" dead_letter_lost ["no_loss", "dead_letters", "commit_after_apply"]
        "the offset is committed although writing to the dead-letter queue failed";
    "poison-blocks" poison_blocks ["drains"]
        "a poison event is retried for ever";
    "redrive-copies" redrive_copies ["dead_letters"]
        "redriving handles dead letters and leaves them in the queue";
    "shutdown-drops-inflight" shutdown_drops_inflight ["no_loss", "commit_after_apply", "saga_atomicity", "conserved"]
        "a graceful stop answers what is under way and does not flush it";
    "unbounded-buffer" unbounded_buffer ["bounded_memory"]
        "a consumer takes in whatever there is, with no back-pressure";
    "poison-committed-first" poison_committed_first ["commit_after_apply", "no_loss", "dead_letters"]
        "on the path of poison the offset is committed and then the dead letter written, on the others the other \
         way round";
    "dedup-by-high-water" dedup_by_high_water ["no_loss", "drains", "saga_atomicity", "converges", "conserved"]
        "the store knows what was done by the highest offset, not by the events' ids: what is redriven later \
         counts as done";
    "rotation-ignores-failures" rotation_ignores_failures ["rotation"]
        "a client goes on asking brokers that have failed it, in turn with the others: no health checks, as with \
         round-robin DNS";
    // Producers.
    "producer-retries-blindly" producer_retries_blindly ["no_duplicate_append"]
        "a retry carries a fresh sequence number, as Kafka's without enable.idempotence";
    "timeout-is-failure" timeout_is_failure ["no_phantom"]
        "a publish that timed out is reported as failed, though it may be in the log";
    "sticks-to-dead-leader" sticks_to_dead_leader ["recovers_within", "no_loss", "drains", "available"]
        "clients never look the leader up again";
    "no-request-timeout" no_request_timeout ["drains", "recovers_within", "no_loss", "saga_atomicity", "conserved", "available"]
        "a client waits for ever for an answer that got lost (before KIP-19)";
    "unbounded-producer-queue" unbounded_producer_queue ["bounded_memory"]
        "a producer takes in whatever it is given while brokers are away (librdkafka with its queue limits lifted)";
    "gives-up-batch" gives_up_batch ["progress", "converges"]
        "a batch is given up after some attempts and its sequence numbers are not taken back: all that follows is \
         out of sequence, for ever (Kafka's OutOfOrderSequenceException before KIP-360)";
    "wedged-after-outage" wedged_after_outage ["progress", "converges", "drains", "recovers_within"]
        "a producer whose attempts are spent stops asking and never begins again, like a client in a fatal state \
         that nobody replaces";
    // The gateway, retries, breakers.
    "retry-hot-loop" retry_hot_loop ["retry_policy"]
        "retries without backoff";
    "retry-no-jitter" retry_no_jitter ["retry_policy"]
        "backoff without jitter: clients retry in step";
    "breaker-never-opens" breaker_never_opens ["breaker"]
        "failures are counted for each call object, so that the threshold is never met";
    "breaker-stuck-open" breaker_stuck_open ["recovers_within", "drains", "saga_atomicity", "conserved"]
        "half-open probes are never let through";
    "new-key-each-attempt" new_key_each_attempt ["saga_atomicity", "conserved"]
        "each attempt at a payment carries a fresh idempotency key: the customer pays twice";
    "timeout-means-declined" timeout_means_declined ["saga_atomicity", "conserved"]
        "a payment that timed out is taken for declined, though the money is gone";
    "retry-drops-key" retry_drops_key ["saga_atomicity", "conserved"]
        "a payment that is repeated on a new connection carries a fresh idempotency key: the key was the \
         connection's, not the payment's";
    "gateway-forgets-keys" gateway_forgets_keys ["saga_atomicity", "eventual_consistency", "conserved"]
        "the gateway keeps its idempotency keys in a cache that a restart empties";
    "gateway-answers-unsynced" gateway_answers_unsynced ["saga_atomicity", "eventual_consistency", "durability", "conserved"]
        "the gateway answers before its ledger is synced";
    "store-answers-unsynced" store_answers_unsynced ["eventual_consistency", "saga_atomicity", "no_loss", "durability", "conserved"]
        "the store answers before its journal is synced (MySQL with innodb_flush_log_at_trx_commit=2)";
    // Sagas and projections.
    "compensate-twice" compensate_twice ["saga_atomicity", "conserved"]
        "compensation is not idempotent";
    "saga-state-volatile" saga_state_volatile ["saga_atomicity", "conserved"]
        "the orchestrator forgets its running sagas in a crash";
    "degrades-payment" degrades_payment ["saga_atomicity", "conserved"]
        "under load payments are skipped as loyalty points are";
    "projection-ignores-version" projection_ignores_version ["eventual_consistency"]
        "a late event overwrites a newer state in the projection";
    "snapshot-ahead" snapshot_ahead ["eventual_consistency"]
        "a snapshot claims a position that its state has not reached";
    "snapshot-in-two-files" snapshot_in_two_files ["eventual_consistency"]
        "a snapshot and its position stand in two files, the state first: what came between is taken in twice \
         (Kafka Streams' checkpoints, without exactly-once)";
    "position-before-snapshot" position_before_snapshot ["eventual_consistency"]
        "a snapshot and its position stand in two files, the position first: what came between is never taken in";
    "snapshot-while-catching-up" snapshot_while_catching_up ["eventual_consistency"]
        "a snapshot is taken while what was missed is still being read, and claims all of it";
    "replay-by-own-clock" replay_by_own_clock ["eventual_consistency"]
        "what is replayed from a time begins at what the reader's clock said, not at a time of the log";
    "replay-begins-behind" replay_begins_behind ["eventual_consistency"]
        "a replay begins one too far: the last offset that was read and the next one to read confused";
    "replay-ends-late" replay_ends_late ["eventual_consistency"]
        "where the replay ends and following begins, one event belongs to both";
}

impl Defects {
    /// Switches on the mistakes of these names.
    ///
    /// # Errors
    /// The first name that is not known.
    pub fn parse<'a>(ids: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut defects = Self::default();
        for id in ids {
            *defects.switch(id).ok_or_else(|| format!("unknown defect `{id}`"))? = true;
        }
        Ok(defects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_defect_has_a_switch() {
        for known in KNOWN {
            let defects = Defects::parse([known.id]).unwrap();
            assert_ne!(defects, Defects::default(), "{}", known.id);
        }
        assert!(Defects::parse(["no-such"]).is_err());
    }
}
