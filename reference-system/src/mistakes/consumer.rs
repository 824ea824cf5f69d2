//! Mistakes that consumers and the store can make about offsets, repetitions and dead letters.

use super::{
    known::{Known, every_client},
    landing, marks, stopping,
};
use crate::{
    consumer::membership::Stage,
    wire::{broker::BrokerReply, groups::Reason},
};

pub(super) const KNOWN: &[Known] = &[
    Known {
        id: "check-then-mark",
        about: "the consumer checks the processed ids, acts, then marks: the tutorials' idempotent consumer",
        breaks: &["idempotency"],
        make: |p| p.consumer.member.landing = || Box::new(landing::CheckThenMark),
    },
    Known {
        id: "dedup-in-memory",
        about: "the processed ids do not survive the consumer's restart",
        breaks: &["idempotency"],
        make: |p| p.consumer.member.landing = || Box::<landing::InMemory>::default(),
    },
    Known {
        id: "dedup-evicts-early",
        about: "a bounded store of processed ids forgets some that can still be delivered again",
        breaks: &["idempotency"],
        make: |p| p.store.marks = marks::Forgetful::by_number,
    },
    Known {
        id: "dedup-expires-by-clock",
        about: "processed ids expire by the wall clock, which may jump",
        breaks: &["idempotency", "saga_atomicity", "conserved"],
        make: |p| p.store.marks = marks::Forgetful::by_age,
    },
    Known {
        id: "commit-before-apply",
        about: "the offset is committed on delivery, as with Kafka's enable.auto.commit",
        breaks: &["commit_after_apply", "no_loss"],
        make: |p| {
            p.consumer.member.commits_at = |at| matches!(at, Stage::Delivered | Stage::Applied);
        },
    },
    Known {
        id: "commit-off-by-one",
        about: "the offset committed is one too far: position and last offset confused",
        breaks: &["commit_after_apply"],
        make: |p| p.consumer.member.offset_to_commit = |next| next + 1,
    },
    Known {
        id: "zombie-consumer",
        about: "generations are not fenced after a rebalance, as in Kafka before KIP-98",
        breaks: &["single_owner", "idempotency"],
        make: |p| {
            p.store.may_own = |_, _, _| true;
            p.store.may_act = |_, _, _| true;
        },
    },
    Known {
        id: "dead-letter-lost",
        about: "the offset is committed although writing to the dead-letter queue failed",
        breaks: &["no_loss", "dead_letters", "commit_after_apply"],
        make: |p| {
            p.consumer.member.is_safe = |answer| !matches!(answer, Ok(BrokerReply::Rebalanced));
        },
    },
    Known {
        id: "poison-blocks",
        about: "a poison event is retried for ever",
        breaks: &["drains"],
        make: |p| p.consumer.member.gives_up = |reason| reason != Reason::Poison,
    },
    Known {
        id: "redrive-copies",
        about: "redriving handles dead letters and leaves them in the queue",
        breaks: &["dead_letters"],
        make: |p| p.broker.groups.take_out = |_, _| false,
    },
    Known {
        id: "shutdown-drops-inflight",
        about: "a graceful stop answers what is under way and does not flush it",
        breaks: &["no_loss", "commit_after_apply", "saga_atomicity", "conserved"],
        make: |p| p.store.stopping = stopping::answer_and_forget,
    },
    Known {
        id: "unbounded-buffer",
        about: "a consumer takes in whatever there is, with no back-pressure",
        breaks: &["bounded_memory"],
        make: |p| p.consumer.member.in_flight = u32::MAX,
    },
    Known {
        id: "poison-committed-first",
        about: "on the path of poison the offset is committed and then the dead letter written, on the others the other \
         way round",
        breaks: &["commit_after_apply", "no_loss", "dead_letters"],
        make: |p| {
            p.consumer.member.commits_at = |at| matches!(at, Stage::PoisonFound | Stage::Applied);
        },
    },
    Known {
        id: "dedup-by-high-water",
        about: "the store knows what was done by the highest offset, not by the events' ids: what is redriven later \
         counts as done",
        breaks: &["no_loss", "drains", "saga_atomicity", "converges", "conserved"],
        make: |p| p.store.marks = || Box::<marks::HighWater>::default(),
    },
    Known {
        id: "rotation-ignores-failures",
        about: "a client goes on asking brokers that have failed it, in turn with the others: no health checks, as with \
         round-robin DNS",
        breaks: &["rotation"],
        make: |p| every_client(p, |client| client.out_after = u32::MAX),
    },
];
