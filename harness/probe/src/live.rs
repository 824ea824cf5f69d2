//! Real processes whose records somebody gathers: what a simulation hears of its nodes, written down by each of them.
//!
//! A process that has [begun](begin) appends its records to a file of its own, with the time of the machine's monotonic clock,
//! which all processes of a machine share. A record is written before the code goes on: what
//! happens because of a record comes after it in time, in whatever process, and a process that is killed has written
//! all that it had to say. Keep the file in memory (tmpfs): it must outlive the process, not the machine.

use crate::record::{Name, NodeId, What};
use rustix::{
    process::{Signal, getpid, kill_process},
    time::{ClockId, clock_gettime},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Seek as _, Write as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::Notify;

/// The variable that names the file.
pub const RECORDS: &str = "SQUALL_RECORDS";

/// The variable that says which node this is, by its number.
pub const NODE_ID: &str = "SQUALL_NODE_ID";

/// The variable that tells at which fault points somebody waits: a line each, with the number of the trigger, the passage that
/// it waits for, the point, and a file in which all processes count passages.
pub const POINTS: &str = "SQUALL_POINTS";

/// A part of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Part {
    /// From here on the number means this, in this file.
    Name(Name, String),
    /// Something happened.
    Record {
        /// When, in microseconds of the machine's monotonic clock.
        at: u64,
        /// Where.
        node: NodeId,
        /// What.
        what: What,
    },
    /// A fault point was passed.
    Passed(Name),
    /// It was the passage that a trigger waits for: the process stands still until it is told to go on (SIGCONT), or is killed.
    Reached {
        /// The trigger's number.
        trigger: u32,
    },
    /// A number was measured.
    Measured(Measured),
    /// Something was said in words.
    Said {
        /// When, in microseconds of the machine's monotonic clock.
        at: u64,
        /// Where.
        node: NodeId,
        /// What.
        text: String,
    },
}

/// What a process measured of itself: a [gauge](crate::gauge) or a [counter](crate::counter).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// When, in microseconds of the machine's monotonic clock.
    pub at: u64,
    /// Where.
    pub node: NodeId,
    /// Its name, without the `_total` of counters.
    pub name: String,
    /// Names and values.
    pub labels: Vec<(String, String)>,
    /// It only grows.
    pub counts: bool,
    /// Its value from now on; of what counts, by how much it grows.
    pub value: f64,
}

/// The name of a metric, and the names and values of its labels.
type Metric = (String, Vec<(String, String)>);

struct Tape {
    node: NodeId,
    file: File,
    names: BTreeMap<String, Name>,
    /// What earlier lives of the node have written down, until somebody asks for it.
    earlier: Vec<u8>,
    /// Their records, in the names of this life, once somebody has asked.
    told: Option<BTreeSet<Vec<u8>>>,
    /// Where somebody waits.
    armed: Vec<Armed>,
    /// What gauges were told last, in bits.
    gauges: BTreeMap<Metric, u64>,
}

/// A trigger that waits at a fault point.
#[derive(Debug, PartialEq, Eq)]
struct Armed {
    trigger: u32,
    /// Counted over all processes, from 1.
    hit: u64,
    point: String,
    /// As long as there were passages.
    counter: PathBuf,
}

impl Armed {
    fn read(line: &str) -> Option<Self> {
        let mut words = line.splitn(4, ' ');
        Some(Self {
            trigger: words.next()?.parse().ok()?,
            hit: words.next()?.parse().ok()?,
            point: words.next()?.to_owned(),
            counter: words.next()?.into(),
        })
    }

    /// Which passage this is: what is appended to a file has one place in it, whoever else appends.
    fn count(&self) -> io::Result<u64> {
        let mut counter = File::options().append(true).create(true).open(&self.counter)?;
        counter.write_all(b".")?;
        counter.stream_position()
    }
}

static TAPE: OnceLock<Mutex<Tape>> = OnceLock::new();
static STOPPING: AtomicBool = AtomicBool::new(false);
static STOP: Notify = Notify::const_new();

/// The whole parts at the begin of what was read of a file, and how many bytes they take. What makes no sense is passed over.
#[must_use]
pub fn parts(bytes: &[u8]) -> (Vec<Part>, usize) {
    let (mut parts, mut read) = (Vec::new(), 0);
    while let Some((length, rest)) = bytes[read..].split_first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some(part) = rest.get(..length) else { break };
        parts.extend(postcard::from_bytes(part));
        read += length + 4;
    }
    (parts, read)
}

/// The time of the machine's monotonic clock, in microseconds: the same for all processes of a machine.
#[must_use]
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or_default() * 1_000_000 + nanos.unwrap_or_default() / 1_000
}

/// Whether this process writes its records down.
#[must_use]
pub fn is_active() -> bool {
    TAPE.get().is_some()
}

