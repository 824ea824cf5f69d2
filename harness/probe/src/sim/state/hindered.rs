//! What faults do to one node as a whole, and who waits for that to be over.

use super::waiters::Waiters;
use crate::{record::NodeId, sim::occurrence::OccurrenceId};
use std::task::Waker;

/// One thing that is wrong with a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Hindrance {
    /// None of its tasks is polled: it is stopped, and does not know.
    Paused,
    /// Its tasks are polled in one of `one_in` steps only.
    Starved {
        /// At least 1.
        one_in: u64,
    },
    /// Each frame that it reads takes a while to handle.
    SlowReader {
        /// How long, in milliseconds.
        ms: u64,
    },
    /// Connections that it closes stay half open for a while.
    SlowClose {
        /// How long, in milliseconds.
        ms: u64,
    },
    /// Nobody can connect to it.
    Unavailable,
    /// It can have `most` connections, and no more.
    Connections {
        /// Those that it made and those that it took.
        most: usize,
    },
    /// It is killed when it holds more than `most` in queues and reservations.
    Memory {
        /// In bytes.
        most: u64,
    },
    /// From when it holds more than `most` in queues and reservations until it is found to hold less, it reads nothing that
    /// these nodes have sent.
    Watermark {
        /// In bytes.
        most: u64,
        /// When it looks again, in microseconds of virtual time.
        until: u64,
        /// Whose connections wait.
        blocks: Vec<NodeId>,
    },
    /// Its wall clock is wrong.
    Clock {
        /// By how much from the beginning, in microseconds.
        offset_us: i64,
        /// And by how much more for each second since, in microseconds.
        drift: i64,
        /// Since when, in microseconds of virtual time.
        since: u64,
    },
}

impl Hindrance {
    /// It keeps its node's tasks from running.
    pub(in crate::sim) fn holds_up(&self) -> bool {
        matches!(self, Self::Paused | Self::Starved { .. })
    }
}

/// What hinders one node, and who waits for it to be over.
#[derive(Debug, Default)]
pub(in crate::sim) struct Hindered {
    pub(in crate::sim) active: Vec<(OccurrenceId, Hindrance)>,
    /// A call that blocks the whole node, such as to a slow disk, returns at this time.
    blocked_until: u64,
    waiting: Waiters,
    /// Bytes in queues and reservations.
    pub(in crate::sim) memory: u64,
    /// The most that there were of them, in all its lives.
    pub(in crate::sim) peak: u64,
    /// The most connections that it had while there was a limit, in all its lives.
    pub(in crate::sim) most_open: usize,
    /// The most that was told of them, in this life.
    pub(in crate::sim) most_told: u64,
    /// It was found to need more memory than it has.
    pub(in crate::sim) killed: bool,
}

impl Hindered {
    /// Whether its tasks may be polled now.
    pub(in crate::sim) fn runs(&self, now: u64, step: u64) -> bool {
        now >= self.blocked_until && self.is_scheduled(step)
    }

    /// Whether it is neither paused nor starved in this step.
    pub(in crate::sim) fn is_scheduled(&self, step: u64) -> bool {
        self.active.iter().all(|(_, hindrance)| match hindrance {
            Hindrance::Paused => false,
            Hindrance::Starved { one_in } => step.is_multiple_of(*one_in),
            _ => true,
        })
    }

    /// A call that blocks the whole node has not returned.
    pub(in crate::sim) fn is_blocked(&self, now: u64) -> bool {
        self.blocked_until > now
    }

    /// It does nothing more until virtual time has come so far.
    pub(in crate::sim) fn block(&mut self, until: u64) {
        self.blocked_until = self.blocked_until.max(until);
    }

    /// Hindrances are over: how many.
    pub(in crate::sim) fn end_if(
        &mut self,
        over: impl Fn(OccurrenceId, &Hindrance) -> bool,
    ) -> usize {
        let before = self.active.len();
        self.active.retain(|(id, hindrance)| !over(*id, hindrance));
        before - self.active.len()
    }

