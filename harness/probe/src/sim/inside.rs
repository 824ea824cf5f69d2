//! Whether a task runs now that stands still with its node.

use std::cell::Cell;

thread_local! {
    static IN_GATED: Cell<bool> = const { Cell::new(false) };
}

/// What runs now belongs to a task that stands still with its node, not to one of tokio's own `spawn`.
#[must_use]
pub fn in_gated_task() -> bool {
    IN_GATED.get()
}

/// Such a task runs until this is dropped, however its poll ends.
pub(super) struct Inside(bool);

impl Inside {
    pub(super) fn gated() -> Self {
        Self(IN_GATED.replace(true))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        IN_GATED.set(self.0);
    }
}
