//! `idempotency`: an effect for one (event, group) happens once, however often it is delivered.
//!
//! Counted where effects land (the store tells, after its sync), not where the consumer says so. The
//! textbook consumer that checks, acts, and then marks passes its own review and fails here.

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
use squall_probe::What;

pub(super) const ENTRY: Entry = Entry {
    name: "idempotency",
    about: "No effect of an event happens twice in a group, however often it is delivered.",
    safety: true,
    layer: Layer::Effect,
    needs: &[&["Apply"]],
    promise: Some(promised::EFFECTIVELY_ONCE),
    limit: None,
    judged: "each effect",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(Idempotency {
        setup: setup.clone(),
        first: setup.groups.iter().map(|_| ByEvent::default()).collect(),
        taken_back: TakenBack::default(),
        findings: Findings::default(),
    }))
}

struct Idempotency {
    setup: Setup,
    /// The first effect in each group that stands.
    first: Vec<ByEvent<Option<Proof>>>,
    taken_back: TakenBack,
    findings: Findings,
}

impl Invariant for Idempotency {
    fn hears(&self) -> Variants {
        heard![Apply].and(TakenBack::HEARS)
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        let What::Apply { group, event, .. } = evidence.record.what else {
            return self.taken_back.record(evidence);
        };
        let Some(index) = self.setup.group_index(group) else { return };
        self.findings.judged(1);
        let known = self.first[index].entry(event);
        let Some(first) = self.taken_back.stands(*known) else {
            *known = Some(evidence.proof());
            return;
        };
        self.findings.add(
            || format!("e{} took effect twice in {}", event.0, self.setup.group(index)),
            || vec![first, evidence.proof()],
        );
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        std::mem::take(&mut self.findings)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn twice_in_a_group() {
        let mut h = History::new();
        h.publish(1).append_all(1, 0).ok(1, 0).deliver(1, 0).apply(1, 0).deliver(1, 0).apply(1, 0);
        assert_eq!(h.violations("idempotency"), ["e1 took effect twice in g [5, 6, 7, 8]"]);
    }

    #[test]
    fn the_evidence_says_why_it_came_again() {
        let mut h = History::new();
        h.deliver(1, 0).apply(1, 0).consumer_crash().consumer_up().deliver(1, 0).apply(1, 0);
        assert_eq!(h.violations("idempotency"), ["e1 took effect twice in g [0, 1, 2, 4, 5]"]);
        let mut h = History::new();
        h.deliver(1, 0).apply(1, 0).dead_letter(1, 0).redrive(1, 0).deliver(1, 0).apply(1, 0);
        assert_eq!(h.violations("idempotency"), ["e1 took effect twice in g [1, 2, 3, 4, 5]"]);
    }

    #[test]
    fn what_was_taken_back_with_its_disk_may_happen_again_once() {
        let store = STORE.0;
        // The snapshot is taken before the effect, and put in the disk's place after it.
        let mut h = History::new();
        h.fault_on(1, store).apply(1, 0).after(1).went_back(store, 1, 0).apply(1, 0);
        assert_eq!(h.violations("idempotency"), [] as [&str; 0]);
        h.apply(1, 0);
        assert_eq!(h.violations("idempotency"), ["e1 took effect twice in g [3, 4]"]);
        // It was in the snapshot.
        let mut h = History::new();
        h.apply(1, 0).fault_on(1, store).after(1).went_back(store, 1, 0).apply(1, 0);
        assert_eq!(h.violations("idempotency"), ["e1 took effect twice in g [0, 3]"]);
        // Another's disk went back.
        let mut h = History::new();
        h.fault_on(1, 0).apply(1, 0).after(1).went_back(0, 1, 0).apply(1, 0);
        assert_eq!(h.violations("idempotency"), ["e1 took effect twice in g [1, 3]"]);
        // It was emptied: as it was in the beginning, whenever the fault began.
        let mut h = History::new();
        h.apply(1, 0).after(1).fault_on(1, store).went_back(store, 1, 0).apply(1, 0);
        assert_eq!(h.violations("idempotency"), [] as [&str; 0]);
    }

    #[test]
    fn delivered_twice_is_fine_and_so_is_once_in_each_of_two_groups() {
        let mut h = History::with_groups(&["g", "h"]);
        h.publish(1).append_all(1, 0).ok(1, 0).deliver(1, 0).deliver(1, 0);
        h.apply_in(0, 1, 0).apply_in(1, 1, 0);
        assert_eq!(h.violations("idempotency"), [] as [&str; 0]);
    }
}
