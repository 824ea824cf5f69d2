//! The story of a run on one screen: what stands around the evidence of its first violation, or, of a run that violated
//! nothing, its faults and how the system answered. What is left out is told; `replay --full` has it.

use super::trace::distance;
use crate::{
    outcome::RunOutcome,
    plan::Plan,
    words::{Words, timeline_line},
};
use squall_probe::{EventId, Mark, Name, NodeChange, NodeId, Phase, Record, What};
use squall_reports::fit;
use std::collections::{BTreeMap, BTreeSet};

/// The most lines of a story, without the one that tells what is left out.
const LINES: usize = 34;

/// A line is cut here, in characters.
const WIDTH: usize = 160;

/// Nodes that a line names when one thing happened to several at once.
const NAMED: usize = 4;

pub(super) fn words<'a>(plan: &'a Plan, outcome: &'a RunOutcome) -> Words<'a> {
    Words { names: &outcome.names, nodes: &outcome.nodes, faults: &plan.faults }
}

/// What the system said in words, when and where, in order. Foreign text could be anything.
pub(super) fn said(outcome: &RunOutcome) -> impl Iterator<Item = (u64, NodeId, String)> {
    let said = outcome.said.iter();
    said.map(|(at, node, text)| (*at, *node, squall_reports::printable(text)))
}

/// What a line is for. Each kind has so many lines at most that room is left for those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Proves the first violation.
    Proof,
    /// The life of the event that the first violation speaks of.
    Life,
    /// Faults, nodes and leaders.
    Course,
    /// Other violations' evidence, and the lives of what follows from the event.
    Related,
    /// Breakers, rebalances, publishes that came to nothing, and what nodes log.
    Rest,
}

impl Part {
    const ALL: [Self; 5] = [Self::Proof, Self::Life, Self::Course, Self::Related, Self::Rest];

    const fn most(self) -> usize {
        match self {
            Self::Proof => 14,
            Self::Life => 12,
            Self::Course => 24,
            Self::Related | Self::Rest => 8,
        }
    }
}

/// Something that may be told in one line.
struct Item {
    at: u64,
    part: Part,
    /// The less, the sooner it is told.
    far: u64,
    node: NodeId,
    text: String,
    mark: &'static str,
    /// Further nodes of which the same is told at the same time.
    also: Vec<NodeId>,
    /// Further records that differ in little.
    alike: usize,
}

/// The lines of a story, in the order of time.
pub(super) fn story(plan: &Plan, outcome: &RunOutcome) -> Vec<String> {
    let words = words(plan, outcome);
    let subject = Subject::of(outcome);
    let mut items = items(plan, outcome, &subject);
    let total = outcome.history.len() + outcome.said.len() + outcome.notes.len();
    let mut chosen: Vec<Item> = Vec::new();
    items.sort_by_key(|item| (item.part, item.far, item.at));
    let mut room = LINES;
    let mut rest = items.into_iter().peekable();
    for part in Part::ALL {
        let mut here = part.most().min(room);
        // What is told soonest of each part; the sort is stable, so the order of records stays.
        while let Some(item) = rest.next_if(|item| item.part == part) {
            if here > 0 {
                chosen.push(item);
                (here, room) = (here - 1, room - 1);
            }
        }
    }
    chosen.sort_by_key(|item| item.at);
    let told: usize = chosen.iter().map(|item| 1 + item.also.len() + item.alike).sum();
    let mut lines: Vec<String> = chosen
        .into_iter()
        .map(|item| {
            let mut text = item.text;
            if !item.also.is_empty() {
                let named: Vec<&str> =
                    item.also.iter().take(NAMED).map(|node| words.node(*node)).collect();
                let more = match item.also.len().saturating_sub(NAMED) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                text += &format!(" (also {}{more})", named.join(", "));
            }
            if item.alike > 0 {
                text += &format!(" (and {} more like it)", item.alike);
            }
            timeline_line(item.at, words.node(item.node), &fit(&text, WIDTH)) + item.mark
        })
        .collect();
    if told < total {
        let about = subject.event.map(|event| format!("; about e{0}: --event e{0}", event.0));
        let about = about.unwrap_or_default();
        lines.push(format!("… {} lines more: --full{about}", total - told));
    }
    lines
}

/// What the first violation speaks of.
struct Subject {
    /// Records that prove it, and those that prove others, by their places in the history.
    proofs: BTreeMap<usize, usize>,
    others: BTreeSet<usize>,
    /// When the proofs were.
    times: BTreeSet<u64>,
    event: Option<EventId>,
    /// Events that follow from it, and those from which it follows.
    related: BTreeSet<EventId>,
    /// Requests that were made for it.
    requests: BTreeSet<(NodeId, Name, u64)>,
}

impl Subject {
    fn of(outcome: &RunOutcome) -> Self {
        let records = outcome.history.as_slice();
        let places = |violation: &squall_judge::Violation| -> BTreeSet<usize> {
            let places = violation.evidence.iter();
            places.filter_map(|item| usize::try_from(item.index).ok()).collect()
        };
        let proven = outcome.violations.iter().find(|violation| !violation.evidence.is_empty());
        let proofs: BTreeSet<usize> = proven.map(places).unwrap_or_default();
        let count = proofs.len();
        let others = outcome.violations.iter().flat_map(places).collect();
        let event = proven.into_iter().flat_map(|violation| &violation.evidence);
        let event = event.flat_map(|item| item.record.what.events()).next();
        let (mut related, mut from) = (BTreeSet::new(), BTreeMap::new());
        let mut requests = BTreeSet::new();
        for record in records {
            match record.what {
                What::Derive { event: derived, from: of } => {
                    from.insert(derived, of);
                    if Some(of) == event || related.contains(&of) {
                        related.insert(derived);
                    }
                }
                What::Request { policy, request, event: of } if Some(of) == event => {
                    requests.insert((record.node, policy, request));
                }
                _ => {}
            }
        }
        let mut cause = event;
        while let Some(of) = cause.and_then(|event| from.get(&event).copied()) {
            if !related.insert(of) {
                break;
            }
            cause = Some(of);
        }
        Self {
            times: proofs.iter().filter_map(|place| Some(records.get(*place)?.at)).collect(),
            // Of very many, the first and the last are told.
            proofs: proofs
                .into_iter()
                .enumerate()
                .map(|(nth, place)| (place, nth.min(count - 1 - nth)))
                .collect(),
            others,
            event,
            related,
            requests,
        }
    }

