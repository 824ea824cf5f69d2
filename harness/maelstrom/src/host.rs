//! Nodes, the network between them, and what is done to them.

use crate::{
    journal::Journal,
    kept::Header,
    message::Body,
    network::Network,
    process::{Guardian, Log, Process},
    rpc::{Client, Refused},
    workloads::{Load, Options, Workload},
};
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// What is to be run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program of each node and its arguments.
    pub command: Vec<String>,
    /// What the run is called in its history.
    pub title: String,
    /// How many nodes there are, at least 1.
    pub nodes: usize,
    /// The seed of all that is drawn.
    pub seed: u64,
    /// How long a message between nodes, or between a node and a service, takes: from the first to the second, in
    /// milliseconds.
    pub latency_ms: (u32, u32),
    /// What can be chosen of the workload.
    pub options: Options,
    /// A folder for what nodes write to their standard error, a file each.
    pub logs: Option<PathBuf>,
    /// A file for the history, compressed by gzip.
    pub history: Option<PathBuf>,
    /// How long a node may take until it answers `init`.
    pub ready_within: Duration,
}

impl Settings {
    /// What Maelstrom does if it is told nothing: three nodes here, where it has five.
    #[must_use]
    pub fn new(command: &[&str]) -> Self {
        Self {
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            title: String::new(),
            nodes: 3,
            seed: 1,
            latency_ms: (0, 0),
            options: Options::default(),
            logs: None,
            history: None,
            ready_within: Duration::from_secs(10),
        }
    }
}

/// Why there are no nodes to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReady {
    /// What went wrong, in one line.
    pub why: String,
    /// The last lines that the node wrote to its standard error.
    pub log: Vec<String>,
}

impl std::fmt::Display for NotReady {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.why)?;
        for line in &self.log {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for NotReady {}

/// Why one node of several did not become ready.
enum Unready {
    /// For a reason of its own.
    ByItself(NotReady),
    /// The run was ended meanwhile; it is told what for, as far as was known.
    Stopped(NotReady),
}

impl From<Unready> for NotReady {
    fn from(unready: Unready) -> Self {
        match unready {
            Unready::ByItself(why) | Unready::Stopped(why) => why,
        }
    }
}

/// Nodes that run, and what is between them. Clones are the same one; whoever ends it, ends it for all.
#[derive(Clone)]
pub struct Host {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) workload: &'static Workload,
    pub(crate) load: Box<dyn Load>,
    pub(crate) network: Network,
    pub(crate) journal: Arc<Journal>,
    nodes: Vec<Node>,
    names: Vec<String>,
    guardian: Arc<Guardian>,
    clients: AtomicU64,
    /// Something was done to a node.
    touched: AtomicBool,
}

struct Node {
    log: Arc<Log>,
    life: Mutex<Life>,
}

#[derive(Default)]
struct Life {
    process: Option<Process>,
    /// It has answered `init`.
    ready: bool,
    paused: bool,
    /// Which of its lives this is, so that a start that comes too late does not speak for another.
    number: u64,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("nodes", &self.shared.names).finish_non_exhaustive()
    }
}

impl Host {
    /// Starts all nodes, and waits until each has answered `init`.
    ///
    /// # Errors
    /// A program that cannot be started or ends, a node that does not answer in time, a file that cannot be written. What
    /// was started is ended.
    pub fn start(settings: Settings, workload: &'static Workload) -> Result<Self, NotReady> {
        let not_ready = |why: String| NotReady { why, log: Vec::new() };
        let names: Vec<String> = (0..settings.nodes.max(1)).map(|n| format!("n{n}")).collect();
        let header =
            Header::new(&settings.title, workload.name, &settings.command, &names, settings.seed);
        let journal = Journal::new(&header, settings.history.as_deref())
            .map_err(|error| not_ready(format!("the history cannot be written: {error}")))?;
        let journal = Arc::new(journal);
        let guardian = Guardian::start()
            .map_err(|error| not_ready(format!("no shell (sh) can be started: {error}")))?;
        let mut nodes = Vec::new();
        for name in &names {
            let file = settings.logs.as_ref().map(|folder| {
                fs::create_dir_all(folder)?;
                File::create(folder.join(format!("{name}.log")))
            });
            let file =
                file.transpose().map_err(|error| not_ready(format!("{name}'s log: {error}")))?;
            let life = Mutex::new(Life::default());
            nodes.push(Node { log: Arc::new(Log::new(file)), life });
        }
        let host = Self {
            shared: Arc::new(Shared {
                network: Network::new(settings.seed, settings.latency_ms, Arc::clone(&journal)),
                load: (workload.load)(&settings.options),
                settings,
                workload,
                journal,
                nodes,
                names,
                guardian: Arc::new(guardian),
                clients: AtomicU64::new(0),
                touched: AtomicBool::new(false),
            }),
        };
        let started = host.start_all();
        if started.is_err() {
            host.end();
        }
        started.map(|()| host)
    }

