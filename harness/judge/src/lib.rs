//! What is judged, from the history alone: one file an invariant, one line in [`CATALOGUE`].
//!
//! Each is a fold over the records as they come, with memory for what is live, and names the records
//! that prove a violation.

mod agreement;
mod available;
mod bounded_memory;
mod bounds;
mod breaker;
mod commit_after_apply;
mod conserved;
mod converges;
mod dead_letters;
mod dense;
mod drains;
mod durability;
mod eventual_consistency;
mod evidence;
mod fold;
mod idempotency;
mod invariant;
mod latency;
mod limits;
mod no_dirty_read;
mod no_duplicate_append;
mod no_loss;
mod no_phantom;
mod no_skip;
mod order;
mod progress;
mod promises;
mod recovers_within;
mod retry_policy;
mod rotation;
mod saga_atomicity;
mod setup;
mod single_leader;
mod single_owner;
#[cfg(test)]
mod testing;
mod trail;
mod votes_kept;
mod went_back;

pub use dense::{ByEvent, ByName};
pub use evidence::{Evidence, NEVER, Violation};
pub use fold::Redriven;
use fold::{Copies, End, Lag};
use invariant::Invariant;
pub use invariant::{Entry, Findings, Layer};
pub use limits::{Bound, DEFAULT_WITHIN, Limit, Limits, QUANTILES};
pub use promises::{BreakerPolicy, Promises, RetryPolicy};
pub use setup::Setup;
pub use went_back::Loss;
use went_back::{AS_IT_WAS, WentBack};

use squall_probe::{EventId, Name, Record, What};
use std::{
    collections::BTreeSet,
    mem::{Discriminant, discriminant},
};

/// Every invariant, by layer, and in each those first that can explain the others.
pub const CATALOGUE: &[Entry] = &[
    votes_kept::ENTRY,
    single_leader::ENTRY,
    durability::ENTRY,
    agreement::ENTRY,
    no_duplicate_append::ENTRY,
    no_phantom::ENTRY,
    no_dirty_read::ENTRY,
    single_owner::ENTRY,
    no_skip::ENTRY,
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
];

/// What a judge has found when the history is over.
#[derive(Debug, Default)]
pub struct Judgement {
    /// What was violated.
    pub violations: Vec<Violation>,
    /// How many facts each invariant of the catalogue has judged, in its order. One that judged none has not
    /// held: it is not applicable.
    pub judged: Vec<(&'static str, u64)>,
    /// All records, in order.
    pub history: Vec<Record>,
    /// The log went back in time, and what was lost by it as was to be expected.
    pub loss: Option<Loss>,
    /// Names of the kinds of record that were seen.
    recorded: Vec<String>,
    /// Invariants for which no promise or limit is set.
    unasked: Vec<&'static str>,
}

impl Judgement {
    /// Why an invariant that a scenario names has judged nothing; `None` if it has judged something.
    #[must_use]
    pub fn why_idle(&self, name: &str) -> Option<String> {
        let entry = CATALOGUE.iter().find(|entry| entry.name == name)?;
        let (_, facts) = self.judged.iter().find(|(known, _)| *known == name)?;
        if *facts > 0 {
            return None;
        }
        let missing: Vec<&str> = entry
            .needs
            .iter()
            .filter(|need| !self.recorded.iter().any(|known| known == *need))
            .copied()
            .collect();
        let why = match entry.promise {
            Some(promise) if self.unasked.contains(&entry.name) => {
                format!("the system does not promise it ({promise})")
            }
            _ if !missing.is_empty() => format!("no {} was recorded", missing.join(" and no ")),
            _ => format!("it judges {}, and there was none", entry.judged),
        };
        Some(format!("{name} was named under expect and judged nothing: {why}"))
    }
}

/// All invariants that apply, fed together.
pub struct Judge {
    /// In the order of the catalogue; those that nothing promises or limits are not made.
    invariants: Vec<Option<Box<dyn Invariant>>>,
    setup: Setup,
    lag: Lag,
    copies: Copies,
    /// All of it: how it came to a violation is looked up only if there is one.
    history: Vec<Record>,
    /// The kinds of record that were seen, and the first of each.
    seen: Vec<(Discriminant<What>, What)>,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge").finish_non_exhaustive()
    }
}

