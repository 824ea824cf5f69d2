//! Asking: one connection, one question at a time, each with a deadline.

use crate::Error;
use crate::wire::{self, BrokerReply, BrokerRequest, Frame, StoreReply, StoreRequest};
use serde::{Serialize, de::DeserializeOwned};
use squall_probe::net::{FrameReceiver, FrameSender, TcpStream};
use std::{io, time::Duration};
use tokio::time::timeout;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_millis(300);

/// A connection to one address, made when it is needed.
#[derive(Debug)]
pub(crate) struct Rpc {
    address: String,
    connection: Option<(FrameSender, FrameReceiver)>,
    next: u64,
}

impl Rpc {
    pub(crate) fn new(address: String) -> Self {
        Self { address, connection: None, next: 0 }
    }

    /// Asks, and waits for the answer to this very question: answers to earlier ones, which were
    /// given up or come twice, are passed over.
    ///
    /// # Errors
    /// No connection, no answer in time. Whether the question was heard is then unknown.
    pub(crate) async fn ask<Q: Serialize, A: DeserializeOwned>(
        &mut self,
        kind: &'static str,
        question: Q,
        within: Duration,
    ) -> io::Result<A> {
        let answer = timeout(within, self.exchange(kind, question)).await;
        let answer = answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }

    async fn exchange<Q: Serialize, A: DeserializeOwned>(
        &mut self,
        kind: &'static str,
        question: Q,
    ) -> io::Result<A> {
        let (sender, receiver) = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let stream = timeout(CONNECT, TcpStream::connect(&self.address)).await??;
                none.insert(stream.into_frames())
            }
        };
        self.next += 1;
        let id = self.next;
        sender.send(kind, wire::encode(&Frame::Call { id, body: question })).await?;
        loop {
            let frame = receiver.recv().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            match wire::decode::<Frame<A>>(&frame) {
                Some(Frame::Call { id: answered, body }) if answered == id => return Ok(body),
                Some(_) => {}
                None => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }
}

/// The brokers, of which one leads.
#[derive(Debug)]
pub(crate) struct Brokers {
    brokers: Vec<Rpc>,
    current: usize,
}

impl Brokers {
    /// `first` spreads who asks whom first.
    pub(crate) fn new(addresses: &[String], first: usize) -> Self {
        let brokers: Vec<_> = addresses.iter().cloned().map(Rpc::new).collect();
        let current = first % brokers.len().max(1);
        Self { brokers, current }
    }

    /// Asks whoever is thought to lead. If it does not, the next question goes elsewhere.
    ///
    /// # Errors
    /// No answer from a leader. Whether one heard the question is then unknown.
    pub(crate) async fn ask(
        &mut self,
        kind: &'static str,
        question: BrokerRequest,
        within: Duration,
    ) -> io::Result<BrokerReply> {
        let count = self.brokers.len();
        let mut hops = 0;
        loop {
            let broker = self.brokers.get_mut(self.current).ok_or(io::ErrorKind::NotConnected)?;
            let asked = self.current;
            match broker.ask(kind, question.clone(), within).await {
                Ok(BrokerReply::NotLeader(hint)) => {
                    let hint = hint
                        .and_then(|leader| usize::try_from(leader).ok()?.checked_sub(1))
                        .filter(|leader| *leader < count);
                    self.current = hint.unwrap_or((asked + 1) % count);
                    hops += 1;
                    // A hint is followed at once; in a circle of hints, or without one, an election is
                    // under way, and asking faster does not make it faster.
                    if hint.is_none() || hops >= count {
                        return Err(io::ErrorKind::ConnectionRefused.into());
                    }
                }
                Ok(reply) => return Ok(reply),
                Err(error) => {
                    self.current = (asked + 1) % count;
                    return Err(error);
                }
            }
        }
    }
}

/// How long describing may take.
const DESCRIBE: Duration = Duration::from_secs(2);

/// Asks a broker for (partition, end offset, digest) of each partition, and whether it leads.
///
/// # Errors
/// No answer.
pub async fn describe_broker(address: &str) -> Result<(Vec<(u32, u64, u64)>, bool), Error> {
    let mut rpc = Rpc::new(address.to_owned());
    match rpc.ask("describe", BrokerRequest::Describe, DESCRIBE).await? {
        BrokerReply::Described { partitions, leader } => Ok((partitions, leader)),
        other => Err(format!("an answer that was not asked for: {other:?}").into()),
    }
}

/// Asks the store for (group, number of effects, digest) of each group.
///
/// # Errors
/// No answer.
pub async fn describe_store(address: &str) -> Result<Vec<(String, u64, u64)>, Error> {
    let mut rpc = Rpc::new(address.to_owned());
    match rpc.ask("describe", StoreRequest::Describe, DESCRIBE).await? {
        StoreReply::Described(groups) => Ok(groups),
        other => Err(format!("an answer that was not asked for: {other:?}").into()),
    }
}
