//! `single_owner`: in one generation of a group one member acts for a partition, and once a newer generation
//! has begun there, no member of an older one does (a zombie).
//!
//! After the fencing of Kafka's KIP-98 and KIP-447. A generation has begun when it was fenced where effects
//! land, or a member of it was given an event of the partition. A fence that went back in time with the disk on which it
//! stood keeps nobody out: what is done before it is put up again is nobody's fault.

use super::{
    dense::ByKey,
    evidence::{Evidence, Proof},
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    setup::Setup,
    taken_back::{Fences, TakenBack},
    variants::{Variants, heard},
};
use squall_probe::{Name, What};

pub(super) const ENTRY: Entry = Entry {
    name: "single_owner",
    about: "In each generation one member acts for a partition, and none of an older one.",
    safety: true,
    layer: Layer::Delivery,
    needs: &[&["Apply"]],
    promise: Some(promised::LOG_OF_GROUPS),
    limit: None,
    judged: "each effect",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    Some(Box::new(SingleOwner {
        setup: setup.clone(),
        current: ByKey::default(),
        owners: ByKey::default(),
        fences: Fences::default(),
        taken_back: TakenBack::default(),
        findings: Findings::default(),
    }))
}

struct SingleOwner {
    setup: Setup,
    /// The newest generation that has begun, and the record that shows it.
    current: ByKey<(Name, u32), (u64, Proof)>,
    /// Who acts for a partition in the newest generation.
    owners: ByKey<(Name, u32), (u64, Name, Proof)>,
    fences: Fences,
    taken_back: TakenBack,
    findings: Findings,
}

impl SingleOwner {
    fn begin(
        &mut self,
        group: Name,
        partition: u32,
        generation: u64,
        evidence: &Evidence,
    ) -> (u64, Proof) {
        let entry =
            self.current.entry((group, partition)).or_insert((generation, evidence.proof()));
        if generation > entry.0 {
            *entry = (generation, evidence.proof());
        }
        *entry
    }
}

impl Invariant for SingleOwner {
    fn hears(&self) -> Variants {
        heard![Apply, Assign, Deliver].and(Fences::HEARS).and(TakenBack::HEARS)
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        self.taken_back.record(evidence);
        let node = evidence.record.node;
        match evidence.record.what {
            What::Assign { group, partition, generation, .. } => {
                self.fences.record(evidence);
                self.begin(group, partition, generation, evidence);
            }
            What::Deliver { group, position, generation, .. } => {
                self.begin(group, position.partition, generation, evidence);
            }
            What::Apply { group, position, event, generation, member } => {
                self.findings.judged(1);
                let place = (group, position.partition);
                let (current, began) = self.begin(group, position.partition, generation, evidence);
                let owner =
                    self.owners.entry(place).or_insert((generation, member, evidence.proof()));
                if generation > owner.0 {
                    *owner = (generation, member, evidence.proof());
                }
                let (owned, owner, first) = *owner;
                if generation < current {
                    let fences = (node, group, position.partition);
                    let undone = |proof| self.taken_back.has(proof);
                    if self.fences.are_gone(fences, generation, undone) {
                        return;
                    }
                    self.findings.add(
                        || {
                            format!(
                                "e{} at {position} was applied in generation {generation}, when \
                                 generation {current} had begun",
                                event.0
                            )
                        },
                        || vec![began, evidence.proof()],
                    );
                } else if owned == generation && owner != member {
                    let group = self.setup.group_index(group).unwrap_or(0);
                    self.findings.add(
                        || {
                            format!(
                                "two members of {} applied from partition {} in generation {generation}",
                                self.setup.group(group),
                                position.partition
                            )
                        },
                        || vec![first, evidence.proof()],
                    );
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        std::mem::take(&mut self.findings)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::*;

    #[test]
    fn a_zombie_acts_when_another_was_given_its_partition() {
        let mut h = History::new();
        h.apply(1, 0).deliver_gen(2, 1, 2).apply_by(2, 1, 1, 7);
        assert_eq!(
            h.violations("single_owner"),
            ["e2 at 0:1 was applied in generation 1, when generation 2 had begun [1, 2]"]
        );
        // It had begun when that was seen first, by whatever.
        let mut h = History::new();
        h.apply(1, 0).assign(2).deliver_gen(2, 1, 2).deliver_gen(2, 1, 1).apply_by(2, 1, 1, 7);
        assert_eq!(
            h.violations("single_owner"),
            ["e2 at 0:1 was applied in generation 1, when generation 2 had begun [1, 4]"]
        );
    }

    #[test]
    fn a_fence_that_went_back_keeps_nobody_out_until_it_stands_again() {
        let zombie = |again: bool| {
            let mut h = History::new();
            h.fault_on(1, STORE.0).after(1).assign(2).deliver_gen(1, 0, 2).after(1);
            h.went_back(STORE.0, 1, 0);
            if again {
                h.assign(2);
            }
            h.apply_by(1, 0, 1, 7).violations("single_owner")
        };
        assert_eq!(zombie(false), [] as [&str; 0]);
        assert_eq!(zombie(true).len(), 1);
    }

    #[test]
    fn two_members_in_one_generation() {
        let mut h = History::new();
        h.apply_by(1, 0, 3, 7).apply_by(2, 1, 3, 8);
        assert_eq!(
            h.violations("single_owner"),
            ["two members of g applied from partition 0 in generation 3 [0, 1]"]
        );
        let mut h = History::new();
        h.apply_by(1, 0, 3, 7).apply_by(2, 1, 4, 8).apply_by(3, 2, 4, 8).apply_by(4, 3, 4, 7);
        assert_eq!(
            h.violations("single_owner"),
            ["two members of g applied from partition 0 in generation 4 [1, 3]"]
        );
    }

    #[test]
    fn one_after_the_other() {
        let mut h = History::new();
        h.deliver_gen(1, 0, 1).apply_by(1, 0, 1, 7).deliver_gen(2, 1, 2).apply_by(2, 1, 2, 8);
        h.deliver_gen(3, 2, 1);
        assert_eq!(h.violations("single_owner"), [] as [&str; 0]);
    }
}
