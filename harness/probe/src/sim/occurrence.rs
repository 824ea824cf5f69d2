//! The identity of what a fault does.

/// One occurrence of a fault: what it did ends with it, and nothing else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OccurrenceId {
    /// The step of the scenario: what records call the fault.
    pub step: u16,
    /// Which occurrence of the step, from 0.
    pub occurrence: u32,
}
