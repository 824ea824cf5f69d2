//! What is judged, from the history alone: one file an invariant, one line in [`CATALOGUE`].
//!
//! Each is a fold over the records, with memory for what is live, and names the records that prove a violation.

mod acknowledged_stays_gone;
mod agreement;
mod available;
mod bounded_memory;
mod bounds;
mod breaker;
mod commit_after_apply;
mod conserved;
mod converges;
mod dead_letters;
#[cfg(test)]
mod declared;
mod deduplicated;
mod delivery_count;
mod dense;
mod drains;
mod durability;
mod eventual_consistency;
mod evidence;
mod fair;
mod fold;
mod group_order;
mod idempotency;
mod invariant;
mod latency;
mod lease_respected;
mod leases;
mod limits;
mod messages;
mod no_dirty_read;
mod no_duplicate_append;
mod no_loss;
mod no_phantom;
mod no_skip;
mod one_lease;
mod order;
mod outstanding;
mod presets;
mod progress;
mod promised;
mod promises;
mod recovers_within;
mod retry_policy;
mod rotation;
mod saga_atomicity;
mod setup;
mod single_leader;
mod single_owner;
mod taken_back;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod testing_queues;
mod time;
mod trail;
mod transaction_atomicity;
mod variants;
mod votes_kept;
mod went_back;

pub use dense::{ByEvent, ByName};
use evidence::Proof;
pub use evidence::{Evidence, NEVER, Violation};
pub use fold::Redriven;
use fold::{Copies, End, Lag};
use invariant::Invariant;
pub use invariant::{BY_HARNESS, Entry, Findings, Kinds, Layer, Promised};
pub use limits::{Bound, DEFAULT_WITHIN, Limit, Limits, QUANTILES, Window};
pub use outstanding::Outstanding;
pub use presets::{
    PRESETS, Preset, kafka_like_log, nats_jetstream, pub_sub, rabbitmq_queue, redis_list,
    redis_stream, sqs_fifo, sqs_standard, work_queue,
};
pub use promises::{
    BreakerPolicy, Counts, DeadLetters, Deduplication, Delivery, Groups, Lease, Order, Promises,
    Queue, RetryPolicy, Storage,
};
pub use setup::Setup;
pub use time::seconds;
use variants::{Places, Variant, Variants};
pub use went_back::Loss;
use went_back::{AS_IT_WAS, Edited, Present, WentBack};

use squall_probe::{EventId, Name, Record};
use std::collections::BTreeSet;

macro_rules! catalogue {
    ($($file:ident::ENTRY,)*) => {
        /// Every invariant, by layer, and in each those first that can explain the others.
        pub const CATALOGUE: &[Entry] = &[$($file::ENTRY),*];

        /// The file of each, by its name.
        const FILES: &[(&str, &str)] = &[$((
            stringify!($file),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/", stringify!($file), ".rs")),
        )),*];
    };
}

catalogue! {
    votes_kept::ENTRY,
    single_leader::ENTRY,
    durability::ENTRY,
    agreement::ENTRY,
    no_duplicate_append::ENTRY,
    deduplicated::ENTRY,
    no_phantom::ENTRY,
    no_dirty_read::ENTRY,
    transaction_atomicity::ENTRY,
    single_owner::ENTRY,
    no_skip::ENTRY,
    one_lease::ENTRY,
    lease_respected::ENTRY,
    acknowledged_stays_gone::ENTRY,
    delivery_count::ENTRY,
    group_order::ENTRY,
    dead_letters::ENTRY,
    order::ENTRY,
    commit_after_apply::ENTRY,
    idempotency::ENTRY,
    no_loss::ENTRY,
    saga_atomicity::ENTRY,
    conserved::ENTRY,
    retry_policy::ENTRY,
    breaker::ENTRY,
    rotation::ENTRY,
    bounded_memory::ENTRY,
    progress::ENTRY,
    drains::ENTRY,
    eventual_consistency::ENTRY,
    converges::ENTRY,
    recovers_within::ENTRY,
    available::ENTRY,
    latency::ENTRY,
    fair::ENTRY,
}

