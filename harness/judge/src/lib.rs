//! What is judged, from the history alone: one file an invariant, one line in [`CATALOGUE`].
//!
//! Each is a fold over the records as they come, with memory for what is live, and names the records
//! that prove a violation.

mod agreement;
mod available;
mod bounded_memory;
mod breaker;
mod commit_after_apply;
mod conserved;
mod converges;
mod dead_letters;
mod dense;
mod drains;
mod durability;
mod eventual_consistency;
mod fold;
mod idempotency;
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
mod single_leader;
mod single_owner;
#[cfg(test)]
mod testing;
mod trail;
mod votes_kept;
mod went_back;

pub use dense::{ByEvent, ByName};
pub use fold::Redriven;
use fold::{Copies, End, Lag};
pub use limits::{Bound, DEFAULT_WITHIN, Limit, Limits, QUANTILES};
pub use promises::{BreakerPolicy, Promises, RetryPolicy};
pub use went_back::Loss;
use went_back::WentBack;

use squall_probe::{EventId, Name, NodeId, Record, StateOf, What};
use std::{
    collections::BTreeSet,
    mem::{Discriminant, discriminant},
};

/// What a judge may know beside the history.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// The consumer groups, each of which must apply every event.
    pub groups: Vec<Name>,
    /// Their names, in the same order.
    pub group_names: Vec<String>,
    /// Nodes that hold replicas.
    pub replicas: Vec<NodeId>,
    /// Names of nodes, by id.
    pub nodes: Vec<String>,
    /// Limits of the liveness invariants.
    pub limits: Limits,
    /// What the system promises.
    pub promises: Promises,
    /// Names of the saga's steps, in the order of the promise.
    pub sagas: Vec<Name>,
    /// Names of the retry policies, in the order of the promises.
    pub policies: Vec<Name>,
    /// Names of the dependencies behind breakers, in the order of the promises.
    pub dependencies: Vec<Name>,
    /// The nodes that each of them is; none where that is not known.
    pub dependency_nodes: Vec<Vec<NodeId>>,
    /// Names of the buffers, in the order of the promises.
    pub buffers: Vec<Name>,
    /// The most that each node may hold, in bytes, by id; `None` where nothing is promised.
    pub memory: Vec<Option<u64>>,
    /// A fault of the plan makes timers late.
    pub stalls: bool,
}

impl Setup {
    fn group(&self, index: usize) -> &str {
        self.group_names.get(index).map_or("?", String::as_str)
    }

    fn group_index(&self, group: Name) -> Option<usize> {
        self.groups.iter().position(|known| *known == group)
    }

    fn node(&self, node: NodeId) -> &str {
        self.nodes.get(usize::from(node.0)).map_or("?", String::as_str)
    }

    /// What a state is the state of, in words.
    fn state(&self, of: StateOf) -> String {
        match of {
            StateOf::Replica { partition } => format!("partition {partition}"),
            StateOf::Projection { group } => {
                let group = self.group_index(group).map_or("?", |index| self.group(index));
                format!("the effects of {group}")
            }
            StateOf::Conserved { .. } => "what should not change".to_owned(),
            StateOf::View { .. } => "a view of the log".to_owned(),
        }
    }

    fn replica_index(&self, node: NodeId) -> Option<usize> {
        self.replicas.iter().position(|known| *known == node)
    }
}

/// A record that proves something, and its place in the history, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Its place.
    pub index: u64,
    /// The record.
    pub record: Record,
}

/// Something that should not have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant.
    pub invariant: &'static str,
    /// What is wrong, in a sentence.
    pub summary: String,
    /// The records that prove it, and those by which it came to it, in order.
    pub evidence: Vec<Evidence>,
    /// The place in the history of the record by which it went wrong; [`NEVER`] for what should have happened
    /// and did not.
    pub since: u64,
    /// Another invariant, whose violation comes before this one and explains it.
    pub consequence_of: Option<&'static str>,
}

/// When that goes wrong which never happens: at the end.
pub const NEVER: u64 = u64::MAX;

/// One judgement, made record by record.
trait Invariant {
    /// Takes the next record in.
    fn record(&mut self, evidence: &Evidence);
    /// The history is over: what was violated, and how many facts were judged?
    fn finish(&mut self, end: &End<'_>) -> Findings;
}

/// Violations of one invariant: the first few, and how many there are in all; and how many facts were judged.
#[derive(Debug, Default)]
pub struct Findings {
    first: Vec<(String, Vec<Evidence>, bool)>,
    count: usize,
    judged: u64,
}

/// How many violations of one invariant are told; of the others only the number is.
const TOLD: usize = 3;

impl Findings {
    /// `facts` more facts were judged: things that happened and could have violated the invariant, as its
    /// entry says under `judged`.
    fn judged(&mut self, facts: u64) {
        self.judged += facts;
    }

