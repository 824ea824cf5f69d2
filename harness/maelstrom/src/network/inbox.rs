//! What waits for a process to read it.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, PoisonError},
};

/// A queue of lines, whose one end is the network and whose other end writes to a process.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<Arc<str>>,
    bytes: usize,
    /// Its process can read who it is.
    greeted: bool,
    closed: bool,
}

/// How much may wait: a process that reads slower than others send is told to be flooded before it fills the memory.
const MOST_LINES: usize = 500_000;
const MOST_BYTES: usize = 256 << 20;

/// More waits than may.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flooded;

impl Inbox {
    /// Puts a line at the end. The first that says who the process is comes before all that wait: what is sent to a process
    /// that has just been started must not reach it earlier (what was on its way to the one before it may).
    pub(crate) fn push(&self, line: Arc<str>, says_who_it_is: bool) -> Result<(), Flooded> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Ok(());
        }
        if waiting.lines.len() >= MOST_LINES || waiting.bytes + line.len() > MOST_BYTES {
            return Err(Flooded);
        }
        waiting.bytes += line.len();
        if says_who_it_is && !waiting.greeted {
            waiting.greeted = true;
            waiting.lines.push_front(line);
        } else {
            waiting.lines.push_back(line);
        }
        self.changed.notify_one();
        Ok(())
    }

    /// The next line, when there is one and the process has been told who it is; nothing once it is closed.
    pub(crate) fn pop(&self) -> Option<Arc<str>> {
        let mut waiting = self.lock();
        loop {
            if waiting.closed {
                return None;
            }
            if waiting.greeted
                && let Some(line) = waiting.lines.pop_front()
            {
                waiting.bytes -= line.len();
                return Some(line);
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Its process is gone: what waits is lost.
    pub(crate) fn close(&self) {
        *self.lock() = Waiting { closed: true, ..Waiting::default() };
        self.changed.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_hears_anything_before_who_it_is() {
        let inbox = Inbox::default();
        for (line, says) in
            [("early", false), ("init", true), ("late", false), ("init again", true)]
        {
            inbox.push(line.into(), says).unwrap();
        }
        let read: Vec<_> = (0..4).map(|_| inbox.pop().unwrap().to_string()).collect();
        assert_eq!(read, ["init", "early", "late", "init again"]);
    }
}
