//! Who waits for something to happen.

use std::task::Waker;

/// Tasks that look again when they are woken. One that asks twice waits once.
#[derive(Debug, Default)]
pub(in crate::sim) struct Waiters(Vec<Waker>);

impl Waiters {
    pub(in crate::sim) fn wait(&mut self, waker: &Waker) {
        if !self.0.iter().any(|known| known.will_wake(waker)) {
            self.0.push(waker.clone());
        }
    }

    pub(in crate::sim) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::sim) fn wake(&mut self) {
        self.0.drain(..).for_each(Waker::wake);
    }
}
