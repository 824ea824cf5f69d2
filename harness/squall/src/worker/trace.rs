//! A history as data, for diagrams: all of it, or what stands around the evidence.

use crate::{outcome::RunOutcome, plan::Plan, words::Words};
use squall_probe::{EventId, Mark, NodeChange, NodeId, Phase, Record, What, sim::Flight};
use squall_reports::{Course, Trace, TraceFault, TraceMessage, TraceRecord};
use std::collections::{BTreeMap, BTreeSet};

/// Records of a trace around the evidence.
const RECORDS: usize = 160;

/// Messages of a trace around the evidence.
const MESSAGES: usize = 100;

/// Parts of a run's course.
const PARTS: u64 = 120;

/// Everything.
pub(super) fn whole(plan: &Plan, outcome: &RunOutcome) -> Trace {
    let records = outcome.history.as_slice();
    let proofs = proofs(outcome);
    let all: Vec<usize> = (0..records.len()).collect();
    make(plan, outcome, &proofs, &all, &outcome.flights)
}

/// What proves the violations, the events that it speaks of, what the nodes and the faults did, and
/// the messages at that time; as much of it as a report has room for.
pub(super) fn around_the_evidence(plan: &Plan, outcome: &RunOutcome) -> Trace {
    let evidence = || outcome.violations.iter().flat_map(|violation| &violation.evidence);
    // What the first cause is about is told whole: a page opens on its life.
    let first = outcome.violations.first().into_iter().flat_map(|violation| &violation.evidence);
    let about = About {
        proofs: proofs(outcome),
        subject: first.flat_map(|item| item.record.what.events()).collect(),
        events: evidence().flat_map(|item| item.record.what.events()).collect(),
        times: evidence().map(|item| item.record.at).collect(),
        places: evidence().map(|item| item.record.node).collect(),
        ..About::default()
    };
    around(plan, outcome, &about)
}

/// Of a run in which nothing is wrong, what stands around its first fault: the life of the event that was published last
/// before it, what the nodes did, and what happened when it began and when it was over.
pub(super) fn around_the_first_fault(plan: &Plan, outcome: &RunOutcome) -> Trace {
    let records = outcome.history.as_slice();
    let first = faults(plan, records).into_iter().next().unwrap_or_default();
    let published = records.iter().filter_map(|record| match record.what {
        What::Publish { phase: Phase::Invoke, event, .. } => Some((record.at, event)),
        _ => None,
    });
    let before = published.take_while(|(at, _)| *at <= first.from_us).last();
    let about = About {
        subject: before.map(|(_, event)| event).into_iter().collect(),
        times: std::iter::once(first.from_us).chain(first.to_us).collect(),
        places: first.nodes.iter().map(|node| NodeId(*node)).collect(),
        since: first.from_us,
        others: true,
        ..About::default()
    };
    around(plan, outcome, &about)
}

/// Around what a trace stands.
#[derive(Default)]
struct About {
    /// Records that prove something, by their places in the history.
    proofs: BTreeSet<usize>,
    /// Events whose lives are told whole.
    subject: BTreeSet<EventId>,
    /// Events that are told before what else happened.
    events: BTreeSet<EventId>,
    times: BTreeSet<u64>,
    places: BTreeSet<NodeId>,
    /// Milestones before it are told no sooner than any other record.
    since: u64,
    /// Records that are none of this are told as well, where there is room.
    others: bool,
}

