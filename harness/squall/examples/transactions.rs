//! A log with transactions, in one file: a broker, producers that publish several events in one transaction, and a
//! consumer that sees all of it or nothing.
//!
//!     cargo run -p squall --example transactions -- run my-scenarios/
//!
//! What is put into a transaction is written to the broker's file at once, and stands in the log when the line of its
//! commit is synced. A transaction is of one life of the broker: what was not committed when it died never is. It knows
//! five mistakes, `list defects`.

use bytes::Bytes;
use squall::system::{
    Client, Cluster, Defect, Error, Event, LocalFuture, Node, Outcome, Promises, Role, State,
    System, kafka_like_log,
};
use squall_probe::{
    EventId, Phase, Position, StateOf, What, fs, mix, name,
    net::{FrameReceiver, FrameSender, TcpListener, TcpStream},
    point, record, signal,
    task::spawn,
    time::{sleep, timeout},
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    io::{self, Write as _},
    process::ExitCode,
    rc::Rc,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{Mutex as Turn, mpsc};

const GROUP: &str = "ledger";
const BROKER: &str = "broker-1:7000";
const FILE: &str = "/data/log";

/// How many events a producer publishes in one transaction.
const BATCH: usize = 3;

/// How long anybody waits for an answer.
const PATIENCE: Duration = Duration::from_millis(300);

/// A connection over which nothing comes for this long is dead: a machine without power closes nothing.
const SILENCE: Duration = Duration::from_secs(2);

const READS_OPEN: &str = "reads-open";
const SHOWS_ABORTED: &str = "shows-aborted";
const NO_SYNC: &str = "no-sync";
const COMMITS_PIECEMEAL: &str = "commits-piecemeal";
const FORGETS_OUTCOMES: &str = "forgets-outcomes";

static DEFECTS: LazyLock<[Defect; 5]> = LazyLock::new(|| {
    let defect = |id, about, breaks: &[&'static str]| Defect { id, about, breaks: breaks.to_vec() };
    [
        defect(
            READS_OPEN,
            "consumers see what is put into a transaction that is still open",
            &["transaction_atomicity"],
        ),
        defect(
            SHOWS_ABORTED,
            "after a restart consumers see what was never committed",
            &["transaction_atomicity"],
        ),
        defect(
            NO_SYNC,
            "a commit is answered before it is synced",
            &["durability", "no_loss", "transaction_atomicity"],
        ),
        defect(
            COMMITS_PIECEMEAL,
            "a commit is written and synced for each event by itself",
            &["transaction_atomicity"],
        ),
        defect(
            FORGETS_OUTCOMES,
            "after a restart a commit that is asked for again is refused, though it has happened",
            &["no_duplicate_append", "transaction_atomicity"],
        ),
    ]
});

const fn role(name: &'static str, plural: &'static str, about: &'static str) -> Role {
    Role { name, plural, default: 1, min: 1, max: 1, client: false, replica: false, about }
}

const ROLES: &[Role] = &[
    Role { replica: true, ..role("broker", "brokers", "Keeps the log") },
    Role {
        client: true,
        max: 5,
        ..role("producer", "producers", "Publishes events, several in one transaction")
    },
    role("consumer", "consumers", "Reads what is committed, and keeps it"),
];

struct Transactions;

impl System for Transactions {
    fn name(&self) -> &str {
        "transactions"
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
        &["begin", "put", "commit", "fetch", "count", "answer"]
    }
    fn points(&self) -> &[&'static str] {
        &["broker.put", "broker.committed"]
    }
    fn signals(&self) -> &[&'static str] {
        &["begun_again"]
    }
    fn meanings(&self) -> &[(&'static str, &'static str)] {
        &[
            (
                "broker.put",
                "an event was put into a transaction, and its producer has not been told",
            ),
            ("broker.committed", "a transaction is committed, and its producer has not been told"),
            ("begun_again", "a transaction was aborted, and its events are put into another one"),
        ]
    }
    fn defects(&self) -> &[Defect] {
        DEFECTS.as_slice()
    }
    fn waits_with_probe(&self) -> bool {
        true
    }
    fn promises(&self) -> Promises {
        Promises { transactions: true, ..kafka_like_log() }
    }

    fn start(&self, node: Node, cluster: Cluster) -> LocalFuture<Result<(), Error>> {
        Box::pin(async move {
            match node.role {
                "broker" => serve(Broker::open(&node, cluster.defects.clone())?).await,
                _ => consume().await,
            }
        })
    }

    fn client(&self, _: Node, _: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
        Box::pin(async { Ok(Box::<Producer>::default() as Box<dyn Client>) })
    }

    fn inspect(&self, node: Node, _: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
        Box::pin(async move {
            let of = match node.role {
                "broker" => StateOf::Replica { partition: 0 },
                "consumer" => StateOf::Projection { group: name(GROUP) },
                _ => return Ok(Vec::new()),
            };
            let address = format!("{}:7000", node.name);
            let held = ask(&address, Line::new(Op::Count, 0, 0)).await.ok_or("no answer")?;
            Ok(vec![State { node: node.id, of, position: held.a, digest: held.b }])
        })
    }
}

/// What is asked and answered, and what stands in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Begin,
    Put,
    Commit,
    Fetch,
    Count,
    Done,
    Aborted,
}

impl Op {
    const ALL: [(Self, &str); 7] = [
        (Self::Begin, "begin"),
        (Self::Put, "put"),
        (Self::Commit, "commit"),
        (Self::Fetch, "fetch"),
        (Self::Count, "count"),
        (Self::Done, "answer"),
        (Self::Aborted, "answer"),
    ];
}

/// An operation and two numbers: of `Put` the transaction and the event, of `Fetch` an offset.
#[derive(Clone, Copy, Debug)]
struct Line {
    op: Op,
    a: u64,
    b: u64,
}

impl Line {
    const BYTES: usize = 25;

    fn new(op: Op, a: u64, b: u64) -> Self {
        Self { op, a, b }
    }

    fn check(&self) -> u64 {
        mix(self.a ^ mix(self.b ^ mix(self.op as u64)))
    }

    fn bytes(&self) -> Bytes {
        let numbers = [self.a, self.b, self.check()].map(u64::to_be_bytes);
        [&[self.op as u8][..], &numbers.concat()].concat().into()
    }

    /// `None` if it is damaged.
    fn read(bytes: &[u8]) -> Option<Self> {
        let (op, numbers) = bytes.split_first()?;
        let number = |place: usize| {
            let bytes = numbers.get(8 * place..8 * (place + 1))?;
            Some(u64::from_be_bytes(bytes.try_into().ok()?))
        };
        let (op, _) = *Op::ALL.get(usize::from(*op))?;
        let line = Self { op, a: number(0)?, b: number(1)? };
        (number(2)? == line.check()).then_some(line)
    }

    /// Those of a file, as far as it is whole: a torn last one was never answered for. They are written to a new file, since
    /// what is found may be in memory only, and be so after a sync that failed.
    fn recover() -> io::Result<(fs::File, Vec<Self>)> {
        fs::create_dir_all("/data")?;
        let old = if fs::exists(FILE)? { fs::read(FILE)? } else { Vec::new() };
        let lines: Vec<Self> = old.chunks_exact(Self::BYTES).map_while(Self::read).collect();
        let mut file = fs::File::create("/data/new")?;
        lines.iter().try_for_each(|line| file.write_all(&line.bytes()))?;
        file.sync_all()?;
        fs::rename("/data/new", FILE)?;
        fs::File::open("/data")?.sync_all()?;
        Ok((file, lines))
    }
}

/// The broker's file, and what follows from it.
struct Broker {
    file: fs::File,
    defects: Arc<[String]>,
    /// Transactions of this life have numbers from here on.
    begin: u64,
    begun: u64,
    /// What was put into each transaction.
    put: BTreeMap<u64, Vec<u64>>,
    committed: BTreeSet<u64>,
    /// What stands in the log.
    log: Vec<u64>,
    /// The file has refused something: what is in it is not known, and a later sync that succeeds says nothing of that.
    over: bool,
}

impl Broker {
    fn open(node: &Node, defects: Arc<[String]>) -> io::Result<Self> {
        record(What::Rebuild);
        // There is nobody else to lead; each life is a term of its own.
        record(What::Lead { term: u64::from(node.incarnation) + 1 });
        let (file, lines) = Line::recover()?;
        let mut broker = Self {
            file,
            defects,
            begin: u64::from(node.incarnation) << 32,
            begun: 0,
            put: BTreeMap::new(),
            committed: BTreeSet::new(),
            log: Vec::new(),
            over: false,
        };
        for line in lines {
            if line.op == Op::Put {
                broker.put.entry(line.a).or_default().push(line.b);
            } else if broker.has(COMMITS_PIECEMEAL) {
                broker.append(line.b);
            } else {
                broker.commit_stands(line.a);
            }
        }
        if broker.has(SHOWS_ABORTED) {
            let put: Vec<u64> = broker.put.values().flatten().copied().collect();
            put.into_iter().for_each(|event| broker.append(event));
        }
        if broker.has(FORGETS_OUTCOMES) {
            broker.committed.clear();
        }
        Ok(broker)
    }

    fn has(&self, defect: &str) -> bool {
        self.defects.iter().any(|known| known == defect)
    }

    /// The event stands in the log, once.
    fn append(&mut self, event: u64) {
        let by_itself = [SHOWS_ABORTED, READS_OPEN, COMMITS_PIECEMEAL];
        if by_itself.iter().any(|defect| self.has(defect)) && self.log.contains(&event) {
            return;
        }
        let position = Position::new(0, self.log.len() as u64);
        self.log.push(event);
        record(What::Append { position, event: EventId(event), key: 0, term: 1, content: 0 });
    }

    /// A commit is durable.
    fn commit_stands(&mut self, transaction: u64) {
        if self.committed.insert(transaction) {
            record(What::Transaction { transaction, phase: Phase::Ok });
            let put = self.put.get(&transaction).cloned().unwrap_or_default();
            put.into_iter().for_each(|event| self.append(event));
        }
    }

    fn write(&mut self, op: Op, transaction: u64, event: u64) -> io::Result<()> {
        self.file.write_all(&Line::new(op, transaction, event).bytes())
    }

    fn answer(&mut self, asked: Line) -> io::Result<Line> {
        if self.over {
            return Err(io::Error::other("this life is over"));
        }
        let answered = self.answer_one(asked);
        self.over = answered.is_err();
        answered
    }

    fn answer_one(&mut self, asked: Line) -> io::Result<Line> {
        let Line { op, a: transaction, b: event } = asked;
        let (done, aborted) = (Line::new(Op::Done, 0, 0), Line::new(Op::Aborted, 0, 0));
        Ok(match op {
            Op::Begin => {
                self.begun += 1;
                Line::new(Op::Done, self.begin + self.begun, 0)
            }
            Op::Put | Op::Commit if self.committed.contains(&transaction) => done,
            // It was of an earlier life.
            Op::Put | Op::Commit if transaction <= self.begin => {
                record(What::Transaction { transaction, phase: Phase::Fail });
                aborted
            }
            Op::Put => {
                if !self.put.get(&transaction).is_some_and(|put| put.contains(&event)) {
                    self.write(Op::Put, transaction, event)?;
                    self.put.entry(transaction).or_default().push(event);
                    if self.has(READS_OPEN) {
                        self.append(event);
                    }
                }
                done
            }
            Op::Commit => {
                let put = self.put.get(&transaction).cloned().unwrap_or_default();
                if self.has(COMMITS_PIECEMEAL) {
                    for event in put {
                        if !self.log.contains(&event) {
                            self.write(Op::Commit, transaction, event)?;
                            self.file.sync_all()?;
                            self.append(event);
                            // The next one at the next request.
                            return Ok(Line::new(Op::Count, 0, 0));
                        }
                    }
                } else {
                    self.write(Op::Commit, transaction, 0)?;
                    if !self.has(NO_SYNC) {
                        self.file.sync_all()?;
                    }
                }
                self.commit_stands(transaction);
                done
            }
            Op::Fetch => match usize::try_from(asked.a).ok().and_then(|at| self.log.get(at)) {
                Some(event) => Line::new(Op::Done, asked.a, *event),
                None => Line::new(Op::Aborted, 0, 0),
            },
            Op::Count => held(&self.log),
            Op::Done | Op::Aborted => aborted,
        })
    }
}

/// How many events there are, and their digest.
fn held(events: &[u64]) -> Line {
    let digest = events.iter().fold(0, |digest, event| mix(digest ^ event));
    Line::new(Op::Count, events.len() as u64, digest)
}

async fn serve(broker: Broker) -> Result<(), Error> {
    let broker = Arc::new(Mutex::new(broker));
    let listener = TcpListener::bind("0.0.0.0:7000").await?;
    let (fails, mut failed) = mpsc::channel(1);
    loop {
        tokio::select! {
            biased;
            // Everything that was answered for is on disk: there is nothing to finish.
            () = squall_probe::stop_asked() => return Ok(()),
            Some(error) = failed.recv() => return Err(error),
            accepted = listener.accept() => {
                let (sender, receiver) = accepted?.0.into_frames();
                spawn(answer(broker.clone(), sender, receiver, fails.clone()));
            }
        }
    }
}

async fn answer(
    broker: Arc<Mutex<Broker>>,
    sender: FrameSender,
    mut receiver: FrameReceiver,
    fails: mpsc::Sender<Error>,
) {
    while let Ok(Ok(Some(frame))) = timeout(SILENCE, receiver.recv()).await {
        let Some(asked) = Line::read(&frame) else { return };
        let answered = broker.lock().unwrap_or_else(PoisonError::into_inner).answer(asked);
        let answer = match answered {
            Ok(answer) => answer,
            Err(error) => {
                // What is in the file and not synced was never answered for: this life is over.
                let _ = fails.send(error.into()).await;
                return;
            }
        };
        match asked.op {
            Op::Put => point("broker.put").await,
            Op::Commit => point("broker.committed").await,
            _ => {}
        }
        if sender.send("answer", answer.bytes()).await.is_err() {
            return;
        }
    }
}

/// Asks once, over a connection of its own.
async fn ask(address: &str, line: Line) -> Option<Line> {
    let (_, kind) = Op::ALL[line.op as usize];
    let asked = async {
        let (sender, mut receiver) = TcpStream::connect(address).await.ok()?.into_frames();
        sender.send(kind, line.bytes()).await.ok()?;
        Line::read(&receiver.recv().await.ok()??)
    };
    timeout(PATIENCE, asked).await.ok()?
}

/// Asks the broker until it answers.
async fn surely(line: Line) -> Line {
    loop {
        if let Some(answer) = ask(BROKER, line).await {
            return answer;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// One transaction after the other, each of all that waits, up to a few.
#[derive(Default)]
struct Publishing {
    waiting: RefCell<VecDeque<u64>>,
    done: RefCell<BTreeSet<u64>>,
    turn: Turn<()>,
}

impl Publishing {
    /// Publishes these events in one transaction, and in another one if that is aborted.
    async fn publish(&self, events: &[u64]) {
        'again: loop {
            let Line { a: transaction, .. } = surely(Line::new(Op::Begin, 0, 0)).await;
            for event in events {
                record(What::Enlist { transaction, event: EventId(*event) });
                let put = surely(Line::new(Op::Put, transaction, *event)).await;
                if put.op == Op::Aborted {
                    signal("begun_again");
                    continue 'again;
                }
            }
            record(What::Transaction { transaction, phase: Phase::Invoke });
            loop {
                match surely(Line::new(Op::Commit, transaction, 0)).await.op {
                    Op::Done => return,
                    Op::Aborted => {
                        signal("begun_again");
                        continue 'again;
                    }
                    _ => {}
                }
            }
        }
    }
}

#[derive(Default)]
struct Producer(Rc<Publishing>);

impl Client for Producer {
    fn publish(&self, event: Event, _: Box<dyn FnOnce(String)>) -> LocalFuture<Outcome> {
        let publishing = self.0.clone();
        Box::pin(async move {
            publishing.waiting.borrow_mut().push_back(event.id.0);
            // Whoever has the turn publishes what waits, also for the others.
            loop {
                let _turn = publishing.turn.lock().await;
                if publishing.done.borrow_mut().remove(&event.id.0) {
                    return Outcome::Ok(None);
                }
                let events: Vec<u64> = {
                    let mut waiting = publishing.waiting.borrow_mut();
                    let count = BATCH.min(waiting.len());
                    waiting.drain(..count).collect()
                };
                publishing.publish(&events).await;
                publishing.done.borrow_mut().extend(events);
            }
        })
    }
}

/// Reads the log from where its own file ends, and keeps each event there.
async fn consume() -> Result<(), Error> {
    let (mut file, lines) = Line::recover()?;
    let kept: Arc<Mutex<Vec<u64>>> =
        Arc::new(Mutex::new(lines.iter().map(|line| line.b).collect()));
    let events = kept.clone();
    let consuming = async move {
        loop {
            let offset = events.lock().unwrap_or_else(PoisonError::into_inner).len() as u64;
            let answer = surely(Line::new(Op::Fetch, offset, 0)).await;
            if answer.op != Op::Done || answer.a != offset {
                sleep(Duration::from_millis(20)).await;
                continue;
            }
            let (group, position, event) =
                (name(GROUP), Position::new(0, offset), EventId(answer.b));
            let (generation, content, member) = (1, 0, name("consumer-1"));
            record(What::Deliver { group, position, event, generation, content });
            file.write_all(&Line::new(Op::Done, offset, answer.b).bytes())?;
            file.sync_all()?;
            record(What::Apply { group, position, event, generation, member });
            events.lock().unwrap_or_else(PoisonError::into_inner).push(answer.b);
        }
    };
    let listener = TcpListener::bind("0.0.0.0:7000").await?;
    let telling = async move {
        loop {
            let (sender, mut receiver) = listener.accept().await?.0.into_frames();
            let kept = kept.clone();
            spawn(async move {
                if let Ok(Ok(Some(_))) = timeout(SILENCE, receiver.recv()).await {
                    let held = held(&kept.lock().unwrap_or_else(PoisonError::into_inner));
                    // Whoever asked may be gone.
                    let _ = sender.send("answer", held.bytes()).await;
                }
            });
        }
    };
    tokio::select! {
        biased;
        () = squall_probe::stop_asked() => Ok(()),
        ended = consuming => ended,
        ended = telling => ended,
    }
}

fn main() -> ExitCode {
    squall::main(Arc::new(Transactions))
}
