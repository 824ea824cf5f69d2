//! What several invariants keep: values by event, and which events are in the log and owed to whom.

use super::{
    dense::{ByEvent, ByPlace},
    evidence::{Evidence, Proof},
    outstanding::Outstanding,
    promises::Delivery,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{EventId, Mark, Name, NodeChange, NodeId, Phase, Position, StateOf, What};
use std::{cell::OnceCell, collections::BTreeMap};

/// How many events are named.
const NAMED: usize = 3;

/// The bit of a group or a replica in a set of them, by its index. Of more than 64 some share a bit.
pub(super) fn bit(index: usize) -> u64 {
    1 << (index % 64)
}

/// `e1, e2, e5 and 12 more`
pub(super) fn named(events: &[EventId]) -> String {
    let named: Vec<_> = events.iter().take(NAMED).map(|id| format!("e{}", id.0)).collect();
    match events.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// `445 of 586 acknowledged events are`
pub(super) fn share(count: usize, of: usize) -> String {
    let events = if of == 1 { "event" } else { "events" };
    let are = if count == 1 { "is" } else { "are" };
    format!("{count} of {of} acknowledged {events} {are}")
}

/// How often each dead letter was redriven. Replicas tell old news when they rebuild their copies: a dead letter
/// counts only if it was not redriven since.
#[derive(Debug, Default)]
pub struct Redriven(BTreeMap<(Name, EventId), u32>);

impl Redriven {
    /// It was redriven for the so-manieth time. Whether that is news.
    pub fn take(&mut self, group: Name, event: EventId, times: u32) -> bool {
        let known = self.0.entry((group, event)).or_default();
        let news = times > *known;
        *known = times.max(*known);
        news
    }

    /// This is a dead letter of which it is known that it was redriven.
    pub fn is_old(&self, what: &What) -> bool {
        let What::DeadLetter { group, event, times, .. } = what else { return false };
        self.0.get(&(*group, *event)).is_some_and(|known| times <= known)
    }
}

/// What a node told of its state: how far it is, and its digest.
pub(super) fn told(evidence: &Evidence) -> (u64, u64) {
    match evidence.record.what {
        What::State { position, digest, .. } => (position, digest),
        _ => (0, 0),
    }
}

/// Which events the log holds and which groups are done with them; and how long after the healing somebody still
/// waited for something.
///
/// Each wait is measured from its own start: from the healing, or from when it began if that was later.
#[derive(Debug)]
pub(super) struct Lag {
    setup: Setup,
    events: ByEvent<Owed>,
    redriven: Redriven,
    /// When an event was taken out of a group's dead-letter queue.
    again: BTreeMap<(usize, EventId), u64>,
    owed: usize,
    /// Messages of queues, where these are kept until somebody is done with them.
    messages: Option<Outstanding>,
    open: usize,
    healed: Option<u64>,
    /// The place of that record in the history.
    healed_at: u64,
    /// Something was in a dead-letter queue once.
    some_are_dead: bool,
    owed_at_healing: usize,
    /// The longest that a group was behind with an event, in microseconds, and what ended it.
    pub(super) behind: Option<(u64, Evidence)>,
    /// The longest that a publish was waited for, in microseconds, and what ended it.
    pub(super) waited: Option<(u64, Evidence)>,
}

#[derive(Debug, Default)]
pub(super) struct Owed {
    /// When it was seen in a replica's log for the first time.
    pub(super) committed: Option<u64>,
    /// Groups that are done with it, a bit each.
    pub(super) done: u64,
    /// Groups in whose dead-letter queue it is, a bit each.
    pub(super) dead: u64,
    /// When its publish was invoked, while somebody waits for it.
    open: Option<u64>,
}

impl Lag {
    pub(super) const HEARS: Variants =
        heard![Append, Apply, DeadLetter, Mark, Publish, Redrive].and(Outstanding::HEARS);

    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            setup: setup.clone(),
            events: ByEvent::default(),
            redriven: Redriven::default(),
            again: BTreeMap::new(),
            owed: 0,
            messages: Outstanding::of(&setup.promises),
            open: 0,
            healed: None,
            healed_at: 0,
            some_are_dead: false,
            owed_at_healing: 0,
            behind: None,
            waited: None,
        }
    }

    pub(super) fn events(&self) -> impl Iterator<Item = (EventId, &Owed)> {
        self.events.iter()
    }

    /// It is in the dead-letter queue of one of these groups, a bit each.
    pub(super) fn is_dead(&self, event: EventId, groups: u64) -> bool {
        self.some_are_dead && self.events.get(event).is_some_and(|owed| owed.dead & groups != 0)
    }

    /// No group owes anything.
    pub(super) fn is_drained(&self) -> bool {
        self.owed == 0 && self.messages.as_ref().is_none_or(Outstanding::is_empty)
    }

    /// Effects that groups owed at the healing: each event counts for each group.
    pub(super) fn owed_at_healing(&self) -> u64 {
        self.owed_at_healing as u64
    }

    /// How many publishes have not ended.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    pub(super) fn record(&mut self, evidence: &Evidence) {
        let record = &evidence.record;
        if let Some(messages) = &mut self.messages
            && let Some(since) = messages.record(record)
        {
            longest(&mut self.behind, self.healed, since, evidence);
        }
        match record.what {
            What::Mark(Mark::Healed) => {
                let messages = self.messages.as_ref().map_or(0, Outstanding::len);
                (self.healed, self.owed_at_healing) = (Some(record.at), self.owed + messages);
                self.healed_at = evidence.index;
            }
            What::Publish { phase, event, .. } => {
                let entry = self.events.entry(event);
                // Nobody waits any more for what was called indeterminate; if it is in the log, that counts.
                let open = (phase == Phase::Invoke).then_some(record.at);
                match (entry.open, open) {
                    (None, Some(_)) => self.open += 1,
                    (Some(since), None) => {
                        self.open -= 1;
                        longest(&mut self.waited, self.healed, since, evidence);
                    }
                    _ => {}
                }
                entry.open = open;
            }
            What::Append { event, .. } => {
                let entry = self.events.entry(event);
                // What may be lost on the way to a consumer is owed to nobody, and a queue owes messages.
                let promises = &self.setup.promises;
                let owes = promises.is_log() && promises.delivery != Delivery::AtMostOnce;
                if owes && entry.committed.is_none() {
                    entry.committed = Some(record.at);
                    self.owed += self.setup.groups.len() - entry.done.count_ones() as usize;
                }
            }
            What::Redrive { event, group, times, .. } => {
                if !self.redriven.take(group, event, times) {
                    return;
                }
                let Some(group) = self.setup.group_index(group) else { return };
                let bit = bit(group);
                let entry = self.events.entry(event);
                if entry.dead & bit != 0 {
                    entry.dead &= !bit;
                    entry.done &= !bit;
                    self.owed += usize::from(entry.committed.is_some());
                    self.again.insert((group, event), record.at);
                }
            }
            What::Apply { event, group, .. } | What::DeadLetter { event, group, .. } => {
                if self.redriven.is_old(&record.what) {
                    return;
                }
                let Some(group) = self.setup.group_index(group) else { return };
                let bit = bit(group);
                let entry = self.events.entry(event);
                if matches!(record.what, What::DeadLetter { .. }) {
                    entry.dead |= bit;
                    self.some_are_dead = true;
                }
                let done = entry.done | bit;
                if std::mem::replace(&mut entry.done, done) != done
                    && let Some(since) = entry.committed
                {
                    self.owed -= 1;
                    let since = self.again.get(&(group, event)).copied().unwrap_or(since);
                    longest(&mut self.behind, self.healed, since, evidence);
                }
            }
            _ => {}
        }
    }
}