/// As much of a run as a report has room for, what is nearest first.
fn around(plan: &Plan, outcome: &RunOutcome, about: &About) -> Trace {
    let records = outcome.history.as_slice();
    let mut moments: BTreeSet<(NodeId, u64)> = BTreeSet::new();
    let mut wanted: Vec<(u8, u64, usize)> = Vec::new();
    for (index, record) in records.iter().enumerate() {
        let is_of = |of: &BTreeSet<EventId>| record.what.events().any(|event| of.contains(&event));
        let life = is_of(&about.subject);
        if life {
            moments.insert((record.node, record.at));
        }
        let rank = match record.what {
            _ if about.proofs.contains(&index) => 0,
            _ if life => 1,
            What::Node { .. } | What::Lead { .. } | What::StepDown { .. } | What::Mark(_) => 2,
            _ if is_of(&about.events) => 3,
            What::FaultBegan { .. } | What::FaultHealed { .. } => continue,
            _ if record.what.is_milestone() && record.at >= about.since => 4,
            _ if about.others => 5,
            _ => continue,
        };
        wanted.push((rank, distance(&about.times, record.at), index));
    }
    wanted.sort_unstable();
    wanted.truncate(RECORDS);
    let mut chosen: Vec<usize> = wanted.into_iter().map(|(_, _, index)| index).collect();
    chosen.sort_unstable();

    let mut near: Vec<(bool, u64, usize)> = outcome
        .flights
        .iter()
        .enumerate()
        .filter(|(_, flight)| flight.from != NodeId::HARNESS && flight.to != NodeId::HARNESS)
        .map(|(index, flight)| {
            let away = distance(&about.times, flight.sent);
            let here = about.places.contains(&flight.from) || about.places.contains(&flight.to);
            let carries = moments.contains(&(flight.from, flight.sent))
                || flight.read.is_some_and(|read| moments.contains(&(flight.to, read)));
            // Elsewhere counts as four times as far.
            (!carries, if here { away } else { away.saturating_mul(4) }, index)
        })
        .collect();
    near.sort_unstable();
    near.truncate(MESSAGES);
    near.sort_unstable_by_key(|(.., index)| *index);
    let flights: Vec<Flight> = near.iter().map(|(.., index)| outcome.flights[*index]).collect();
    make(plan, outcome, &about.proofs, &chosen, &flights)
}

fn proofs(outcome: &RunOutcome) -> BTreeSet<usize> {
    let evidence = outcome.violations.iter().flat_map(|violation| &violation.evidence);
    evidence.filter_map(|item| usize::try_from(item.index).ok()).collect()
}

/// From the nearest of some times.
pub(super) fn distance(times: &BTreeSet<u64>, at: u64) -> u64 {
    let before = times.range(..=at).next_back().map(|time| at - time);
    let after = times.range(at..).next().map(|time| time - at);
    before.into_iter().chain(after).min().unwrap_or(0)
}

fn make(
    plan: &Plan,
    outcome: &RunOutcome,
    proofs: &BTreeSet<usize>,
    chosen: &[usize],
    flights: &[Flight],
) -> Trace {
    let records = outcome.history.as_slice();
    let words = Words { names: &outcome.names, nodes: &outcome.nodes, faults: &plan.faults };
    let keys: BTreeMap<EventId, u64> = records
        .iter()
        .filter_map(|record| match record.what {
            What::Publish { event, key, .. } => Some((event, u64::from(key))),
            _ => None,
        })
        .collect();
    let told = chosen.iter().filter_map(|index| Some((*index, records.get(*index)?)));
    let left_out = records.len() - chosen.len() + outcome.flights.len() - flights.len();
    Trace {
        nodes: outcome.nodes.clone(),
        faults: faults(plan, records),
        records: told
            .map(|(index, record)| {
                let event = record.what.events().next();
                TraceRecord {
                    index: index as u64,
                    at_us: record.at,
                    node: (record.node != NodeId::HARNESS).then_some(record.node.0),
                    kind: record.what.kind().to_owned(),
                    text: words.what(record),
                    event: event.map(|event| event.0),
                    key: event.and_then(|event| keys.get(&event)).copied(),
                    evidence: proofs.contains(&index),
                }
            })
            .collect(),
        messages: flights
            .iter()
            .map(|flight| TraceMessage {
                from: flight.from.0,
                to: flight.to.0,
                sent_us: flight.sent,
                read_us: flight.read,
                kind: flight.kind.to_owned(),
            })
            .collect(),
        left_out: left_out as u64,
        course: Some(course(records, outcome.elapsed)),
    }
}

