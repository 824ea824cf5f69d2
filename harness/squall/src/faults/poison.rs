//! Somebody publishes what nobody can read.
//!
//! At its edges: it holds for what is published while it lasts. An event that was published as poison stays poison,
//! however often it is repeated, redelivered or redriven.

use super::kind::FaultKind;
use crate::{
    injection::{Injection, Poison},
    parameters::{Choice, choice, share},
};

const KINDS: Choice = Choice {
    what: "kind of poison",
    unknown: "squall::unknown_poison",
    words: &[
        ("any", "any kind"),
        ("undecodable", "undecodable"),
        ("rejected", "rejected"),
        ("oversized", "oversized"),
    ],
};

pub(super) const POISON: FaultKind = FaultKind {
    key: "poison",
    does: "Makes a `share` of the publishes poison, of a `kind`",
    stands_for: "a producer of another version, a broken serializer",
    felt_when: "a poisoned event was answered, stored or delivered",
    lasts: true,
    params: &[
        share("share", "10%", "of the publishes"),
        choice(
            "kind",
            &KINDS,
            "any",
            "what is wrong with them; `rejected` can be read and must be refused",
        ),
    ],
    says: "{share} of publishes, {kind}",
    example: "{ at: 500ms, poison: { share: 30%, kind: rejected }, for: 500ms }",
    injection: |given| {
        let word = given.choice("kind");
        let kind = Poison::ALL.into_iter().find(|kind| kind.name() == word);
        Injection::Poison { share: given.share("share"), kind }
    },
};
