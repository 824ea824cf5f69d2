//! Times in words.

/// Microseconds as `1.250s`.
#[must_use]
pub fn seconds(us: u64) -> String {
    format!("{}.{:03}s", us / 1_000_000, us / 1_000 % 1_000)
}