    fn start_all(&self) -> Result<(), NotReady> {
        let all = 0..self.names().len();
        for node in all.clone() {
            self.spawn(node)?;
        }
        let greeted: Vec<Result<(), Unready>> = thread::scope(|scope| {
            let threads: Vec<_> =
                all.map(|node| scope.spawn(move || self.greet(node, self.number(node)))).collect();
            threads.into_iter().map(|t| t.join().expect("greeting does not panic")).collect()
        });
        let mut failed: Vec<Unready> = greeted.into_iter().filter_map(Result::err).collect();
        // Whoever was only told to stop knows less than the one that it was for.
        failed.sort_by_key(|failed| matches!(failed, Unready::Stopped(_)));
        if let Some(first) = failed.into_iter().next() {
            return Err(first.into());
        }
        self.shared.journal.begin();
        Ok(())
    }

    /// The names of the nodes: `n0`, `n1`, …
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.shared.names
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.shared.network
    }

    /// How long the nodes have been ready.
    #[must_use]
    pub fn now(&self) -> Duration {
        Duration::from_micros(self.shared.journal.now())
    }

    /// Notes in the history that a fault begins or ends.
    pub fn note(&self, what: &str) {
        self.shared.journal.fault(what);
    }

    /// How many operations have succeeded so far.
    #[must_use]
    pub fn succeeded(&self) -> u64 {
        self.shared.journal.succeeded()
    }

    /// Going on teaches nothing: a node has ended by itself, or writes without end.
    #[must_use]
    pub fn hopeless(&self) -> bool {
        self.shared.journal.hopeless()
    }

    /// Whether a node's process runs (or stands still) and has answered `init`.
    #[must_use]
    pub fn is_ready(&self, node: usize) -> bool {
        let life = self.life(node);
        life.ready && life.process.as_ref().is_some_and(|process| process.status().is_none())
    }

    /// Whether a node has a process.
    #[must_use]
    pub fn is_up(&self, node: usize) -> bool {
        self.life(node).process.is_some()
    }

    /// A node's process stands still, with all that it started (SIGSTOP). What is sent to it waits. Nothing happens to a node
    /// that is down.
    pub fn pause(&self, node: usize) {
        self.set_paused(node, true);
    }

    /// A node's process goes on.
    pub fn resume(&self, node: usize) {
        self.set_paused(node, false);
    }

    /// How many messages have arrived at a node's process, in this life, while it stood still.
    #[must_use]
    pub fn arrived_while_paused(&self, node: usize) -> u64 {
        self.network().waited(&self.names()[node])
    }

    fn set_paused(&self, node: usize, paused: bool) {
        self.shared.touched.store(true, Ordering::Relaxed);
        let mut life = self.life(node);
        if let Some(process) = &life.process {
            process.pause(paused);
            self.network().pause(&self.names()[node], paused);
            life.paused = paused;
        }
    }

    /// A node's process is killed, with all that it started (SIGKILL); what was sent to it and not read is lost. Tells
    /// whether it was up.
    pub fn kill(&self, node: usize) -> bool {
        self.shared.touched.store(true, Ordering::Relaxed);
        let mut life = self.life(node);
        life.ready = false;
        life.paused = false;
        let Some(process) = life.process.take() else { return false };
        self.network().gone(&self.names()[node]);
        process.kill();
        true
    }

    /// A node's process is asked to end, with all that it started (SIGTERM). [`has_ended`](Self::has_ended) tells when it has.
    /// Nothing happens to a node that is down.
    pub fn ask_to_stop(&self, node: usize) {
        self.shared.touched.store(true, Ordering::Relaxed);
        if let Some(process) = &self.life(node).process {
            process.ask_to_stop();
        }
    }

    /// Whether a node's process has ended; [`kill`](Self::kill) clears up after it.
    #[must_use]
    pub fn has_ended(&self, node: usize) -> bool {
        self.life(node).process.as_ref().is_some_and(|process| process.status().is_some())
    }

    /// Starts a node that was killed; it is told `init` again. Returns at once: [`is_ready`](Self::is_ready) tells when it
    /// has answered, and that it never does ends the run. Nothing happens to a node that is up.
    pub fn start_again(&self, node: usize) {
        if self.is_up(node) {
            return;
        }
        let started = self.spawn(node);
        let number = self.number(node);
        let host = self.clone();
        thread::spawn(move || {
            let ready = started.and_then(|()| Ok(host.greet(node, number)?));
            // Who was killed in the meantime need not be ready.
            if let Err(error) = ready
                && host.number(node) == number
                && host.is_up(node)
            {
                let name = &host.names()[node];
                host.shared.journal.trouble(NEVER_READY, name, error.to_string());
            }
        });
    }

    /// What a node last wrote to its standard error.
    #[must_use]
    pub fn log(&self, node: usize) -> Vec<String> {
        self.shared.nodes[node].log.tail()
    }

    /// Kills all nodes, and ends the network.
    pub fn end(&self) {
        for node in 0..self.names().len() {
            let mut life = self.life(node);
            life.ready = false;
            life.number += 1;
            if let Some(process) = life.process.take() {
                process.kill();
            }
        }
        self.network().end();
    }

    /// Something was done to a node or a message.
    pub(crate) fn was_touched(&self) -> bool {
        self.shared.touched.load(Ordering::Relaxed) || self.network().any_hit()
    }

    /// A client with a name of its own.
    pub(crate) fn client(&self) -> Client {
        let number = self.shared.clients.fetch_add(1, Ordering::Relaxed);
        Client::new(&format!("c{number}"), self.network(), &self.shared.journal)
    }

    fn spawn(&self, node: usize) -> Result<(), NotReady> {
        let shared = &self.shared;
        let name = &self.names()[node];
        let mut life = self.life(node);
        let process = Process::start(
            name,
            &shared.settings.command,
            &shared.network,
            &shared.journal,
            &shared.nodes[node].log,
            &shared.guardian,
        );
        let process = process.map_err(|error| NotReady {
            why: format!("{name} cannot be started: {error}"),
            log: Vec::new(),
        })?;
        *life =
            Life { process: Some(process), ready: false, paused: false, number: life.number + 1 };
        Ok(())
    }

    /// Tells a node who it is, and what the workload has for it.
    fn greet(&self, node: usize, number: u64) -> Result<(), Unready> {
        let name = &self.names()[node];
        let mut init = Body::new();
        let fields =
            [("type", json!("init")), ("node_id", json!(name)), ("node_ids", json!(self.names()))];
        init.extend(fields.map(|(name, value): (&str, Value)| (name.to_owned(), value)));
        let greeting = self.shared.load.greeting(self.names());
        for body in [Some(init), greeting].into_iter().flatten() {
            let kind = body["type"].as_str().unwrap_or_default().to_owned();
            let limit = self.shared.settings.ready_within;
            if let Err(why) = self.client().ask(name, body, limit) {
                return Err(self.never_ready(node, &kind, &why));
            }
        }
        let mut life = self.life(node);
        life.ready |= life.number == number;
        Ok(())
    }

    fn never_ready(&self, node: usize, kind: &str, why: &Refused) -> Unready {
        let name = &self.names()[node];
        let log = self.log(node);
        let life = self.life(node);
        let why = match life.process.as_ref().and_then(Process::status) {
            Some(status) => format!("{name} ended before it answered `{kind}` ({status})"),
            None if *why == Refused::Timeout => {
                let limit = self.shared.settings.ready_within.as_secs_f32();
                format!("{name} did not answer `{kind}` within {limit} s")
            }
            // Another node ended the run, or this one a moment ago.
            None if *why == Refused::Stopped => {
                let told = self.shared.journal.first_trouble();
                let about = told.map_or_else(|| why.to_string(), |trouble| trouble.about);
                let why = format!("never became ready: {about}");
                return Unready::Stopped(NotReady { why, log: Vec::new() });
            }
            None => format!("{name} answered `{kind}` with {why}"),
        };
        Unready::ByItself(NotReady { why: format!("never became ready: {why}"), log })
    }

    /// Which of its lives a node is in.
    fn number(&self, node: usize) -> u64 {
        self.life(node).number
    }

    fn life(&self, node: usize) -> MutexGuard<'_, Life> {
        self.shared.nodes[node].life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the journal calls it that a node does not come back.
pub(crate) const NEVER_READY: &str = "never-ready";

impl Drop for Shared {
    fn drop(&mut self) {
        for node in &self.nodes {
            let mut life = node.life.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(process) = life.process.take() {
                process.kill();
            }
        }
        self.network.end();
    }
}
