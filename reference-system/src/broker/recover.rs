//! A broker whose log is gone or damaged gets another from its peers, and does not vote before.
//!
//! It has forgotten what it promised and accepted, and others may rely on that: an entry may be chosen because
//! this broker and one other had it. So it asks as many others as surely include one of every majority that it
//! was part of, and takes the log of the newest round, the longest of those, and the newest promise; as a new
//! leader would. (Alagappan et al., Protocol-Aware Recovery for Consensus-Based Storage, FAST 2018.)

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
use squall_probe::{net::TcpListener, signal};
use std::{collections::BTreeMap, time::Duration};

/// How long a broker may take to answer.
const REQUEST: Duration = Duration::from_millis(500);

/// Asks until enough have answered, and replaces the log.
pub(super) async fn recover(
    config: &BrokerConfig,
    listener: &TcpListener,
    reason: &str,
) -> Result<(), Error> {
    let others: Vec<(u64, &String)> =
        (1..).zip(&config.brokers).filter(|(id, _)| *id != config.id).collect();
    let count = config.brokers.len();
    let majority = count / 2 + 1;
    let needed = count - majority + 1;
    signal("log_recovered");
    let asking = async {
        let mut copies: BTreeMap<u64, Copied> = BTreeMap::new();
        let mut backoff =
            Backoff::new(Duration::from_millis(50), Duration::from_millis(400), "recovery");
        let policy = ClientPolicy { checksums: config.policy.checksums, ..ClientPolicy::default() };
        while copies.len() < needed.min(others.len()) {
            for (id, address) in &others {
                let mut rpc = Rpc::new((*address).clone(), policy);
                let answer = rpc.ask("copy", &BrokerRequest::Copy, REQUEST).await;
                if let Ok(BrokerReply::Copied(copied)) = answer {
                    // The newest word of each counts.
                    copies.insert(*id, *copied);
                }
            }
            if copies.len() < needed {
                backoff.wait().await;
            }
        }
        copies
    };
    let copies = tokio::select! {
        biased;
        copies = asking => copies,
        // Others may be in the same trouble: they must hear that there is nothing to be had here.
        () = refuse(listener, config.policy.checksums) => return Err(reason.to_owned().into()),
        () = squall_probe::stop_asked() => return Err("stopped while recovering".into()),
    };
    let copies: Vec<Copied> = copies.into_values().collect();
    let promise = (config.policy.recovered_promise)(&copies);
    let newest = copies
        .into_iter()
        .max_by_key(|copied| (copied.accepted, copied.entries.len()))
        .ok_or("there is nobody to recover from")?;
    LogStore::replace(&config.data, Copied { promise, ..newest })?;
    Ok(())
}

/// Answers everything with not being able to.
async fn refuse(listener: &TcpListener, checksums: Checksums) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (sender, mut receiver) = stream.into_frames();
        squall_probe::task::spawn(async move {
            while let Ok(Some(frame)) = receiver.recv().await {
                let Some(Frame::<BrokerRequest>::Call { id, body }) =
                    wire::decode(&frame, checksums)
                else {
                    return;
                };
                let reply = match body {
                    BrokerRequest::Health => BrokerReply::Healthy(false),
                    // No state is better than a wrong one.
                    BrokerRequest::Describe => return,
                    _ => BrokerReply::NotLeader(None),
                };
                let frame = wire::encode(&Frame::Call { id, body: reply });
                if sender.send("group_ack", frame).await.is_err() {
                    return;
                }
            }
        });
    }
}