/// From here on this process is a node whose records are appended to a file. Once for a process; what comes later is
/// ignored.
///
/// # Errors
/// The file cannot be opened.
pub fn begin(path: &Path, node: NodeId) -> io::Result<()> {
    let earlier = fs::read(path).unwrap_or_default();
    let file = File::options().append(true).create(true).open(path)?;
    let armed = std::env::var(POINTS).unwrap_or_default();
    let armed = armed.lines().filter_map(Armed::read).collect();
    // Of names of an earlier life of the node the file may be full: they are told again.
    let (names, gauges) = (BTreeMap::new(), BTreeMap::new());
    let tape = Tape { node, file, names, earlier, told: None, armed, gauges };
    let _ = TAPE.set(Mutex::new(tape));
    Ok(())
}

/// As [`begin`], as the variables of the process say ([`RECORDS`], [`NODE_ID`]); nothing without them. For a program that
/// squall's live world starts, at the begin of its `main`.
///
/// # Errors
/// The file cannot be opened.
pub fn begin_as_told() -> io::Result<()> {
    let (Some(path), Some(node)) = (std::env::var_os(RECORDS), std::env::var(NODE_ID).ok()) else {
        return Ok(());
    };
    match node.parse() {
        Ok(node) => begin(Path::new(&path), NodeId(node)),
        Err(_) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{NODE_ID}: {node:?} is no number of a node"),
        )),
    }
}

fn with<R>(what: impl FnOnce(&mut Tape) -> R) -> Option<R> {
    let tape = TAPE.get()?;
    Some(what(&mut tape.lock().unwrap_or_else(PoisonError::into_inner)))
}

impl Tape {
    fn write(&mut self, part: &Part) {
        let Ok(bytes) = postcard::to_stdvec(part) else { return };
        let Ok(length) = u32::try_from(bytes.len()) else { return };
        // One write a part: nobody finds half of one. Nobody can be told that it failed.
        let _ = self.file.write_all(&[&length.to_le_bytes(), bytes.as_slice()].concat());
    }

    fn name(&mut self, text: &str) -> Name {
        if let Some(name) = self.names.get(text) {
            return *name;
        }
        let number = u16::try_from(self.names.len());
        let name = Name(number.expect("a run uses at most 65,536 names: name kinds of things"));
        self.names.insert(text.to_owned(), name);
        self.write(&Part::Name(name, text.to_owned()));
        name
    }

    fn record(&mut self, node: NodeId, what: What) {
        self.write(&Part::Record { at: now(), node, what });
    }

    /// A gauge that is told the value that it has is told once.
    fn measure(&mut self, name: &str, labels: &[(&str, &str)], counts: bool, value: f64) {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let labels: Vec<_> = labels.iter().map(owned).collect();
        let (name, bits) = (name.to_owned(), value.to_bits());
        if !counts && self.gauges.insert((name.clone(), labels.clone()), bits) == Some(bits) {
            return;
        }
        let (at, node) = (now(), self.node);
        self.write(&Part::Measured(Measured { at, node, name, labels, counts, value }));
    }

    /// What earlier lives have recorded of this node.
    fn told(&mut self) -> BTreeSet<Vec<u8>> {
        let (parts, _) = parts(&std::mem::take(&mut self.earlier));
        let mut names: BTreeMap<Name, Name> = BTreeMap::new();
        let mut told = BTreeSet::new();
        for part in parts {
            match part {
                Part::Name(number, text) => {
                    names.insert(number, self.name(&text));
                }
                Part::Record { node, mut what, .. } if node == self.node => {
                    for name in what.names_mut() {
                        *name = names.get(name).copied().unwrap_or(*name);
                    }
                    told.extend(postcard::to_stdvec(&what));
                }
                _ => {}
            }
        }
        told
    }
}

pub(crate) fn name(text: &str) -> Option<Name> {
    with(|tape| tape.name(text))
}

pub(crate) fn record(what: What) {
    with(|tape| tape.record(tape.node, what));
}

pub(crate) fn record_unless_recorded(what: What) {
    with(|tape| {
        let told = match tape.told.take() {
            Some(told) => told,
            None => tape.told(),
        };
        if postcard::to_stdvec(&what).is_ok_and(|bytes| !told.contains(&bytes)) {
            tape.record(tape.node, what);
        }
        tape.told = Some(told);
    });
}

/// As [`record`](crate::record), of another node: what an observer was told of it.
pub fn record_at(node: NodeId, what: What) {
    with(|tape| tape.record(node, what));
}

pub(crate) fn signal(name: &str) {
    with(|tape| {
        let signal = tape.name(name);
        tape.record(tape.node, What::Signal { signal });
    });
}

