//! The broker on the network: connections ask, one task answers.

use crate::{
    journal::Journal,
    kind::Kind,
    queue::Queues,
    wire::{Answer, PORT, Request, frame_of, read},
};
use bytes::Bytes;
use squall::system::Error;
use squall_probe::{
    net::{FrameReceiver, FrameSender, TcpListener},
    point, stop_asked,
    task::spawn,
    time::{sleep, timeout},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// How often it looks for leases that have ended.
const TICK: Duration = Duration::from_millis(20);

/// A connection over which nothing comes for this long is dead: a machine without power closes nothing.
const SILENCE: Duration = Duration::from_secs(2);

/// What a connection has to say.
enum Said {
    Asks { connection: u64, request: Request, answer: oneshot::Sender<Answer> },
    Ended { connection: u64 },
}

pub async fn run(kind: &'static Kind, mistakes: &Arc<[String]>) -> Result<(), Error> {
    let listener = TcpListener::bind(&format!("0.0.0.0:{PORT}")).await?;
    let (journal, changes) = Journal::open()?;
    let mut queues = Queues::recover(kind, mistakes.clone(), journal, changes);
    let (say, mut said) = mpsc::channel(64);
    let mut connections = 0;
    loop {
        tokio::select! {
            biased;
            // Everything that was answered for is on disk.
            () = stop_asked() => return Ok(()),
            accepted = listener.accept() => {
                connections += 1;
                let (sender, receiver) = accepted?.0.into_frames();
                spawn(serve(connections, sender, receiver, say.clone()));
            }
            Some(said) = said.recv() => match said {
                Said::Asks { connection, request, answer } => {
                    let (now, passed) = queues.answer(connection, request)?;
                    if let Some(passed) = passed {
                        point(passed).await;
                    }
                    // Whoever asked may be gone.
                    let _ = answer.send(now);
                }
                Said::Ended { connection } => queues.disconnected(connection),
            },
            () = sleep(TICK) => {}
        }
        queues.tick()?;
    }
}

async fn serve(
    connection: u64,
    sender: FrameSender,
    mut receiver: FrameReceiver,
    say: mpsc::Sender<Said>,
) {
    let mut last = 0;
    while let Ok(Ok(Some(frame))) = timeout(SILENCE, receiver.recv()).await {
        let Some((number, request)) = read::<(u64, Request)>(&frame) else { break };
        // It came twice, or whoever asked has given up waiting for it.
        if number <= last {
            continue;
        }
        last = number;
        let (answer, answered) = oneshot::channel();
        if say.send(Said::Asks { connection, request, answer }).await.is_err() {
            break;
        }
        let Ok(answer) = answered.await else { break };
        let Ok(frame) = frame_of(&(number, &answer)) else { break };
        if sender.send(answer.kind(), Bytes::from(frame)).await.is_err() {
            break;
        }
    }
    let _ = say.send(Said::Ended { connection }).await;
}
