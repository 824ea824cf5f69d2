//! A store of events whose requests go over one of several libraries, each in a file in `src/bin`.
//!
//! The server keeps each event in a file before it answers; who publishes asks again until it is answered.

use squall::system::{
    Client, Cluster, Error, Event, LocalFuture, Node, Outcome, Role, State, System,
};
use squall_probe::{EventId, Position, StateOf, What, fs, name, net::TcpListener, record, signal};
use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    process::ExitCode,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{sleep, timeout};

const GROUP: &str = "store";
const FILE: &str = "/data/events";

/// How requests travel. Event 0 asks for nothing but the answer.
pub trait Transport: Default + Send + Sync + 'static {
    /// Its name.
    const NAME: &'static str;
    /// The kinds of its messages, as faults know them.
    const MESSAGES: &'static [&'static str];

    /// Serves requests.
    fn serve(listener: TcpListener, store: Store) -> impl Future<Output = Result<(), Error>>;

    /// Stores an event: how many there are.
    fn ask(&self, event: u64) -> impl Future<Output = Result<u64, Error>>;
}

/// Runs squall for it.
pub fn main<T: Transport>() -> ExitCode {
    squall::main(Arc::new(Glue::<T>(std::marker::PhantomData)))
}

/// What the server keeps.
#[derive(Clone, Debug)]
pub struct Store(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    file: fs::File,
    events: BTreeSet<u64>,
}

impl Store {
    fn open(node: &Node) -> io::Result<Self> {
        fs::create_dir_all("/data")?;
        record(What::Rebuild);
        // There is nobody else to lead; each life is a term of its own.
        record(What::Lead { term: u64::from(node.incarnation) + 1 });
        let old = if fs::exists(FILE)? { fs::read(FILE)? } else { Vec::new() };
        let mut kept = Kept { file: fs::File::create("/data/new")?, events: BTreeSet::new() };
        // A torn last event was never answered for.
        for event in old.chunks_exact(8).map_while(|bytes| bytes.try_into().ok()) {
            kept.add(u64::from_be_bytes(event))?;
        }
        kept.file.sync_all()?;
        fs::rename("/data/new", FILE)?;
        fs::File::open("/data")?.sync_all()?;
        Ok(Self(Arc::new(Mutex::new(kept))))
    }

    /// Keeps an event, durably: how many there are.
    ///
    /// # Errors
    /// Those of the file.
    pub fn keep(&self, event: u64) -> io::Result<u64> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if event > 0 && !kept.events.contains(&event) {
            let position = kept.add(event)?;
            kept.file.sync_all()?;
            let (group, event, member) = (name(GROUP), EventId(event), name("server-1"));
            record(What::Apply { group, position, event, generation: 1, member });
        }
        Ok(kept.events.len() as u64)
    }

    /// As [`Store::keep`], of the event that the path of a request names: `/7`.
    ///
    /// # Errors
    /// Those of the file, and what names no event.
    pub fn keep_named(&self, path: &str) -> io::Result<u64> {
        let event = path.trim_start_matches('/').parse();
        self.keep(event.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?)
    }
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

struct Glue<T>(std::marker::PhantomData<fn() -> T>);

const fn role(name: &'static str, plural: &'static str, about: &'static str) -> Role {
    Role { name, plural, default: 1, min: 1, max: 1, client: false, replica: false, about }
}

const ROLES: &[Role] = &[
    Role { replica: true, ..role("server", "servers", "Keeps events") },
    Role { client: true, ..role("client", "clients", "Sends events") },
];

impl<T: Transport> System for Glue<T> {
    fn name(&self) -> &str {
        T::NAME
    }
    fn version(&self) -> &str {
        "1"
    }
    fn roles(&self) -> &[Role] {
        ROLES
    }
    fn groups(&self) -> &[&'static str] {
        &[GROUP]
    }
    fn messages(&self) -> &[&'static str] {
        T::MESSAGES
    }
    fn signals(&self) -> &[&'static str] {
        &["retried"]
    }

    fn start(&self, node: Node, _: Cluster) -> LocalFuture<Result<(), Error>> {
        Box::pin(async move {
            let listener = TcpListener::bind("0.0.0.0:7000").await?;
            T::serve(listener, Store::open(&node)?).await
        })
    }

    fn client(&self, _: Node, _: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
        Box::pin(async { Ok(Box::new(Asks(Rc::new(Turn::<T>::default()))) as Box<dyn Client>) })
    }

    fn inspect(&self, node: Node, _: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
        Box::pin(async move {
            if node.role != "server" {
                return Ok(Vec::new());
            }
            let position = T::default().ask(0).await?;
            let state = |of| State { node: node.id, of, position, digest: 0 };
            let log = state(StateOf::Replica { partition: 0 });
            Ok(vec![log, state(StateOf::Projection { group: name(GROUP) })])
        })
    }
}

/// One event after the other: the order of a client's events is promised.
#[derive(Default)]
struct Turn<T> {
    transport: T,
    turn: tokio::sync::Mutex<()>,
}

struct Asks<T>(Rc<Turn<T>>);

impl<T: Transport> Client for Asks<T> {
    fn publish(&self, event: Event, early: Box<dyn FnOnce(String)>) -> LocalFuture<Outcome> {
        let asks = self.0.clone();
        Box::pin(async move {
            let _turn = asks.turn.lock().await;
            let mut early = Some(early);
            for attempt in 0.. {
                let asked = asks.transport.ask(event.id.0);
                if let Ok(Ok(_)) = timeout(Duration::from_millis(300), asked).await {
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
