//! Sends an event in a datagram and takes it for stored. The twin sends it again until it is answered. The server, of both,
//! spawns with tokio's own `spawn`.

use crate::{
    base::{self, Disk, Store as _},
    cheat::{Cheat, Honesty},
};
use squall::system::{Client, Error, Event, LocalFuture, Node, Outcome, State};
use squall_probe::{StateOf, What, name, net::UdpSocket, record};
use std::{collections::BTreeSet, rc::Rc, time::Duration};
use tokio::{sync::Mutex, time::timeout};

pub const CHEAT: Cheat = Cheat {
    id: "trusts-datagrams",
    about: "takes a datagram that was sent for one that arrived",
    breaks: &["no_loss"],
    serve: |node, _| Box::pin(async move { tokio::spawn(serve(node)).await? }),
    client: |honesty| Box::new(Sender { honesty, turn: Rc::default() }),
    inspect: |node, _| Box::pin(inspect(node)),
};

async fn serve(node: Node) -> Result<(), Error> {
    let socket = UdpSocket::bind("0.0.0.0:7000").await?;
    record(What::Rebuild);
    record(What::Lead { term: u64::from(node.incarnation) + 1 });
    let mut disk = Disk::default();
    let mut stored: BTreeSet<u64> = disk.recover()?.into_iter().collect();
    let mut bytes = [0; 16];
    loop {
        let (count, peer) = socket.recv_from(&mut bytes).await?;
        let Some(event) = base::number_in(&bytes[..count]) else { continue };
        if event > 0 && stored.insert(event) {
            disk.append(event)?;
            base::appended(event, stored.len() as u64 - 1);
            base::applied(event, stored.len() as u64 - 1);
        }
        socket.send_to(&base::frame_of(stored.len() as u64), peer).await?;
    }
}

/// Sends one event, and waits for the answer if it is to: how many events the server has.
async fn ask(event: u64) -> Result<u64, Error> {
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    socket.connect("server-1:7000").await?;
    socket.send(&base::frame_of(event)).await?;
    let mut bytes = [0; 16];
    let count = timeout(Duration::from_millis(200), socket.recv(&mut bytes)).await??;
    base::number_in(&bytes[..count]).ok_or_else(|| "a damaged answer".into())
}

async fn inspect(node: Node) -> Result<Vec<State>, Error> {
    if node.role != "server" {
        return Ok(Vec::new());
    }
    let position = ask(0).await?;
    let state = |of| State { node: node.id, of, position, digest: 0 };
    let log = state(StateOf::Replica { partition: 0 });
    Ok(vec![log, state(StateOf::Projection { group: name(base::GROUP) })])
}

struct Sender {
    honesty: Honesty,
    turn: Rc<Mutex<()>>,
}

impl Client for Sender {
    fn publish(&self, event: Event, early: Box<dyn FnOnce(String)>) -> LocalFuture<Outcome> {
        let (honesty, turn) = (self.honesty, self.turn.clone());
        Box::pin(async move {
            let _turn = turn.lock().await;
            let mut early = Some(early);
            for attempt in 0.. {
                if ask(event.id.0).await.is_ok() || honesty == Honesty::Lies {
                    return Outcome::Ok(None);
                }
                if attempt == 5
                    && let Some(early) = early.take()
                {
                    early("still no answer".to_owned());
                }
            }
            Outcome::Info("gave up".to_owned())
        })
    }
}
