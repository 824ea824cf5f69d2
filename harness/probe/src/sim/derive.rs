//! The one way to derive a draw.

use crate::{generator::Rng, record::mix};
use rand_chacha::rand_core::SeedableRng as _;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// A number that looks random and is a function of where it comes from: `from`, which is the run's seed or a number that
/// was derived before; what it is for; and of what it is, by explicit identities in a fixed order (a node, a connection, a
/// frame). So a draw that is added in one place moves none in another, and no order of events moves any.
///
/// Identities are mixed one after the other (`SplitMix64`), and the purpose is hashed with what comes of it (XXH3): every
/// bit depends on every bit. Each draw has a purpose of its own; two with the same purpose and identities are one draw.
#[must_use]
pub fn derive(from: u64, purpose: &str, identities: &[u64]) -> u64 {
    let key = identities.iter().fold(mix(from), |key, identity| mix(key ^ mix(*identity)));
    xxh3_64_with_seed(purpose.as_bytes(), key)
}

/// A generator whose seed is derived so.
pub(super) fn rng(from: u64, purpose: &str, identities: &[u64]) -> Rng {
    Rng::seed_from_u64(derive(from, purpose, identities))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_where_a_draw_comes_from_moves_it() {
        let draw = derive(1, "order", &[2, 3]);
        assert_eq!(draw, derive(1, "order", &[2, 3]));
        let others: [(u64, &str, &[u64]); 5] = [
            (2, "order", &[2, 3]),
            (1, "other", &[2, 3]),
            (1, "order", &[3, 2]),
            (1, "order", &[2]),
            (1, "order", &[2, 3, 0]),
        ];
        for (from, purpose, identities) in others {
            assert_ne!(draw, derive(from, purpose, identities), "{from} {purpose} {identities:?}");
        }
    }
}