    /// Adds a violation, by the last record of its evidence. Both are only made if it will be told.
    fn add(&mut self, summary: impl FnOnce() -> String, evidence: impl FnOnce() -> Vec<Evidence>) {
        self.push(summary, evidence, false);
    }

    /// Adds a violation by something that never happened.
    fn add_missing(
        &mut self,
        summary: impl FnOnce() -> String,
        evidence: impl FnOnce() -> Vec<Evidence>,
    ) {
        self.push(summary, evidence, true);
    }

    fn push(
        &mut self,
        summary: impl FnOnce() -> String,
        evidence: impl FnOnce() -> Vec<Evidence>,
        missing: bool,
    ) {
        self.count += 1;
        if self.first.len() < TOLD {
            let mut evidence = evidence();
            evidence.sort_by_key(|evidence| evidence.index);
            self.first.push((summary(), evidence, missing));
        }
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn into_violations(self, invariant: &'static str) -> Vec<Violation> {
        let more = self.count - self.first.len();
        let last = self.first.len().saturating_sub(1);
        self.first
            .into_iter()
            .enumerate()
            .map(|(index, (summary, evidence, missing))| {
                let more = if more > 0 && index == last {
                    format!(" (and {more} more like it)")
                } else {
                    String::new()
                };
                let last = evidence.last().map_or(NEVER, |evidence| evidence.index);
                let since = if missing { NEVER } else { last };
                let summary = summary + &more;
                Violation { invariant, summary, evidence, since, consequence_of: None }
            })
            .collect()
    }
}

/// What an invariant speaks of. What goes wrong in one layer explains what goes wrong later in those below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// What the log holds.
    Log,
    /// Who is given what, and says that it is done.
    Delivery,
    /// What takes effect.
    Effect,
    /// What the effects add up to.
    Sum,
    /// Retries, breakers, buffers: they explain only what does not come about in time.
    Means,
    /// What comes about, and when.
    End,
}

/// An invariant, for lists and for making it.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub about: &'static str,
    /// It holds always, with or without a scenario naming it.
    pub safety: bool,
    /// What it speaks of.
    pub layer: Layer,
    /// Records without which there is nothing to judge, by the names of [`What`]'s variants.
    pub needs: &'static [&'static str],
    /// The promise of the system without which it is not judged.
    pub promise: Option<&'static str>,
    /// What a scenario can limit of it.
    pub limit: Option<Limit>,
    /// What counts as a fact that it judges.
    pub judged: &'static str,
    make: fn(&Setup) -> Option<Box<dyn Invariant>>,
}

macro_rules! entries {
    ($($layer:ident $name:ident $($safety:ident)? {
        $about:literal,
        needs: [$($need:ident),*],
        $(promise: $promise:literal,)?
        $(limit: $limit:expr,)?
        judged: $judged:literal,
    })*) => {
        &[$(Entry {
            name: stringify!($name),
            about: $about,
            safety: entries!(@is $($safety)?),
            layer: Layer::$layer,
            needs: &[$(stringify!($need)),*],
            promise: entries!(@or $($promise)?),
            limit: entries!(@or $($limit)?),
            judged: $judged,
            make: $name::make,
        }),*]
    };
    (@is safety) => { true };
    (@is) => { false };
    (@or $one:expr) => { Some($one) };
    (@or) => { None };
}

