//! The honest system of which each cheat changes one thing: a server that stores events in a file, and clients
//! that send them and go on asking until they are answered.

use bytes::Bytes;
use squall::system::{Client, Error, Event, LocalFuture, Node, Outcome, Role, State};
use squall_probe::{EventId, Position, StateOf, What, fs, name, net, point, record};
use std::{
    cell::RefCell,
    collections::BTreeSet,
    io::{Seek as _, SeekFrom, Write as _},
    rc::Rc,
    time::Duration,
};
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

pub const GROUP: &str = "sink";
pub const FILE: &str = "/data/events";

pub const ROLES: &[Role] = &[
    Role {
        name: "server",
        plural: "servers",
        default: 1,
        min: 1,
        max: 1,
        client: false,
        replica: true,
        about: "Stores events",
    },
    Role {
        name: "client",
        plural: "clients",
        default: 1,
        min: 1,
        max: 5,
        client: true,
        replica: false,
        about: "Sends events",
    },
];

/// Where a server keeps its events. The default syncs each before it returns.
pub trait Store {
    /// What was stored before, in order.
    fn recover(&mut self) -> Result<Vec<u64>, Error>;
    /// Stores one more.
    fn append(&mut self, event: u64) -> Result<(), Error>;
    /// Behind the fault point `server.written`: makes it durable, if appending did not.
    fn settle(&mut self) -> Result<(), Error> {
        Ok(())
    }
    /// It goes on after an error of its disk; the event's client asks again.
    fn survives_errors(&self) -> bool {
        false
    }
    /// The event was answered for.
    fn answered(&mut self, _event: u64) -> Result<(), Error> {
        Ok(())
    }
}

/// One file of sixteen bytes an event.
#[derive(Default)]
pub struct Disk {
    pub file: Option<fs::File>,
}

impl Store for Disk {
    fn recover(&mut self) -> Result<Vec<u64>, Error> {
        let mut file = fs::open(FILE)?;
        fs::sync_dir("/data")?;
        let events = events_in(&fs::read(FILE)?);
        // It may come from a page cache that no sync has saved, and of which none will after one that failed: so
        // it is written again. What is behind it is torn, and was never answered for.
        file.write_all(&bytes_of(&events))?;
        file.set_len(events.len() as u64 * 16)?;
        file.sync_all()?;
        self.file = Some(file);
        Ok(events)
    }

    fn append(&mut self, event: u64) -> Result<(), Error> {
        let file = self.file.as_mut().ok_or("not recovered")?;
        let before = file.stream_position()?;
        if let Err(error) = file.write_all(&frame_of(event)).and_then(|()| file.sync_all()) {
            // Nobody will be answered: nobody shall find it.
            file.set_len(before)?;
            file.seek(SeekFrom::Start(before))?;
            return Err(error.into());
        }
        Ok(())
    }
}

/// Events as they are in a file: each a frame.
pub fn bytes_of(events: &[u64]) -> Vec<u8> {
    events.iter().flat_map(|event| frame_of(*event)).collect()
}

/// The events in a file's bytes, up to the first that is not whole.
pub fn events_in(bytes: &[u8]) -> Vec<u64> {
    bytes.chunks(16).map_while(number_in).collect()
}

/// A server with a store.
pub async fn serve(node: Node, mut store: impl Store) -> Result<(), Error> {
    let listener = net::TcpListener::bind("0.0.0.0:7000").await?;
    record(What::Rebuild);
    // There is nobody else to lead; each life is a term of its own.
    record(What::Lead { term: u64::from(node.incarnation) + 1 });
    let mut stored = BTreeSet::new();
    for (event, offset) in store.recover()?.into_iter().zip(0..) {
        stored.insert(event);
        appended(event, offset);
        // It was on disk when the server died, and its effect had not been told of.
        if !TOLD.with(|told| told.borrow().contains(&event)) {
            applied(event, offset);
        }
    }
    loop {
        let (stream, _) = tokio::select! {
            biased;
            () = squall_probe::stop_asked() => return Ok(()),
            accepted = listener.accept() => accepted?,
        };
        let (sender, mut receiver) = stream.into_frames();
        while let Ok(Some(frame)) = receiver.recv().await {
            let Some(event) = number_in(&frame) else { break };
            if event > 0 && stored.insert(event) {
                let appended_ok = store.append(event);
                if store.survives_errors() && appended_ok.is_err() {
                    stored.remove(&event);
                    break;
                }
                appended_ok?;
                point("server.written").await;
                store.settle()?;
                let offset = stored.len() as u64 - 1;
                appended(event, offset);
                applied(event, offset);
                point("server.synced").await;
            }
            sender.send("answer", frame_of(stored.len() as u64)).await?;
            if event > 0 {
                point("server.answered").await;
                store.answered(event)?;
            }
        }
    }
}

/// The event is visible in the log.
pub fn appended(event: u64, offset: u64) {
    let position = Position::new(0, offset);
    record(What::Append { position, event: EventId(event), key: 0, term: 1, content: 0 });
}

thread_local! {
    /// Events whose effect has been told of in this run, which has a thread to itself. A real server would mark
    /// them on disk.
    static TOLD: RefCell<BTreeSet<u64>> = const { RefCell::new(BTreeSet::new()) };
}

/// The event has taken effect.
pub fn applied(event: u64, offset: u64) {
    TOLD.with(|told| told.borrow_mut().insert(event));
    let (group, position) = (name(GROUP), Position::new(0, offset));
    let (event, member) = (EventId(event), name("server-1"));
    record(What::Apply { group, position, event, generation: 1, member });
}

/// A number and its complement, by which damage shows.
pub fn frame_of(number: u64) -> Bytes {
    [number.to_be_bytes(), (!number).to_be_bytes()].concat().into()
}

/// The number in a frame, unless it is damaged.
pub fn number_in(frame: &[u8]) -> Option<u64> {
    let (number, check) = frame.split_at_checked(8)?;
    let number = u64::from_be_bytes(number.try_into().ok()?);
    let check = u64::from_be_bytes(check.try_into().ok()?);
    (check == !number).then_some(number)
}

/// Sends one event and waits for the answer: how many events the server has.
pub async fn ask(event: u64) -> Option<u64> {
    timeout(Duration::from_millis(300), async {
        let (sender, mut receiver) =
            net::TcpStream::connect("server-1:7000").await.ok()?.into_frames();
        sender.send("send", frame_of(event)).await.ok()?;
        number_in(&receiver.recv().await.ok()??)
    })
    .await
    .ok()?
}

/// What the server tells of itself.
pub async fn inspect(node: Node) -> Result<Vec<State>, Error> {
    if node.role != "server" {
        return Ok(Vec::new());
    }
    let count = ask(0).await.ok_or("no answer")?;
    let state = |of| State { node: node.id, of, position: count, digest: 0 };
    let log = state(StateOf::Replica { partition: 0 });
    Ok(vec![log, state(StateOf::Projection { group: name(GROUP) })])
}

/// One event after the other, each until it is answered: the order of a client's events is promised.
#[derive(Default)]
struct Sender(Rc<Mutex<()>>);

/// The honest client.
pub fn client() -> Box<dyn Client> {
    Box::<Sender>::default()
}

impl Client for Sender {
    fn publish(&self, event: Event, early: Box<dyn FnOnce(String)>) -> LocalFuture<Outcome> {
        let turn = self.0.clone();
        Box::pin(async move {
            let _turn = turn.lock().await;
            let mut early = Some(early);
            for attempt in 0.. {
                if ask(event.id.0).await.is_some() {
                    return Outcome::Ok(None);
                }
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
