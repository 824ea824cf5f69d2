//! Mistakes about sagas and projections.

use super::{keys, known::Known, landing, snapshot};
use crate::{
    consumer::{
        membership::{DEGRADED, Stage},
        policy::Moment,
        projection::Late,
    },
    domain::Service,
};

pub(super) const KNOWN: &[Known] = &[
    Known {
        id: "compensate-twice",
        about: "compensation is not idempotent",
        breaks: &["saga_atomicity", "conserved"],
        make: |p| {
            p.consumer.bank.keys = keys::new_key_each_refund;
            p.consumer.member.landing = || Box::new(landing::ReleaseAgain);
        },
    },
    Known {
        id: "saga-state-volatile",
        about: "the orchestrator forgets its running sagas in a crash",
        breaks: &["saga_atomicity", "conserved"],
        make: |p| {
            p.consumer.member.commits_at = |at| matches!(at, Stage::Reserved | Stage::Applied);
        },
    },
    Known {
        id: "degrades-payment",
        about: "under load payments are skipped as loyalty points are",
        breaks: &["saga_atomicity", "conserved"],
        make: |p| {
            p.consumer.member.skips = |service, ahead| match service {
                Service::Loyalty => ahead > DEGRADED,
                Service::Payment => ahead > DEGRADED / 4,
                _ => false,
            }
        },
    },
    Known {
        id: "projection-ignores-version",
        about: "a late event overwrites a newer state in the projection",
        breaks: &["eventual_consistency"],
        make: |p| p.consumer.view.late = Late::TakenIn,
    },
    Known {
        id: "snapshot-ahead",
        about: "a snapshot claims a position that its state has not reached",
        breaks: &["eventual_consistency"],
        make: |p| {
            p.consumer.view.saves_at = |moment, catching_up| moment == Moment::Read && !catching_up;
        },
    },
    Known {
        id: "snapshot-in-two-files",
        about: "a snapshot and its position stand in two files, the state first: what came between is taken in twice \
         (Kafka Streams' checkpoints, without exactly-once)",
        breaks: &["eventual_consistency"],
        make: |p| {
            (p.consumer.view.load, p.consumer.view.save) =
                (snapshot::load, snapshot::save_state_first);
        },
    },
    Known {
        id: "position-before-snapshot",
        about: "a snapshot and its position stand in two files, the position first: what came between is never taken in",
        breaks: &["eventual_consistency"],
        make: |p| {
            (p.consumer.view.load, p.consumer.view.save) =
                (snapshot::load, snapshot::save_positions_first);
        },
    },
    Known {
        id: "snapshot-while-catching-up",
        about: "a snapshot is taken while what was missed is still being read, and claims all of it",
        breaks: &["eventual_consistency"],
        make: |p| p.consumer.view.saves_at = |moment, _| moment == Moment::TakenIn,
    },
    Known {
        id: "replay-by-own-clock",
        about: "what is replayed from a time begins at what the reader's clock said, not at a time of the log",
        breaks: &["eventual_consistency"],
        make: |p| p.consumer.view.times = |_| snapshot::now(),
    },
    Known {
        id: "replay-begins-behind",
        about: "a replay begins one too far: the last offset that was read and the next one to read confused",
        breaks: &["eventual_consistency"],
        make: |p| p.consumer.view.replay_from = |next| next + 1,
    },
    Known {
        id: "replay-ends-late",
        about: "where the replay ends and following begins, one event belongs to both",
        breaks: &["eventual_consistency"],
        make: |p| p.consumer.view.replay_to = |end| end + 1,
    },
];