/// What an invariant proves, and what it cannot, in paragraphs: the comment at the head of its file.
#[must_use]
pub fn head(name: &str) -> Vec<String> {
    let text = FILES.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text);
    let lines: Vec<&str> =
        text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let paragraphs = lines.split(|line| line.is_empty()).filter(|lines| !lines.is_empty());
    paragraphs.map(|lines| lines.join(" ").replace("[`", "`").replace("`]", "`")).collect()
}

/// What a judge has found when the history is over.
#[derive(Debug, Default)]
pub struct Judgement {
    /// What was violated.
    pub violations: Vec<Violation>,
    /// How many facts each invariant of the catalogue has judged that the system promises, in its order. One that judged
    /// none has not held: it is not applicable.
    pub judged: Vec<(&'static str, u64)>,
    /// All records, in order.
    pub history: Vec<Record>,
    /// The log went back in time, and what was lost by it as was to be expected.
    pub loss: Option<Loss>,
    /// Names of the kinds of record that were seen.
    recorded: Vec<&'static str>,
    /// Invariants that the system does not promise.
    unpromised: Vec<&'static str>,
}

impl Judgement {
    /// Why an invariant that a scenario names has judged nothing; `None` if it has judged something.
    #[must_use]
    pub fn why_idle(&self, name: &str) -> Option<String> {
        let entry = CATALOGUE.iter().find(|entry| entry.name == name)?;
        if self.judged.iter().any(|(known, facts)| *known == name && *facts > 0) {
            return None;
        }
        let missing = |kinds: &&Kinds| {
            let missing =
                kinds.iter().filter(|kind| !self.recorded.iter().any(|known| known == *kind));
            missing.copied().collect::<Vec<&str>>()
        };
        let lacking: Vec<Vec<&str>> = entry.needs.iter().map(|kinds| missing(&kinds)).collect();
        let why = match entry.promise {
            Some(promise) if self.unpromised.contains(&entry.name) => {
                format!("the system does not promise that {}", promise.words)
            }
            _ if lacking.iter().all(|lacking| !lacking.is_empty()) => {
                let sets: Vec<String> =
                    lacking.iter().map(|kinds| format!("no {}", kinds.join(" and no "))).collect();
                format!("{} was recorded", sets.join(", and "))
            }
            _ => format!("it judges {}, and there was none", entry.judged),
        };
        Some(format!("{name} was named under expect and judged nothing: {why}"))
    }
}

/// Keeps a history until it is over, and judges it then: one invariant after the other, so that each has the processor's
/// caches for itself, and what it keeps is gone before the next begins.
#[derive(Debug)]
pub struct Judge {
    setup: Setup,
    history: Vec<Record>,
    /// Where records of each kind stand in it.
    places: Places,
    /// One invariant, or none, in place of all.
    chosen: Option<Option<&'static str>>,
}

/// What is judged.
struct Judged<'h> {
    /// The history as it was.
    whole: &'h [Record],
    places: &'h Places,
    /// And as it was put back, if it was.
    put_back: Option<PutBack<'h>>,
}

/// A history that was put back: what is in the log, and what is void.
#[derive(Clone, Copy)]
struct PutBack<'h> {
    edited: &'h Edited,
    copies: &'h Copies,
    present: &'h Present,
}

