//! `no_loss` and `drains` of a queue: what becomes of its messages.
//!
//! A message whose publish ended ok is in the end acknowledged by a consumer, in the queue, in the dead-letter queue, or gone
//! by a rule that the system has promised (its time to live, the bound of the queue). Jepsen's queue and total-queue
//! checkers ("lost"), with what a consumer acknowledged in the place of what it dequeued.

use super::{
    dense::{ByEvent, ByMessage},
    evidence::{Evidence, Proof},
    fold::{End, bit, named},
    invariant::{Findings, Invariant},
    outstanding::Outstanding,
    promises::{DeadLetters, Groups},
    setup::Setup,
    time::seconds,
    variants::{Variants, heard},
};
use squall_probe::{EventId, Mark, Name, NodeChange, NodeId, Phase, Removed, StateOf, What};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::BitOr,
};

/// The place of a queue that is not among the system's groups.
const UNNAMED: usize = 63;

/// What of the published events is lost.
pub(super) struct Lost {
    setup: Setup,
    events: ByEvent<Published>,
    messages: ByMessage<Message>,
    outstanding: Outstanding,
    /// How many messages each queue holds, as its nodes told last.
    held: BTreeMap<Name, BTreeMap<NodeId, (u64, Evidence)>>,
    /// The queue tells what it takes in.
    follows: bool,
    /// Each time that a node stopped.
    stops: Vec<Proof>,
    /// Messages that were removed by no rule that is promised.
    removed: Vec<(u64, EventId, Vec<Evidence>)>,
}

#[derive(Default)]
struct Published {
    acknowledged: Option<Evidence>,
    /// Queues that have taken it in, or have taken it for a repetition, a bit each.
    queues: u64,
}

#[derive(Default)]
struct Message {
    /// When it was taken in.
    enqueued: Option<Evidence>,
    /// The last that its queue told of it.
    seen: Option<Proof>,
    /// Its consumer refused it for good.
    refused: bool,
}

impl Lost {
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            setup: setup.clone(),
            events: ByEvent::default(),
            messages: ByMessage::default(),
            outstanding: Outstanding::of(&setup.promises).unwrap_or_default(),
            held: BTreeMap::new(),
            follows: false,
            stops: Vec::new(),
            removed: Vec::new(),
        }
    }

    fn is_in(&mut self, event: EventId, queue: Name) {
        self.follows = true;
        // One that the system has not named is none of those that must have it, but it is one.
        let index = self.setup.group_index(queue).unwrap_or(UNNAMED);
        self.events.entry(event).queues |= bit(index);
    }

    /// A rule that is promised removes this message.
    fn may_go(&self, queue: Name, message: u64, why: Removed, at: u64) -> bool {
        let Some(promise) = self.setup.promises.queue() else { return true };
        let known = self.messages.get(queue, message);
        let age = known.and_then(|known| Some(at.saturating_sub(known.enqueued?.record.at)));
        let expires = promise.time_to_live.is_some_and(|limit| {
            let limit =
                (limit.as_micros() as u64).saturating_sub(promise.tolerance.as_micros() as u64);
            age.is_none_or(|age| age >= limit)
        });
        let refused = known.is_some_and(|known| known.refused);
        match why {
            Removed::DeadLettered => self.setup.promises.dead_letters != DeadLetters::None,
            Removed::Expired | Removed::ExpiredToDeadLetters => expires,
            Removed::Refused => refused,
            Removed::Purged => true,
            Removed::Overflowed => promise.overflows,
        }
    }

    /// How the first of these messages was lost: its publish was acknowledged, the last that its queue told of it, and
    /// that its node stopped after both, if one of them did.
    fn how(&self, queue: Name, waiting: &[(u64, EventId, Evidence)]) -> (Vec<Proof>, bool) {
        let told = |(message, _, acknowledged): &(u64, EventId, Evidence)| {
            let seen = self.messages.get(queue, *message)?.seen?;
            let last = seen.index().max(acknowledged.index);
            let after = |stop: &&Proof| stop.node == seen.node && stop.index() > last;
            let stopped = self.stops.iter().find(after).copied();
            Some((vec![acknowledged.proof(), seen], stopped))
        };
        let stopped = waiting
            .iter()
            .filter_map(told)
            .find_map(|(proof, stopped)| Some(([proof, vec![stopped?]].concat(), true)));
        stopped
            .or_else(|| Some((told(waiting.first()?)?.0, false)))
            .unwrap_or_else(|| (vec![waiting[0].2.proof()], false))
    }

    /// Acknowledged events of which there is no message where there should be one.
    fn never_taken_in(&self) -> Vec<(EventId, Evidence)> {
        let all = (0..self.setup.groups.len()).map(bit).fold(0, u64::bitor);
        let every = self.setup.promises.groups == Groups::Every;
        let is_in = |queues: u64| if every { queues & all == all } else { queues != 0 };
        let acknowledged = self.events.iter().filter_map(|(event, known)| {
            (!is_in(known.queues)).then_some((event, known.acknowledged?))
        });
        acknowledged.collect()
    }

    /// Messages of acknowledged events that are not done, by queue. Of an event that is in several messages one will do.
    fn waiting(&self) -> BTreeMap<Name, Vec<(u64, EventId, Evidence)>> {
        let mut all: BTreeMap<Name, Vec<(u64, EventId, Evidence)>> = BTreeMap::new();
        let mut done: BTreeSet<(Name, EventId)> = self.outstanding.done().collect();
        for (queue, message, event) in self.outstanding.undone() {
            if !done.insert((queue, event)) {
                continue;
            }
            let acknowledged = self.events.get(event).and_then(|known| known.acknowledged);
            if let Some(acknowledged) = acknowledged {
                all.entry(queue).or_default().push((message, event, acknowledged));
            }
        }
        all
    }
}