    /// From the nearest proof, in microseconds.
    fn distance(&self, at: u64) -> u64 {
        distance(&self.times, at)
    }

    /// Whether it is of the event's life.
    fn lives(&self, record: &Record) -> bool {
        match record.what {
            What::Attempt { policy, request, .. } => {
                self.requests.contains(&(record.node, policy, request))
            }
            what => what.events().any(|event| Some(event) == self.event),
        }
    }
}

fn items(plan: &Plan, outcome: &RunOutcome, subject: &Subject) -> Vec<Item> {
    let words = words(plan, outcome);
    let mut items: Vec<Item> = Vec::new();
    // Where the item is to which a record at the same time can be added.
    let mut open: BTreeMap<(u64, NodeId, String), usize> = BTreeMap::new();
    let mut touched: BTreeMap<u16, u64> = BTreeMap::new();
    // When a fault last began or ended: in a run without evidence, what follows that is the answer to it.
    let mut stirred: Option<u64> = None;
    for (place, record) in outcome.history.iter().enumerate() {
        if let What::Tampered { fault, .. } | What::DiskRefused { fault } = record.what {
            *touched.entry(fault).or_default() += 1;
        }
        if let What::FaultBegan { .. } | What::FaultHealed { .. } | What::Mark(Mark::Healed) =
            record.what
        {
            stirred = Some(record.at);
        }
        let near = match stirred {
            _ if !subject.times.is_empty() => subject.distance(record.at),
            // Before the first fault nothing is answered.
            None => u64::MAX - record.at,
            Some(stirred) => record.at - stirred,
        };
        let about = |event: EventId| subject.related.contains(&event);
        let proof = subject.proofs.get(&place).copied();
        let (part, far) = match record.what {
            _ if proof.is_some() => (Part::Proof, proof.unwrap_or_default() as u64),
            // Where it begins is told however long it lives.
            What::Publish { phase: Phase::Invoke, .. } | What::Poison { .. }
                if subject.lives(record) =>
            {
                (Part::Life, 0)
            }
            _ if subject.lives(record) => (Part::Life, near),
            _ if subject.others.contains(&place) => (Part::Related, near),
            // What breaks something explains more than what merely goes on.
            What::FaultBegan { .. }
            | What::FaultHealed { .. }
            | What::Mark(_)
            | What::WentBack { .. }
            | What::Node {
                change: NodeChange::Crashed | NodeChange::Exited | NodeChange::Panicked,
            } => (Part::Course, near / 8),
            What::Node { .. } | What::Lead { .. } | What::StepDown { .. } | What::Rebuild => {
                (Part::Course, near)
            }
            What::State { .. } | What::DiskRefused { .. } => continue,
            What::Publish { phase: Phase::Info | Phase::Fail, .. } => (Part::Rest, near),
            what if what.events().any(about) => (Part::Related, near),
            what if what.is_milestone() => (Part::Rest, near),
            _ => continue,
        };
        let mut text = words.what(record);
        if let What::FaultHealed { fault } = record.what
            && let Some(times) = touched.remove(&fault)
        {
            text += &format!(" (it acted {times} times)");
        }
        let mark =
            if proof.is_some() || subject.others.contains(&place) { "  <- evidence" } else { "" };
        if mark.is_empty() {
            let same = match record.what {
                What::FaultBegan { fault, .. } => Some((NodeId::HARNESS, fault.to_string())),
                What::Node { .. } | What::Rebuild => Some((NodeId::HARNESS, text.clone())),
                What::Assign { group, .. } => {
                    Some((record.node, words.names.text(group).to_owned()))
                }
                _ => None,
            };
            if let Some((node, same)) = same {
                let next = items.len();
                let known = *open.entry((record.at, node, same)).or_insert(next);
                if let Some(item) = items.get_mut(known) {
                    match record.what {
                        What::FaultBegan { target, .. } => item.also.push(target),
                        What::Assign { .. } => item.alike += 1,
                        _ => item.also.push(record.node),
                    }
                    continue;
                }
            }
        }
        let (node, also) = (record.node, Vec::new());
        items.push(Item { at: record.at, part, far, node, text, mark, also, alike: 0 });
    }
    let after = |at: u64| if subject.times.is_empty() { at } else { subject.distance(at) };
    items.extend(outcome.notes.iter().map(|(at, node, note)| Item {
        at: *at,
        part: Part::Course,
        far: after(*at) / 8,
        node: *node,
        text: format!("says: {}", squall_reports::printable(note)),
        mark: "",
        also: Vec::new(),
        alike: 0,
    }));
    items.extend(said(outcome).map(|(at, node, text)| Item {
        at,
        part: Part::Rest,
        far: after(at),
        node,
        text: format!("logs: {text}"),
        mark: "",
        also: Vec::new(),
        alike: 0,
    }));
    items
}
