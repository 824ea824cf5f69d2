//! A broker whose log is gone, damaged or older than it should be gets another from its peers, and does not vote before.
//!
//! A disk that has gone back in time (a volume restored from a snapshot) cannot show it. Those can who have heard from
//! this broker before: it tells with each message how often its log had been synced by then. So a broker that starts
//! again asks them first. They remember it on disk, and answer while they are asking themselves: all of them may have
//! lost their power. Once a majority is there, it goes on without the rest (without a majority it could do nothing anyway):
//! that those remember more, and that this disk went back, are two faults at once.
//!
//! What it said last may be under way still, to be heard when it has forgotten it: a vote for a leader that begins then,
//! while it helps an older one to decide. So who is asked takes all that this broker said before for void, and tells
//! which ballot it has promised to follow itself. Whoever asked for the vote has promised its own, so the newest of those
//! ballots may be one that this broker voted for: it promises to follow that.
//!
//! A broker whose log has to be replaced has forgotten what it promised and accepted, and others may rely on that: an
//! entry may be chosen because this broker and one other had it. So it asks as many others as surely include one of every
//! majority that it was part of, and takes the log of the newest round, the longest of those, and the newest promise; as a
//! new leader would. (Alagappan et al., Protocol-Aware Recovery for Consensus-Based Storage, FAST 2018.)

use super::{config::BrokerConfig, log::LogStore};
use crate::{
    Error,
    client::{policy::ClientPolicy, rpc::Rpc},
    retry::Backoff,
    wire::{
        self, Checksums, Frame,
        broker::{BrokerReply, BrokerRequest},
        peers::Copied,
    },
};
use omnipaxos::ballot_leader_election::Ballot;
use squall_probe::{net::TcpListener, signal};
use std::{collections::BTreeMap, time::Duration};

/// What a broker can tell that takes no part yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The log that was found, if it is whole and only too old.
    pub(super) log: Option<Copied>,
    /// How often the log of each peer had been synced when it was heard of last.
    pub(super) heard: BTreeMap<u64, u64>,
    /// The ballot that this broker has promised to follow.
    pub(super) promise: Option<Ballot>,
}

impl Known {
    /// What `peer` may have forgotten.
    pub(super) fn told_to(&self, peer: u64) -> BrokerReply {
        let age = self.heard.get(&peer).copied().unwrap_or(0);
        BrokerReply::Heard { age, promise: self.promise }
    }
}

/// What others know that this broker may have forgotten.
#[derive(Default)]
struct Heard {
    /// How often its log had been synced.
    age: u64,
    /// The newest ballot that any of them has promised to follow.
    promise: Option<Ballot>,
    /// How many have answered.
    answers: usize,
}

/// What a log is, as far as others have heard.
pub(super) enum Found {
    /// Older than the one that this broker had, and why that is known.
    TooOld(String),
    /// As it was left. This is the newest ballot that any of the others has promised to follow.
    AsItWas(Option<Ballot>),
}

/// How long a broker may take to answer.
const REQUEST: Duration = Duration::from_millis(500);

/// After which a broker that does not answer is asked again.
const AGAIN: Duration = Duration::from_millis(50);

/// Whether a log that was synced `age` times is the one that this broker had, as far as others have heard.
///
/// # Errors
/// It is asked to stop before it knows.
pub(super) async fn found(
    config: &BrokerConfig,
    listener: &TcpListener,
    known: &Known,
    age: u64,
) -> Result<Found, Error> {
    let heard = tokio::select! {
        biased;
        heard = heard_by_most(config) => heard,
        () = answer(listener, config.policy.checksums, known) => Heard::default(),
        // What it would tell of itself now might be what it was long ago.
        () = squall_probe::stop_asked() => {
            return Err("stopped before it knew whether its log is too old".into());
        }
    };
    let Heard { age: newest, promise, .. } = heard;
    if newest > age {
        return Ok(Found::TooOld(format!(
            "the log is {age} syncs old, and others know of {newest}"
        )));
    }
    Ok(Found::AsItWas(promise))
}

/// What others know that are a majority together with this broker.
async fn heard_by_most(config: &BrokerConfig) -> Heard {
    let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(400), "asking");
    loop {
        let heard = heard(config).await;
        if 2 * (heard.answers + 1) > config.brokers.len() {
            return heard;
        }
        backoff.wait().await;
    }
}

