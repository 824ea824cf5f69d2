//! Disks that went back in time, and what is then to be expected.
//!
//! What a minority of the replicas forgot, the others know: nothing is excused. If more of them went back than a
//! majority can do without, the log is what it was when their snapshots were taken, and what was acknowledged since may
//! be lost, and nothing else. So the history is judged as it was put back: what these nodes told in between has not
//! happened, and what clients were told then is indeterminate, as a publish is whose answer never came. If every node
//! went back to one moment, that is all there is to say, and every invariant holds of what is left. If only some did,
//! the others remember what those have forgotten, and what speaks of both cannot be kept (`PARTLY`). What the log holds then
//! is not asked of a replica that has another event at a place than a majority has there.

use super::{
    dense::ByEvent,
    evidence::{Evidence, Proof},
    fold::Copies,
    setup::Setup,
    taken_back::{Fences, Snapshots},
};
use squall_probe::{EventId, Name, NodeChange, NodeId, Phase, Position, Record, What};
use std::collections::{BTreeMap, BTreeSet};

/// What can be broken where the log went back, and other nodes did not: a replica has another event at a place and
/// knows of votes, commits and transactions that those have forgotten, and stores have effects of events that the log does not hold,
/// and add them up. Never that an effect happens twice, that something is applied out of order (but where a group had been
/// given another event, and comes back later: `Edited::was_passed_over`), or that an event is lost
/// that was acknowledged before.
const PARTLY: &[&str] = &[
    "agreement",
    "commit_after_apply",
    "conserved",
    "converges",
    "eventual_consistency",
    "no_duplicate_append",
    "single_leader",
    "transaction_atomicity",
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
    /// How many events that services made of others were in the log in between, and no living replica has them in the end:
    /// who published them may have been told that they are safe.
    pub derived: usize,
    /// How much else that consumers were told in between is so no more: that an event stands at its place, that it is
    /// in a dead-letter queue, or that a partition is theirs in a generation, which somebody else was given since.
    pub undone: usize,
    /// Invariants that were violated, and that nobody could have kept.
    pub excused: Vec<&'static str>,
    /// Every node went back, to one moment.
    pub whole: bool,
    /// The log has two pasts: a replica got a disk of a past that had been undone (its snapshot was taken after the moment
    /// to which the log had gone back in between), or one remembers what it led, promised or wrote, and most have forgotten
    /// it: that may be newer, as terms go, than what they decide now.
    pub forked: bool,
}

/// The events that living replicas have in the end.
pub(super) type Present = ByEvent<Option<Proof>>;

/// What clients were told when they were told it: that it was taken back later is another matter.
pub(super) const AS_IT_WAS: &[&str] = &["available", "latency"];

/// From the record with which the snapshot was taken up to the one that says that the disk went back, by their places.
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
        (self.begin..self.end).contains(&index)
    }
}

/// What a node told at this place of the history went with its disk.
fn forgot(windows: &BTreeMap<NodeId, Vec<Window>>, node: NodeId, index: u64) -> bool {
    windows.get(&node).is_some_and(|all| all.iter().any(|window| window.has(index)))
}

/// A history in which more disks of replicas went back than a majority can do without.
pub(super) struct WentBack {
    windows: BTreeMap<NodeId, Vec<Window>>,
    /// From the first snapshot of a replica to the last that was put in a disk's place, and until one of them is back.
    log: Window,
    /// The place of the record with which the last snapshot was put in a disk's place.
    last: u64,
    whole: bool,
    forked: bool,
}

