//! Which messages of queues nobody is done with yet. Judges take it as what is owed, and runs end by it.

use crate::{
    dense::ByMessage,
    promises::{Delivery, Promises},
    variants::{Variants, heard},
};
use squall_probe::{EventId, Name, Phase, Record, What};

/// Messages that are neither acknowledged nor removed. (Where what is handed out is gone: that were not handed out.)
#[derive(Debug, Default)]
pub struct Outstanding {
    /// What is handed out is gone.
    at_once: bool,
    messages: ByMessage<Option<Message>>,
    /// Messages that were not done when their queue gave their number to another: nobody will ever be.
    replaced: Vec<(Name, u64, EventId)>,
    undone: usize,
}

#[derive(Clone, Copy, Debug)]
struct Message {
    event: EventId,
    /// When it was taken in, in microseconds.
    since: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Somebody must still handle it.
    Undone,
    /// The consumer that has it by this delivery has said that it is done, and nobody knows whether the queue has heard
    /// that.
    Answered(u32),
    /// It left the queue for good.
    Gone,
}

impl Outstanding {
    pub(crate) const HEARS: Variants = heard![AcknowledgeMessage, Enqueue, Lease, Remove, Requeue];

    /// Nothing is known yet; `None` if the system does not promise that nothing vanishes.
    #[must_use]
    pub fn of(promises: &Promises) -> Option<Self> {
        let at_once = promises.delivery == Delivery::AtMostOnce;
        promises.keeps_messages().then(|| Self { at_once, ..Self::default() })
    }

    /// Everybody is done with everything, as far as anybody knows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.undone == 0
    }

    /// How many messages are not done.
    #[must_use]
    pub fn len(&self) -> usize {
        self.undone
    }

    /// The messages that are not done: the queue of each, its number, its event.
    pub(crate) fn undone(&self) -> impl Iterator<Item = (Name, u64, EventId)> {
        let undone = self.messages.iter().filter_map(|(queue, message, known)| {
            let known = (*known)?;
            (known.state == State::Undone).then_some((queue, message, known.event))
        });
        self.replaced.iter().copied().chain(undone)
    }

    /// The queue and the event of each message that is done, or may be.
    pub(crate) fn done(&self) -> impl Iterator<Item = (Name, EventId)> {
        self.messages.iter().filter_map(|(queue, _, known)| {
            let known = (*known)?;
            (known.state != State::Undone).then_some((queue, known.event))
        })
    }

    /// Everything that was ever taken in.
    pub(crate) fn known(&self) -> usize {
        self.messages.iter().filter(|(.., known)| known.is_some()).count()
    }

    /// Takes the next record in. If by it somebody is done with a message: since when it was in the queue.
    pub fn record(&mut self, record: &Record) -> Option<u64> {
        let (queue, message, state) = match record.what {
            What::Enqueue { queue, message, event, .. } => {
                let entry = self.messages.entry(queue, message);
                let before = entry.filter(|before| before.event != event);
                if let Some(Message { event, state: State::Undone, .. }) = before {
                    self.replaced.push((queue, message, event));
                }
                if entry.is_none() || before.is_some() {
                    *entry = Some(Message { event, since: record.at, state: State::Undone });
                    self.undone += 1;
                }
                return None;
            }
            What::AcknowledgeMessage { queue, message, phase, count, .. } => {
                let state = match phase {
                    Phase::Invoke | Phase::Info => State::Answered(count),
                    Phase::Ok => State::Gone,
                    Phase::Fail => {
                        let known = (*self.messages.get(queue, message)?)?;
                        // That of another delivery may have arrived all the same.
                        if known.state != State::Answered(count) {
                            return None;
                        }
                        State::Undone
                    }
                };
                (queue, message, state)
            }
            What::Lease { queue, message, .. } if self.at_once => (queue, message, State::Gone),
            // Whoever is given it again shows that the queue has it still.
            What::Lease { queue, message, .. } | What::Requeue { queue, message, .. } => {
                (queue, message, State::Undone)
            }
            What::Remove { queue, message, .. } => (queue, message, State::Gone),
            _ => return None,
        };
        let known = self.messages.entry(queue, message).as_mut()?;
        let before = known.state;
        if before == State::Gone {
            return None;
        }
        known.state = state;
        match (before == State::Undone, state == State::Undone) {
            (true, false) => {
                self.undone -= 1;
                Some(known.since)
            }
            (false, true) => {
                self.undone += 1;
                None
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Outstanding, testing::*};
    use squall_probe::{Removed, Requeued};

    /// How many messages are not done after this.
    fn left(h: &History) -> usize {
        after(h, Outstanding::default())
    }

    fn after(h: &History, mut outstanding: Outstanding) -> usize {
        for record in h.records() {
            outstanding.record(record);
        }
        assert_eq!(outstanding.undone().count(), outstanding.len());
        outstanding.len()
    }

    #[test]
    fn what_is_popped_is_done() {
        let mut h = History::of_queue();
        h.enqueue(1).enqueue(2).lease(1, 1);
        assert_eq!(after(&h, Outstanding { at_once: true, ..Outstanding::default() }), 1);
        assert_eq!(after(&h, Outstanding::default()), 2);
    }

    #[test]
    fn a_message_is_done_when_it_is_acknowledged_unless_it_comes_again() {
        let mut h = History::of_queue();
        assert_eq!(left(h.enqueue(1).enqueue(1)), 1);
        assert_eq!(left(h.lease(1, 1)), 1);
        assert_eq!(left(h.ack_begins(1, 1)), 0);
        assert_eq!(left(h.ack_fails(1, 1)), 1);
        assert_eq!(left(h.lease(1, 2).ack_begins(1, 2).ack_unknown(1, 2)), 0);
        assert_eq!(left(h.requeue(1, Requeued::LeaseEnded)), 1);
        assert_eq!(left(h.lease(1, 3).refuse(1, 3, true)), 1);
        // It is out twice: that one acknowledgement fails says nothing of the other.
        h.lease(1, 4).lease(1, 5).ack_begins(1, 4).ack_begins(1, 5);
        assert_eq!(left(h.ack_fails(1, 4)), 0);
        assert_eq!(left(h.ack_fails(1, 5)), 1);
        assert_eq!(left(h.lease(1, 6).ack(1, 6)), 0);
        // What is gone is gone; whether it may come again, others judge.
        assert_eq!(left(h.lease(1, 7)), 0);
        assert_eq!(left(h.enqueue(2).remove(2, Removed::Purged).remove(2, Removed::Purged)), 0);
        // Its number is given to another: it will never be done, and the other must be.
        h.enqueue(3).carry(3, 4);
        assert_eq!(left(&h), 2);
        assert_eq!(left(h.ack(3, 1)), 1);
        // Nobody knows of this one.
        assert_eq!(left(h.ack(7, 1).lease(8, 1)), 1);
    }
}