/// A wait since then has ended: keeps the longest after the healing.
pub(super) fn longest(
    known: &mut Option<(u64, Evidence)>,
    healed: Option<u64>,
    since: u64,
    end: &Evidence,
) {
    let Some(healed) = healed else { return };
    let took = end.record.at.saturating_sub(since.max(healed));
    if known.is_none_or(|(longest, _)| took > longest) {
        *known = Some((took, *end));
    }
}

/// The copies of the log: what each replica told of since it last rebuilt its own, as far as that goes by the end
/// that it told last. A replica that is down holds nothing that counts.
#[derive(Debug)]
pub(super) struct Copies {
    setup: Setup,
    replicas: Vec<Copy>,
    /// Somebody told of an append.
    pub(super) told: bool,
    /// The deadline has passed: what is told then may have been looked up some time ago.
    late: bool,
}

#[derive(Debug, Default)]
struct Copy {
    /// It lost power, and is not back.
    down: bool,
    /// It told of an append, ever.
    told: bool,
    /// A majority has another log: it remembers a past that is none any more.
    left_out: bool,
    log: ByPlace<Option<(EventId, Proof)>>,
    /// The ends of its partitions, as it told them last.
    ends: BTreeMap<u32, u64>,
}

impl Copies {
    pub(super) const HEARS: Variants = heard![Append, Mark, Node, Rebuild, State];

    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            replicas: setup.replicas.iter().map(|_| Copy::default()).collect(),
            setup: setup.clone(),
            told: false,
            late: false,
        }
    }

    pub(super) fn record(&mut self, evidence: &Evidence) {
        let record = &evidence.record;
        if record.what == What::Mark(Mark::DeadlinePassed) {
            self.late = true;
        }
        let Some(index) = self.setup.replica_index(record.node) else { return };
        let copy = &mut self.replicas[index];
        match record.what {
            What::Append { position, event, .. } => {
                (self.told, copy.told) = (true, true);
                *copy.log.entry(position) = Some((event, evidence.proof()));
            }
            What::Rebuild => {
                copy.log.clear();
                copy.ends.clear();
            }
            What::Node { change } => copy.down = change == NodeChange::Crashed,
            What::State { of: StateOf::Replica { partition }, position: end, .. } => {
                copy.ends.insert(partition, end);
                if !self.late {
                    copy.log.truncate(partition, end);
                }
            }
            _ => {}
        }
    }

    /// Those that hold what counts.
    fn living(&self) -> impl Iterator<Item = &Copy> {
        self.replicas.iter().filter(|copy| !copy.down && !copy.left_out)
    }

    /// Leaves out who has another event at a place than a majority of all replicas has there.
    pub(super) fn leave_out_contradicted(&mut self) {
        let majority = self.replicas.len() / 2 + 1;
        let stands = |copy: &Copy, at| copy.log.get(at).copied().flatten().map(|(event, _)| event);
        let holders =
            |at, event| self.living().filter(|copy| stands(copy, at) == Some(event)).count();
        let contradicted = |copy: &Copy| {
            let mut here = copy.log.iter().filter_map(|(at, stands)| Some((at, (*stands)?.0)));
            here.any(|(at, event)| {
                let mut others = self.living().filter_map(|other| stands(other, at));
                others.any(|other| other != event && holders(at, other) >= majority)
            })
        };
        let left_out: Vec<bool> = self.replicas.iter().map(contradicted).collect();
        for (copy, left_out) in self.replicas.iter_mut().zip(left_out) {
            copy.left_out = left_out;
        }
    }

    /// It remembers a past that is none any more.
    pub(super) fn is_left_out(&self, node: NodeId) -> bool {
        self.setup.replica_index(node).is_some_and(|index| self.replicas[index].left_out)
    }

    pub(super) fn is_down(&self, node: NodeId) -> bool {
        self.setup.replica_index(node).is_some_and(|index| self.replicas[index].down)
    }

    /// A living replica has the event at this place. One that never tells of appends is believed by its end.
    pub(super) fn has(&self, at: Position, event: EventId) -> bool {
        self.living().any(|copy| {
            copy.log.get(at).is_some_and(|stands| stands.is_some_and(|(stands, _)| stands == event))
                || (!copy.told && copy.ends.get(&at.partition).is_some_and(|end| at.offset < *end))
        })
    }

    /// A living replica told an end of this partition.
    pub(super) fn is_known(&self, partition: u32) -> bool {
        self.living().any(|copy| copy.ends.contains_key(&partition))
    }

    /// The events that living replicas have, with the last append of each.
    pub(super) fn events(&self) -> ByEvent<Option<Proof>> {
        let mut events: ByEvent<Option<Proof>> = ByEvent::default();
        for (event, append) in
            self.living().flat_map(|copy| copy.log.iter()).filter_map(|(_, stands)| *stands)
        {
            let last = events.entry(event);
            *last = (*last).into_iter().chain([append]).max_by_key(|append| append.index());
        }
        events
    }
}

