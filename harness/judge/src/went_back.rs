//! Disks that went back in time, and what is then to be expected.
//!
//! What a minority of the replicas forgot, the others know: nothing is excused. If more of them went back than a
//! majority can do without, the log is what it was when their snapshots were taken, and what was acknowledged since may
//! be lost, and nothing else. So the history is judged as it was put back: what these nodes told in between has not
//! happened, and what clients were told then is indeterminate, as a publish is whose answer never came. If every node
//! went back to one moment, that is all there is to say, and every invariant holds of what is left. If only some did,
//! the others remember what those have forgotten, and what speaks of both cannot be kept (`PARTLY`).

use super::{Evidence, Setup, dense::ByEvent, fold::Copies};
use squall_probe::{EventId, NodeId, Phase, Position, Record, What};
use std::collections::{BTreeMap, BTreeSet};

/// What can be broken where the log went back, and other nodes did not: a replica has another event at a place and
/// knows of votes and commits that those have forgotten, and stores have effects of events that the log does not hold,
/// and add them up. Never that an effect happens twice, that something is applied out of order, or that an event is lost
/// that was acknowledged before.
const PARTLY: &[&str] = &[
    "agreement",
    "commit_after_apply",
    "conserved",
    "converges",
    "eventual_consistency",
    "no_duplicate_append",
    "single_leader",
    "votes_kept",
];

/// The log went back in time, and with it what was acknowledged since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The nodes whose disks went back.
    pub nodes: Vec<NodeId>,
    /// To when, in microseconds.
    pub to: u64,
    /// From when, in microseconds.
    pub from: u64,
    /// How many events were acknowledged in between.
    pub acknowledged: usize,
    /// How many of these no living replica has in the end.
    pub lost: usize,
    /// Invariants that were violated, and that nobody could have kept.
    pub excused: Vec<&'static str>,
}

/// The events that living replicas have in the end.
type Present = ByEvent<Option<Evidence>>;

/// From the record with which the snapshot was taken to the one that says that the disk went back, by their places.
#[derive(Clone, Copy)]
struct Window {
    begin: u64,
    end: u64,
    /// Virtual times of the two, in microseconds.
    to: u64,
    from: u64,
}

impl Window {
    fn has(&self, index: u64) -> bool {
        self.begin < index && index < self.end
    }
}

/// A history in which more disks of replicas went back than a majority can do without.
pub(super) struct WentBack {
    windows: BTreeMap<NodeId, Vec<Window>>,
    /// From the first snapshot of a replica to the last that was put in a disk's place.
    log: Window,
    whole: bool,
}

impl WentBack {
    /// Looks for it; `None` if what went back is nothing that others do not know.
    pub(super) fn of(setup: &Setup, history: &[Record]) -> Option<Self> {
        let mut windows: BTreeMap<NodeId, Vec<Window>> = BTreeMap::new();
        for (end, record) in history.iter().enumerate() {
            let What::WentBack { fault, to } = record.what else { continue };
            let taken = What::FaultBegan { fault, target: record.node };
            let mut before = history[..end].iter().enumerate().rev();
            let (begin, _) = before.find(|(_, began)| began.at == to && began.what == taken)?;
            let (begin, end) = (begin as u64, end as u64);
            let window = Window { begin, end, to, from: record.at };
            windows.entry(record.node).or_default().push(window);
        }
        let replicas: Vec<Window> =
            setup.replicas.iter().filter_map(|node| windows.get(node)).flatten().copied().collect();
        let forgetful = setup.replicas.iter().filter(|node| windows.contains_key(node)).count();
        let spare = setup.replicas.len().saturating_sub(1) / 2;
        let (first, last) = (
            replicas.iter().min_by_key(|window| window.begin)?,
            replicas.iter().max_by_key(|window| window.end)?,
        );
        let whole = windows.len() == setup.nodes.len()
            && windows.values().all(|all| all.len() == 1 && all[0].to == first.to);
        let log = Window { begin: first.begin, to: first.to, end: last.end, from: last.from };
        (forgetful > spare).then_some(Self { windows, log, whole })
    }

