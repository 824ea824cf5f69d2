//! A second honest base: a server that serves many connections at once, and clients that send their events over one
//! connection each, numbered, without waiting for the answers. What is not answered is sent again, in order, over
//! the next connection; what the server has already it answers again; and where one is missing it hangs up.

use crate::base::{Disk, GROUP, Store};
use bytes::Bytes;
use squall::system::{Client, Error, Event, LocalFuture, Node, Outcome, State};
use squall_probe::{
    EventId, Position, StateOf, What, name,
    net::{self, FrameReceiver, FrameSender},
    record, sim, task,
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, sleep, timeout},
};

/// What a server or a client does otherwise.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// For how long the server knows again what it was sent.
    pub remembers: Option<Duration>,
    /// The server takes what comes, whatever is missing before it.
    pub takes_gaps: bool,
    /// The server answers for what it has read, and stores it a little later, if the connection still stands.
    pub answers_first: bool,
    /// The client takes a reset for the failure of all that it has no answer for.
    pub reset_is_failure: bool,
}

/// A message: whose, which of theirs, which event, and its key; or an answer: whose, and the first that is missing.
fn frame_of(numbers: [u64; 4]) -> Bytes {
    let check = numbers.iter().fold(!0, |check, number| check ^ number.rotate_left(7));
    numbers.iter().chain([&check]).flat_map(|number| number.to_be_bytes()).collect()
}

fn numbers_in(frame: &[u8]) -> Option<[u64; 4]> {
    let numbers: Vec<u64> = frame
        .chunks_exact(8)
        .filter_map(|chunk| Some(u64::from_be_bytes(chunk.try_into().ok()?)))
        .collect();
    let numbers: [u64; 4] = numbers.get(..4)?.try_into().ok()?;
    (frame == frame_of(numbers)).then_some(numbers)
}

struct Server {
    rules: Rules,
    store: Disk,
    stored: u64,
    /// Of each client the number that comes next, and when each before it was stored.
    clients: BTreeMap<u64, (u64, BTreeMap<u64, Instant>)>,
}

impl Server {
    /// Whether it comes in turn: stored now, or known.
    fn take(&mut self, [client, number, event, key]: [u64; 4]) -> Result<bool, Error> {
        let (next, known) = self.clients.entry(client).or_default();
        let remembers = |at: &Instant| self.rules.remembers.is_none_or(|time| at.elapsed() < time);
        if known.get(&number).is_some_and(remembers) {
            return Ok(true);
        }
        if number > *next && !self.rules.takes_gaps {
            return Ok(false);
        }
        known.insert(number, Instant::now());
        *next = (*next).max(number + 1);
        self.store.append(event)?;
        let (position, event) = (Position::new(0, self.stored), EventId(event));
        self.stored += 1;
        let key = u32::try_from(key).unwrap_or(0);
        record(What::Append { position, event, key, term: 1, content: 0 });
        let (group, member) = (name(GROUP), name("server-1"));
        record(What::Apply { group, position, event, generation: 1, member });
        Ok(true)
    }

    fn answer(&self, client: u64) -> Bytes {
        let next = self.clients.get(&client).map_or(0, |(next, _)| *next);
        frame_of([client, next, self.stored, 0])
    }
}

/// A server. It is not meant to crash: who sent what it does not keep on disk.
pub async fn serve(node: Node, rules: Rules) -> Result<(), Error> {
    let listener = net::TcpListener::bind("0.0.0.0:7000").await?;
    record(What::Rebuild);
    record(What::Lead { term: u64::from(node.incarnation) + 1 });
    let mut store = Disk::default();
    store.recover()?;
    let server = Server { rules, store, stored: 0, clients: BTreeMap::new() };
    let server = Rc::new(RefCell::new(server));
    loop {
        let (stream, _) = listener.accept().await?;
        let (sender, receiver) = stream.into_frames();
        let server = server.clone();
        let connection = sim::gated_here(async move {
            if rules.answers_first {
                let _ = converse_in_batches(&server, &sender, receiver).await;
            } else {
                let _ = converse(&server, &sender, receiver).await;
            }
        });
        tokio::task::spawn_local(connection);
    }
}

async fn converse(
    server: &RefCell<Server>,
    sender: &FrameSender,
    mut receiver: FrameReceiver,
) -> Result<(), Error> {
    while let Some(message) = receiver.recv().await?.as_deref().and_then(numbers_in) {
        if message[2] > 0 && !server.borrow_mut().take(message)? {
            return Ok(());
        }
        let answer = server.borrow().answer(message[0]);
        sender.send("answer", answer).await?;
    }
    Ok(())
}