/// Shows all of these kinds that is judged.
pub(super) type Each<'a> = dyn Fn(Variants, &mut dyn FnMut(&Evidence)) + 'a;

/// What several invariants look at when the history is over, folded once for all of them.
pub(super) struct End<'a> {
    pub(super) lag: Lag,
    pub(super) copies: Copies,
    /// The events that living replicas have, with the last append of each.
    present: ByEvent<Option<Proof>>,
    /// What [`End::differed`] tells.
    differed: OnceCell<Option<(u64, Evidence)>>,
    /// The record that a proof refers to.
    record: &'a dyn Fn(Proof) -> Evidence,
    /// When the last record was told, in microseconds.
    pub(super) now: u64,
    /// Shows the whole history once more.
    pub(super) each: &'a Each<'a>,
    /// What names mean that the system made up while it ran.
    pub(super) names: &'a dyn Fn(Name) -> String,
}

impl<'a> End<'a> {
    pub(super) fn new(
        lag: Lag,
        copies: Copies,
        record: &'a dyn Fn(Proof) -> Evidence,
        now: u64,
        each: &'a Each<'a>,
        names: &'a dyn Fn(Name) -> String,
    ) -> Self {
        let present = copies.events();
        Self { lag, copies, present, differed: OnceCell::new(), record, now, each, names }
    }

