//! The shapes of violations that the base shows, in any scenario and any version of it: what it shows
//! elsewhere is no proof that something is new.

use crate::{
    compare::{
        sides::Runs,
        signature::{By, signature},
    },
    format::Violation,
};
use std::collections::{BTreeMap, BTreeSet};

/// What the base shows.
pub(super) struct Known<'a> {
    shown: BTreeMap<&'a str, BTreeSet<String>>,
    /// Invariants with evidence that has no kind, on either side: all of it is read by its text.
    pub by_text: BTreeSet<&'a str>,
}

impl<'a> Known<'a> {
    pub(super) fn of(base: &Runs<'a>, head: &Runs<'a>) -> Self {
        let by_text = violations(base)
            .chain(violations(head))
            .filter(|violation| violation.evidence.iter().any(|record| record.kind.is_empty()))
            .map(|violation| violation.invariant.as_str())
            .collect();
        let mut known = Self { shown: BTreeMap::new(), by_text };
        for violation in violations(base) {
            let shape = known.signature(violation);
            known.shown.entry(&violation.invariant).or_default().insert(shape);
        }
        known
    }

    /// The base shows the same, somewhere.
    pub(super) fn in_base(&self, violation: &Violation) -> bool {
        self.shown
            .get(violation.invariant.as_str())
            .is_some_and(|shapes| shapes.contains(&self.signature(violation)))
    }

    /// How many shapes the base shows.
    pub(super) fn shapes(&self) -> usize {
        self.shown.values().map(BTreeSet::len).sum()
    }

    /// What a violation looks like.
    pub(super) fn signature(&self, violation: &Violation) -> String {
        let by =
            if self.by_text.contains(violation.invariant.as_str()) { By::Text } else { By::Kind };
        signature(violation, by)
    }
}

fn violations<'s, 'a: 's>(side: &'s Runs<'a>) -> impl Iterator<Item = &'a Violation> + 's {
    side.scenarios
        .values()
        .flat_map(|scenario| scenario.versions.values())
        .flat_map(|runs| runs.values())
        .flat_map(|kept| &kept.run.violations)
}
