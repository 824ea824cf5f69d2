//! `saga_atomicity`: every saga ends with each of its steps done once and none undone, or with each step that
//! was done undone once, and after it was done.
//!
//! After Garcia-Molina and Salem, Sagas (1987). Steps and compensations are counted where they land.

use super::{
    dense::ByEvent,
    evidence::{Evidence, Proof},
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    setup::Setup,
    taken_back::TakenBack,
    variants::{Variants, heard},
};
use squall_probe::{Name, SagaChange, What};
use std::collections::BTreeMap;

pub(super) const ENTRY: Entry = Entry {
    name: "saga_atomicity",
    about: "Every saga is done as a whole or undone as a whole.",
    safety: true,
    layer: Layer::Sum,
    needs: &[&["Saga"]],
    promise: Some(promised::SAGA),
    limit: None,
    judged: "each saga that began",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(SagaAtomicity {
        setup: setup.clone(),
        sagas: ByEvent::default(),
        taken_back: TakenBack::default(),
    }))
}

struct SagaAtomicity {
    setup: Setup,
    /// What happened to each saga, in order.
    sagas: ByEvent<Vec<Change>>,
    taken_back: TakenBack,
}

/// A step of a saga was done or undone.
#[derive(Clone, Copy)]
struct Change {
    step: Name,
    undone: bool,
    proof: Proof,
}

fn proofs(changes: &[Change]) -> Vec<Proof> {
    changes.iter().map(|change| change.proof).collect()
}

impl SagaAtomicity {
    /// Every step was done, once, and nothing else happened.
    fn is_whole(&self, changes: &[Change]) -> bool {
        let done =
            |step: &Name| changes.iter().any(|change| change.step == *step && !change.undone);
        changes.len() == self.setup.sagas.len() && self.setup.sagas.iter().all(done)
    }

    /// Leaves out what was taken back with its disk and has happened again since. What has not is missing, which is
    /// another matter: it happened, and nobody made it good.
    fn only_what_stands(&self, happened: &mut Vec<Change>) {
        let mut later: Vec<Change> = Vec::new();
        for change in happened.iter().rev() {
            let again = later.iter().any(|other| other.undone == change.undone);
            if !(again && self.taken_back.has(change.proof)) {
                later.push(*change);
            }
        }
        later.reverse();
        *happened = later;
    }
}