    /// A living replica has the event.
    pub(super) fn has(&self, event: EventId) -> bool {
        self.present.get(event).is_some_and(Option::is_some)
    }

    /// The events that living replicas have.
    pub(super) fn events(&self) -> impl Iterator<Item = EventId> {
        self.present.iter().filter(|(_, append)| append.is_some()).map(|(event, _)| event)
    }

    /// The longest that a copy of the log, or a group, was behind after the healing, in microseconds, and what ended
    /// it.
    pub(super) fn differed(&self) -> Option<(u64, Evidence)> {
        *self.differed.get_or_init(|| self.longest_difference())
    }

    fn longest_difference(&self) -> Option<(u64, Evidence)> {
        let mut longest_of_all = self.lag.behind;
        for (event, append) in self.present.iter() {
            let after = |append: &Proof| append.index() > self.lag.healed_at;
            let Some(append) = append.filter(after) else { continue };
            let since = self.lag.events.get(event).and_then(|owed| owed.committed).unwrap_or(0);
            longest(&mut longest_of_all, self.lag.healed, since, &(self.record)(append));
        }
        longest_of_all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    #[test]
    fn each_of_the_first_64_has_a_bit_of_its_own() {
        assert_eq!([0, 1, 5, 63, 64, 66].map(bit), [1, 2, 32, 1 << 63, 1, 4]);
    }

    #[test]
    fn events_are_named_up_to_three() {
        let some = |count: u64| named(&(1..=count).map(EventId).collect::<Vec<_>>());
        assert_eq!([1, 3].map(some), ["e1", "e1, e2, e3"]);
        assert_eq!([4, 15].map(some), ["e1, e2, e3 and 1 more", "e1, e2, e3 and 12 more"]);
        assert_eq!(share(1, 1), "1 of 1 acknowledged event is");
        assert_eq!(share(1, 2), "1 of 2 acknowledged events is");
        assert_eq!(share(2, 3), "2 of 3 acknowledged events are");
    }

    #[test]
    fn a_dead_letter_is_old_when_it_was_redriven_as_often() {
        let dead = |group, event, times| What::DeadLetter {
            group: Name(group),
            position: Position::new(0, 0),
            event: EventId(event),
            times,
        };
        let mut redriven = Redriven::default();
        assert!(!redriven.is_old(&dead(0, 1, 1)));
        assert!(redriven.take(Name(0), EventId(1), 2));
        assert!(!redriven.take(Name(0), EventId(1), 2) && !redriven.take(Name(0), EventId(1), 1));
        assert!([1, 2].iter().all(|times| redriven.is_old(&dead(0, 1, *times))));
        assert!(!redriven.is_old(&dead(0, 1, 3)));
        assert!(!redriven.is_old(&dead(1, 1, 1)) && !redriven.is_old(&dead(0, 2, 1)));
        assert!(redriven.take(Name(0), EventId(1), 3));
    }

    #[test]
    fn what_groups_owe() {
        let owed = |h: &History| h.judge().lag().owed;
        let mut h = History::with_groups(&["a", "b"]);
        assert_eq!(owed(h.publish(1)), 0);
        assert_eq!(owed(h.append(0, 1, 0)), 2);
        assert_eq!(owed(h.append(1, 1, 0)), 2);
        assert_eq!(owed(h.apply_in(1, 1, 0)), 1);
        assert_eq!(owed(h.apply_in(1, 1, 0)), 1);
        assert_eq!(owed(h.dead_letter(1, 0)), 0);
        let dead =
            |h: &History| [0, 1].map(|group| h.judge().lag().is_dead(EventId(1), bit(group)));
        assert_eq!(dead(&h), [true, false]);
        assert_eq!(owed(h.dead_letter(1, 0)), 0);
        assert_eq!(dead(&h), [true, false]);
        // The other group has it in no queue.
        assert_eq!(owed(h.redrive_in(1, 1, 0)), 0);
        assert_eq!(owed(h.redrive(1, 0)), 1);
        assert_eq!(dead(&h), [false, false]);
        // This is old news.
        assert_eq!(owed(h.dead_letter(1, 0)), 1);
        assert_eq!(owed(h.redrive(1, 0)), 1);
        assert_eq!(h.healed().judge().lag().owed_at_healing(), 1);
        assert_eq!(owed(h.apply(1, 0)), 0);
        // No replica has told of it when it is applied, or given up.
        assert_eq!(owed(h.apply(2, 1)), 0);
        assert_eq!(owed(h.append(0, 2, 1)), 1);
        assert_eq!(owed(h.dead_letter(3, 2).redrive(3, 2)), 1);
        assert_eq!(owed(h.append(0, 3, 2)), 3);
        assert_eq!(h.judge().lag().owed_at_healing(), 1);
    }

    #[test]
    fn publishes_that_somebody_waits_for() {
        let open = |h: &History| h.judge().lag().open();
        let mut h = History::new();
        assert_eq!(open(h.publish(1).publish(2)), 2);
        assert_eq!(open(h.publish(2)), 2);
        assert_eq!(open(h.ok(1, 0)), 1);
        assert_eq!(open(h.ok(1, 0)), 1);
        assert_eq!(open(h.info(2)), 0);
        assert_eq!(open(h.ok(2, 1)), 0);
    }

    #[test]
    fn the_longest_wait_is_from_the_healing_or_from_its_own_start() {
        let waits = |h: &History| {
            let lag = h.judge().lag();
            [lag.waited, lag.behind].map(|wait| wait.map(|(took, end)| (took, end.index)))
        };
        let mut h = History::new();
        h.publish(1).publish(2).after(9).ok(1, 0).append(0, 1, 0).after(9).apply(1, 0);
        assert_eq!(waits(&h), [None, None]);
        h.healed().after(3).ok(2, 1).publish(3).append(0, 3, 2).after(3).ok(3, 2).apply(3, 2);
        assert_eq!(waits(&h), [Some((3, 6)), Some((3, 10))]);
        h.publish(4).append(0, 4, 3).after(4).ok(4, 3).dead_letter(4, 3);
        assert_eq!(waits(&h), [Some((4, 13)), Some((4, 14))]);
        // What is redriven is owed from then on.
        h.after(100).redrive(4, 3).after(3).apply(4, 3);
        assert_eq!(waits(&h), [Some((4, 13)), Some((4, 14))]);
    }

    #[test]
    fn what_living_replicas_have() {
        let has = |h: &History, event| h.judge().copies().has(Position::new(0, 1), EventId(event));
        let last = |h: &History| h.judge().copies().events().get(EventId(1))?.map(Proof::index);
        let mut h = History::new();
        h.append(1, 1, 1).append(0, 1, 1).append(2, 2, 1);
        assert_eq!((has(&h, 1), has(&h, 2), has(&h, 3)), (true, true, false));
        assert_eq!(last(&h), Some(1));
        h.crash(0);
        assert_eq!((has(&h, 1), last(&h)), (true, Some(0)));
        assert!(h.judge().copies().is_down(NodeId(0)) && !h.judge().copies().is_down(NodeId(1)));
        h.rebuild(1);
        assert_eq!((has(&h, 1), last(&h)), (false, None));
        h.up(0);
        assert_eq!((has(&h, 1), last(&h)), (true, Some(1)));
        // It ends before that.
        h.replica(0, 1, 0);
        assert_eq!((has(&h, 1), last(&h)), (false, None));
        assert!(h.judge().copies().is_known(0) && !h.judge().copies().is_known(1));
        assert!(!h.crash(0).judge().copies().is_known(0));
    }

    #[test]
    fn a_replica_that_tells_of_no_append_is_believed_by_its_end() {
        let has =
            |h: &History, offset| h.judge().copies().has(Position::new(0, offset), EventId(1));
        let mut h = History::new();
        h.replica(0, 2, 0);
        assert_eq!([1, 2].map(|offset| has(&h, offset)), [true, false]);
        h.append(0, 7, 0);
        assert!(!has(&h, 1));
    }
}