    /// The history as it was put back, and what clients had been told by those who then forgot it.
    pub(super) fn edited(&self, history: &[Record]) -> Edited {
        let mut edited = Edited::default();
        for (index, record) in (0..).zip(history) {
            let mut record = *record;
            let windows = self.windows.get(&record.node).map_or(&[][..], Vec::as_slice);
            let undone = windows.iter().any(|window| window.has(index)) && !remains(&record.what);
            match &mut record.what {
                What::Append { event, position, .. } => {
                    if undone {
                        edited.forgotten.insert(*event);
                        edited.places.insert((*position, *event));
                    } else {
                        edited.forgotten.remove(event);
                    }
                }
                // What was sent before the power went may arrive after it.
                What::Publish { phase: phase @ Phase::Ok, event, position, .. }
                    if self.log.has(index) || edited.forgotten.contains(event) =>
                {
                    edited.acknowledged.insert(*event);
                    (*phase, *position) = (Phase::Info, None);
                }
                _ => {}
            }
            if !undone {
                edited.records.push(Evidence { index, record });
            }
        }
        edited
    }

    /// Nobody could have kept this invariant.
    pub(super) fn excuses(&self, invariant: &str) -> bool {
        !self.whole && PARTLY.contains(&invariant)
    }

    /// What there is to tell of it. `has` says which events a living replica has in the end.
    pub(super) fn loss(
        &self,
        acknowledged: &BTreeSet<EventId>,
        has: impl Fn(EventId) -> bool,
        excused: Vec<&'static str>,
    ) -> Loss {
        Loss {
            nodes: self.windows.keys().copied().collect(),
            to: self.log.to,
            from: self.log.from,
            lost: acknowledged.iter().filter(|event| !has(**event)).count(),
            acknowledged: acknowledged.len(),
            excused,
        }
    }
}

/// A history as it was put back.
#[derive(Debug, Default)]
pub(super) struct Edited {
    pub(super) records: Vec<Evidence>,
    /// Events of which clients were told, in between or by what was under way, that they are safe. That is taken back.
    pub(super) acknowledged: BTreeSet<EventId>,
    /// Events that were in the log in between, and that nobody has told of since.
    pub(super) forgotten: BTreeSet<EventId>,
    /// And where they stood.
    places: BTreeSet<(Position, EventId)>,
}

impl Edited {
    /// What others saw of an event at a place that it has lost, or of one that is gone: the place holds another event
    /// now. That an effect of it happened twice is all that can still be said.
    pub(super) fn is_void(&self, evidence: &Evidence, copies: &Copies, present: &Present) -> bool {
        let gone = |event: EventId| {
            (self.forgotten.contains(&event) || self.acknowledged.contains(&event))
                && present.get(event).is_none_or(Option::is_none)
        };
        match evidence.record.what {
            What::Append { event, position, .. }
            | What::Acknowledge { event, position: Some(position), .. }
            | What::Deliver { event, position, .. }
            | What::Apply { event, position, .. }
            | What::DeadLetter { event, position, .. }
            | What::Redrive { event, position, .. } => {
                gone(event)
                    || (self.places.contains(&(position, event)) && !copies.has(position, event))
            }
            What::Request { event, .. } | What::Saga { saga: event, .. } => gone(event),
            What::Derive { event, .. } => gone(event),
            _ => false,
        }
    }
}

/// It was not told by the software of a node whose disk went back, or it was heard by others.
fn remains(what: &What) -> bool {
    matches!(
        what,
        What::Publish { .. }
            | What::Late { .. }
            | What::Probe { .. }
            | What::Poison { .. }
            | What::Content { .. }
            | What::Node { .. }
            | What::WentBack { .. }
            | What::Tampered { .. }
            | What::DiskRefused { .. }
    )
}
