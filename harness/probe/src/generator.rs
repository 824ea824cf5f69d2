//! The generator of all draws.

/// The generator that [`rng`](crate::rng) hands out: `ChaCha8`, whose stream is the same for ever.
pub type Rng = rand_chacha::ChaCha8Rng;
