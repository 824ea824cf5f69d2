//! Waiting for virtual time to pass.

use super::{
    state::{MILLISECOND, TimerId, Timers},
    world::{World, try_with, with},
};
use crate::record::NodeId;
use std::task::{Context, Poll};
use tokio::time::Instant;

/// A time that code of a node waits for.
#[derive(Debug)]
pub(crate) struct Timer {
    node: NodeId,
    /// In microseconds of virtual time.
    due: u64,
    id: Option<TimerId>,
}

impl Timer {
    /// For the code that runs now; `None` if none does.
    pub(crate) fn at(deadline: Instant) -> Option<Self> {
        try_with(|world| {
            let due = world.running.as_ref()?.time_of(deadline).next_multiple_of(MILLISECOND);
            Some(Self { node: world.here(), due, id: None })
        })
        .flatten()
    }

    /// Ready when it is due.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        with(|world| {
            let over = world.now_here() >= self.due;
            let timers = world.timers_of(self.node);
            match self.id {
                _ if over => {
                    if let Some(id) = self.id.take() {
                        timers.clear(id);
                    }
                    return Poll::Ready(());
                }
                Some(id) => timers.wait(id, context.waker()),
                None => self.id = Some(timers.set(self.due, context.waker())),
            }
            Poll::Pending
        })
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // A node's tasks may be dropped when its simulation is over.
            try_with(|world| world.timers_of(self.node).clear(id));
        }
    }
}

impl World {
    /// When something happens at a node without its doing: a segment lands, a timer is due. In microseconds; `None` if
    /// nothing will.
    #[must_use]
    pub fn next_event(&mut self, node: NodeId) -> Option<u64> {
        let due = self.timers_of(node).next();
        let lands = self.network.next_landing(node);
        [due, lands].into_iter().flatten().min()
    }

    /// Until when nothing happens anywhere of which this world knows, in microseconds: now, where faults hold nodes up.
    #[must_use]
    pub fn idle_until(&mut self) -> u64 {
        if self.hindrances > 0 || self.blocked {
            return self.now;
        }
        let timers = self.timers.iter().filter_map(Timers::next).min();
        let network = self.network.next_event();
        [timers, network].into_iter().flatten().min().unwrap_or(u64::MAX)
    }

    /// What happens at a node by then without its doing happens.
    pub fn happen(&mut self, node: NodeId, by: u64) {
        self.timers_of(node).fire(by);
        self.land_by(node, by);
    }
}
