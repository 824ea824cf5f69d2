//! What an invariant is, and what it finds.

use crate::{
    evidence::{Evidence, NEVER, Proof, Violation},
    fold::End,
    limits::Limit,
    promises::Promises,
    setup::Setup,
    variants::{Places, Variants},
};
use squall_probe::Record;

/// One judgement, made record by record.
pub(crate) trait Invariant {
    /// The kinds of record that concern it: of others it need not be told. Builds with debug assertions judge each history
    /// a second time, telling everything, and compare.
    fn hears(&self) -> Variants;

    /// Takes the next record in. It is `#[inline(always)]` everywhere, so that [`Invariant::record_all`] makes no call for
    /// each and no copy of what is not looked at.
    fn record(&mut self, evidence: &Evidence);

    /// Takes a whole history in, as far as it is heard; `places` are those of its records.
    fn record_all(&mut self, history: &[Record], places: &Places) {
        places.each(self.hears(), |place| {
            self.record(&Evidence { index: place as u64, record: history[place] });
        });
    }

    /// The history is over: what was violated, and how many facts were judged?
    fn finish(&mut self, end: &End<'_>) -> Findings;
}

/// Violations of one invariant: the first few, and how many there are in all; and how many facts were judged.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    first: Vec<(String, Vec<Proof>, bool)>,
    count: usize,
    pub(crate) judged: u64,
}

/// How many violations of one invariant are told; of the others only the number is.
const TOLD: usize = 3;

impl Findings {
    /// `facts` more facts were judged: things that happened and could have violated the invariant, as its
    /// entry says under `judged`.
    pub(crate) fn judged(&mut self, facts: u64) {
        self.judged += facts;
    }

    /// Adds a violation, by the last record of its evidence. Both are only made if it will be told.
    pub(crate) fn add<E: Into<Proof>>(
        &mut self,
        summary: impl FnOnce() -> String,
        evidence: impl FnOnce() -> Vec<E>,
    ) {
        self.push(summary, evidence, false);
    }

    /// Adds a violation by something that never happened.
    pub(crate) fn add_missing<E: Into<Proof>>(
        &mut self,
        summary: impl FnOnce() -> String,
        evidence: impl FnOnce() -> Vec<E>,
    ) {
        self.push(summary, evidence, true);
    }

    fn push<E: Into<Proof>>(
        &mut self,
        summary: impl FnOnce() -> String,
        evidence: impl FnOnce() -> Vec<E>,
        missing: bool,
    ) {
        self.count += 1;
        if self.first.len() < TOLD {
            let mut evidence: Vec<Proof> = evidence().into_iter().map(Into::into).collect();
            evidence.sort_by_key(|proof| proof.index());
            self.first.push((summary(), evidence, missing));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// As violations of an invariant; `record` tells what a proof refers to.
    pub(crate) fn into_violations(
        self,
        invariant: &'static str,
        record: impl Fn(Proof) -> Evidence,
    ) -> Vec<Violation> {
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
                let evidence: Vec<Evidence> = evidence.into_iter().map(&record).collect();
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
    /// What the log holds, or the queue.
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

/// A promise of the system, without which an invariant is not judged.
#[derive(Clone, Copy)]
pub struct Promised {
    /// Its fields and what they must say, as in `Promises`.
    pub words: &'static str,
    /// Whether a system gives it.
    pub given: fn(&Promises) -> bool,
}

/// Kinds of record, by the names of [`What`](squall_probe::What)'s variants.
pub type Kinds = &'static [&'static str];

/// Kinds of record that the harness makes of any system: what its clients asked for and were told, what the faults did,
/// what nodes told when they were asked, and the phases of the run.
pub const BY_HARNESS: Kinds = &[
    "Publish",
    "Poison",
    "Late",
    "Probe",
    "Point",
    "FaultBegan",
    "FaultHealed",
    "Tampered",
    "DiskRefused",
    "Node",
    "Held",
    "WentBack",
    "State",
    "Unanswered",
    "Absent",
    "Mark",
];

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
    /// Records without which there is nothing to judge: where all of one of these sets are recorded there can be a fact,
    /// and where none is whole there is none, and the invariant is not applicable.
    pub needs: &'static [Kinds],
    /// The promise of the system without which it is not judged.
    pub promise: Option<Promised>,
    /// What a scenario can limit of it.
    pub limit: Option<Limit>,
    /// What counts as a fact that it judges.
    pub judged: &'static str,
    pub(crate) make: fn(&Setup) -> Option<Box<dyn Invariant>>,
}

impl Entry {
    /// The records that a system must make, in words: `Enqueue and Lease, or Deduplicate`. Those that the harness makes are
    /// told where there is nothing else. `quote` makes a name of a kind.
    #[must_use]
    pub fn needed(&self, quote: impl Fn(&str) -> String) -> String {
        let set = |kinds: &Kinds| {
            let own =
                kinds.iter().filter(|kind| !BY_HARNESS.contains(*kind)).map(|kind| quote(kind));
            let own: Vec<String> = own.collect();
            if own.is_empty() {
                let all: Vec<String> = kinds.iter().map(|kind| quote(kind)).collect();
                return format!("{} (the harness's)", all.join(" and "));
            }
            own.join(" and ")
        };
        self.needs.iter().map(set).collect::<Vec<_>>().join(", or ")
    }

    /// The system promises it, or nothing needs to be promised.
    #[must_use]
    pub fn is_promised(&self, promises: &Promises) -> bool {
        self.promise.is_none_or(|promise| (promise.given)(promises))
    }
}
