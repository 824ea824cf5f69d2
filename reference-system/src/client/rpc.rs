//! Asking: one connection, one question at a time, each with a deadline.

use super::policy::ClientPolicy;
use crate::wire::{self, Frame};
use serde::{Serialize, de::DeserializeOwned};
use squall_probe::net::{FrameReceiver, FrameSender, TcpStream};
use squall_probe::time::timeout;
use std::{io, time::Duration};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_millis(300);

/// A connection to one address, made when it is needed.
#[derive(Debug)]
pub(crate) struct Rpc {
    address: String,
    connection: Option<(FrameSender, FrameReceiver)>,
    next: u64,
    policy: ClientPolicy,
}

impl Rpc {
    pub(crate) fn new(address: String, policy: ClientPolicy) -> Self {
        Self { address, connection: None, next: 0, policy }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Asks, and waits for the answer to this very question: answers to earlier ones, which were
    /// given up or come twice, are passed over.
    ///
    /// # Errors
    /// No connection, no answer in time. Whether the question was heard is then unknown.
    pub(crate) async fn ask<Q: Serialize, A: DeserializeOwned>(
        &mut self,
        kind: &'static str,
        question: &Q,
        within: Duration,
    ) -> io::Result<A> {
        let within = (self.policy.patience)(within);
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
        question: &Q,
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
            match wire::decode::<Frame<A>>(&frame, self.policy.checksums) {
                Some(Frame::Call { id: answered, body }) if answered == id => return Ok(body),
                Some(_) => {}
                None => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }
}