impl WentBack {
    /// Looks for it; `None` if what went back is nothing that others do not know.
    pub(super) fn of(setup: &Setup, history: &[Record]) -> Option<Self> {
        if !setup.promises.is_log() {
            return None;
        }
        let mut windows: BTreeMap<NodeId, Vec<Window>> = BTreeMap::new();
        let mut snapshots = Snapshots::default();
        for (end, record) in (0..).zip(history) {
            let Some(begin) = snapshots.record(end, record) else { continue };
            let What::WentBack { to, .. } = record.what else { continue };
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
        let undone = |snapshot: &Window, window: &Window| {
            window.to < snapshot.to && snapshot.to < window.from && window.from < snapshot.from
        };
        let forked = replicas.iter().any(|snapshot| {
            let undone = |node: &&NodeId| {
                windows
                    .get(node)
                    .is_some_and(|all| all.iter().any(|window| undone(snapshot, window)))
            };
            setup.replicas.iter().filter(undone).count() > spare
        });
        // Terms for which replicas voted, and have forgotten it.
        let mut votes: BTreeSet<(u64, NodeId)> = BTreeSet::new();
        let forked = forked
            || (0..).zip(history).any(|(index, record)| {
                let term = match record.what {
                    What::Vote { term } | What::Lead { term } => Some(term),
                    What::Append { .. } => None,
                    _ => return false,
                };
                if forgot(&windows, record.node, index) {
                    votes.extend(term.map(|term| (term, record.node)));
                    return false;
                }
                let forgot = |node: &&NodeId| {
                    forgot(&windows, **node, index)
                        || term.is_some_and(|term| votes.contains(&(term, **node)))
                };
                // Who has forgotten it itself and says it again remembers nothing: terms begin where they were.
                let anew = term.is_some_and(|term| votes.contains(&(term, record.node)));
                setup.replicas.contains(&record.node)
                    && !anew
                    && setup.replicas.iter().filter(forgot).count() > spare
            });
        // Until one of them is back, whatever is acknowledged was accepted before, by who has forgotten it.
        let back = |record: &Record| {
            record.what == What::Node { change: NodeChange::Up }
                && windows.contains_key(&record.node)
        };
        let end = (last.end..).zip(&history[last.end as usize..]).find(|(_, record)| back(record));
        let end = end.map_or(history.len() as u64, |(end, _)| end);
        let log = Window { begin: first.begin, to: first.to, end, from: last.from };
        (forgetful > spare).then_some(Self { windows, log, last: last.end, whole, forked })
    }

    /// Every node went back, to one moment: nobody remembers what is gone.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// The history as it was put back, and what clients had been told by those who then forgot it.
    pub(super) fn edited(&self, history: &[Record]) -> Edited {
        let mut edited =
            Edited { begin: self.log.begin, reissued: self.reissued(history), ..Edited::default() };
        let mut fences = Fences::default();
        for (index, record) in (0..).zip(history) {
            let mut record = *record;
            let undone = forgot(&self.windows, record.node, index) && !remains(&record.what);
            fences.record(&Evidence { index, record });
            if let What::Apply { group, position, generation, .. } = record.what {
                let place = (record.node, group, position.partition);
                let undone = |proof: Proof| forgot(&self.windows, proof.node, proof.index());
                if fences.are_gone(place, generation, undone) {
                    edited.unfenced.insert(index);
                }
            }
            match &mut record.what {
                What::Derive { event, .. } => {
                    edited.derived.insert(*event);
                }
                What::Deliver { group, event, position, .. } if self.log.has(index) => {
                    edited.given.entry((*position, *event)).or_default().insert(*group);
                }
                What::Apply { group, event, .. } if undone => {
                    edited.remade.insert((*group, *event));
                }
                What::DeadLetter { group, event, .. } => {
                    if undone {
                        edited.buried.insert((*group, *event));
                    } else {
                        edited.buried.remove(&(*group, *event));
                    }
                }
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
                What::Transaction { phase: phase @ Phase::Ok, .. } if self.log.has(index) => {
                    *phase = Phase::Info;
                }
                _ => {}
            }
            if !undone {
                edited.records.push(Evidence { index, record });
            }
        }
        edited
    }

    /// Generations of groups that began in what is forgotten, and that were given to another member afterwards: nobody
    /// could tell the two apart.
    fn reissued(&self, history: &[Record]) -> BTreeMap<Term, Reissued> {
        // In each generation of a partition: who was given it first, and when.
        let mut given: BTreeMap<(Name, u32, u64), (Name, u64)> = BTreeMap::new();
        let mut reissued: BTreeMap<Term, Reissued> = BTreeMap::new();
        for (index, record) in (0..).zip(history) {
            let (group, partition, generation, member) = match record.what {
                What::Assign { group, partition, generation, member } => {
                    (group, partition, generation, member)
                }
                What::Apply { group, position, generation, member, .. } => {
                    (group, position.partition, generation, member)
                }
                _ => continue,
            };
            if index > self.last {
                for ((g, p, older, _), reissued) in &mut reissued {
                    if (*g, *p) == (group, partition) && *older < generation {
                        reissued.until = reissued.until.min(index);
                    }
                }
            }
            let (first, since) =
                *given.entry((group, partition, generation)).or_insert((member, index));
            if first != member && self.log.has(since) && index > self.last {
                let until = u64::MAX;
                reissued
                    .entry((group, partition, generation, first))
                    .or_insert(Reissued { since, until });
            }
        }
        reissued
    }

    /// Nobody could have kept this invariant.
    pub(super) fn excuses(&self, invariant: &str) -> bool {
        !self.whole && PARTLY.contains(&invariant)
    }

    /// What there is to tell of it; `copies` are those of living replicas in the end, and `present` what is in them.
    pub(super) fn loss(
        &self,
        edited: &Edited,
        copies: &Copies,
        present: &Present,
        excused: Vec<&'static str>,
    ) -> Loss {
        let Edited { acknowledged, given, buried, reissued, .. } = edited;
        let lost = |event: &&EventId| present.get(**event).is_none_or(Option::is_none);
        let derived = edited.forgotten.intersection(&edited.derived).filter(lost).count();
        let moved = given.keys().filter(|(position, event)| !copies.has(*position, *event));
        Loss {
            nodes: self.windows.keys().copied().collect(),
            to: self.log.to,
            from: self.log.from,
            lost: acknowledged.iter().filter(lost).count(),
            derived,
            undone: moved.count() + buried.len() + reissued.len(),
            acknowledged: acknowledged.len(),
            excused,
            whole: self.whole,
            forked: self.forked,
        }
    }
}

/// A group, a partition, a generation, and the member to whom it was given.
type Term = (Name, u32, u64, Name);

/// From which place of the history on a member acted in a generation that was another one's later, and until which it
/// could not be known: then a newer one began.
#[derive(Clone, Copy, Debug)]
struct Reissued {
    since: u64,
    until: u64,
}

/// A history as it was put back.
#[derive(Debug, Default)]
pub(super) struct Edited {
    /// Where the first snapshot was taken.
    begin: u64,
    /// Generations that two members were given, one of them in what is forgotten: that one.
    reissued: BTreeMap<Term, Reissued>,
    pub(super) records: Vec<Evidence>,
    /// Events of which clients were told, in between or by what was under way, that they are safe. That is taken back.
    pub(super) acknowledged: BTreeSet<EventId>,
    /// Events that were in the log in between, and that nobody has told of since.
    pub(super) forgotten: BTreeSet<EventId>,
    /// Events that services made of others.
    derived: BTreeSet<EventId>,
    /// And where they stood.
    places: BTreeSet<(Position, EventId)>,
    /// What consumers were given in between, where it stood, and to which groups.
    given: BTreeMap<(Position, EventId), BTreeSet<Name>>,
    /// Effects on disks that went back, too: they may be made again, later than what came after them.
    remade: BTreeSet<(Name, EventId)>,
    /// Effects, by their places, where it had been forgotten that a newer generation had begun: that disk went back, too.
    unfenced: BTreeSet<u64>,
    /// Dead letters of groups that were told of in between, and not since.
    buried: BTreeSet<(Name, EventId)>,
}

impl Edited {
    /// An effect that is made again.
    pub(super) fn is_remade(&self, evidence: &Evidence) -> bool {
        match evidence.record.what {
            What::Apply { group, event, .. } => self.remade.contains(&(group, event)),
            _ => false,
        }
    }

