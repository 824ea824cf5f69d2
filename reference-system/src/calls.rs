//! A server's side of [`crate::client`]: connections are taken, and their questions put in one queue.

use crate::wire::{self, Checksums, Frame};
use serde::{Serialize, de::DeserializeOwned};
use squall_probe::net::{FrameReceiver, FrameSender, TcpListener};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// A question, and who asked it.
pub(crate) struct Call<Q> {
    request: Q,
    caller: Caller,
}

impl<Q> Call<Q> {
    /// The question, and who asked it.
    pub(crate) fn apart(self) -> (Q, Caller) {
        (self.request, self.caller)
    }
}

/// Whoever has asked a question.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    sender: FrameSender,
    /// The question's id in its connection.
    id: u64,
}

impl Caller {
    pub(crate) fn new(sender: FrameSender, id: u64) -> Self {
        Self { sender, id }
    }

    /// Whether its connection has ended.
    pub(crate) fn is_gone(&self) -> bool {
        self.sender.is_closed()
    }

    /// Answers. A caller that is gone, or does not read its answers, does without.
    pub(crate) fn answer<A: Serialize>(&self, kind: &'static str, body: A) {
        let _ = self.sender.try_send(kind, wire::encode(&Frame::Call { id: self.id, body }));
    }
}

/// Takes connections for ever. Once `capacity` questions wait, callers wait to be heard.
pub(crate) fn take<Q>(
    listener: TcpListener,
    capacity: usize,
    checksums: Checksums,
) -> Receiver<Call<Q>>
where
    Q: DeserializeOwned + Send + 'static,
{
    let (calls, queue) = channel(capacity);
    squall_probe::task::spawn(accept(listener, calls, checksums));
    queue
}

async fn accept<Q: DeserializeOwned + Send + 'static>(
    listener: TcpListener,
    calls: Sender<Call<Q>>,
    checksums: Checksums,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, or a peer that vanished: later.
            squall_probe::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (sender, receiver) = stream.into_frames();
        squall_probe::task::spawn(listen(sender, receiver, calls.clone(), checksums));
    }
}

async fn listen<Q: DeserializeOwned>(
    sender: FrameSender,
    mut receiver: FrameReceiver,
    calls: Sender<Call<Q>>,
    checksums: Checksums,
) {
    while let Ok(Some(frame)) = receiver.recv().await {
        let Some(Frame::Call { id, body }) = wire::decode(&frame, checksums) else { return };
        let call = Call { request: body, caller: Caller::new(sender.clone(), id) };
        if calls.send(call).await.is_err() {
            return;
        }
    }
}