/// What went on in each part of the run.
fn course(records: &[Record], elapsed: u64) -> Course {
    let part_us = elapsed.div_ceil(PARTS).max(1);
    let parts = usize::try_from(PARTS).unwrap_or_default();
    let mut course = Course {
        part_us,
        published: vec![0; parts],
        applied: vec![0; parts],
        latency_us: vec![0; parts],
        lag: vec![0; parts],
    };
    let mut due: BTreeMap<EventId, u64> = BTreeMap::new();
    let mut waiting: BTreeSet<EventId> = BTreeSet::new();
    let mut done: BTreeSet<EventId> = BTreeSet::new();
    let mut next = 0;
    for record in records {
        let place = usize::try_from(record.at / part_us).unwrap_or(usize::MAX).min(parts - 1);
        while next < place {
            course.lag[next] = waiting.len() as u64;
            next += 1;
        }
        match record.what {
            What::Late { event, due: at } => {
                due.insert(event, at);
            }
            What::Publish { phase: Phase::Invoke, event, .. } => {
                course.published[place] += 1;
                due.entry(event).or_insert(record.at);
            }
            What::Publish { phase: Phase::Ok, event, .. } if !done.contains(&event) => {
                waiting.insert(event);
            }
            What::Apply { event, .. } => {
                course.applied[place] += 1;
                if let Some(due) = due.get(&event) {
                    let latency = &mut course.latency_us[place];
                    *latency = (*latency).max(record.at.saturating_sub(*due));
                }
                waiting.remove(&event);
                done.insert(event);
            }
            What::DeadLetter { event, .. } | What::Remove { event, .. } => {
                waiting.remove(&event);
                done.insert(event);
            }
            _ => {}
        }
    }
    course.lag[next..].fill(waiting.len() as u64);
    course
}

/// When each occurrence of a fault acted, and on whom.
pub(super) fn faults(plan: &Plan, records: &[Record]) -> Vec<TraceFault> {
    let steps: BTreeMap<u16, _> = plan.faults.iter().map(|fault| (fault.step, fault)).collect();
    let mut all: Vec<TraceFault> = Vec::new();
    // Step, place in the list: what has not ended.
    let mut open: Vec<(u16, usize)> = Vec::new();
    for record in records {
        match record.what {
            What::FaultBegan { fault, target } => {
                let Some(planned) = steps.get(&fault) else { continue };
                let known = open.iter().find(|(step, index)| {
                    *step == fault && all.get(*index).is_some_and(|f| f.from_us == record.at)
                });
                let index = known.map_or(all.len(), |(_, index)| *index);
                if index == all.len() {
                    all.push(TraceFault {
                        text: planned.fault.to_string(),
                        line: planned.line,
                        nodes: Vec::new(),
                        from_us: record.at,
                        to_us: None,
                    });
                    open.push((fault, index));
                }
                if target != NodeId::HARNESS
                    && let Some(fault) = all.get_mut(index)
                {
                    fault.nodes.push(target.0);
                }
            }
            What::FaultHealed { fault } => {
                if let Some(place) = open.iter().position(|(step, _)| *step == fault) {
                    let (_, index) = open.remove(place);
                    all[index].to_us = Some(record.at);
                }
            }
            // What does not last, such as a crash, is over when the node is back.
            What::Node { change: NodeChange::Up } => open.retain(|(step, index)| {
                let lasts = steps.get(step).is_some_and(|planned| planned.fault.kind.lasts);
                let back = !lasts && all[*index].nodes.contains(&record.node.0);
                if back {
                    all[*index].to_us = Some(record.at);
                }
                !back
            }),
            What::Mark(Mark::Healed) => {
                for (_, index) in open.drain(..) {
                    all[index].to_us = Some(record.at);
                }
            }
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_probe::{Name, Position};

    #[test]
    fn a_course_counts_each_part_of_the_run() {
        let event = |number| EventId(number);
        let publish = |at, number, phase| Record {
            at,
            node: NodeId(0),
            what: What::Publish { phase, event: event(number), key: 0, position: None },
        };
        let apply = |at, number| Record {
            at,
            node: NodeId(1),
            what: What::Apply {
                group: Name(0),
                position: Position { partition: 0, offset: 0 },
                event: event(number),
                generation: 1,
                member: Name(0),
            },
        };
        let records = [
            publish(0, 1, Phase::Invoke),
            publish(5, 1, Phase::Ok),
            publish(10, 2, Phase::Invoke),
            publish(15, 2, Phase::Ok),
            apply(25, 1),
        ];
        // Parts of ten microseconds; one event is never applied.
        let course = course(&records, 10 * PARTS);
        assert_eq!(course.part_us, 10);
        assert_eq!(course.published[..3], [1, 1, 0]);
        assert_eq!(course.applied[..3], [0, 0, 1]);
        assert_eq!(course.latency_us[..3], [0, 0, 25]);
        assert_eq!(course.lag[..3], [1, 2, 1]);
        assert_eq!(course.lag.last(), Some(&1));
        assert_eq!(course.lag.len(), 120);
    }
}