/// Every invariant, by layer, and in each those first that can explain the others.
pub const CATALOGUE: &[Entry] = entries! {
    Log votes_kept safety {
        "No replica forgets what it has told a candidate who then led.",
        needs: [Vote],
        judged: "each vote",
    }
    Log single_leader safety {
        "No two nodes lead one term, and no ack contradicts what a later term committed.",
        needs: [Lead],
        judged: "each time that a node leads, and each place of the log that was acknowledged and then seen",
    }
    Log durability safety {
        "What was acknowledged is in the log in the end, also after all replicas crashed at once.",
        needs: [Publish, Append],
        judged: "each acknowledged event",
    }
    Log agreement safety {
        "All replicas and consumers see the same event at the same place of the log.",
        needs: [Append],
        judged: "each further look at a place of the log that somebody has seen before",
    }
    Log no_duplicate_append safety {
        "No event stands at two places of the log.",
        needs: [Append],
        judged: "each event of the log",
    }
    Log no_phantom safety {
        "Nothing is delivered that was not published, or whose publish surely failed.",
        needs: [Publish, Append],
        judged: "each event that shows up in a log, at a consumer or as an effect",
    }
    Log no_dirty_read safety {
        "No consumer is given an event that the log then does not contain.",
        needs: [Deliver, Append],
        judged: "each event that a consumer was given",
    }
    Delivery single_owner safety {
        "In each generation one member acts for a partition, and none of an older one.",
        needs: [Apply],
        judged: "each effect",
    }
    Delivery no_skip safety {
        "Within one assignment no consumer jumps over an event.",
        needs: [Deliver],
        judged: "each delivery after the first of an assignment",
    }
    Delivery dead_letters safety {
        "The dead-letter queue holds poison and what an outage exhausted, and nothing else.",
        needs: [DeadLetter],
        promise: "Promises::dead_letters",
        judged: "each poison event that a client was told to publish, and each dead letter",
    }
    Delivery order safety {
        "Events of one producer and key are appended and applied in the order of publishing.",
        needs: [Publish, Apply],
        judged: "each acknowledged event, and each effect, that follows another of its producer or group and key",
    }
    Delivery commit_after_apply safety {
        "No offset is committed before all below it is done, and none goes backwards.",
        needs: [Commit, Apply],
        judged: "each commit, as each replica tells it",
    }
    Effect idempotency safety {
        "No effect of an event happens twice in a group, however often it is delivered.",
        needs: [Apply],
        judged: "each effect",
    }
    Effect no_loss safety {
        "What was acknowledged is applied by every group, or in its dead-letter queue.",
        needs: [Publish, Apply],
        judged: "each acknowledged event",
    }
    Sum saga_atomicity safety {
        "Every saga is done as a whole or undone as a whole.",
        needs: [Saga],
        promise: "Promises::saga",
        judged: "each saga that began",
    }
    Sum conserved safety {
        "Sums that nothing should change are in the end what they were.",
        needs: [State],
        judged: "each sum that a node tells at the end (StateOf::Conserved)",
    }
    Means retry_policy safety {
        "Attempts wait as long as their policy says, with jitter, and end when it says.",
        needs: [Attempt],
        promise: "Promises::retries",
        judged: "each attempt that follows another of the same request",
    }
    Means breaker safety {
        "A breaker opens when its dependency is down, and lets through only what it should.",
        needs: [Call],
        promise: "Promises::breakers",
        judged: "each time that failures in a row should open it or that it opens, and each call from then on until \
                 it is closed",
    }
    Means rotation safety {
        "No client goes on asking a server that is out of rotation.",
        needs: [Asked],
        promise: "Promises::rotation",
        judged: "each question that a server has failed to answer",
    }
    Means bounded_memory safety {
        "No buffer outgrows its bound, nor a node what its role may hold.",
        needs: [Buffered],
        promise: "Promises::buffers",
        judged: "each time that a buffer with a bound tells how much waits in it, or a node with a bound holds much",
    }
    End progress {
        "After the healing, every publish ends within the deadline, and new ones end ok.",
        needs: [Publish],
        limit: Limit::Within { default: Some(DEFAULT_WITHIN) },
        judged: "each publish that was open at the healing or came later",
    }
    End drains {
        "After the healing, no group lags behind the log by the deadline.",
        needs: [Append, Apply],
        limit: Limit::Within { default: Some(DEFAULT_WITHIN) },
        judged: "each event of the log",
    }
    End eventual_consistency {
        "After the healing, replicas and projections agree within the deadline, and in the end.",
        needs: [State],
        limit: Limit::Within { default: Some(DEFAULT_WITHIN) },
        judged: "each state that a node tells at the end, and each replica that tells none",
    }
    End converges {
        "After the healing, all that should agree answers and agrees within the deadline.",
        needs: [State],
        limit: Limit::Within { default: Some(DEFAULT_WITHIN) },
        judged: "each state that a node tells at the end, and each node that tells none",
    }
    End recovers_within {
        "After the healing, publishing works and nothing lags within the limit.",
        needs: [Publish],
        limit: Limit::Within { default: None },
        judged: "each publish that was open at the healing or came later, and each effect that was owed then",
    }
    End available {
        "At least this share of publishes ends ok in time.",
        needs: [Publish],
        limit: Limit::AtLeast,
        judged: "each publish",
    }
    End latency {
        "A quantile of the time from publish to effect stays below the limit.",
        needs: [Publish, Apply],
        limit: Limit::Quantile,
        judged: "each effect of a published event",
    }
};

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
            if let (Layer::Effect, "idempotency", Some(invariant)) =
                (entry.layer, entry.name, invariant)
            {
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
