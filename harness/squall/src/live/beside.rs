//! What nodes tell beside their records.

use squall_probe::{live::Measured, sim::Said};

/// What nodes told, in words and in numbers.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// In words.
    pub(crate) said: Vec<Said>,
    /// In numbers.
    pub(crate) measured: Vec<Measured>,
}

impl Beside {
    /// Adds what was told later.
    pub(crate) fn extend(&mut self, later: Self) {
        self.said.extend(later.said);
        self.measured.extend(later.measured);
    }
}
