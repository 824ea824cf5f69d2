//! What drops of pass rates would have been found.

use crate::{
    compare::{draft::Draft, single::not_vacuous, together::Pool},
    stats::{self, Test},
};
use std::collections::BTreeMap;

/// What drops would be found, corrected for all tests as they are.
pub(super) struct Power {
    family: stats::Family,
    /// There is a test of all pass rates together that may be significant.
    together: bool,
    /// Scenarios in which runs do not pass.
    failing: usize,
    /// Many scenarios ask the same.
    known: BTreeMap<(usize, usize, usize, bool, u64), Option<f64>>,
}

impl Power {
    pub(super) fn of(tests: &[Test], pools: &[Pool<'_>], drafts: &[Draft<'_>]) -> Self {
        let family = stats::Family::of(tests, stats::VERDICTS);
        let together = pools.iter().any(|pool| pool.subject.is_none() && family.has(&pool.test));
        let failing = drafts.iter().filter(|draft| draft.fails()).count();
        Self { family, together, failing, known: BTreeMap::new() }
    }

    pub(super) fn drop(&mut self, draft: &Draft<'_>) -> Option<f64> {
        let (base, head) = (draft.unpassed.base, draft.unpassed.head);
        // A drop brings tests into the family: this scenario's, and if others fail, that of all.
        let own = self.family.has(&draft.unpassed.test);
        let others = self.failing > usize::from(draft.fails());
        let more = usize::from(!own) + usize::from(!self.together && others);
        let alpha = self.family.alpha(more);
        let (of, failed, paired) = match draft.pair.pairs() {
            None => (base.of, base.count, false),
            Some(pairs) => {
                let tell =
                    pairs.iter().filter(|(base, head)| not_vacuous(base) && not_vacuous(head));
                let failed = |(base, _): &&(&crate::format::Run, &crate::format::Run)| {
                    base.verdict != crate::format::Verdict::Passed
                };
                (tell.clone().count(), tell.filter(failed).count(), true)
            }
        };
        *self
            .known
            .entry((of, failed, head.of, paired, alpha.to_bits()))
            .or_insert_with(|| stats::detectable_drop((of - failed, of), head.of, paired, alpha))
    }
}
