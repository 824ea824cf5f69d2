//! Incoming connections of a broker.

use super::{input::Input, link::SILENCE};
use crate::{
    calls::Caller,
    wire::{self, Checksums, Frame, broker::BrokerRequest, peers::PeerMessage},
};
use squall_probe::{
    net::{FrameReceiver, FrameSender, TcpListener},
    time::timeout,
};
use tokio::sync::mpsc::Sender;

/// Takes connections for ever.
pub(super) async fn accept(listener: TcpListener, core: Sender<Input>, checksums: Checksums) {
    let mut connection = 0;
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, or a peer that vanished: later.
            squall_probe::time::sleep(std::time::Duration::from_millis(50)).await;
            continue;
        };
        connection += 1;
        let (sender, receiver) = stream.into_frames();
        squall_probe::task::spawn(serve(sender, receiver, core.clone(), connection, checksums));
    }
}

async fn serve(
    sender: FrameSender,
    mut receiver: FrameReceiver,
    core: Sender<Input>,
    connection: u64,
    checksums: Checksums,
) {
    let mut peer = None;
    let mut expected = 0;
    loop {
        let next = receiver.recv();
        // Clients may be silent; a peer is not, unless it or the way to it is dead.
        let frame = if peer.is_some() {
            match timeout(SILENCE * 2, next).await {
                Ok(frame) => frame,
                Err(_) => return,
            }
        } else {
            next.await
        };
        let Ok(Some(frame)) = frame else { return };
        let Some(frame) = wire::decode::<Frame<BrokerRequest>>(&frame, checksums) else { return };
        let input = match frame {
            Frame::Call { id, body } => {
                let caller = Caller::new(sender.clone(), id);
                Input::Request { request: body, caller, connection }
            }
            Frame::Peer { from, number, message } => {
                peer = Some(from);
                if number < expected {
                    // A repetition.
                    continue;
                }
                if number > expected {
                    // Some are missing: the other side dials again and starts anew.
                    return;
                }
                expected += 1;
                if matches!(message, PeerMessage::Beat { .. }) {
                    let echo = wire::encode(&number);
                    if sender.send("replicate", echo).await.is_err() {
                        return;
                    }
                    continue;
                }
                Input::Peer { from, connection, message }
            }
        };
        if core.send(input).await.is_err() {
            return;
        }
    }
}