impl Invariant for SagaAtomicity {
    fn hears(&self) -> Variants {
        heard![Saga].and(TakenBack::HEARS)
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        let What::Saga { saga, step, change } = evidence.record.what else {
            return self.taken_back.record(evidence);
        };
        let undone = change == SagaChange::Undone;
        self.sagas.entry(saga).push(Change { step, undone, proof: evidence.proof() });
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        let mut findings = Findings::default();
        let name = |step: Name| {
            let known = self.setup.sagas.iter().position(|known| *known == step);
            known.map_or("?", |index| self.setup.promises.saga[index])
        };
        for (saga, changes) in self.sagas.iter().filter(|(_, changes)| !changes.is_empty()) {
            findings.judged(1);
            if self.is_whole(changes) {
                continue;
            }
            let undoing = changes.iter().any(|change| change.undone);
            let mut steps: BTreeMap<Name, Vec<Change>> = BTreeMap::new();
            changes.iter().for_each(|change| steps.entry(change.step).or_default().push(*change));
            for (step, happened) in &mut steps {
                self.only_what_stands(happened);
                let undone = happened.iter().filter(|change| change.undone).count();
                let done = happened.len() - undone;
                let wrong = if done > 1 {
                    Some(format!("{} was done {done} times", name(*step)))
                } else if undone > 1 {
                    Some(format!("{} was undone {undone} times", name(*step)))
                } else if undone > done {
                    Some(format!("{} was undone and never done", name(*step)))
                } else if done == undone && happened[0].undone {
                    Some(format!("{} was undone first and then done, to the end", name(*step)))
                } else if undoing && undone < done {
                    Some(format!("{} was done and, of all, not undone", name(*step)))
                } else {
                    None
                };
                if let Some(wrong) = wrong {
                    let (summary, proof) =
                        (|| format!("saga of e{}: {wrong}", saga.0), || proofs(happened));
                    match done > undone && done == 1 {
                        true => findings.add_missing(summary, proof),
                        false => findings.add(summary, proof),
                    }
                }
            }
            if undoing {
                continue;
            }
            let missing = self.setup.sagas.iter().find(|step| !steps.contains_key(step));
            if let Some(missing) = missing {
                findings.add_missing(
                    || {
                        let done: Vec<_> = steps.keys().map(|step| name(*step)).collect();
                        format!(
                            "saga of e{} ended half done: {} without {}",
                            saga.0,
                            done.join(", "),
                            name(*missing)
                        )
                    },
                    || proofs(changes),
                );
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn a_step_that_was_taken_back_with_its_disk_may_be_done_again_once() {
        let saga = || {
            let mut h = History::new();
            h.fault_on(1, STORE.0)
                .step_done(1, 0)
                .after(1)
                .went_back(STORE.0, 1, 0)
                .step_done(1, 0);
            h
        };
        let twice = |h: &mut History| {
            let told = h.violations("saga_atomicity");
            told.iter().any(|told| told.contains("was done 2 times"))
        };
        assert!(!twice(&mut saga()));
        assert!(twice(saga().step_done(1, 0)));
        let mut h = History::new();
        h.step_done(1, 0).fault_on(1, STORE.0).after(1).went_back(STORE.0, 1, 0).step_done(1, 0);
        assert!(twice(&mut h));
    }

    #[test]
    fn half_done() {
        let mut h = History::new();
        h.step_done(1, 0);
        assert_eq!(
            h.violations("saga_atomicity"),
            ["saga of e1 ended half done: reserve without charge [0]"]
        );
        // That is so at the end; what happened too often is wrong from then on.
        assert_eq!(h.since("saga_atomicity"), [crate::NEVER]);
    }

    #[test]
    fn done_and_undone_too_often_or_not_at_all() {
        let mut h = History::new();
        h.step_done(1, 0).step_undone(1, 0).step_undone(1, 0);
        assert_eq!(
            h.violations("saga_atomicity"),
            ["saga of e1: reserve was undone 2 times [0, 1, 2]"]
        );
        assert_eq!(h.since("saga_atomicity"), [2]);
        let mut h = History::new();
        h.step_done(1, 0).step_done(1, 1).step_undone(1, 0).step_undone(1, 1).step_undone(2, 1);
        assert_eq!(
            h.violations("saga_atomicity"),
            ["saga of e2: charge was undone and never done [4]"]
        );
        assert_eq!(h.since("saga_atomicity"), [4]);
        let mut h = History::new();
        h.step_done(1, 0).step_done(1, 1).step_undone(1, 1);
        assert_eq!(
            h.violations("saga_atomicity"),
            ["saga of e1: reserve was done and, of all, not undone [0]"]
        );
        assert_eq!(h.since("saga_atomicity"), [crate::NEVER]);
        let mut h = History::new();
        h.step_done(1, 0).step_done(1, 1).step_done(1, 1);
        assert_eq!(h.violations("saga_atomicity"), ["saga of e1: charge was done 2 times [1, 2]"]);
        assert_eq!(h.since("saga_atomicity"), [2]);
    }

    #[test]
    fn done_again_after_it_was_undone() {
        let mut h = History::new();
        h.step_done(1, 0).step_undone(1, 0).step_done(1, 0);
        assert_eq!(
            h.violations("saga_atomicity"),
            ["saga of e1: reserve was done 2 times [0, 1, 2]"]
        );
        // The compensation came first, and what it was for came after all.
        let mut h = History::new();
        h.step_undone(1, 0).step_done(1, 0);
        assert_eq!(
            h.violations("saga_atomicity"),
            ["saga of e1: reserve was undone first and then done, to the end [0, 1]"]
        );
        assert_eq!(h.since("saga_atomicity"), [1]);
    }

    #[test]
    fn whole_or_nothing() {
        let mut h = History::new();
        h.step_done(1, 0).step_done(2, 0).step_done(2, 1).step_done(1, 1);
        h.step_done(3, 0).step_undone(3, 0);
        assert_eq!(h.violations("saga_atomicity"), [] as [&str; 0]);
    }
}