    /// Its node is down, and what that was stopped in is forgotten: how many hindrances are over.
    pub(in crate::sim) fn forget(&mut self) -> usize {
        self.blocked_until = 0;
        self.waiting = Waiters::default();
        self.memory = 0;
        self.most_told = 0;
        self.killed = false;
        self.end_if(|_, hindrance| *hindrance == Hindrance::Paused)
    }

    /// A task is to be woken when the node runs again.
    pub(in crate::sim) fn wait(&mut self, waker: &Waker) {
        self.waiting.wait(waker);
    }

    pub(in crate::sim) fn somebody_waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(in crate::sim) fn wake(&mut self) {
        self.waiting.wake();
    }

    /// The faults behind hindrances of some kinds.
    pub(in crate::sim) fn faults(
        &self,
        kinds: impl Fn(&Hindrance) -> bool,
    ) -> impl Iterator<Item = u16> {
        self.active.iter().filter(move |(_, what)| kinds(what)).map(|(id, _)| id.step)
    }
}

/// A node that a fault brought down from within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BroughtDown {
    /// Who.
    pub node: NodeId,
    /// By which occurrence of which fault.
    pub id: OccurrenceId,
    /// Its machine lost power; else only its process was killed.
    pub power: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::tests::Woken;

    fn id(step: u16) -> OccurrenceId {
        OccurrenceId { step, occurrence: 0 }
    }

    fn by(hindrances: &[Hindrance]) -> Hindered {
        let active = (1..).map(id).zip(hindrances.iter().cloned()).collect();
        Hindered { active, ..Hindered::default() }
    }

    #[test]
    fn when_a_node_runs() {
        let runs = |hindered: &Hindered| [0, 1, 2, 3].map(|step| hindered.runs(5, step));
        assert_eq!(runs(&by(&[])), [true; 4]);
        assert_eq!(
            runs(&by(&[Hindrance::Unavailable, Hindrance::SlowReader { ms: 1 }])),
            [true; 4]
        );
        assert_eq!(runs(&by(&[Hindrance::Unavailable, Hindrance::Paused])), [false; 4]);
        assert_eq!(runs(&by(&[Hindrance::Starved { one_in: 3 }])), [true, false, false, true]);
        let twice = [Hindrance::Starved { one_in: 3 }, Hindrance::Starved { one_in: 2 }];
        assert_eq!(runs(&by(&twice)), [true, false, false, false]);
    }

    #[test]
    fn a_call_blocks_it_until_it_returns() {
        let mut hindered = Hindered::default();
        let at = |hindered: &Hindered, now| (hindered.is_blocked(now), hindered.runs(now, 0));
        assert_eq!(at(&hindered, 0), (false, true));
        hindered.block(10);
        hindered.block(5);
        assert_eq!((at(&hindered, 9), at(&hindered, 10)), ((true, false), (false, true)));
    }

    #[test]
    fn what_is_over_and_what_is_forgotten() {
        let mut hindered = by(&[Hindrance::Paused, Hindrance::Unavailable, Hindrance::Paused]);
        assert_eq!(hindered.faults(|what| *what == Hindrance::Paused).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(hindered.end_if(|over, _| over == id(1)), 1);
        assert_eq!(hindered.faults(|_| true).collect::<Vec<_>>(), [2, 3]);
        let woken = Woken::default();
        hindered.wait(&woken.waker());
        hindered.block(10);
        (hindered.memory, hindered.most_told, hindered.killed) = (1, 2, true);
        assert!(hindered.somebody_waits());
        // A new process is as reachable as the old one was.
        assert_eq!(hindered.forget(), 1);
        assert_eq!(hindered.faults(|_| true).collect::<Vec<_>>(), [2]);
        assert_eq!((hindered.memory, hindered.most_told, hindered.killed), (0, 0, false));
        assert!(!hindered.is_blocked(0) && !hindered.somebody_waits());
        assert_eq!(woken.times(), 0);
        hindered.wait(&woken.waker());
        hindered.wake();
        assert_eq!((woken.times(), hindered.somebody_waits()), (1, false));
    }
}
