//! The history as it is kept: events in memory for the checkers, and events, messages, faults and troubles in a file.

use crate::{
    findings::Anomaly,
    history::{Event, Kind},
    kept::{End, Header},
    message::Message,
};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{self, Write as _},
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

/// How many messages are written in full; those that follow are counted.
const MOST_MESSAGES: u64 = 1_000_000;

/// How many bytes of messages are written; those that follow are counted.
const MOST_BYTES: usize = 512 << 20;

/// How many troubles of one name are told.
const MOST_TROUBLES: usize = 8;

/// Where everything that happens is noted.
#[derive(Debug)]
pub(crate) struct Journal {
    began: Mutex<Instant>,
    kept: Mutex<Kept>,
    /// Something happened after which going on teaches nothing.
    hopeless: AtomicBool,
    succeeded: AtomicU64,
}

#[derive(Debug)]
struct Kept {
    events: Vec<Event>,
    troubles: Vec<Anomaly>,
    file: Option<GzEncoder<File>>,
    messages: u64,
    /// How many of them were written, and their bytes.
    written: (u64, usize),
}

impl Journal {
    /// A journal that is also written to `file`, if there is one.
    pub(crate) fn new(header: &Header, file: Option<&Path>) -> io::Result<Self> {
        let file = file.map(File::create).transpose()?;
        let mut file = file.map(|file| GzEncoder::new(file, Compression::fast()));
        if let Some(file) = &mut file {
            writeln!(file, "{}", json!(header))?;
        }
        let kept =
            Kept { events: Vec::new(), troubles: Vec::new(), file, messages: 0, written: (0, 0) };
        let began = Mutex::new(Instant::now());
        Ok(Self {
            began,
            kept: Mutex::new(kept),
            hopeless: AtomicBool::new(false),
            succeeded: AtomicU64::new(0),
        })
    }

    /// Time is counted from now.
    pub(crate) fn begin(&self) {
        *self.began.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Microseconds since it began.
    pub(crate) fn now(&self) -> u64 {
        let began = *self.began.lock().unwrap_or_else(PoisonError::into_inner);
        u64::try_from(began.elapsed().as_micros()).expect("a run takes less than 500,000 years")
    }

    /// Notes an event; its index and time are set here.
    pub(crate) fn event(&self, event: Event) {
        if event.kind == Kind::Ok {
            self.succeeded.fetch_add(1, Ordering::Relaxed);
        }
        let mut kept = self.lock();
        let event = Event { index: kept.events.len() as u64, time: self.now(), ..event };
        kept.write(&json!({ "event": event }));
        kept.events.push(event);
    }

    /// Notes what became of a message.
    pub(crate) fn message(&self, from: &str, message: &Message, fate: &str) {
        let mut kept = self.lock();
        kept.messages += 1;
        let (written, bytes) = kept.written;
        if kept.file.is_none() || written >= MOST_MESSAGES || bytes > MOST_BYTES {
            return;
        }
        kept.written = (written + 1, bytes + message.line().len());
        let (src, dest, body) = (&message.src, &message.dest, &message.body);
        let mut line =
            json!({ "time": self.now(), "fate": fate, "src": src, "dest": dest, "body": body });
        if from != src {
            line["from"] = json!(from);
        }
        kept.write(&json!({ "message": line }));
    }

    /// Notes that a fault begins or ends.
    pub(crate) fn fault(&self, what: &str) {
        self.lock().write(&json!({ "fault": { "time": self.now(), "what": what } }));
    }

    /// A node does what the protocol forbids, or ends.
    pub(crate) fn trouble(&self, name: &'static str, node: &str, about: String) {
        let mut kept = self.lock();
        let alike = kept.troubles.iter().filter(|trouble| trouble.name == name).count();
        if alike < MOST_TROUBLES {
            let time = self.now();
            let trouble = json!({ "time": time, "name": name, "node": node, "about": about });
            kept.write(&json!({ "trouble": trouble }));
            kept.troubles.push(Anomaly::of_node(name, about));
        }
        if matches!(name, "node-crashed" | "flooded" | "line-too-long") {
            self.hopeless.store(true, Ordering::Relaxed);
        }
    }

    /// How many operations have succeeded.
    pub(crate) fn succeeded(&self) -> u64 {
        self.succeeded.load(Ordering::Relaxed)
    }

    /// Whether going on teaches nothing more.
    pub(crate) fn hopeless(&self) -> bool {
        self.hopeless.load(Ordering::Relaxed)
    }

    /// What went wrong first.
    pub(crate) fn first_trouble(&self) -> Option<Anomaly> {
        self.lock().troubles.first().cloned()
    }

    /// Looks at the events so far.
    pub(crate) fn with_events<T>(&self, look: impl FnOnce(&[Event]) -> T) -> T {
        look(&self.lock().events)
    }

    /// What was noted.
    pub(crate) fn noted(&self) -> (Vec<Event>, Vec<Anomaly>) {
        let kept = self.lock();
        (kept.events.clone(), kept.troubles.clone())
    }

    /// Ends the file with what is to be known of the run beside.
    pub(crate) fn close(&self, end: &End) -> io::Result<()> {
        let mut kept = self.lock();
        let unwritten = kept.messages - kept.written.0;
        if unwritten > 0 {
            kept.write(&json!({ "messages_not_written": unwritten }));
        }
        kept.write(&json!({ "end": end }));
        kept.file.take().map_or(Ok(()), |file| file.finish().map(|_| ()))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn write(&mut self, line: &Value) {
        let Some(file) = &mut self.file else { return };
        if let Err(error) = writeln!(file, "{line}") {
            // Told once: the run goes on, and its verdict needs no file.
            eprintln!("warning: the history is not written further: {error}");
            self.file = None;
        }
    }
}

impl Event {
    /// An event whose place and time are not known yet.
    pub(crate) fn new(process: u64, node: &str, kind: Kind, f: &str, value: Value) -> Self {
        let (f, node) = (f.to_owned(), node.to_owned());
        Self { index: 0, time: 0, process, node, kind, f, value, error: None, last: false }
    }
}
