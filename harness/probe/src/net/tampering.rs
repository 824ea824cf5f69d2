//! What becomes of frames on their way out of a simulated node: message faults, narrow links, a connection that closes
//! late.

use super::{
    halves::WriteHalf,
    queue::{Queued, put_frame},
};
use crate::sim;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use tokio::{
    io::AsyncWriteExt as _,
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

/// How many of the last frames of a connection a fault can send again.
const REMEMBERED: usize = 16;

/// A frame that will go out, now or later.
struct Outgoing {
    due: Instant,
    kind: &'static str,
    frame: Bytes,
    number: u64,
    /// What faults did to it, and when they feel it.
    feels: Vec<sim::Feels>,
    /// Faults make it wait.
    _under_way: Option<sim::UnderWay>,
}

/// Sends frames from a queue, each at the mercy of the message faults. The end of the stream goes out behind the
/// last frame that is late.
pub(super) async fn write_frames(
    mut write: WriteHalf,
    mut queue: mpsc::Receiver<Queued>,
    mut wire: sim::Wire,
) {
    let mut batch = Vec::new();
    let mut out = BytesMut::new();
    // In the order in which they go out: of those due at one time the first to be queued goes first.
    let mut waiting: Vec<Outgoing> = Vec::new();
    let mut sent: VecDeque<(&'static str, Bytes)> = VecDeque::new();
    // Frames that keep their order leave no earlier than this.
    let mut in_order = Instant::now();
    let mut open = true;
    while open || !waiting.is_empty() {
        let due = waiting.first().map(|first| first.due);
        tokio::select! {
            biased;
            count = queue.recv_many(&mut batch, 64), if open => open = count > 0,
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
        }
        let now = Instant::now();
        for Queued { kind, frame, .. } in batch.drain(..) {
            let fate = wire.fate(kind);
            let frame = match fate.corrupted {
                Some(draw) => with_a_wrong_bit(&frame, draw),
                None => frame,
            };
            if fate.lost {
                continue;
            }
            if let Some(by) = fate.delayed {
                in_order = in_order.max(now + by);
            }
            let due = match fate.overtaken {
                Some(by) => now + by,
                None => in_order.max(now),
            };
            let number = fate.number;
            let mut goes = |due: Instant, kind, frame, feels, what| {
                let takes = due - now;
                let waits = !takes.is_zero();
                let _under_way = waits.then(|| wire.under_way(what, kind, takes));
                waiting.push(Outgoing { due, kind, frame, number, feels, _under_way });
            };
            let older = fate.replayed.and_then(|(draw, fault)| {
                let (kind, frame) = sent[place(draw, sent.len())?].clone();
                Some((kind, frame, fault))
            });
            goes(due, kind, frame.clone(), fate.feels, "a message that comes late");
            if let Some((by, fault)) = fate.again {
                let feels = vec![sim::Feels::Read(fault)];
                goes(now + by, kind, frame.clone(), feels, "the second copy of a message");
            }
            if let Some((kind, frame, fault)) = older {
                let feels = vec![sim::Feels::Read(fault)];
                goes(due, kind, frame, feels, "an old message that comes again");
            }
            sent.push_back((kind, frame));
            if sent.len() > REMEMBERED {
                sent.pop_front();
            }
        }
        waiting.sort_by_key(|outgoing| outgoing.due);
        let now = Instant::now();
        let ripe = waiting.partition_point(|outgoing| outgoing.due <= now);
        for Outgoing { kind, frame, number, feels, .. } in waiting.drain(..ripe) {
            if let Some((takes, narrow)) = wire.pace(4 + frame.len()) {
                if !out.is_empty() && write.write_all_buf(&mut out).await.is_err() {
                    return;
                }
                let what = "a message that waits for a narrow link";
                let _under_way = wire.under_way(what, kind, takes);
                sim::room(wire.direction(), takes).await;
                sim::with(|world| narrow.iter().for_each(|fault| world.feel(*fault)));
            }
            put_frame(&mut out, &frame);
            wire.sends(kind, out.len(), number, &feels);
        }
        if !out.is_empty() && write.write_all_buf(&mut out).await.is_err() {
            return;
        }
    }
    let late = sim::with(|world| world.closing_takes(wire.node()));
    if let Some((takes, fault)) = late {
        let _under_way = wire.under_way("the end of a connection", "close", takes);
        sleep(takes).await;
        sim::with(|world| world.feel(fault));
    }
    let _ = write.shutdown().await;
}

fn with_a_wrong_bit(frame: &Bytes, draw: u64) -> Bytes {
    let mut wrong = frame.to_vec();
    if let Some(at) = place(draw >> 3, wrong.len()) {
        wrong[at] ^= 1 << (draw & 7);
    }
    Bytes::from(wrong)
}

/// The place that a draw chooses among `count`, if there are any.
fn place(draw: u64, count: usize) -> Option<usize> {
    let place = draw.checked_rem(count as u64)?;
    Some(usize::try_from(place).expect("below a usize"))
}