impl Judge {
    /// A judge who has seen nothing yet. Of what the system promises, all safety invariants, `eventual_consistency`,
    /// `drains`, `converges` and `progress` are judged always; `recovers_within`, `available`, `latency` and `fair` if there
    /// is a limit.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        let (history, places) = (Vec::new(), Places::default());
        Self { setup: setup.clone(), history, places, chosen: None }
    }

    /// As [`Judge::new`], with this invariant alone, or with none: what each costs.
    #[doc(hidden)]
    #[must_use]
    pub fn alone(setup: &Setup, name: Option<&'static str>) -> Self {
        Self { chosen: Some(name), ..Self::new(setup) }
    }

    /// Takes the next record in.
    pub fn record(&mut self, record: &Record) {
        self.places.push(&record.what);
        self.history.push(*record);
    }

    /// If the log has gone back in time: the history so far as it was put back, and the events that were in the log in
    /// between.
    #[must_use]
    pub fn put_back(&self) -> Option<(Vec<Record>, BTreeSet<EventId>)> {
        let edited = self.went_back()?.edited(&self.history);
        Some((edited.records.iter().map(|evidence| evidence.record).collect(), edited.forgotten))
    }

    fn went_back(&self) -> Option<WentBack> {
        if !self.places.has(Variant::WentBack) {
            return None;
        }
        WentBack::of(&self.setup, &self.history)
    }

    #[cfg(test)]
    fn lag(&self) -> Lag {
        let mut lag = Lag::new(&self.setup);
        numbered(&self.history).for_each(|evidence| lag.record(&evidence));
        lag
    }

    #[cfg(test)]
    fn copies(&self) -> Copies {
        let mut copies = Copies::new(&self.setup);
        numbered(&self.history).for_each(|evidence| copies.record(&evidence));
        copies
    }

    /// The history is over. `names` tells what names mean that the system made up while it ran.
    #[must_use]
    pub fn finish(self, names: &dyn Fn(Name) -> String) -> Judgement {
        let back = self.went_back();
        let Self { setup, history, places, chosen } = self;
        let entries: Vec<&Entry> = CATALOGUE
            .iter()
            .filter(|entry| chosen.is_none_or(|chosen| chosen == Some(entry.name)))
            .collect();
        let judged = Judged { whole: &history, places: &places, put_back: None };
        let judgement = match back {
            Some(back) => put_back(&setup, &entries, &back, &judged, names),
            None => conclude(&setup, &entries, &judged, names),
        };
        Judgement { history, ..judgement }
    }
}

/// What was found of a history in which the log went back in time, as it was put back.
fn put_back(
    setup: &Setup,
    entries: &[&Entry],
    back: &WentBack,
    judged: &Judged<'_>,
    names: &dyn Fn(Name) -> String,
) -> Judgement {
    let edited = &back.edited(judged.whole);
    let mut copies = Copies::new(setup);
    edited.records.iter().for_each(|evidence| copies.record(evidence));
    if !back.is_whole() {
        copies.leave_out_contradicted();
    }
    let present = copies.events();
    let put_back = Some(PutBack { edited, copies: &copies, present: &present });
    let judged = Judged { put_back, ..*judged };
    let mut judgement = conclude(setup, entries, &judged, names);
    let excused: BTreeSet<&'static str> =
        judgement.violations.iter().map(|v| v.invariant).filter(|i| back.excuses(i)).collect();
    judgement.violations.retain(|violation| !excused.contains(violation.invariant));
    by_cause(&mut judgement.violations);
    let excused = excused.into_iter().collect();
    judgement.loss = Some(back.loss(edited, &copies, &present, excused));
    judgement
}

