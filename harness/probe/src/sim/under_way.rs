//! What was injected and has not come to its end: while there is some, nobody can say that the system is done.

use super::{
    state::{Pending, SLACK},
    world::{World, try_with},
};
use crate::record::NodeId;
use std::time::Duration;

/// As long as it lives, something injected has not come to its end.
#[derive(Debug)]
pub(crate) struct UnderWay(u64);

impl Drop for UnderWay {
    fn drop(&mut self) {
        // Tasks may be dropped when the simulation is over.
        try_with(|world| world.pendings.end(self.0));
    }
}

impl World {
    /// Something injected goes on until the result is dropped, for `takes` at most.
    pub(super) fn begin_under_way(
        &mut self,
        what: &'static str,
        kind: &'static str,
        (from, to): (NodeId, NodeId),
        takes: Duration,
    ) -> UnderWay {
        // Faults may be asked to make something wait for longer than there is time.
        let takes = u64::try_from(takes.as_micros()).unwrap_or(u64::MAX).saturating_add(SLACK);
        let until = self.now_here().saturating_add(takes);
        UnderWay(self.pendings.begin(Pending { what, kind, from, to, until }))
    }

    /// Something that was injected and has not come to its end, in words, if there is any: a frame that
    /// waits to be late, a link that is being narrow, an answer of a slow disk.
    #[must_use]
    pub fn under_way(&self) -> Option<String> {
        let pending =
            self.pendings.under_way(self.now).map(|Pending { what, kind, from, to, .. }| {
                format!("{what} ({kind} from {} to {})", self.name_of(*from), self.name_of(*to))
            });
        pending
            .or_else(|| {
                let waiting = self.network.next_waiting(self.now)?;
                let (what, kind) = waiting.what;
                let (from, to) = waiting.direction;
                let (from, to) = (self.name_of(from), self.name_of(to));
                Some(format!("{what} ({kind} from {from} to {to})"))
            })
            .or_else(|| {
                let (from, to) = self.network.felt_on_the_wire(self.now)?;
                let (from, to) = (self.name_of(from), self.name_of(to));
                Some(format!("a tampered frame on the wire (from {from} to {to})"))
            })
            .or_else(|| {
                let blocked = self.blocked_node()?;
                Some(format!("a call of {} to a slow disk", self.name_of(blocked)))
            })
    }
}