/// What others know of this broker, each as far as it has heard.
async fn heard(config: &BrokerConfig) -> Heard {
    let policy = ClientPolicy { checksums: config.policy.checksums, ..ClientPolicy::default() };
    let asked: Vec<_> = (1..)
        .zip(&config.brokers)
        .filter(|(id, _)| *id != config.id)
        .map(|(_, address)| {
            let (mut rpc, by) = (Rpc::new(address.clone(), policy), config.id);
            // One that is just starting, as after a power failure of all, does not listen yet.
            let asking = async move {
                loop {
                    let answer = rpc.ask("copy", &BrokerRequest::Heard { by }, REQUEST).await;
                    if let Ok(BrokerReply::Heard { age, promise }) = answer {
                        return (age, promise);
                    }
                    squall_probe::time::sleep(AGAIN).await;
                }
            };
            squall_probe::task::spawn(squall_probe::time::timeout(REQUEST, asking))
        })
        .collect();
    let mut heard = Heard::default();
    for answer in asked {
        if let Ok(Ok((age, promise))) = answer.await {
            heard.age = heard.age.max(age);
            heard.promise = heard.promise.max(promise);
            heard.answers += 1;
        }
    }
    heard
}

/// Asks until enough have answered, and replaces the log.
///
/// Where every other broker has answered, and too few have a log that is as it should be, the newest of all is taken, also
/// one that is known to be too old: there is no other any more. What was decided without whoever has it is lost then.
pub(super) async fn recover(
    config: &BrokerConfig,
    listener: &TcpListener,
    reason: &str,
    known: &Known,
) -> Result<(), Error> {
    let others: Vec<(u64, &String)> =
        (1..).zip(&config.brokers).filter(|(id, _)| *id != config.id).collect();
    let count = config.brokers.len();
    let majority = count / 2 + 1;
    let needed = count - majority + 1;
    signal("log_recovered");
    let asking = async {
        let mut copies: BTreeMap<u64, Copied> = BTreeMap::new();
        let mut old_ones: BTreeMap<u64, Copied> = BTreeMap::new();
        let mut backoff =
            Backoff::new(Duration::from_millis(50), Duration::from_millis(400), "recovery");
        let policy = ClientPolicy { checksums: config.policy.checksums, ..ClientPolicy::default() };
        while copies.len() < needed.min(others.len())
            && copies.len() + old_ones.len() < others.len()
        {
            for (id, address) in &others {
                let mut rpc = Rpc::new((*address).clone(), policy);
                let answer = rpc.ask("copy", &BrokerRequest::Copy, REQUEST).await;
                // The newest word of each counts.
                match answer {
                    Ok(BrokerReply::Copied(copied)) => {
                        old_ones.remove(id);
                        copies.insert(*id, *copied);
                    }
                    Ok(BrokerReply::CopiedOld(copied)) => {
                        copies.remove(id);
                        old_ones.insert(*id, *copied);
                    }
                    Ok(_) | Err(_) => {}
                }
            }
            if copies.len() < needed {
                backoff.wait().await;
            }
        }
        copies.extend(old_ones);
        copies
    };
    let copies = tokio::select! {
        biased;
        copies = asking => copies,
        // Others may be in the same trouble: they must hear that there is nothing to be had here.
        () = answer(listener, config.policy.checksums, known) => return Err(reason.to_owned().into()),
        () = squall_probe::stop_asked() => return Err("stopped while recovering".into()),
    };
    let copies: Vec<Copied> = copies.into_values().chain(known.log.clone()).collect();
    let promise = (config.policy.recovered_promise)(&copies);
    let newest = copies
        .into_iter()
        .max_by_key(|copied| (copied.accepted, copied.entries.len()))
        .ok_or("there is nobody to recover from")?;
    // Else it would be taken for an old one when it starts again.
    let Heard { age, .. } = heard(config).await;
    LogStore::replace(&config.data, Copied { promise, ..newest }, age)?;
    Ok(())
}

/// Answers what others ask that start again, too, and everything else with not being able to.
async fn answer(listener: &TcpListener, checksums: Checksums, known: &Known) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            squall_probe::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (sender, mut receiver) = stream.into_frames();
        let known = known.clone();
        squall_probe::task::spawn(async move {
            let Ok(Some(frame)) = receiver.recv().await else { return };
            let Some(Frame::<BrokerRequest>::Call { id, body }) = wire::decode(&frame, checksums)
            else {
                return;
            };
            let reply = match (body, &known.log) {
                (BrokerRequest::Copy, Some(old)) => BrokerReply::CopiedOld(Box::new(old.clone())),
                (BrokerRequest::Heard { by }, _) => known.told_to(by),
                (BrokerRequest::Health, _) => BrokerReply::Healthy(false),
                // No state is better than a wrong one.
                (BrokerRequest::Describe, _) => return,
                _ => BrokerReply::NotLeader(None),
            };
            // Whoever asks again meets the broker itself, once there is one.
            let _ = sender.send("group_ack", wire::encode(&Frame::Call { id, body: reply })).await;
        });
    }
}