/// The events of messages: `e1, e2, e5 and 12 more`
fn carried(messages: &[(u64, EventId, Evidence)]) -> String {
    let events: Vec<EventId> = messages.iter().map(|(_, event, _)| *event).collect();
    named(&events)
}

impl Invariant for Lost {
    fn hears(&self) -> Variants {
        heard![Deduplicate, Enqueue, Lease, Node, Publish, Refuse, Remove, Requeue, State]
            .and(Outstanding::HEARS)
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        self.outstanding.record(&evidence.record);
        match evidence.record.what {
            What::Publish { phase: Phase::Ok, event, .. } => {
                self.events.entry(event).acknowledged.get_or_insert(*evidence);
            }
            What::Enqueue { queue, message, event, .. } => {
                self.is_in(event, queue);
                let known = self.messages.entry(queue, message);
                known.enqueued.get_or_insert(*evidence);
                known.seen = Some(evidence.proof());
            }
            What::Deduplicate { queue, event, .. } => self.is_in(event, queue),
            What::Lease { queue, message, .. } | What::Requeue { queue, message, .. } => {
                self.messages.entry(queue, message).seen = Some(evidence.proof());
            }
            What::Node { change } if change != NodeChange::Up => self.stops.push(evidence.proof()),
            What::Refuse { queue, message, requeue: false, .. } => {
                self.messages.entry(queue, message).refused = true;
            }
            What::Remove { queue, message, event, why } => {
                if !self.may_go(queue, message, why, evidence.record.at) {
                    let enqueued = self.messages.entry(queue, message).enqueued;
                    let proof = enqueued.into_iter().chain([*evidence]).collect();
                    self.removed.push((message, event, proof));
                }
            }
            What::State { of: StateOf::Queue { queue }, position, .. } => {
                let told = self.held.entry(queue).or_default();
                told.insert(evidence.record.node, (position, *evidence));
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        let mut findings = Findings::default();
        if !self.follows {
            return findings;
        }
        let acknowledged =
            self.events.iter().filter(|(_, known)| known.acknowledged.is_some()).count();
        findings.judged(acknowledged as u64);
        let never = self.never_taken_in();
        if let Some((_, first)) = never.first() {
            let events: Vec<EventId> = never.iter().map(|(event, _)| *event).collect();
            findings.add(
                || {
                    format!(
                        "{} of {acknowledged} acknowledged events became no message: {}",
                        events.len(),
                        named(&events)
                    )
                },
                || vec![*first],
            );
        }
        for (message, event, proof) in std::mem::take(&mut self.removed) {
            if self.events.get(event).is_some_and(|known| known.acknowledged.is_some()) {
                findings.add(
                    || format!("m{message} (e{}) was removed by no rule that is promised", event.0),
                    || proof,
                );
            }
        }
        for (queue, waiting) in self.waiting() {
            let index = self.setup.group_index(queue).unwrap_or(usize::MAX);
            let name = self.setup.group(index).to_owned();
            let (proof, stopped) = self.how(queue, &waiting);
            let held = self
                .held
                .get(&queue)
                .and_then(|told| told.values().max_by_key(|(held, _)| *held).copied());
            let Some((held, told)) = held else {
                findings.add_missing(
                    || {
                        format!(
                            "nobody has acknowledged {} messages of {name}, and nobody tells what it holds: {}",
                            waiting.len(),
                            carried(&waiting)
                        )
                    },
                    || proof,
                );
                continue;
            };
            let lost = (waiting.len() as u64).saturating_sub(held);
            if lost > 0 {
                findings.add(
                    || {
                        format!(
                            "{lost} of {} messages that nobody has acknowledged are lost: {name} holds \
                             {held}, and should hold {}",
                            waiting.len(),
                            carried(&waiting)
                        )
                    },
                    // It went with its node, or sometime until somebody looked.
                    || proof.into_iter().chain((!stopped).then_some(told.proof())).collect(),
                );
            }
        }
        findings
    }
}

/// What of the messages is not done in time.
pub(super) struct Undrained {
    setup: Setup,
    messages: ByMessage<Option<Evidence>>,
    outstanding: Outstanding,
    healed: Option<Evidence>,
    /// The longest that a message took after the healing, in microseconds, and what ended it.
    longest: Option<(u64, Evidence)>,
}

impl Undrained {
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            setup: setup.clone(),
            messages: ByMessage::default(),
            outstanding: Outstanding::of(&setup.promises).unwrap_or_default(),
            healed: None,
            longest: None,
        }
    }
}

