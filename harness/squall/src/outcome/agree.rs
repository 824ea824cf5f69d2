//! Whether what nodes tell of their states is the same.

use crate::system::State;
use squall_probe::StateOf;
use std::collections::BTreeMap;

/// All copies of each thing are equal, sums are what they were, and queues are empty.
pub(crate) fn agree(states: &[State]) -> bool {
    let mut seen: BTreeMap<StateOf, (u64, u64)> = BTreeMap::new();
    states.iter().all(|state| {
        let now = (state.position, state.digest);
        if matches!(state.of, StateOf::Conserved { .. }) {
            return state.position == state.digest;
        }
        // What a queue still holds somebody must still handle.
        if matches!(state.of, StateOf::Queue { .. }) && state.position > 0 {
            return false;
        }
        *seen.entry(state.of).or_insert(now) == now
    })
}
