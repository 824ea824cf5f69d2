//! Connections between brokers. Each broker dials each other one and sends on what it dialled.
//!
//! Consensus needs its messages in order, none twice, or a word that some are missing. So frames are
//! numbered, a gap ends the connection, and a new connection is told to the broker, which then tells
//! the consensus protocol. Silence ends a connection too: a cut cable says nothing.

use super::input::Input;
use crate::{
    retry::Backoff,
    wire::{self, Frame, broker::BrokerRequest, peers::PeerMessage},
};
use squall_probe::{
    net::{FrameReceiver, FrameSender, TcpStream},
    time::{interval, timeout},
};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How often a word is sent when there is nothing to say.
const BEAT: Duration = Duration::from_millis(100);

/// A connection that is silent for longer is dead.
pub(super) const SILENCE: Duration = Duration::from_millis(700);

const CONNECT: Duration = Duration::from_millis(300);

/// The number of messages that may wait for one peer; when there are more, the link starts anew.
const QUEUE: usize = 4096;

/// The way to one peer.
#[derive(Debug)]
pub(super) struct Link {
    queue: Sender<PeerMessage>,
    /// Messages were lost because the queue was full.
    overflow: bool,
}

impl Link {
    /// Starts dialling `address`.
    pub(super) fn start(me: u64, peer: u64, address: String, core: Sender<Input>) -> Self {
        let (queue, messages) = channel(QUEUE);
        squall_probe::task::spawn(dial(me, peer, address, messages, core));
        Self::over(queue)
    }

    /// A link whose messages go to whoever reads this queue.
    pub(super) fn over(queue: Sender<PeerMessage>) -> Self {
        Self { queue, overflow: false }
    }

    /// Queues a message. When the queue is full it is lost, and later the peer is told to catch up.
    pub(super) fn send(&mut self, message: PeerMessage) {
        self.overflow |= self.queue.try_send(message).is_err();
    }

    /// Messages were lost since the last call.
    pub(super) fn take_overflow(&mut self) -> bool {
        std::mem::take(&mut self.overflow)
    }
}

async fn dial(
    me: u64,
    peer: u64,
    address: String,
    mut messages: Receiver<PeerMessage>,
    core: Sender<Input>,
) {
    let mut backoff = Backoff::new(
        Duration::from_millis(50),
        Duration::from_millis(400),
        &format!("link {peer}"),
    );
    loop {
        if let Ok(Ok(stream)) = timeout(CONNECT, TcpStream::connect(&address)).await {
            let (sender, receiver) = stream.into_frames();
            // What was meant for the old connection is part of what the new one makes up for.
            while messages.try_recv().is_ok() {}
            if core.send(Input::LinkUp(peer)).await.is_err() {
                return;
            }
            if talk(me, &sender, receiver, &mut messages, &mut backoff).await.is_err() {
                return;
            }
        }
        backoff.wait().await;
    }
}

/// The broker itself has ended.
struct Ended;

async fn talk(
    me: u64,
    sender: &FrameSender,
    mut receiver: FrameReceiver,
    messages: &mut Receiver<PeerMessage>,
    backoff: &mut Backoff,
) -> Result<(), Ended> {
    let mut number = 0;
    let mut beat = interval(BEAT);
    let mut heard = squall_probe::time::Instant::now();
    loop {
        tokio::select! {
            biased;
            message = messages.recv() => {
                let Some(message) = message else { return Err(Ended) };
                let frame = Frame::<BrokerRequest>::Peer { from: me, number, message };
                number += 1;
                if sender.send("replicate", wire::encode(&frame)).await.is_err() {
                    return Ok(());
                }
            }
            // The peer echoes beats; what it says is of no interest, that it speaks is.
            frame = receiver.recv() => match frame {
                Ok(Some(_)) => {
                    heard = squall_probe::time::Instant::now();
                    backoff.reset();
                }
                Ok(None) | Err(_) => return Ok(()),
            },
            _ = beat.tick() => {
                if heard.elapsed() > SILENCE {
                    return Ok(());
                }
                let message = PeerMessage::Beat { decided: 0 };
                let frame = Frame::<BrokerRequest>::Peer { from: me, number, message };
                number += 1;
                if sender.send("replicate", wire::encode(&frame)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}
