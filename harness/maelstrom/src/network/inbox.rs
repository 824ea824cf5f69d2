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
    closed: bool,
}

/// How much may wait: a process that reads slower than others send is told to be flooded before it fills the memory.
const MOST_LINES: usize = 500_000;
const MOST_BYTES: usize = 256 << 20;

/// More waits than may.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flooded;

impl Inbox {
    /// Puts a line at the end.
    pub(crate) fn push(&self, line: Arc<str>) -> Result<(), Flooded> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Ok(());
        }
        if waiting.lines.len() >= MOST_LINES || waiting.bytes + line.len() > MOST_BYTES {
            return Err(Flooded);
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(line);
        self.changed.notify_one();
        Ok(())
    }

    /// The next line, when there is one; nothing once it is closed.
    pub(crate) fn pop(&self) -> Option<Arc<str>> {
        let mut waiting = self.lock();
        loop {
            if waiting.closed {
                return None;
            }
            if let Some(line) = waiting.lines.pop_front() {
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