impl Invariant for Undrained {
    fn hears(&self) -> Variants {
        heard![Enqueue, Mark].and(Outstanding::HEARS)
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Enqueue { queue, message, .. } => {
                self.messages.entry(queue, message).get_or_insert(*evidence);
            }
            What::Mark(Mark::Healed) => self.healed = Some(*evidence),
            _ => {}
        }
        let done = self.outstanding.record(&evidence.record);
        if let (Some(since), Some(healed)) = (done, self.healed) {
            let took = evidence.record.at.saturating_sub(since.max(healed.record.at));
            if self.longest.is_none_or(|(longest, _)| took > longest) {
                self.longest = Some((took, *evidence));
            }
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        let mut findings = Findings::default();
        let Some(healed) = self.healed else { return findings };
        findings.judged(self.outstanding.known() as u64);
        let limit = self.setup.limits.always_within("drains");
        let mut waiting: BTreeMap<Name, Vec<(u64, EventId)>> = BTreeMap::new();
        for (queue, message, event) in self.outstanding.undone() {
            waiting.entry(queue).or_default().push((message, event));
        }
        for (queue, waiting) in &waiting {
            let (message, event) = waiting[0];
            let enqueued = self.messages.get(*queue, message).copied().flatten();
            let index = self.setup.group_index(*queue).unwrap_or(usize::MAX);
            findings.add(
                || {
                    format!(
                        "{} messages of {} are not done, the first is m{message} (e{})",
                        waiting.len(),
                        self.setup.group(index),
                        event.0
                    )
                },
                || enqueued.into_iter().chain([healed]).collect(),
            );
        }
        if let Some((late, last)) = self.longest.filter(|(late, _)| *late > limit)
            && waiting.is_empty()
        {
            findings.add(
                || {
                    format!(
                        "the last message was done {} after the healing, the limit is {}",
                        seconds(late),
                        seconds(limit)
                    )
                },
                || vec![healed, last],
            );
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::{DeadLetters, Groups, Promises, Queue, Storage, testing::*, testing_queues::LEASE};
    use squall_probe::Removed;
    use std::time::Duration;

    fn queue(promises: &mut Promises) -> &mut Queue {
        match &mut promises.storage {
            Storage::Queue(queue) => queue,
            Storage::Log => unreachable!("these histories are of queues"),
        }
    }

    /// Three messages of acknowledged events, of which the second is acknowledged by its consumer.
    fn three() -> History {
        let mut h = History::of_queue();
        for event in 1..=3 {
            h.publish(event).enqueue(event).ok_nowhere(event);
        }
        h.lease(2, 1).ack(2, 1);
        h
    }

    #[test]
    fn a_queue_holds_less_than_it_should() {
        let mut h = three();
        h.crash(0).up(0).healed().deadline().holds(0);
        // The publish, the last that was told of it, and that its node stopped.
        let lost = "2 of 2 messages that nobody has acknowledged are lost: g holds 0, and should hold e1, e3";
        assert_eq!(h.violations("no_loss"), [format!("{lost} [1, 2, 11]")]);
        assert_eq!(h.since("no_loss"), [11]);
        // Nothing shows when it went, before somebody looked.
        let mut h = three();
        h.healed().deadline().holds(1);
        assert_eq!(
            h.violations("no_loss"),
            [
                "1 of 2 messages that nobody has acknowledged are lost: g holds 1, and should hold e1, e3 [1, 2, 13]"
            ]
        );
    }

    #[test]
    fn what_is_in_the_queue_is_late_and_not_lost() {
        let mut h = three();
        h.healed().deadline().holds(2);
        assert_eq!(h.violations("no_loss"), [] as [&str; 0]);
        assert_eq!(
            h.violations("drains"),
            ["2 messages of g are not done, the first is m1 (e1) [1, 11]"]
        );
        // Nobody tells what it holds.
        let mut h = three();
        h.healed().deadline();
        assert_eq!(
            h.violations("no_loss"),
            [
                "nobody has acknowledged 2 messages of g, and nobody tells what it holds: e1, e3 [1, 2]"
            ]
        );
        assert_eq!(h.since("no_loss"), [crate::NEVER]);
    }

    #[test]
    fn an_event_that_became_no_message() {
        let mut h = History::of_queue();
        h.publish(1).enqueue(1).ok_nowhere(1).publish(2).ok_nowhere(2).lease(1, 1).ack(1, 1);
        assert_eq!(
            h.violations("no_loss"),
            ["1 of 2 acknowledged events became no message: e2 [4]"]
        );
        // It is a repetition; or nobody was promised anything.
        let mut h = History::of_queue();
        h.publish(1).enqueue_as(1, 7).ok_nowhere(1).publish(2).deduplicate(2, 7).ok_nowhere(2);
        h.publish(3).info(3).publish(4).fail(4).lease(1, 1).ack(1, 1);
        assert_eq!(h.violations("no_loss"), [] as [&str; 0]);
    }

    #[test]
    fn every_subscription_has_it_or_one() {
        let told = |groups: Groups| {
            let mut h = History::of_queue_that(|promises| promises.groups = groups);
            h.also("h").publish(1).enqueue(1).ok_nowhere(1).lease(1, 1).ack(1, 1);
            h.violations("no_loss")
        };
        assert_eq!(told(Groups::One), [] as [&str; 0]);
        assert_eq!(told(Groups::Every), ["1 of 1 acknowledged events became no message: e1 [2]"]);
        // A queue that the system has not named is one, too.
        let mut h = History::of_queue();
        h.publish(1).enqueue_of(9, 1).ok_nowhere(1);
        assert_eq!(h.violations("no_loss").len(), 1, "nobody has acknowledged it");
        h.ack_of(9, 1);
        assert_eq!(h.violations("no_loss"), [] as [&str; 0]);
    }

    #[test]
    fn of_an_event_in_two_messages_one_is_enough() {
        let mut h = History::of_queue();
        h.publish(1).enqueue(1).carry(2, 1).ok_nowhere(1).lease(2, 1).ack(2, 1).holds(0);
        assert_eq!(h.violations("no_loss"), [] as [&str; 0]);
        // Both are gone.
        let mut h = History::of_queue();
        h.publish(1).enqueue(1).carry(2, 1).ok_nowhere(1).holds(0);
        assert_eq!(h.violations("no_loss").len(), 1);
    }

    #[test]
    fn what_is_removed_by_no_rule() {
        let removed = |promise: fn(&mut Promises), why: Removed, after: u64| {
            let mut h = History::of_queue_that(promise);
            h.publish(1).enqueue(1).ok_nowhere(1).after(after).remove(1, why);
            h.violations("no_loss")
        };
        let lost = ["m1 (e1) was removed by no rule that is promised [1, 3]"];
        let expires = |promises: &mut Promises| {
            queue(promises).time_to_live = Some(Duration::from_secs(1));
        };
        assert_eq!(removed(|_| {}, Removed::Expired, LEASE), lost);
        for why in [Removed::Expired, Removed::ExpiredToDeadLetters] {
            assert_eq!(removed(expires, why, 899_999), lost);
            assert_eq!(removed(expires, why, 900_000), [] as [&str; 0], "within the tolerance");
        }
        assert_eq!(removed(|_| {}, Removed::Overflowed, 1), lost);
        let overflows = |promises: &mut Promises| queue(promises).overflows = true;
        assert_eq!(removed(overflows, Removed::Overflowed, 1), [] as [&str; 0]);
        assert_eq!(removed(|_| {}, Removed::Refused, 1), lost);
        let no_dead_letters = |promises: &mut Promises| promises.dead_letters = DeadLetters::None;
        assert_eq!(removed(no_dead_letters, Removed::DeadLettered, 1), lost);
        assert_eq!(removed(|_| {}, Removed::DeadLettered, 1), [] as [&str; 0]);
        assert_eq!(removed(|_| {}, Removed::Purged, 1), [] as [&str; 0]);
        // Its consumer asked for that; and of a publish that is indeterminate nobody was promised anything.
        let mut h = History::of_queue();
        h.publish(1).enqueue(1).ok_nowhere(1).lease(1, 1).refuse(1, 1, false);
        h.remove(1, Removed::Refused).publish(2).enqueue(2).info(2).remove(2, Removed::Expired);
        assert_eq!(h.violations("no_loss"), [] as [&str; 0]);
    }

    #[test]
    fn the_last_message_is_done_too_late() {
        let done = |after: u64| {
            let mut h = History::of_queue();
            h.enqueue(1).after(LIMIT).healed().lease(1, 1).after(after).ack(1, 1);
            h.violations("drains")
        };
        assert_eq!(done(LIMIT), [] as [&str; 0]);
        assert_eq!(
            done(LIMIT + 1),
            ["the last message was done 10.000s after the healing, the limit is 10.000s [1, 3]"]
        );
    }
}
