//! Known mistakes, each with its precedent: what the suite must notice.
//!
//! The rest of the crate is a correct system. Where it decides something that systems are known to decide wrongly, it
//! asks a policy: a value or a function that is chosen when a node starts ([`Policies`]). A mistake is an entry in one
//! of the lists in this folder that puts another policy in the place of the right one. Longer ones are written out
//! below the lists and in files of their own; nothing outside this folder knows of them.

mod broker;
mod calls;
mod consumer;
mod keys;
mod known;
mod landing;
mod marks;
mod producer;
mod saga;
mod snapshot;
mod stopping;

use crate::policies::Policies;

pub use known::Known;

/// The policies of a system that makes the mistakes of these names. Of two that concern the same decision the last is
/// made.
///
/// # Errors
/// The first name that is not known.
pub fn policies<'a>(ids: impl IntoIterator<Item = &'a str>) -> Result<Policies, String> {
    let mut policies = Policies::default();
    for id in ids {
        let mistake = known().find(|known| known.id == id);
        (mistake.ok_or_else(|| format!("unknown defect `{id}`"))?.make)(&mut policies);
    }
    Ok(policies)
}

/// Every mistake.
pub fn known() -> impl Iterator<Item = &'static Known> {
    [broker::KNOWN, consumer::KNOWN, producer::KNOWN, calls::KNOWN, saga::KNOWN]
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_mistake_is_made_by_its_name() {
        let names: BTreeSet<&str> = known().map(|known| known.id).collect();
        assert_eq!(names.len(), known().count());
        let made = policies(["unbounded-buffer", "crc-unchecked"]).unwrap();
        assert!(made.broker.care.crc_unchecked && !made.store.care.crc_unchecked);
        assert_eq!(made.consumer.member.in_flight, u32::MAX);
        assert_eq!(policies(["no-such"]).unwrap_err(), "unknown defect `no-such`");
    }

    #[test]
    fn every_mistake_changes_a_policy() {
        let right = format!("{:?}", Policies::default());
        for known in known() {
            let wrong = format!("{:?}", policies([known.id]).unwrap());
            assert_ne!(wrong, right, "{}", known.id);
        }
    }
}