pub(crate) fn measure(name: &str, labels: &[(&str, &str)], counts: bool, value: f64) {
    with(|tape| tape.measure(name, labels, counts, value));
}

pub(crate) fn say(text: &str) {
    with(|tape| {
        let part = Part::Said { at: now(), node: tape.node, text: text.to_owned() };
        tape.write(&part);
    });
}

pub(crate) fn point(name: &'static str) {
    let waits = with(|tape| {
        let point = tape.name(name);
        tape.write(&Part::Passed(point));
        let reached: Vec<(u32, u64)> = tape
            .armed
            .iter()
            .filter(|armed| armed.point == name)
            .filter_map(|armed| {
                Some((armed.trigger, armed.count().ok().filter(|n| *n == armed.hit)?))
            })
            .collect();
        for (trigger, hit) in &reached {
            let hit = u32::try_from(*hit).unwrap_or(u32::MAX);
            tape.record(tape.node, What::Point { point, hit });
            tape.write(&Part::Reached { trigger: *trigger });
        }
        !reached.is_empty()
    });
    if waits == Some(true) {
        // The signal has come when the call returns: nothing of this process goes on before somebody says so.
        let _ = kill_process(getpid(), Signal::STOP);
    }
}

/// The node is asked to stop: [`stop_asked`](crate::stop_asked) returns.
pub fn ask_to_stop() {
    STOPPING.store(true, Ordering::SeqCst);
    STOP.notify_waiters();
}

pub(crate) async fn stop_asked() {
    loop {
        let asked = STOP.notified();
        if STOPPING.load(Ordering::SeqCst) {
            return;
        }
        asked.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{EventId, Position};

    fn tape(file: File, earlier: Vec<u8>) -> Tape {
        let (names, armed, gauges) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        Tape { node: NodeId(3), file, names, earlier, told: None, armed, gauges }
    }

    #[test]
    fn what_was_written_is_read_and_what_has_no_end_yet_waits() {
        let folder = std::env::temp_dir().join(format!("squall-tape-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("records");
        let file = File::options().append(true).create(true).open(&path).unwrap();
        let mut first = tape(file, Vec::new());
        let group = first.name("billing");
        assert_eq!(first.name("billing"), group);
        let what = What::Apply {
            group,
            position: Position::new(0, 7),
            event: EventId(9),
            generation: 1,
            member: group,
        };
        first.record(NodeId(3), what);
        let bytes = std::fs::read(&path).unwrap();
        let (all, read) = parts(&bytes);
        assert_eq!(read, bytes.len());
        assert_eq!(all[0], Part::Name(group, "billing".to_owned()));
        assert!(matches!(all[1], Part::Record { node: NodeId(3), what: told, .. } if told == what));
        for cut in 0..bytes.len() {
            let (some, read) = parts(&bytes[..cut]);
            assert!(some.len() < 2 && read <= cut, "{cut}");
        }
        // A gauge is told when it changes, a counter always.
        for value in [1.0, 1.0, 2.0] {
            first.measure("lag", &[("group", "billing")], false, value);
            first.measure("events", &[], true, value);
        }
        let (all, _) = parts(&std::fs::read(&path).unwrap());
        let measured = all.iter().filter_map(|part| match part {
            Part::Measured(measured) => Some((measured.name.as_str(), measured.value)),
            _ => None,
        });
        let wanted =
            [("lag", 1.0), ("events", 1.0), ("events", 1.0), ("lag", 2.0), ("events", 2.0)];
        assert_eq!(measured.collect::<Vec<_>>(), wanted);

        // The next life numbers its names otherwise.
        let file = File::options().append(true).open(&path).unwrap();
        let mut next = tape(file, bytes);
        let (other, group) = (next.name("other"), next.name("billing"));
        let told = next.told();
        let known = |group, event| {
            let position = Position::new(0, 7);
            let (event, generation, member) = (EventId(event), 1, group);
            let what = What::Apply { group, position, event, generation, member };
            told.contains(&postcard::to_stdvec(&what).unwrap())
        };
        assert!(known(group, 9) && !known(other, 9) && !known(group, 8));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn passages_are_counted_over_all_who_count_in_one_file() {
        let folder = std::env::temp_dir().join(format!("squall-points-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let line = format!("7 3 broker.appended {}/a counter", folder.display());
        let armed = Armed::read(&line).unwrap();
        let counter = folder.join("a counter");
        let point = "broker.appended".to_owned();
        assert_eq!(armed, Armed { trigger: 7, hit: 3, point, counter });
        let other = Armed::read(&line).unwrap();
        let counts = [armed.count(), other.count(), armed.count()].map(Result::unwrap);
        assert_eq!(counts, [1, 2, 3]);
        for line in ["", "7", "7 3", "x 3 a b", "7 3 a"] {
            assert_eq!(Armed::read(line), None, "{line}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
