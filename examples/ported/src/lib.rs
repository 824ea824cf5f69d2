//! What is put around both programs: a store that keeps events in a file, and clients that ask until it has one.

use squall::system::{
    Client, Delivery, Error, Event, LocalFuture, Node, Order, Outcome, Promises, Role, State,
    kafka_like_log,
};
use squall_probe::{
    EventId, Position, StateOf, What, fs, name,
    net::{TcpListener, TcpStream},
    record, signal,
};
use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{sleep, timeout},
};

/// Who must be done with an event.
pub const GROUP: &str = "store";

const FILE: &str = "/data/events";

/// Where a store tells how many events it has.
const COUNT: u16 = 7001;

/// A role of one node.
#[must_use]
pub const fn role(name: &'static str, plural: &'static str, about: &'static str) -> Role {
    Role { name, plural, default: 1, min: 1, max: 1, client: false, replica: false, about }
}

/// What is acknowledged is in the store, once, whatever happened on the way; nothing is said of an order.
#[must_use]
pub fn promises() -> Promises {
    Promises {
        delivery: Delivery::EffectivelyOnce,
        order: Order::None,
        leader_terms: false,
        replicas: false,
        ..kafka_like_log()
    }
}

/// The events that a node keeps.
#[derive(Clone, Debug)]
pub struct Store(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    file: fs::File,
    events: BTreeSet<u64>,
    member: String,
}

impl Store {
    /// What the node's disk has.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn open(node: &str) -> io::Result<Self> {
        fs::create_dir_all("/data")?;
        record(What::Rebuild);
        let old = if fs::exists(FILE)? { fs::read(FILE)? } else { Vec::new() };
        let file = fs::File::create("/data/new")?;
        let mut kept = Kept { file, events: BTreeSet::new(), member: node.to_owned() };
        // An event that is torn off was never answered for.
        for event in old.chunks_exact(8).map_while(|bytes| bytes.try_into().ok()) {
            kept.add(u64::from_be_bytes(event))?;
        }
        kept.file.sync_all()?;
        fs::rename("/data/new", FILE)?;
        fs::File::open("/data")?.sync_all()?;
        Ok(Self(Arc::new(Mutex::new(kept))))
    }

    /// Keeps an event, durably, unless it is there.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn keep(&self, event: u64) -> io::Result<()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.events.contains(&event) {
            let position = kept.add(event)?;
            kept.file.sync_all()?;
            let (group, event, member) = (name(GROUP), EventId(event), name(&kept.member));
            record(What::Apply { group, position, event, generation: 1, member });
        }
        Ok(())
    }

    /// Tells whoever connects how many events there are.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn tell(self) -> Result<(), Error> {
        let listener = TcpListener::bind(("0.0.0.0", COUNT)).await?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            let count = self.0.lock().unwrap_or_else(PoisonError::into_inner).events.len();
            // Who is gone does not hear it.
            let _ = stream.write_u64(count as u64).await;
        }
    }
}

/// What a node with a store holds: its log, which is what has taken effect, too.
///
/// # Errors
/// The node does not answer.
pub async fn holds(node: Node) -> Result<Vec<State>, Error> {
    let position = TcpStream::connect((&*node.name, COUNT)).await?.read_u64().await?;
    let state = |of| State { node: node.id, of, position, digest: 0 };
    let log = state(StateOf::Replica { partition: 0 });
    Ok(vec![log, state(StateOf::Projection { group: name(GROUP) })])
}

impl Kept {
    fn add(&mut self, event: u64) -> io::Result<Position> {
        self.file.write_all(&event.to_be_bytes())?;
        let position = Position::new(0, self.events.len() as u64);
        self.events.insert(event);
        record(What::Append { position, event: EventId(event), key: 0, term: 1, content: 0 });
        Ok(position)
    }
}

/// A client that asks for an event to be kept until it is told that it is.
#[derive(Clone, Copy, Debug)]
pub struct Asks<F>(pub F);

impl<F, A> Client for Asks<F>
where
    F: Fn(u64) -> A + Copy + 'static,
    A: Future<Output = Result<(), Error>>,
{
    fn publish(&self, event: Event, early: Box<dyn FnOnce(String)>) -> LocalFuture<Outcome> {
        let ask = self.0;
        Box::pin(async move {
            let mut early = Some(early);
            for attempt in 0.. {
                if let Ok(Ok(())) = timeout(Duration::from_millis(500), ask(event.id.0)).await {
                    return Outcome::Ok(None);
                }
                signal("retried");
                if attempt == 5
                    && let Some(early) = early.take()
                {
                    early("still no answer".to_owned());
                }
                sleep(Duration::from_millis(100)).await;
            }
            Outcome::Info("gave up".to_owned())
        })
    }
}