    /// An effect of what stands now where the group had been given another event, in what is forgotten: its member went on
    /// behind that place, and came back to it when it was asked to begin where the log says.
    pub(super) fn was_passed_over(&self, evidence: &Evidence) -> bool {
        let What::Apply { group, event, position, .. } = evidence.record.what else { return false };
        let here = (position, EventId(0))..=(position, EventId(u64::MAX));
        self.given
            .range(here)
            .any(|((_, other), groups)| *other != event && groups.contains(&group))
    }

    /// An effect of a member in a generation that was given away again, after that it was its own had been forgotten.
    pub(super) fn is_of_a_forgotten_owner(&self, evidence: &Evidence) -> bool {
        match evidence.record.what {
            What::Apply { group, position, generation, member, .. } => {
                let reissued = self.reissued.get(&(group, position.partition, generation, member));
                reissued.is_some_and(|term| (term.since..term.until).contains(&evidence.index))
            }
            _ => false,
        }
    }

    /// An effect of a member that nobody kept out: what would have was forgotten.
    pub(super) fn is_unfenced(&self, evidence: &Evidence) -> bool {
        self.unfenced.contains(&evidence.index)
    }

    /// What others saw of an event at a place that it has lost, or of one that is gone: the place holds another event
    /// now. That an effect of it happened twice is all that can still be said. What was seen before the snapshots were
    /// taken is in them, and stands.
    pub(super) fn is_void(&self, evidence: &Evidence, copies: &Copies, present: &Present) -> bool {
        let gone = |event: EventId| {
            (self.forgotten.contains(&event) || self.acknowledged.contains(&event))
                && present.get(event).is_none_or(Option::is_none)
        };
        let seen_before =
            evidence.index < self.begin && !matches!(evidence.record.what, What::Append { .. });
        match evidence.record.what {
            _ if seen_before => false,
            What::Append { event, position, .. }
            | What::Acknowledge { event, position: Some(position), .. }
            | What::Deliver { event, position, .. }
            | What::Apply { event, position, .. }
            | What::DeadLetter { event, position, .. }
            | What::Redrive { event, position, .. } => {
                let left_out = copies.is_left_out(evidence.record.node);
                (left_out && !copies.has(position, event))
                    || gone(event)
                    || (self.places.contains(&(position, event)) && !copies.has(position, event))
            }
            What::Request { event, .. } | What::Saga { saga: event, .. } => gone(event),
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
            | What::Derive { .. }
            | What::Node { .. }
            | What::WentBack { .. }
            | What::Tampered { .. }
            | What::DiskRefused { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    /// Two events are acknowledged: one before the snapshots of the nodes are taken (fault 1), one after. Then those
    /// nodes go back, and the replicas tell what they have.
    fn history(nodes: &[u16], left: &[u64]) -> History {
        let mut h = History::new();
        h.publish(1).append(0, 1, 0).append(1, 1, 0).ok(1, 0).after(1);
        for node in nodes {
            h.fault_on(1, *node);
        }
        h.after(1)
            .publish(2)
            .append(0, 2, 1)
            .append(1, 2, 1)
            .acknowledge(0, 2, 1, 1)
            .ok(2, 1)
            .after(1);
        for node in nodes {
            h.went_back(*node, 1, 1);
        }
        for replica in 0..3 {
            h.rebuild(replica);
            for (event, offset) in left.iter().zip(0..) {
                h.append(replica, *event, offset);
            }
        }
        h
    }

    fn loss(h: &History) -> Option<(usize, usize)> {
        h.judgement().loss.map(|loss| (loss.acknowledged, loss.lost))
    }

    #[test]
    fn what_one_replica_forgot_the_others_know() {
        let h = history(&[0], &[1]);
        assert_eq!((h.broken(), loss(&h)), (vec!["durability", "no_loss"], None));
        assert_eq!(loss(&history(&[0], &[1, 2])), None);
    }

    #[test]
    fn where_a_majority_went_back_only_what_was_acknowledged_since_may_be_lost() {
        let mut h = history(&[0, 1], &[1]);
        assert_eq!((h.violations("durability"), loss(&h)), (vec![], Some((1, 1))));
        let mut h = history(&[0, 1], &[1, 2]);
        assert_eq!((h.violations("durability"), loss(&h)), (vec![], Some((1, 0))));
        let mut h = history(&[0, 1], &[]);
        assert_eq!(
            h.violations("durability"),
            ["1 of 1 acknowledged event is in the log of no living replica in the end: e1 [3, 14]"]
        );
    }

    #[test]
    fn to_when_and_from_when_it_went_is_told() {
        let loss = history(&[0, 1], &[1]).judgement().loss.unwrap();
        assert_eq!((loss.to, loss.from), (1, 3));
        assert_eq!(loss.nodes, [NodeId(0), NodeId(1)]);
    }

    #[test]
    fn what_was_promised_before_may_be_heard_of_after() {
        let mut h = history(&[0, 1], &[1]);
        h.publish(3).append(0, 3, 1).ok(3, 1);
        assert_eq!(h.violations("durability"), [] as [&str; 0]);
        // It was in the log in between, and its client hears of it now.
        let mut h = History::new();
        h.publish(1).fault_on(1, 0).fault_on(1, 1).append(0, 1, 0).append(1, 1, 0).after(1);
        h.went_back(0, 1, 0).went_back(1, 1, 0).ok(1, 0).rebuild(0).rebuild(1);
        assert_eq!((h.violations("durability"), loss(&h)), (vec![], Some((1, 1))));
        // And this one its new life has promised.
        let mut h = History::new();
        h.publish(1).fault_on(1, 0).fault_on(1, 1).after(1).went_back(0, 1, 0).went_back(1, 1, 0);
        h.up(0).append(0, 1, 0).append(1, 1, 0).ok(1, 0).rebuild(0).rebuild(1);
        assert_eq!(
            h.violations("durability"),
            ["1 of 1 acknowledged event is in the log of no living replica in the end: e1 [8, 10]"]
        );
    }

    #[test]
    fn others_have_seen_what_is_gone_and_that_an_effect_happened_twice_counts_all_the_same() {
        let mut h = History::new();
        h.publish(1).fault_on(1, 0).fault_on(1, 1).after(1);
        h.append(0, 1, 0).append(1, 1, 0).ok(1, 0).deliver(1, 0).apply(1, 0).after(1);
        h.went_back(0, 1, 0).went_back(1, 1, 0).publish(2).append(0, 2, 0).append(1, 2, 0).ok(2, 0);
        h.deliver(2, 0).apply(2, 0);
        for invariant in ["agreement", "no_dirty_read", "no_loss", "order", "idempotency"] {
            assert_eq!(h.violations(invariant), [] as [&str; 0], "{invariant}");
        }
        h.apply(1, 0);
        assert_eq!(h.violations("idempotency"), ["e1 took effect twice in g [6, 7, 16]"]);
    }

    #[test]
    fn if_everything_went_back_nothing_is_excused() {
        let all = [0, 1, 2, 3, 4, 5];
        let mut h = history(&all, &[1]);
        h.healed().replica(0, 1, 5).replica(1, 1, 5).replica(2, 1, 6).converged();
        assert_eq!(
            h.violations("eventual_consistency"),
            ["r0 and r2 do not agree on partition 0 [28, 30]"]
        );
        let mut h = history(&all[..3], &[1]);
        h.healed().replica(0, 1, 5).replica(1, 1, 5).replica(2, 1, 6).converged();
        assert_eq!(h.violations("eventual_consistency"), [] as [&str; 0]);
    }

    /// The disks of these nodes go back by fault 1, from here to the beginning.
    fn all_back(h: &mut History, nodes: std::ops::Range<u16>) {
        nodes.for_each(|node| {
            h.went_back(node, 1, 0);
        });
    }

    fn taken(nodes: std::ops::Range<u16>) -> History {
        let mut h = History::new();
        nodes.for_each(|node| {
            h.fault_on(1, node);
        });
        h
    }

    #[test]
    fn who_went_back_twice_or_to_another_moment_did_not_go_back_with_the_others() {
        let disagree = |h: &mut History| {
            h.healed().replica(0, 1, 5).replica(1, 1, 5).replica(2, 1, 6).converged();
            h.violations("eventual_consistency")
        };
        let differ = |places: &str| vec![format!("r0 and r2 do not agree on partition 0 {places}")];
        let nothing = Vec::<String>::new();
        let mut h = taken(0..6);
        all_back(h.after(1), 0..6);
        assert_eq!(disagree(&mut h), differ("[13, 15]"));
        let mut h = taken(0..6);
        all_back(h.after(1), 0..6);
        h.fault_on(2, 0).after(1).went_back(0, 2, 1);
        assert_eq!(disagree(&mut h), nothing);
        let mut h = taken(0..5);
        h.after(1).fault_on(1, 5).after(1);
        all_back(&mut h, 0..5);
        h.went_back(5, 1, 1);
        assert_eq!(disagree(&mut h), nothing);
    }

    #[test]
    fn a_promise_counts_again_when_one_of_those_who_forgot_is_back() {
        // Nobody else's return matters: what is promised then was accepted before.
        let mut h = taken(0..2);
        all_back(h.after(1), 0..2);
        h.up(2).publish(1).append(2, 1, 0).ok(1, 0).rebuild(0).rebuild(1).rebuild(2);
        assert_eq!((h.violations("durability"), loss(&h)), (vec![], Some((1, 1))));
        let mut h = taken(0..2);
        all_back(h.after(1), 0..2);
        h.up(0).publish(1).append(2, 1, 0).ok(1, 0).rebuild(0).rebuild(1).rebuild(2);
        assert_eq!(
            h.violations("durability"),
            ["1 of 1 acknowledged event is in the log of no living replica in the end: e1 [7, 10]"]
        );
        assert_eq!(loss(&h), Some((0, 0)));
    }

    #[test]
    fn who_remembers_another_log_than_a_majority_has_is_left_out() {
        // One is down, its disk has gone back; what the other two take in then, the second forgets; and the third is last
        // to start again, when the first two have gone on with another event.
        let history = |second_has: &[u64]| {
            let mut h = History::new();
            h.publish(1).append_all(1, 0).ok(1, 0).deliver(1, 0).apply(1, 0);
            h.fault_on(1, 0).after(1).crash(0).went_back(0, 1, 0);
            h.fault_on(2, 1).publish(2).publish(4).append(1, 2, 1).append(2, 2, 1).ok(2, 1);
            h.append(2, 4, 2).after(1).crash(1).went_back(1, 2, 1).up(0).up(1).healed().publish(3);
            for (replica, events) in [(0, [1, 3].as_slice()), (1, second_has), (2, &[1, 2, 4])] {
                h.rebuild(replica);
                for (event, offset) in events.iter().zip(0..) {
                    h.append(replica, *event, offset);
                }
            }
            h.ok(3, 1).info(4).deliver(3, 1).apply(3, 1);
            h.dead_letter(2, 1).by(2).dead_letter(4, 2).by(2);
            h
        };
        let mut h = history(&[1, 3]);
        let judgement = h.after(LIMIT + 1).deadline().judgement();
        let loss = judgement.loss.unwrap();
        assert_eq!((loss.acknowledged, loss.lost, loss.forked), (1, 1, false));
        assert_eq!(h.broken(), [] as [&str; 0], "neither do its dead letters count nor is e4 owed");
        // What the others bury counts, and its copy where no majority has another.
        let broken = |h: &mut History| h.violations("dead_letters").len();
        assert_eq!((broken(h.dead_letter(5, 2)), broken(&mut history(&[1]))), (1, 2));
    }

    #[test]
    fn a_disk_of_a_past_that_was_undone_is_told() {
        // Snapshots of the first two are taken before one of the third, and put back before it (or after it).
        let forked = |first: u16, earlier: bool| {
            let mut h = taken(0..2);
            h.after(1).fault_on(2, first).after(1);
            if !earlier {
                h.went_back(first, 2, 1).after(1);
            }
            all_back(&mut h, 0..2);
            h.after(1);
            if earlier {
                h.went_back(first, 2, 1);
            }
            h.judgement().loss.unwrap().forked
        };
        assert!(forked(0, true) && forked(2, true));
        assert!(!forked(0, false) && !forked(2, false));
        let mut h = taken(0..3);
        all_back(h.after(1), 0..3);
        assert!(!h.judgement().loss.unwrap().forked);
    }

    #[test]
    fn who_remembers_what_most_have_forgotten_is_told() {
        // The third leads, and then the first two go back; or the leader is one of them.
        for (leader, forked) in [(2, true), (1, false)] {
            let mut h = taken(0..2);
            h.lead(leader, 5).after(1);
            all_back(&mut h, 0..2);
            assert_eq!(h.judgement().loss.unwrap().forked, forked, "{leader}");
        }
        let mut h = History::new();
        h.lead(2, 5).fault_on(1, 0).fault_on(1, 1).after(1);
        all_back(&mut h, 0..2);
        assert!(!h.judgement().loss.unwrap().forked, "that they remember");
        // It leads by their votes when they have forgotten them.
        let mut h = taken(0..2);
        h.vote(0, 5).vote(1, 5).after(1);
        all_back(&mut h, 0..2);
        assert!(h.lead(2, 5).judgement().loss.unwrap().forked);
        // Terms begin again where all had voted for them, and all have forgotten it; but for the third, if it has not.
        for (gone, forked) in [(0..3, false), (0..2, true)] {
            let mut h = taken(gone.clone());
            (0..3).for_each(|replica| {
                h.vote(replica, 5);
            });
            all_back(h.lead(0, 5).after(1), gone);
            h.vote(0, 5).vote(1, 5).vote(2, 5).lead(0, 5);
            assert_eq!(h.judgement().loss.unwrap().forked, forked);
        }
    }

    #[test]
    fn an_effect_that_went_back_with_the_log_may_come_again_after_what_followed_it() {
        let inverted = |store: Option<u16>| {
            let mut h = taken(0..2);
            for event in 1..=3 {
                h.publish(event).append(0, event, event - 1).append(1, event, event - 1);
            }
            store.into_iter().for_each(|node| {
                h.fault_on(2, node);
            });
            h.after(1).apply(1, 0).apply(2, 1).after(1);
            store.into_iter().for_each(|node| {
                h.went_back(node, 2, 0);
            });
            h.apply(3, 2).after(1);
            all_back(&mut h, 0..2);
            h.apply(1, 0).violations("order")
        };
        assert_eq!(inverted(Some(STORE.0)), [] as [&str; 0]);
        // Without that it is none: the effect landed long ago.
        assert_eq!(inverted(None), [] as [&str; 0]);
        let mut h = taken(0..2);
        h.publish(1).publish(2).append(0, 1, 0).append(0, 2, 1).append(1, 1, 0).append(1, 2, 1);
        h.after(1);
        all_back(&mut h, 0..2);
        h.append(0, 1, 0).append(0, 2, 1).append(1, 1, 0).append(1, 2, 1).apply(2, 1).apply(1, 0);
        assert_eq!(h.violations("order").len(), 1);
    }

    #[test]
    fn who_was_given_another_event_at_a_place_may_come_back_to_it_late() {
        let inverted = |group: u16, given: u64| {
            let mut h = taken(0..2);
            for event in 1..=3 {
                h.publish(event);
            }
            h.append(0, 1, 0).append(1, 1, 0).deliver_in(group, given, 0).after(1);
            all_back(&mut h, 0..2);
            for replica in 0..2 {
                h.append(replica, 2, 0).append(replica, 3, 1);
            }
            h.apply(3, 1).apply(2, 0).violations("order").len()
        };
        assert_eq!(inverted(0, 1), 0);
        // Another group was given it; this one has only been told earlier what stands there now.
        assert_eq!((inverted(1, 1), inverted(0, 2)), (1, 1));
    }

    #[test]
    fn what_services_made_of_others_is_lost_as_well() {
        let derived = |then: fn(&mut History)| {
            let mut h = taken(0..2);
            h.publish(1).derive(2, 1).append(0, 2, 0).append(1, 2, 0).after(1);
            all_back(&mut h, 0..2);
            h.rebuild(0).rebuild(1);
            then(&mut h);
            h.judgement().loss.unwrap().derived
        };
        assert_eq!(derived(|_| {}), 1);
        assert_eq!(
            derived(|h| {
                h.append(0, 2, 0).append(1, 2, 0);
            }),
            0
        );
        // Events of clients are counted where clients were told of them.
        let mut h = taken(0..2);
        h.publish(1).append(0, 1, 0).append(1, 1, 0).after(1);
        all_back(&mut h, 0..2);
        assert_eq!(h.rebuild(0).rebuild(1).judgement().loss.unwrap().derived, 0);
    }

    #[test]
    fn what_consumers_were_told_in_between_and_is_so_no_more_is_counted() {
        let undone = |then: fn(&mut History)| {
            let mut h = taken(0..2);
            h.publish(1).publish(2).append(0, 1, 0).append(1, 1, 0).deliver(1, 0);
            h.dead_letter(1, 0).after(1);
            all_back(&mut h, 0..2);
            h.rebuild(0).rebuild(1);
            then(&mut h);
            h.judgement().loss.unwrap().undone
        };
        // As it was told, another event stands there, and nothing.
        assert_eq!(
            undone(|h| {
                h.append(0, 1, 0).append(1, 1, 0).dead_letter(1, 0);
            }),
            0
        );
        assert_eq!(
            undone(|h| {
                h.append(0, 1, 0).append(1, 1, 0);
            }),
            1
        );
        assert_eq!(
            undone(|h| {
                h.append(0, 2, 0).append(1, 2, 0).dead_letter(1, 0);
            }),
            1
        );
        assert_eq!(undone(|_| {}), 2);
    }

    #[test]
    fn what_others_saw_of_an_event_that_is_gone_or_stands_elsewhere_is_void() {
        // Only a replica that did not go back told of it, and has lost it since.
        let mut h = taken(0..2);
        h.publish(1).append(2, 1, 0).ok(1, 0).deliver(1, 0).apply(1, 0).step_done(1, 0).after(1);
        all_back(&mut h, 0..2);
        h.rebuild(2);
        for invariant in ["no_dirty_read", "no_loss", "saga_atomicity", "available"] {
            assert_eq!(h.violations(invariant), [] as [&str; 0], "{invariant}");
        }
        assert_eq!(loss(&h), Some((1, 1)));
        // It was published again, and stands at another place now.
        let mut h = taken(0..2);
        h.publish(1).append(0, 1, 5).append(1, 1, 5).deliver(1, 5).after(1);
        all_back(&mut h, 0..2);
        h.append(0, 1, 0).append(1, 1, 0).ok(1, 0).deliver(1, 0).apply(1, 0);
        for invariant in ["no_dirty_read", "no_duplicate_append", "no_loss", "agreement"] {
            assert_eq!(h.violations(invariant), [] as [&str; 0], "{invariant}");
        }
    }

    #[test]
    fn a_saga_of_what_is_gone_is_void_and_one_of_what_is_there_is_not() {
        let saga = |event: u64| {
            let mut h = taken(0..2);
            h.publish(1).append(0, 1, 0).append(1, 1, 0).ok(1, 0).step_done(event, 0).after(1);
            all_back(&mut h, 0..2);
            h.violations("saga_atomicity")
        };
        assert_eq!(saga(1), [] as [&str; 0]);
        assert_eq!(saga(2), ["saga of e2 ended half done: reserve without charge [6]"]);
    }

    #[test]
    fn what_was_seen_before_the_snapshots_stands() {
        // Applied, then the snapshots are taken; the replicas tell of it again, go back, and then lose their disks.
        let seen = |before: bool| {
            let mut h = History::new();
            h.publish(1).append(0, 1, 0).append(1, 1, 0).ok(1, 0).deliver(1, 0);
            if before {
                h.apply(1, 0).commit(0, 1).after(1);
            }
            (0..6).for_each(|node| {
                h.fault_on(1, node);
            });
            h.rebuild(0).append(0, 1, 0).after(1);
            (0..6).for_each(|node| {
                h.went_back(node, 1, u64::from(before));
            });
            if !before {
                h.commit(0, 1);
            }
            h.rebuild(0).rebuild(1).violations("commit_after_apply")
        };
        assert_eq!(seen(true), [] as [&str; 0]);
        assert_eq!(seen(false), ["g committed 0:1 before 0:0 was done [4, 19]"]);
    }

    #[test]
    fn a_generation_that_is_forgotten_may_be_given_to_another() {
        // Member 7 has generation 1 in what is forgotten (or in the snapshots), and 8 afterwards (or nobody).
        let owners = |forgotten: bool, again: bool, newer: bool| {
            let mut h = History::new();
            let given = |h: &mut History| {
                h.assign(1);
            };
            (1..=3).for_each(|event| {
                h.publish(event).append(0, event, event - 1).append(1, event, event - 1);
            });
            if !forgotten {
                given(&mut h);
            }
            h.after(1).fault_on(1, 0).fault_on(1, 1);
            if forgotten {
                given(&mut h);
            }
            h.after(1).went_back(0, 1, 1).went_back(1, 1, 1);
            h.apply_by(2, 1, 1, 7);
            if newer {
                h.assign(2);
                h.apply_by(3, 2, 1, 7);
            }
            if again {
                h.apply_by(1, 0, 1, 8);
            }
            (h.violations("single_owner").len(), h.violations("order").len())
        };
        assert_eq!(owners(true, true, false), (0, 0));
        assert_eq!(owners(true, false, false), (0, 0));
        assert_eq!(owners(false, true, false), (1, 1), "that it has it is in the snapshots");
        assert!(owners(true, true, true).0 > 0, "a newer one keeps both out");
        assert!(owners(true, false, true).0 > 0);
    }

    #[test]
    fn two_owners_at_once_in_what_is_forgotten_are_two_owners() {
        let mut h = taken(0..2);
        h.publish(1).publish(2).assign(1).apply_by(1, 0, 1, 7).apply_by(2, 1, 1, 8).after(1);
        all_back(&mut h, 0..2);
        h.append(0, 1, 0).append(1, 1, 0).append(0, 2, 1).append(1, 2, 1);
        assert_eq!(h.violations("single_owner").len(), 1);
    }

    #[test]
    fn a_fence_that_went_back_with_the_log_keeps_nobody_out_until_it_stands_again() {
        let zombie = |store: bool, again: bool| {
            let nodes = if store { vec![0, 1, 2, STORE.0] } else { vec![0, 1, 2] };
            let mut h = History::new();
            h.publish(1).append(0, 1, 0).append(1, 1, 0).append(2, 1, 0).assign(1).after(1);
            for node in &nodes {
                h.fault_on(1, *node);
            }
            h.after(1).assign(2).deliver_gen(1, 0, 2).after(1);
            for node in &nodes {
                h.went_back(*node, 1, 1);
            }
            if again {
                h.assign(2);
            }
            h.append(0, 1, 0).append(1, 1, 0).append(2, 1, 0).apply_by(1, 0, 1, 7);
            h.violations("single_owner").len()
        };
        assert_eq!(zombie(true, false), 0);
        assert_eq!(zombie(true, true), 1, "the fence stands again");
        assert_eq!(zombie(false, false), 1, "the store has not forgotten it");
    }

    #[test]
    fn what_a_client_sent_before_its_disk_went_back_may_arrive() {
        let mut h = taken(0..6);
        h.publish(1).after(1);
        all_back(&mut h, 0..6);
        h.append(0, 1, 0).append(1, 1, 0);
        assert_eq!(h.violations("no_phantom"), [] as [&str; 0]);
    }
}