/// The lie: what was read is answered for at once, and stored forty milliseconds after the first of it came.
async fn converse_in_batches(
    server: &RefCell<Server>,
    sender: &FrameSender,
    mut receiver: FrameReceiver,
) -> Result<(), Error> {
    let mut batch: Vec<[u64; 4]> = Vec::new();
    let mut since = Instant::now();
    loop {
        let left = Duration::from_millis(40).saturating_sub(since.elapsed());
        let heard = if batch.is_empty() {
            receiver.recv().await
        } else {
            match timeout(left, receiver.recv()).await {
                Ok(heard) => heard,
                Err(_) => {
                    for message in batch.drain(..) {
                        server.borrow_mut().take(message)?;
                    }
                    continue;
                }
            }
        };
        // It will all be sent again, it thinks, if the connection is reset.
        let Some(message) = heard?.as_deref().and_then(numbers_in) else { return Ok(()) };
        let mut answer = server.borrow().answer(message[0]);
        if message[2] > 0 {
            let next = batch
                .last()
                .map(|last| last[1] + 1)
                .or_else(|| numbers_in(&answer).map(|answer| answer[1]));
            if message[1] > next.unwrap_or(0) {
                return Ok(());
            }
            if batch.is_empty() {
                since = Instant::now();
            }
            batch.push(message);
            answer = frame_of([message[0], next.unwrap_or(0).max(message[1] + 1), 0, 0]);
        }
        sender.send("answer", answer).await?;
    }
}

/// What the server tells of itself.
pub async fn inspect(node: Node) -> Result<Vec<State>, Error> {
    if node.role != "server" {
        return Ok(Vec::new());
    }
    let (sender, mut receiver) = net::TcpStream::connect("server-1:7000").await?.into_frames();
    sender.send("send", frame_of([0; 4])).await?;
    let answer = receiver.recv().await?.as_deref().and_then(numbers_in).ok_or("no answer")?;
    let state = |of| State { node: node.id, of, position: answer[2], digest: 0 };
    let log = state(StateOf::Replica { partition: 0 });
    Ok(vec![log, state(StateOf::Projection { group: name(GROUP) })])
}

struct Waiting {
    message: [u64; 4],
    done: oneshot::Sender<bool>,
}

struct Shared {
    /// Whose messages these are, and the number of the next.
    session: (u64, u64),
    waiting: VecDeque<Waiting>,
}

/// A client with one connection.
struct Pipeline {
    shared: Arc<Mutex<Shared>>,
    more: Arc<Notify>,
}

/// The client.
pub fn client(rules: Rules) -> Box<dyn Client> {
    let shared = Shared { session: (new_session(0), 0), waiting: VecDeque::new() };
    let shared = Arc::new(Mutex::new(shared));
    let more = Arc::new(Notify::new());
    task::spawn(send_all(shared.clone(), more.clone(), rules));
    Box::new(Pipeline { shared, more })
}

/// Another one for each life of a client, and each time that it begins anew.
fn new_session(number: u64) -> u64 {
    let node = sim::current_node();
    let life = sim::with(|world| world.incarnation(node));
    (u64::from(node.0) << 48) | (u64::from(life) << 24) | (number + 1)
}

fn locked(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Client for Pipeline {
    fn publish(&self, event: Event, _: Box<dyn FnOnce(String)>) -> LocalFuture<Outcome> {
        let (done, answer) = oneshot::channel();
        {
            let mut shared = locked(&self.shared);
            let (client, number) = shared.session;
            shared.session.1 += 1;
            let message = [client, number, event.id.0, u64::from(event.key)];
            shared.waiting.push_back(Waiting { message, done });
        }
        self.more.notify_one();
        Box::pin(async move {
            match answer.await {
                Ok(true) => Outcome::Ok(None),
                Ok(false) => Outcome::Fail("the connection was reset".to_owned()),
                Err(_) => Outcome::Info("gave up".to_owned()),
            }
        })
    }
}

async fn send_all(shared: Arc<Mutex<Shared>>, more: Arc<Notify>, rules: Rules) {
    let patience = Duration::from_millis(400);
    let mut sessions = 0;
    loop {
        let stream = timeout(patience, net::TcpStream::connect("server-1:7000")).await;
        let Ok(Ok(stream)) = stream else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (sender, mut receiver) = stream.into_frames();
        let mut sent = 0;
        let error = loop {
            let message = locked(&shared).waiting.get(sent).map(|waiting| waiting.message);
            if let Some(message) = message {
                if let Err(error) = sender.send("send", frame_of(message)).await {
                    break Some(error);
                }
                sent += 1;
                continue;
            }
            let patience = if sent == 0 { Duration::from_secs(3600) } else { patience };
            let heard = tokio::select! {
                biased;
                heard = timeout(patience, receiver.recv()) => heard,
                () = more.notified() => continue,
            };
            match heard {
                Ok(Ok(frame)) => {
                    let Some(answer) = frame.as_deref().and_then(numbers_in) else { break None };
                    let mut shared = locked(&shared);
                    while shared.waiting.front().is_some_and(|w| w.message[1] < answer[1])
                        && let Some(waiting) = shared.waiting.pop_front()
                    {
                        let _ = waiting.done.send(true);
                        sent = sent.saturating_sub(1);
                    }
                }
                Ok(Err(error)) => break Some(error),
                Err(_) => break None,
            }
        };
        if rules.reset_is_failure
            && error.is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
        {
            sessions += 1;
            let mut shared = locked(&shared);
            shared.session = (new_session(sessions), 0);
            for waiting in shared.waiting.drain(..) {
                let _ = waiting.done.send(false);
            }
        }
        sleep(Duration::from_millis(20)).await;
    }
}