/// What was found.
fn conclude(
    setup: &Setup,
    entries: &[&Entry],
    judged: &Judged<'_>,
    names: &dyn Fn(Name) -> String,
) -> Judgement {
    let recorded = judged.places.variants().map(Variant::name).collect();
    let mut judgement = Judgement { recorded, ..Judgement::default() };
    let record = |proof| judged.evidence(proof, false);
    let each = |heard, show: &mut dyn FnMut(&Evidence)| judged.each(heard, show);
    let end = |all: bool| {
        let heard = |variants| if all { Variants::ALL } else { variants };
        let (mut lag, mut copies) = (Lag::new(setup), Copies::new(setup));
        judged.each(heard(Lag::HEARS), |evidence| lag.record(evidence));
        judged.each(heard(Copies::HEARS), |evidence| copies.record(evidence));
        let now = judged.whole.last().map_or(0, |last| last.at);
        End::new(lag, copies, &record, now, &each, names)
    };
    let told_all = cfg!(debug_assertions).then(|| end(true));
    let end = end(false);
    for entry in entries {
        if !entry.is_promised(&setup.promises) {
            judgement.unpromised.push(entry.name);
            continue;
        }
        let Some(mut invariant) = (entry.make)(setup) else {
            judgement.judged.push((entry.name, 0));
            continue;
        };
        judged.tell(entry.name, &mut *invariant);
        let findings = invariant.finish(&end);
        if let Some(end) = &told_all
            && judged.put_back.is_none()
            && let Some(mut invariant) = (entry.make)(setup)
        {
            numbered(judged.whole).for_each(|evidence| invariant.record(&evidence));
            let all = invariant.finish(end);
            assert_eq!(findings, all, "{} has not heard of all that concerns it", entry.name);
        }
        judgement.judged.push((entry.name, findings.judged));
        let mut found = findings.into_violations(entry.name, |proof| {
            judged.evidence(proof, AS_IT_WAS.contains(&entry.name))
        });
        if let Layer::End = entry.layer {
            found.iter_mut().for_each(|violation| violation.since = NEVER);
        }
        judgement.violations.extend(found);
    }
    if !judgement.violations.is_empty() {
        let trail = trail::Trail::of(setup, judged.all());
        for violation in &mut judgement.violations {
            trail.explain(violation);
        }
        by_cause(&mut judgement.violations);
    }
    judgement
}

impl Judged<'_> {
    /// The record that a proof refers to, as an invariant was told of it: as it was, or as it was put back.
    fn evidence(&self, proof: Proof, as_it_was: bool) -> Evidence {
        let index = proof.index();
        match self.put_back {
            Some(PutBack { edited, .. }) if !as_it_was => {
                let place = edited.records.binary_search_by_key(&index, |evidence| evidence.index);
                edited.records[place.expect("it was told of it")]
            }
            _ => {
                let place = usize::try_from(index).expect("a place of the history");
                Evidence { index, record: self.whole[place] }
            }
        }
    }

    /// All that is judged, in order.
    fn all(&self) -> Box<dyn Iterator<Item = Evidence> + '_> {
        match self.put_back {
            None => Box::new(numbered(self.whole)),
            Some(PutBack { edited, .. }) => Box::new(edited.records.iter().copied()),
        }
    }

    /// Shows each record that is heard, and not void.
    fn each(&self, heard: Variants, mut show: impl FnMut(&Evidence)) {
        match self.put_back {
            None => self.places.each(heard, |place| {
                show(&Evidence { index: place as u64, record: self.whole[place] });
            }),
            Some(PutBack { edited, copies, present }) => {
                let stands = |evidence: &&Evidence| !edited.is_void(evidence, copies, present);
                let heard = |evidence: &&Evidence| heard.has(Variant::of(&evidence.record.what));
                edited.records.iter().filter(heard).filter(stands).for_each(show);
            }
        }
    }

    /// Tells an invariant what happened.
    fn tell(&self, name: &str, invariant: &mut dyn Invariant) {
        let heard = invariant.hears();
        match self.put_back {
            Some(PutBack { edited, .. }) if name == "order" => self.each(heard, |evidence| {
                let excused = edited.is_remade(evidence)
                    || edited.is_of_a_forgotten_owner(evidence)
                    || edited.was_passed_over(evidence);
                if !excused {
                    invariant.record(evidence);
                }
            }),
            Some(PutBack { edited, .. }) if name == "single_owner" => {
                self.each(heard, |evidence| {
                    if !edited.is_of_a_forgotten_owner(evidence) && !edited.is_unfenced(evidence) {
                        invariant.record(evidence);
                    }
                });
            }
            // What happens to the effect happens, void or not.
            Some(PutBack { edited, .. }) if name == "idempotency" => {
                edited.records.iter().for_each(|evidence| invariant.record(evidence));
            }
            Some(_) if !AS_IT_WAS.contains(&name) => {
                self.each(heard, |evidence| invariant.record(evidence));
            }
            _ => invariant.record_all(self.whole, self.places),
        }
    }
}

