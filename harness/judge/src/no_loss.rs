//! `no_loss`: an event whose publish ended ok is, at the end, applied by every group or in that group's
//! dead-letter queue.
//!
//! After Jepsen's kafka and total-queue checkers. It tells `lost` (no replica has it any more, or a consumer of
//! the group has been past its offset, so it will never come) from `unseen` (nobody has been there yet: the system
//! may just be late, which is a failure of liveness). It says nothing of events whose publish is indeterminate, and
//! judges at the end of the run, when everything should have drained.
//!
//! A system that tells of no append, delivery, effect or dead letter is not judged: nothing can be known of its events.
//!
//! Of a queue: each such event became a message, or was taken for a repetition; and each message is acknowledged by a
//! consumer, still in the queue as the observer was told, in the dead-letter queue, or gone by a rule that is promised (its
//! time to live, the bound of the queue) or by its consumer's word. How many are missing is told by what the queue holds.
//! (Jepsen's queue checkers; in `harness/judge/src/messages.rs`.)

use super::{
    dense::{ByEvent, ByKey},
    evidence::{Evidence, Proof},
    fold::{End, Redriven, bit, named, share},
    invariant::{Entry, Findings, Invariant, Layer},
    messages::Lost,
    promised,
    promises::Groups,
    setup::Setup,
    variants::{Variants, heard},
};
use squall_probe::{EventId, Phase, Position, What};
use std::ops::BitOr;

pub(super) const ENTRY: Entry = Entry {
    name: "no_loss",
    about: "What was acknowledged is applied by every group (of a queue: acknowledged by a consumer), or in its dead-letter queue.",
    safety: true,
    layer: Layer::Effect,
    needs: &[
        &["Publish", "Append"],
        &["Publish", "Deliver"],
        &["Publish", "Apply"],
        &["Publish", "DeadLetter"],
        &["Publish", "Absent"],
        &["Publish", "Enqueue"],
        &["Publish", "Deduplicate"],
    ],
    promise: Some(promised::KEEPS),
    limit: None,
    judged: "each acknowledged event",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    if !setup.promises.is_log() {
        return Some(Box::new(Lost::new(setup)));
    }
    Some(Box::new(NoLoss {
        setup: setup.clone(),
        events: ByEvent::default(),
        seen: ByKey::default(),
        redriven: Redriven::default(),
        told: false,
        follows: false,
    }))
}

struct NoLoss {
    setup: Setup,
    events: ByEvent<Copies>,
    /// Highest offset that a consumer of (group, partition) was given.
    seen: ByKey<(usize, u32), u64>,
    redriven: Redriven,
    /// Replicas tell what they hold.
    told: bool,
    /// Somebody tells what becomes of events.
    follows: bool,
}

#[derive(Default)]
struct Copies {
    acked: Option<Proof>,
    position: Option<Position>,
    /// Replicas that hold it, a bit each.
    held: u64,
    /// Groups that are done with it, a bit each.
    done: u64,
    /// It was not there when all was read.
    absent: bool,
}

