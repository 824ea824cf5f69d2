//! Digests of what records speak of.

/// A digest of (event, multiplicity) sets and of event sequences, for [`What::State`](crate::What::State).
///
/// `SplitMix64`'s finalizer (Steele, Lea, Flood 2014): fast, and every bit depends on every bit.
#[must_use]
pub const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