fn numbered(records: &[Record]) -> impl Iterator<Item = Evidence> {
    (0..).zip(records).map(|(index, record)| Evidence { index, record: *record })
}

/// What says of the whole what others say of a part.
const WHOLE: &[&str] = &["converges", "recovers_within"];

/// Where publishing or a group stands still, whatever else has not come about has this cause.
const STANDSTILL: &[&str] = &["progress", "drains"];

/// What follows from it if messages of a queue have vanished: others take their place, and their ids are unknown.
const OF_MESSAGES: &[&str] = &["deduplicated", "group_order", "delivery_count", "lease_respected"];

/// Orders violations so that a cause comes before what follows from it, and says what follows from what. A violation
/// follows from the first one that goes wrong no later than it and that can explain it. Panics, which are in no
/// catalogue, explain what never happens afterwards.
pub fn by_cause(violations: &mut Vec<Violation>) {
    struct Broken {
        name: &'static str,
        /// In the catalogue; panics are in none, and come first.
        place: Option<usize>,
        layer: Option<Layer>,
        since: u64,
        all: Vec<Violation>,
        cause: Option<&'static str>,
    }
    let mut broken: Vec<Broken> = Vec::new();
    for violation in violations.drain(..) {
        match broken.iter_mut().find(|known| known.name == violation.invariant) {
            Some(known) => {
                known.since = known.since.min(violation.since);
                known.all.push(violation);
            }
            None => {
                let name = violation.invariant;
                let place = CATALOGUE.iter().position(|entry| entry.name == name);
                broken.push(Broken {
                    name,
                    place,
                    layer: place.map(|place| CATALOGUE[place].layer),
                    since: violation.since,
                    all: vec![violation],
                    cause: None,
                });
            }
        }
    }
    broken.sort_by_key(|one| {
        let stands = one.layer.is_none() || STANDSTILL.contains(&one.name);
        (one.since, one.since == NEVER && !stands, one.place)
    });
    let explains = |cause: &Broken, other: &Broken| match (cause.layer, other.layer) {
        (None, _) => other.since == NEVER,
        (_, None) => false,
        (Some(Layer::Means), Some(_)) => other.since == NEVER,
        (Some(_), Some(Layer::Means)) => false,
        (Some(Layer::Log), Some(Layer::Log))
        | (Some(Layer::Delivery), Some(Layer::Delivery))
        | (Some(Layer::Sum), Some(Layer::Sum)) => true,
        (Some(Layer::End), Some(_)) => {
            other.since == NEVER
                && (STANDSTILL.contains(&cause.name) || WHOLE.contains(&other.name))
        }
        (Some(layer), Some(below)) => {
            layer < below || cause.name == "no_loss" && OF_MESSAGES.contains(&other.name)
        }
    };
    let mut roots: Vec<usize> = Vec::new();
    for index in 0..broken.len() {
        let cause = roots.iter().find(|root| explains(&broken[**root], &broken[index]));
        match cause {
            Some(root) => broken[index].cause = Some(broken[*root].name),
            None => roots.push(index),
        }
    }
    let roots: Vec<&'static str> = roots.into_iter().map(|root| broken[root].name).collect();
    for root in roots {
        let (of, rest): (Vec<Broken>, Vec<Broken>) =
            broken.into_iter().partition(|one| one.name == root || one.cause == Some(root));
        broken = rest;
        for Broken { all, cause, .. } in of {
            violations.extend(
                all.into_iter().map(|violation| Violation { consequence_of: cause, ..violation }),
            );
        }
    }
}
