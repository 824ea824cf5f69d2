//! One node's machine: its disk, and the state of its software.

use super::{hindered::Hindered, waiters::Waiters};
use crate::sim::disk::Disk;
use std::task::{Poll, Waker};

/// Whether a node's software runs, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum RunState {
    Running,
    /// Its process was killed. Code that has not noticed yet changes nothing any more.
    Killed,
    /// Its process has ended, and its machine lives.
    Ended,
    /// Its machine has no power. Code that has not noticed yet changes nothing any more.
    Dark,
}

impl RunState {
    /// What its code still does is of no effect.
    pub(in crate::sim) fn is_over(self) -> bool {
        matches!(self, Self::Killed | Self::Dark)
    }
}

/// One node.
#[derive(Debug)]
pub(in crate::sim) struct Machine {
    pub(in crate::sim) name: String,
    /// How often its software was started again.
    pub(in crate::sim) incarnation: u32,
    pub(in crate::sim) life: RunState,
    pub(in crate::sim) disk: Disk,
    /// What its dead software goes on writing to.
    pub(in crate::sim) ghost: Disk,
    pub(in crate::sim) hindered: Hindered,
    /// It was asked to end.
    stopping: bool,
    stop_waiters: Waiters,
}

impl Machine {
    pub(in crate::sim) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            incarnation: 0,
            life: RunState::Running,
            disk: Disk::default(),
            ghost: Disk::default(),
            hindered: Hindered::default(),
            stopping: false,
            stop_waiters: Waiters::default(),
        }
    }

    /// The disk that its software acts on, and whether that is the copy of the dead.
    pub(in crate::sim) fn take_disk(&mut self) -> (Disk, bool) {
        let over = self.life.is_over();
        (std::mem::take(if over { &mut self.ghost } else { &mut self.disk }), over)
    }

    /// Its software is gone.
    pub(in crate::sim) fn stop(&mut self) {
        self.incarnation += 1;
        self.stopping = false;
        self.stop_waiters = Waiters::default();
        self.ghost = Disk::default();
        if self.life != RunState::Dark {
            self.life = RunState::Ended;
        }
    }

    /// It is asked to end.
    pub(in crate::sim) fn ask_to_stop(&mut self) {
        self.stopping = true;
        self.stop_waiters.wake();
    }

    /// Ready when it was asked to end; else to be woken when it is.
    pub(in crate::sim) fn poll_stop(&mut self, waker: &Waker) -> Poll<()> {
        if self.stopping {
            return Poll::Ready(());
        }
        self.stop_waiters.wait(waker);
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn who_is_dead_acts_on_a_copy_of_the_disk() {
        let mut machine = Machine::new("a");
        machine.disk.open(Path::new("/data/log")).unwrap();
        machine.ghost.open(Path::new("/data/ghost")).unwrap();
        for (life, dead) in
            [(RunState::Killed, true), (RunState::Dark, true), (RunState::Ended, false)]
        {
            machine.life = life;
            let (disk, over) = machine.take_disk();
            assert_eq!(over, dead);
            let expected = if dead { "ghost" } else { "log" };
            assert_eq!(disk.list(Path::new("/data")), [expected]);
            *(if dead { &mut machine.ghost } else { &mut machine.disk }) = disk;
        }
    }

    #[test]
    fn each_time_its_software_is_gone_the_next_is_another_incarnation() {
        let mut machine = Machine::new("a");
        machine.stop();
        assert_eq!((machine.incarnation, machine.life), (1, RunState::Ended));
        machine.life = RunState::Dark;
        machine.stop();
        assert_eq!((machine.incarnation, machine.life), (2, RunState::Dark));
    }

    #[test]
    fn who_waits_hears_that_it_is_to_end() {
        let woken = crate::sim::tests::Woken::default();
        let mut machine = Machine::new("a");
        assert!(machine.poll_stop(&woken.waker()).is_pending());
        machine.ask_to_stop();
        assert_eq!(woken.times(), 1);
        assert!(machine.poll_stop(&woken.waker()).is_ready());
        machine.stop();
        assert!(machine.poll_stop(&woken.waker()).is_pending());
    }
}