impl Judge {
    /// A judge who has seen nothing yet. All safety invariants, `eventual_consistency`, `drains`,
    /// `converges` and `progress` are judged always; `recovers_within`, `available` and `latency` if there is a limit.
    #[must_use]
    pub fn new(setup: &Setup) -> Self {
        let make = |entry: &Entry| (entry.make)(setup);
        Self {
            invariants: CATALOGUE.iter().map(make).collect(),
            setup: setup.clone(),
            lag: Lag::new(setup),
            copies: Copies::new(setup),
            history: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// As [`Judge::new`], with this invariant alone, or with none: what each costs.
    #[doc(hidden)]
    #[must_use]
    pub fn alone(setup: &Setup, name: Option<&str>) -> Self {
        let make =
            |entry: &Entry| if Some(entry.name) == name { (entry.make)(setup) } else { None };
        Self { invariants: CATALOGUE.iter().map(make).collect(), ..Self::new(setup) }
    }

    /// Takes the next record in.
    pub fn record(&mut self, record: &Record) {
        let kind = discriminant(&record.what);
        if !self.seen.iter().any(|(seen, _)| *seen == kind) {
            self.seen.push((kind, record.what));
        }
        self.take(&Evidence { index: self.history.len() as u64, record: *record });
        self.history.push(*record);
    }

    fn take(&mut self, evidence: &Evidence) {
        self.lag.record(evidence);
        self.copies.record(evidence);
        for invariant in self.invariants.iter_mut().flatten() {
            invariant.record(evidence);
        }
    }

    /// Takes in what is judged only by what happens to the effect.
    fn take_effect(&mut self, evidence: &Evidence) {
        for (entry, invariant) in CATALOGUE.iter().zip(&mut self.invariants) {
            if let ("idempotency", Some(invariant)) = (entry.name, invariant) {
                invariant.record(evidence);
            }
        }
    }

    /// If the log has gone back in time: the history so far as it was put back, and the events that were in the log in
    /// between.
    #[must_use]
    pub fn put_back(&self) -> Option<(Vec<Record>, BTreeSet<EventId>)> {
        let edited = WentBack::of(&self.setup, &self.history)?.edited(&self.history);
        Some((edited.records.iter().map(|evidence| evidence.record).collect(), edited.forgotten))
    }

    /// The history is over. `names` tells what names mean that the system made up while it ran.
    #[must_use]
    pub fn finish(mut self, names: &dyn Fn(Name) -> String) -> Judgement {
        let history = std::mem::take(&mut self.history);
        if let Some(back) = WentBack::of(&self.setup, &history) {
            let judgement = self.finish_put_back(&back, &history, names);
            return Judgement { history, ..judgement };
        }
        let all = || (0..).zip(&history).map(|(index, record)| Evidence { index, record: *record });
        let judgement = self.conclude(all, names);
        Judgement { history, ..judgement }
    }

    /// What was found of a history in which the log went back in time, as it was put back.
    fn finish_put_back(
        self,
        back: &WentBack,
        history: &[Record],
        names: &dyn Fn(Name) -> String,
    ) -> Judgement {
        let edited = back.edited(history);
        let mut copies = Copies::new(&self.setup);
        edited.records.iter().for_each(|evidence| copies.record(evidence));
        let present = copies.events();
        let has = |event| present.get(event).is_some_and(Option::is_some);

        let mut judge = Self { seen: self.seen, ..Self::new(&self.setup) };
        for evidence in &edited.records {
            if edited.is_void(evidence, &copies, &present) {
                judge.take_effect(evidence);
            } else {
                judge.take(evidence);
            }
        }
        let invariants = judge.invariants.iter_mut().zip(self.invariants);
        for (entry, (again, as_it_was)) in CATALOGUE.iter().zip(invariants) {
            if AS_IT_WAS.contains(&entry.name) {
                *again = as_it_was;
            }
        }
        let mut judgement = judge.conclude(|| edited.records.iter().copied(), names);
        let excused: BTreeSet<&'static str> =
            judgement.violations.iter().map(|v| v.invariant).filter(|i| back.excuses(i)).collect();
        judgement.violations.retain(|violation| !excused.contains(violation.invariant));
        by_cause(&mut judgement.violations);
        judgement.loss = Some(back.loss(&edited.acknowledged, has, excused.into_iter().collect()));
        judgement
    }

    /// What was found. `all` is what was judged.
    fn conclude<I: Iterator<Item = Evidence>>(
        self,
        all: impl FnOnce() -> I,
        names: &dyn Fn(Name) -> String,
    ) -> Judgement {
        let mut judgement = Judgement {
            recorded: self.seen.iter().map(|(_, what)| variant(what)).collect(),
            ..Judgement::default()
        };
        let end = End::new(self.lag, self.copies, names);
        for (Entry { name, layer, .. }, invariant) in CATALOGUE.iter().zip(self.invariants) {
            let Some(mut invariant) = invariant else {
                judgement.judged.push((name, 0));
                judgement.unasked.push(name);
                continue;
            };
            let findings = invariant.finish(&end);
            judgement.judged.push((name, findings.judged));
            let mut found = findings.into_violations(name);
            if let Layer::End = layer {
                found.iter_mut().for_each(|violation| violation.since = NEVER);
            }
            judgement.violations.extend(found);
        }
        if !judgement.violations.is_empty() {
            let trail = trail::Trail::of(&self.setup, all());
            for violation in &mut judgement.violations {
                trail.explain(violation);
            }
            by_cause(&mut judgement.violations);
        }
        judgement
    }
}

/// The name of a record's variant of [`What`].
fn variant(what: &What) -> String {
    let mut text = format!("{what:?}");
    text.truncate(text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len()));
    text
}

/// What says of the whole what others say of a part.
const WHOLE: &[&str] = &["converges", "recovers_within"];

/// Where publishing or a group stands still, whatever else has not come about has this cause.
const STANDSTILL: &[&str] = &["progress", "drains"];

/// Orders violations so that a cause comes before what follows from it, and says what follows from what. A violation
/// follows from the first one that goes wrong no later than it and that can explain it. Panics, which are in no
/// catalogue, explain what never happens afterwards.
pub fn by_cause(violations: &mut Vec<Violation>) {
    struct Broken {
        name: &'static str,
        place: usize,
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
                    place: place.map_or(0, |place| place + 1),
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
                && (STANDSTILL.contains(&cause.name)
                    || (other.layer == Some(Layer::End) && WHOLE.contains(&other.name)))
        }
        (Some(cause), Some(other)) => cause < other,
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
