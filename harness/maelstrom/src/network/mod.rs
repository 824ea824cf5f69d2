//! The network between nodes, clients and services.
//!
//! A message is read from who sends it, meets the rules of its link, and arrives at once or later. What the rules did is
//! counted when it has its effect: a message that is lost when it is lost, one that is late when it arrives. A rule that
//! was added and met no message has hit nothing.

mod inbox;
mod rule;
mod state;

pub(crate) use inbox::Inbox;
pub use rule::{Effect, Rule, RuleId, Shape};

use crate::{
    draws::{Draws, stream},
    journal::Journal,
    message::Message,
    services::SERVICES,
};
use state::{Port, State};
use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    time::{Duration, Instant},
};

/// The network. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Network {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Something new is due earlier, or the network ends.
    changed: Condvar,
}

/// How often whoever delivers late messages looks at the clock, so that it notices when the machine lets it wait.
const HEARTBEAT: Duration = Duration::from_millis(100);

impl Network {
    /// A network whose messages between nodes, and between nodes and services, take from `latency.0` to `latency.1`
    /// milliseconds. Those of clients take no time, as if each were beside its node: latency there would hide what is
    /// inconsistent.
    pub(crate) fn new(seed: u64, latency: (u32, u32), journal: Arc<Journal>) -> Self {
        let draws = Draws::new(seed, stream::NETWORK);
        let mut state = State::new(draws, latency, journal);
        for service in SERVICES {
            state.open(service.name, Port::service((service.make)(), seed));
        }
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let weak = Arc::downgrade(&shared);
        std::thread::spawn(move || {
            let mut next = Instant::now() + HEARTBEAT;
            while let Some(shared) = weak.upgrade() {
                let state = lock(&shared);
                let wait = next.saturating_duration_since(Instant::now());
                let waited = shared.changed.wait_timeout(state, wait);
                let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
                if state.ended {
                    return;
                }
                state.note_lateness(next);
                next = state.deliver_due().unwrap_or(Instant::now() + HEARTBEAT);
                next = next.min(Instant::now() + HEARTBEAT);
            }
        });
        Self { shared }
    }

    /// Adds a rule. What is on its way over links that are cut is lost; over links that are held, it waits.
    pub fn add(&self, rule: Rule) -> RuleId {
        let id = self.lock().add(rule);
        self.shared.changed.notify_one();
        id
    }

    /// Ends a rule. What it held comes now.
    pub fn remove(&self, id: RuleId) {
        self.lock().remove(id);
        self.shared.changed.notify_one();
    }

    /// How many messages a rule has hit so far; what it made late counts when it arrives.
    #[must_use]
    pub fn hits(&self, id: RuleId) -> u64 {
        self.lock().hits(id)
    }

    /// The names of the services.
    #[must_use]
    pub fn services() -> Vec<&'static str> {
        SERVICES.iter().map(|service| service.name).collect()
    }

    /// The names of all clients that there are now.
    #[must_use]
    pub fn clients(&self) -> Vec<String> {
        self.lock().clients()
    }

    /// `from` sends a message. (Who sends is known by the pipe; what the message calls itself is passed on.)
    pub(crate) fn send(&self, from: &str, message: Message) {
        self.lock().send(from, message);
        self.shared.changed.notify_one();
    }

    /// Makes a client of that name, and gives what arrives at it.
    pub(crate) fn client(&self, name: &str) -> mpsc::Receiver<Message> {
        let (sender, receiver) = mpsc::channel();
        self.lock().open(name, Port::Client(sender));
        receiver
    }

    /// A process stands behind this name.
    pub(crate) fn node(&self, name: &str, inbox: Arc<Inbox>) {
        self.lock().open(name, Port::Node { inbox, paused: false, waited: 0 });
    }

    /// Nobody stands behind this name now: what is sent to it is lost.
    pub(crate) fn gone(&self, name: &str) {
        self.lock().open(name, Port::Gone);
    }

    /// The process of this node stands still, or goes on.
    pub(crate) fn pause(&self, name: &str, paused: bool) {
        self.lock().pause(name, paused);
    }

    /// How many messages have arrived at this node's process while it stood still.
    pub(crate) fn waited(&self, name: &str) -> u64 {
        self.lock().waited(name)
    }

    /// Which process stands behind a name, counted from 0; none if there is none now.
    pub(crate) fn life(&self, name: &str) -> Option<u64> {
        self.lock().life(name)
    }

    /// Any rule has hit a message.
    pub(crate) fn any_hit(&self) -> bool {
        self.lock().any_hit()
    }

    /// How late the network itself has been at most.
    pub(crate) fn lateness(&self) -> Duration {
        self.lock().lateness
    }

    /// How many messages were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.lock().sent()
    }

    /// No message arrives any more.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.shared.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.shared)
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