impl Invariant for NoLoss {
    fn hears(&self) -> Variants {
        heard![Absent, Append, Apply, DeadLetter, Deliver, Publish, Rebuild, Redrive]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        match evidence.record.what {
            What::Publish { phase: Phase::Ok, event, position, .. } => {
                let entry = self.events.entry(event);
                entry.acked.get_or_insert(evidence.proof());
                entry.position = position.or(entry.position);
            }
            What::Append { event, position, .. } => {
                self.follows = true;
                let replica = self.setup.replica_index(evidence.record.node);
                let entry = self.events.entry(event);
                entry.position.get_or_insert(position);
                if let Some(replica) = replica {
                    entry.held |= bit(replica);
                    self.told = true;
                }
            }
            What::Rebuild => {
                let Some(replica) = self.setup.replica_index(evidence.record.node) else { return };
                for event in self.events.values_mut() {
                    event.held &= !bit(replica);
                }
            }
            What::Deliver { group, position, .. } => {
                self.follows = true;
                if let Some(group) = self.setup.group_index(group) {
                    let seen = self.seen.entry((group, position.partition)).or_default();
                    *seen = position.offset.max(*seen);
                }
            }
            What::Redrive { group, event, times, .. } => {
                if self.redriven.take(group, event, times)
                    && let Some(group) = self.setup.group_index(group)
                {
                    self.events.entry(event).done &= !bit(group);
                }
            }
            What::Apply { group, event, .. } | What::DeadLetter { group, event, .. } => {
                self.follows = true;
                if !self.redriven.is_old(&evidence.record.what)
                    && let Some(group) = self.setup.group_index(group)
                {
                    self.events.entry(event).done |= bit(group);
                }
            }
            What::Absent { group, event } => {
                self.follows = true;
                if let Some(group) = self.setup.group_index(group) {
                    let entry = self.events.entry(event);
                    entry.done &= !bit(group);
                    entry.absent = true;
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        let mut findings = Findings::default();
        let (mut lost, mut unseen) = (Missing::default(), Missing::default());
        let groups = self.setup.groups.len();
        if groups == 0 || !self.follows {
            return findings;
        }
        let all = (0..groups).map(bit).fold(0, u64::bitor);
        let mut acknowledged = 0_usize;
        for (id, event) in self.events.iter() {
            let Some(acked) = event.acked else { continue };
            acknowledged += 1;
            let one_is_enough = self.setup.promises.groups == Groups::One && event.done != 0;
            let missing = if one_is_enough { 0 } else { all & !event.done };
            if missing == 0 {
                continue;
            }
            let passed = (0..groups).filter(|group| missing & bit(*group) != 0).any(|group| {
                let seen = event.position.and_then(|at| self.seen.get((group, at.partition)));
                event.position.zip(seen).is_some_and(|(at, seen)| at.offset <= *seen)
            });
            // What no replica has, or one group will never see, is lost, whatever becomes of the others.
            let gone = event.absent || (self.told && event.held == 0);
            let kind = if gone || passed { &mut lost } else { &mut unseen };
            kind.add(id, missing, event.position.is_none(), acked);
        }
        findings.judged(acknowledged as u64);
        let tell = |missing: &Missing, what: &str| missing.summary(&self.setup, acknowledged, what);
        if let Some(first) = lost.first {
            findings.add(|| tell(&lost, "lost"), || vec![first]);
        }
        if let Some(first) = unseen.first {
            findings.add_missing(|| tell(&unseen, "unseen"), || vec![first]);
        }
        findings
    }
}

/// Acknowledged events that groups did not apply.
#[derive(Default)]
struct Missing {
    events: Vec<EventId>,
    /// Groups that miss any of them, and that miss each of them, a bit each.
    any: u64,
    each: u64,
    /// How many of them have no place in the log, as far as anybody told.
    nowhere: usize,
    /// The promise of the first.
    first: Option<Proof>,
}

impl Missing {
    fn add(&mut self, event: EventId, groups: u64, nowhere: bool, acked: Proof) {
        self.each = if self.events.is_empty() { groups } else { self.each & groups };
        self.any |= groups;
        self.nowhere += usize::from(nowhere);
        self.events.push(event);
        self.first.get_or_insert(acked);
    }

    /// `445 of 586 acknowledged events are lost, in all five groups: e135, e136, e139 and 442 more`
    fn summary(&self, setup: &Setup, of: usize, what: &str) -> String {
        let count = self.events.len();
        let groups: Vec<&str> = (0..setup.groups.len())
            .filter(|group| self.any & bit(*group) != 0)
            .map(|group| setup.group(group))
            .collect();
        let of_them = if self.any == self.each { "" } else { "one or more of " };
        let place = match groups.as_slice() {
            [only] => format!("in {only}"),
            all if all.len() == setup.groups.len() => {
                let every = if of_them.is_empty() { "all" } else { "the" };
                format!("in {of_them}{every} {} groups", number(all.len()))
            }
            [most @ .., last] => format!("in {of_them}{} and {last}", most.join(", ")),
            [] => String::new(),
        };
        let nowhere = match self.nowhere {
            0 => String::new(),
            1 if count == 1 => "; no log has ever shown it".to_owned(),
            all if all == count => "; no log has ever shown them".to_owned(),
            some => format!("; {some} of them no log has ever shown"),
        };
        format!("{} {what}, {place}: {}{nowhere}", share(count, of), named(&self.events))
    }
}

/// A small number in a word.
fn number(number: usize) -> String {
    const WORDS: [&str; 13] = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    WORDS.get(number).map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn an_acknowledged_event_that_nobody_applied() {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).publish(2).append_all(2, 1).ok(2, 1);
        h.deliver(1, 0).apply(1, 0).deliver(2, 1).apply(2, 1);
        assert_eq!(h.violations("no_loss"), [] as [&str; 0]);

        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).publish(2).append_all(2, 1).ok(2, 1);
        h.deliver(1, 0).deliver(2, 1).apply(2, 1);
        assert_eq!(h.violations("no_loss"), ["1 of 2 acknowledged events is lost, in g: e1 [4]"]);

        let mut h = History::new();
        h.publish(1).ok_nowhere(1).apply(9, 9);
        assert_eq!(
            h.violations("no_loss"),
            ["1 of 1 acknowledged event is unseen, in g: e1; no log has ever shown it [1]"]
        );
    }

    #[test]
    fn what_is_absent_when_all_is_read_is_lost_whatever_was_told_of_it_before() {
        let mut h = History::new();
        h.publish(1).ok_nowhere(1).publish(2).ok_nowhere(2).apply(1, 0).apply(2, 1);
        assert_eq!(h.clone().violations("no_loss"), [] as [&str; 0]);
        h.absent(2);
        assert_eq!(
            h.violations("no_loss"),
            ["1 of 2 acknowledged events is lost, in g: e2; no log has ever shown it [3]"]
        );
        // All of it is gone: nobody has ever told of anything else.
        let mut h = History::new();
        h.publish(1).ok_nowhere(1).absent(1);
        assert_eq!(h.violations("no_loss").len(), 1);
    }

    #[test]
    fn an_event_that_several_groups_miss_is_told_once() {
        let mut h = History::with_groups(&["g", "h", "i"]);
        for event in 1..=5 {
            h.publish(event).append_all(event, event - 1).ok(event, event - 1);
        }
        assert_eq!(
            h.clone().violations("no_loss"),
            [
                "5 of 5 acknowledged events are unseen, in all three groups: e1, e2, e3 and 2 more [4]"
            ]
        );
        for event in 1..=5 {
            h.apply_in(0, event, event - 1);
        }
        assert_eq!(
            h.clone().violations("no_loss"),
            ["5 of 5 acknowledged events are unseen, in h and i: e1, e2, e3 and 2 more [4]"]
        );
        h.apply_in(1, 1, 0).apply_in(1, 2, 1).apply_in(2, 2, 1);
        assert_eq!(
            h.violations("no_loss"),
            [
                "4 of 5 acknowledged events are unseen, in one or more of h and i: e1, e3, e4 and 1 more [4]"
            ]
        );
    }

    #[test]
    fn each_group_is_judged_for_itself() {
        let applied = |groups: &[u16]| {
            let mut h = History::with_groups(&["a", "b", "c"]);
            h.publish(1).append(0, 1, 0).ok(1, 0);
            for group in groups {
                h.apply_in(*group, 1, 0);
            }
            h.violations("no_loss")
        };
        let misses = |groups: &str| {
            vec![format!("1 of 1 acknowledged event is unseen, in {groups}: e1 [2]")]
        };
        assert_eq!(applied(&[0, 1, 2]), [] as [&str; 0]);
        assert_eq!(applied(&[0, 1, 2, 0, 1, 2]), [] as [&str; 0]);
        assert_eq!(applied(&[1, 2]), misses("a"));
        assert_eq!(applied(&[0, 2]), misses("b"));
        assert_eq!(applied(&[0, 1]), misses("c"));
        assert_eq!(applied(&[]), misses("all three groups"));
        // What one group is past and done with, another may still come to.
        let mut h = History::with_groups(&["a", "b"]);
        h.publish(1).append(0, 1, 0).ok(1, 0).deliver(1, 0).apply_in(0, 1, 0);
        assert_eq!(h.violations("no_loss"), misses("b"));
    }

    #[test]
    fn a_group_is_past_what_is_not_above_the_highest_that_it_was_given() {
        let given = |offsets: &[u64]| {
            let mut h = History::new();
            h.publish(1).append(0, 1, 3).ok(1, 3);
            for offset in offsets {
                h.deliver(9, *offset);
            }
            h.violations("no_loss")
        };
        let told = |what: &str| vec![format!("1 of 1 acknowledged event is {what}, in g: e1 [2]")];
        assert_eq!(given(&[2]), told("unseen"));
        for offsets in [&[3][..], &[4], &[4, 2]] {
            assert_eq!(given(offsets), told("lost"), "{offsets:?}");
        }
    }

    #[test]
    fn events_that_different_groups_miss() {
        let done = |groups: &[&str], done: &[(u16, u64)]| {
            let mut h = History::with_groups(groups);
            h.publish(1).ok(1, 0).publish(2).ok(2, 1).apply(9, 9);
            for (group, event) in done {
                h.apply_in(*group, *event, event - 1);
            }
            h.violations("no_loss")
        };
        let misses = |groups: &str| {
            vec![format!("2 of 2 acknowledged events are unseen, in {groups}: e1, e2 [1]")]
        };
        let three = ["a", "b", "c"];
        assert_eq!(done(&three, &[(0, 1), (0, 2)]), misses("b and c"));
        assert_eq!(
            done(&three, &[(0, 1), (1, 1), (0, 2), (2, 2)]),
            misses("one or more of b and c")
        );
        assert_eq!(done(&three, &[(0, 1)]), misses("one or more of the three groups"));
        assert_eq!(done(&["a"; 13], &[]), misses("all 13 groups"));
    }

    #[test]
    fn what_is_taken_out_of_the_dead_letter_queue_must_be_handled_again() {
        let mut h = History::with_groups(&["a", "b"]);
        h.publish(1).append(0, 1, 0).ok(1, 0).dead_letter(1, 0).apply_in(1, 1, 0);
        assert_eq!(h.violations("no_loss"), [] as [&str; 0]);
        h.redrive(1, 0);
        let missed = "1 of 1 acknowledged event is unseen, in a: e1 [2]";
        assert_eq!(h.violations("no_loss"), [missed]);
        h.apply_in(0, 1, 0);
        assert_eq!(h.violations("no_loss"), [] as [&str; 0]);
        // Of another group, what the first has done counts.
        let mut h = History::with_groups(&["a", "b"]);
        h.publish(1).append(0, 1, 0).ok(1, 0).apply_in(0, 1, 0).apply_in(1, 1, 0);
        h.redrive_in(1, 1, 0);
        assert_eq!(h.violations("no_loss"), ["1 of 1 acknowledged event is unseen, in b: e1 [2]"]);
    }

    #[test]
    fn each_replica_holds_for_itself() {
        let kept_by = |replica: u16| {
            let mut h = History::new();
            h.publish(1).ok(1, 0).append(replica, 1, 0).append(replica, 1, 0);
            (0..3).filter(|other| *other != replica).for_each(|other| {
                h.rebuild(other);
            });
            let waiting = h.violations("no_loss");
            h.rebuild(replica);
            (waiting, h.violations("no_loss"))
        };
        for replica in 0..3 {
            let (waiting, lost) = kept_by(replica);
            assert_eq!(waiting, ["1 of 1 acknowledged event is unseen, in g: e1 [1]"]);
            assert_eq!(lost, ["1 of 1 acknowledged event is lost, in g: e1 [1, 6]"]);
        }
    }

    #[test]
    fn events_that_no_log_has_shown_are_told_from_others() {
        let mut h = History::new();
        h.publish(1).ok_nowhere(1).apply(9, 9);
        let told =
            |h: &mut History| h.violations("no_loss")[0].split("; ").nth(1).map(str::to_owned);
        assert_eq!(told(&mut h).as_deref(), Some("no log has ever shown it [1]"));
        h.publish(2).ok_nowhere(2);
        assert_eq!(told(&mut h).as_deref(), Some("no log has ever shown them [1]"));
        h.publish(3).ok(3, 0);
        assert_eq!(told(&mut h).as_deref(), Some("2 of them no log has ever shown [1]"));
        let mut h = History::new();
        h.publish(1).ok_nowhere(1).publish(2).ok(2, 0).apply(9, 9);
        assert_eq!(told(&mut h).as_deref(), Some("1 of them no log has ever shown [1]"));
    }

    #[test]
    fn a_system_that_tells_nothing_of_its_events_is_not_judged() {
        let mut h = History::new();
        h.publish(1).ok(1, 0);
        assert_eq!((h.judged("no_loss"), h.violations("no_loss")), (0, vec![]));
        // One whose groups owe everything is.
        h.append(0, 1, 0);
        assert_eq!((h.judged("no_loss"), h.violations("no_loss").len()), (1, 1));
    }

    #[test]
    fn the_evidence_says_how_it_was_lost() {
        // The only replica that had it lost it in a crash.
        let mut h = History::new();
        h.publish(1).append(0, 1, 0).ok(1, 0).crash(0).up(0).rebuild(0).append_all(2, 0);
        assert_eq!(
            h.violations("no_loss"),
            ["1 of 1 acknowledged event is lost, in g: e1 [2, 3, 5]"]
        );
        // Its leader promised what nobody else had, and then another led.
        let mut h = History::new();
        h.lead(0, 1).publish(1).acknowledge(0, 1, 0, 1).ok_nowhere(1).lead(0, 2).lead(1, 3);
        h.append_all(2, 0);
        assert_eq!(
            h.violations("no_loss"),
            ["1 of 1 acknowledged event is lost, in g: e1; no log has ever shown it [2, 3, 5]"]
        );
        // The group went past it: its consumer was given it and crashed, and the offset was committed.
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).deliver(1, 0).commit(0, 1).consumer_crash();
        assert_eq!(
            h.violations("no_loss"),
            ["1 of 1 acknowledged event is lost, in g: e1 [4, 5, 6, 7]"]
        );
    }

    #[test]
    fn what_nobody_was_promised_is_not_lost() {
        let mut h = History::new();
        h.publish(1).info(1).publish(2).fail(2).publish(3);
        h.publish(4).append_all(4, 0).ok(4, 0).dead_letter(4, 0);
        assert_eq!(h.violations("no_loss"), [] as [&str; 0]);
    }
}
