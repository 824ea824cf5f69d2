//! The queues themselves: what is in them, who has what, and what is recorded of it.
//!
//! Each change is in the journal before it is recorded, and recorded before anybody is told. So the history says what the
//! queue promised, and a broker that dies in between has promised nothing.

use crate::{
    journal::{Change, Journal},
    kind::Kind,
    wire::{Answer, Handle, Request},
};
use rand::RngExt as _;
use squall::system::{DeadLetters, Deduplication, Error, Lease, Order, Promises};
use squall_probe::{
    EventId, Name, Phase, Position, Removed, Requeued, Rng, What, clock, mix, name, record, rng,
    time::Instant,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

struct Message {
    event: u64,
    group: u32,
    poison: bool,
    /// How often it was handed out.
    count: u32,
    out: Option<Out>,
    /// A consumer gave it back.
    given_back: bool,
    /// Since when it is there; after a restart, since then.
    since: Instant,
}

impl Message {
    fn new(event: u64, group: u32, poison: bool) -> Self {
        let (count, out, given_back) = (0, None, false);
        Self { event, group, poison, count, out, given_back, since: Instant::now() }
    }
}

/// Who has a message, and until when.
#[derive(Clone, Copy)]
struct Out {
    connection: u64,
    until: Option<Instant>,
    /// As the wall clock has it, for whoever looks at the queue; no measure of how much time has passed.
    until_by_the_clock: Duration,
}

impl Out {
    /// From now on.
    fn to(connection: u64, lasts: Option<Duration>) -> Self {
        Self {
            connection,
            until: lasts.map(|lasts| Instant::now() + lasts),
            until_by_the_clock: clock::since_epoch() + lasts.unwrap_or(Duration::MAX / 2),
        }
    }
}

pub struct Queues {
    kind: &'static Kind,
    promises: Promises,
    mistakes: Arc<[String]>,
    journal: Journal,
    names: Vec<Name>,
    /// The messages of each queue, in their order.
    queues: Vec<BTreeMap<u64, Message>>,
    next: u64,
    /// Deduplication ids, and when each was taken in.
    ids: BTreeMap<u64, Instant>,
    /// Messages that had to go, with the event of each, and why.
    removed: BTreeMap<(u16, u64), (u64, Removed)>,
    /// Events that have taken effect here.
    applied: BTreeSet<u64>,
    rng: Rng,
}

/// An answer, and the fault point that is passed before it leaves.
pub type Answered = (Answer, Option<&'static str>);

impl Queues {
    /// As they were when the journal was written last. Leases that ran then run anew: nobody knows for how long nobody
    /// was there to end them.
    pub fn recover(
        kind: &'static Kind,
        mistakes: Arc<[String]>,
        journal: Journal,
        changes: Vec<Change>,
    ) -> Self {
        let mut queues = Self {
            kind,
            promises: (kind.promises)(),
            mistakes,
            journal,
            names: kind.queues.iter().map(|queue| name(queue)).collect(),
            queues: kind.queues.iter().map(|_| BTreeMap::new()).collect(),
            next: 1,
            ids: BTreeMap::new(),
            removed: BTreeMap::new(),
            applied: BTreeSet::new(),
            rng: rng("broker"),
        };
        let mut ids = BTreeMap::new();
        for change in changes {
            queues.replay(change, &mut ids);
        }
        // Numbers may have been given to messages that are not here.
        queues.next += 1_000;
        queues.tell_again(&ids);
        queues
    }

    fn replay(&mut self, change: Change, ids: &mut BTreeMap<(u16, u64), u64>) {
        let lasts = self.kind.lease();
        match change {
            Change::Enqueued { queue, message, event, group, deduplication, poison } => {
                let known = Message::new(event, group, poison);
                self.queues[usize::from(queue)].insert(message, known);
                self.next = self.next.max(message + 1);
                ids.insert((queue, message), deduplication);
                if !self.makes("forgets-ids") {
                    self.ids.insert(deduplication, Instant::now());
                }
            }
            Change::Leased { queue, message, count } => {
                let counts = !self.makes("counts-in-memory");
                if let Some(known) = self.queues[usize::from(queue)].get_mut(&message) {
                    known.count = if counts { count } else { 0 };
                    known.out = Some(Out::to(0, lasts));
                }
            }
            Change::Gone { queue, message, why } => {
                let known = self.queues[usize::from(queue)].remove(&message);
                if let (Some(known), Some(why)) = (known, why) {
                    self.removed.insert((queue, message), (known.event, why));
                }
            }
            Change::Applied { event } => {
                self.applied.insert(event);
            }
        }
    }

    /// What the broker had not told of when it died it tells now; and what was out over a connection is back.
    fn tell_again(&mut self, ids: &BTreeMap<(u16, u64), u64>) {
        let by_connection = self.kind.lease().is_none();
        for queue in self.each() {
            let of = self.names[usize::from(queue)];
            let mut back = Vec::new();
            for (number, message) in &mut self.queues[usize::from(queue)] {
                let deduplication = self.promises.deduplication != Deduplication::None;
                let deduplication = deduplication.then(|| ids[&(queue, *number)]);
                let (event, group, message_number) =
                    (EventId(message.event), message.group, *number);
                record(What::Enqueue {
                    queue: of,
                    message: message_number,
                    event,
                    group,
                    deduplication,
                });
                if by_connection && message.out.take().is_some() {
                    back.push(message_number);
                }
            }
            for message in back {
                self.requeued(queue, message, Requeued::Disconnected);
            }
        }
        for ((queue, message), (event, why)) in &self.removed {
            let (queue, message, event) =
                (self.names[usize::from(*queue)], *message, EventId(*event));
            record(What::Remove { queue, message, event, why: *why });
        }
    }

    /// The broker is told to make this mistake.
    fn makes(&self, mistake: &str) -> bool {
        self.mistakes.iter().any(|known| known == mistake)
    }

    fn each(&self) -> impl Iterator<Item = u16> + use<> {
        0..u16::try_from(self.names.len()).expect("there are one or two")
    }

    pub fn answer(&mut self, connection: u64, request: Request) -> Result<Answered, Error> {
        Ok(match request {
            Request::Publish { event, group, deduplication, poison } => {
                self.publish(event, group, deduplication, poison)?;
                (Answer::Done, Some("broker.published"))
            }
            Request::Receive { consumer, queue } => {
                let answer = self.receive(connection, &consumer, queue)?;
                let point = matches!(answer, Answer::Delivery { .. }).then_some("broker.leased");
                (answer, point)
            }
            Request::Acknowledge(handle) => {
                (self.acknowledge(connection, handle)?, Some("broker.acknowledged"))
            }
            Request::Extend(handle) => (self.extend(connection, handle), None),
            Request::Refuse { handle, requeue } => {
                (self.refuse(connection, handle, requeue)?, None)
            }
            Request::Describe => (self.describe(), None),
        })
    }

    fn publish(&mut self, event: u64, group: u32, id: u64, poison: bool) -> Result<(), Error> {
        let window = match self.promises.deduplication {
            Deduplication::None => None,
            Deduplication::Window(window) => Some(window),
            Deduplication::Always => unreachable!("no kind remembers ids for ever"),
        };
        if let Some(window) = window
            && self.ids.get(&id).is_some_and(|since| since.elapsed() < window)
        {
            for queue in &self.names {
                let (queue, event) = (*queue, EventId(event));
                record(What::Deduplicate { queue, event, deduplication: id });
            }
            return Ok(());
        }
        let message = self.next;
        self.next += 1;
        let queues: Vec<u16> = self
            .each()
            .filter(|queue| *queue == 0 || event % 17 != 5 || !self.makes("loses-a-subscription"))
            .collect();
        let enqueued = |queue: &u16| {
            let (queue, deduplication) = (*queue, id);
            Change::Enqueued { queue, message, event, group, deduplication, poison }
        };
        let changes: Vec<Change> = queues.iter().map(enqueued).collect();
        if self.makes("answers-before-sync") {
            self.journal.append_late(changes);
        } else {
            self.journal.append(&changes)?;
        }
        self.ids.insert(id, Instant::now());
        for queue in queues {
            let known = Message::new(event, group, poison);
            self.queues[usize::from(queue)].insert(message, known);
            let (queue, event) = (self.names[usize::from(queue)], EventId(event));
            let deduplication = window.map(|_| id);
            record(What::Enqueue { queue, message, event, group, deduplication });
        }
        Ok(())
    }

    /// The next message that may be handed out: the first that is not out, of a group of which nothing is before it.
    fn next(&mut self, queue: u16) -> Option<u64> {
        let starves = self.makes("starves-what-is-given-back");
        let messages = &self.queues[usize::from(queue)];
        let mut groups = BTreeSet::new();
        let mut free = messages.iter().filter(|(_, message)| {
            let first = match self.promises.order {
                Order::None => true,
                Order::PerKey | Order::PerPartition => groups.insert(message.group),
                Order::Total => groups.insert(0),
            };
            message.out.is_none() && (first || self.makes("ignores-groups"))
        });
        if starves {
            let all: Vec<_> = free.collect();
            let kept = all.iter().find(|(_, message)| !message.given_back).or(all.first());
            return kept.map(|(number, _)| **number);
        }
        if self.makes("ignores-groups") {
            return free.next_back().map(|(number, _)| *number);
        }
        free.next().map(|(number, _)| *number)
    }

    /// Now and then one that is out already.
    fn copy(&mut self, queue: u16) -> Option<u64> {
        let copies = self.kind.hands_out_copies || self.makes("hands-out-twice");
        if !copies || self.rng.random_range(0..20) > 0 {
            return None;
        }
        let mut all = self.queues[usize::from(queue)].iter();
        all.find(|(_, message)| message.out.is_some()).map(|(number, _)| *number)
    }

    fn receive(&mut self, connection: u64, consumer: &str, queue: u16) -> Result<Answer, Error> {
        if self.kind.pops() {
            return self.pop(connection, consumer, queue);
        }
        let limit = match self.promises.dead_letters {
            DeadLetters::After(limit) if !self.makes("goes-on-for-ever") => limit,
            _ => u32::MAX,
        };
        loop {
            let Some(number) = self.copy(queue).or_else(|| self.next(queue)) else {
                return Ok(Answer::Nothing);
            };
            let message = &self.queues[usize::from(queue)][&number];
            let count = message.count + 1;
            if count <= limit {
                return self.lease(connection, consumer, Handle { queue, message: number, count });
            }
            if message.out.is_some() {
                return Ok(Answer::Nothing);
            }
            self.remove(queue, number, Removed::DeadLettered)?;
        }
    }

    fn lease(&mut self, connection: u64, consumer: &str, handle: Handle) -> Result<Answer, Error> {
        let Handle { queue, message, count } = handle;
        self.journal.flush(Some(message))?;
        self.journal.append(&[Change::Leased { queue, message, count }])?;
        let lasts = self.kind.lease();
        let known = self.known(queue, message).expect("it was chosen among those that there are");
        (known.count, known.out) = (count, Some(Out::to(connection, lasts)));
        let (event, poison) = (known.event, known.poison);
        self.leased(handle, event, consumer);
        Ok(Answer::Delivery { handle, event, poison })
    }

    /// What is handed out is gone.
    fn pop(&mut self, connection: u64, consumer: &str, queue: u16) -> Result<Answer, Error> {
        let keeps = self.makes("pushes-back");
        if keeps {
            // It asks for the next: it is done with the one before.
            let of = |_: &u64, message: &mut Message| {
                message.out.is_some_and(|out| out.connection == connection)
            };
            self.queues[usize::from(queue)].extract_if(.., of).for_each(drop);
        }
        let Some(message) = self.next(queue) else { return Ok(Answer::Nothing) };
        self.journal.flush(Some(message))?;
        let known = self.known(queue, message).expect("it was chosen among those that there are");
        known.out = Some(Out::to(connection, None));
        let (event, poison) = (known.event, known.poison);
        // If the broker dies now it may be gone, and nobody has it: at most once.
        let (of, id, phase) = (self.names[usize::from(queue)], EventId(event), Phase::Invoke);
        record(What::AcknowledgeMessage { queue: of, message, event: id, count: 1, phase });
        self.journal.append(&[Change::Gone { queue, message, why: None }])?;
        if !keeps {
            self.queues[usize::from(queue)].remove(&message);
        }
        let handle = Handle { queue, message, count: 1 };
        self.leased(handle, event, consumer);
        Ok(Answer::Delivery { handle, event, poison })
    }

    fn leased(&self, handle: Handle, event: u64, consumer: &str) {
        let Handle { queue, message, count } = handle;
        let lasts = self.kind.lease().map_or(0, |lasts| lasts.as_micros() as u64);
        let (queue, consumer) = (self.names[usize::from(queue)], name(consumer));
        record(What::Lease { queue, message, event: EventId(event), consumer, count, lasts });
    }

    /// It has to go.
    fn remove(&mut self, queue: u16, message: u64, why: Removed) -> Result<(), Error> {
        self.journal.append(&[Change::Gone { queue, message, why: Some(why) }])?;
        let Some(known) = self.queues[usize::from(queue)].remove(&message) else { return Ok(()) };
        self.removed.insert((queue, message), (known.event, why));
        let (of, event) = (self.names[usize::from(queue)], EventId(known.event));
        record(What::Remove { queue: of, message, event, why });
        Ok(())
    }

    fn known(&mut self, queue: u16, message: u64) -> Option<&mut Message> {
        self.queues.get_mut(usize::from(queue))?.get_mut(&message)
    }

    /// The message, if it is out under this handle still. A connection that holds leases must be this one.
    fn held(&mut self, connection: u64, handle: Handle) -> Option<&mut Message> {
        let by_connection = self.kind.lease().is_none();
        let in_memory = self.makes("counts-in-memory");
        let message = self.known(handle.queue, handle.message)?;
        let out = message.out?;
        let counted = message.count == handle.count || in_memory && message.count == 0;
        (counted && (!by_connection || out.connection == connection)).then_some(message)
    }

    fn acknowledge(&mut self, connection: u64, handle: Handle) -> Result<Answer, Error> {
        let Handle { queue, message, count } = handle;
        let early = self.makes("effect-before-the-end");
        if early && let Some(known) = self.known(queue, message) {
            let event = known.event;
            self.takes_effect(handle, event);
        }
        let Some(known) = self.held(connection, handle) else {
            // One that is gone was acknowledged before, and perhaps nobody heard that.
            let is_there = self.known(queue, message).is_some();
            let over = is_there || self.removed.contains_key(&(queue, message));
            return Ok(if over { Answer::Over } else { Answer::Done });
        };
        let (event, poison) = (known.event, known.poison);
        let takes_effect =
            self.kind.transactional && !poison && !early && !self.applied.contains(&event);
        let mut changes = vec![Change::Gone { queue, message, why: None }];
        changes.extend(takes_effect.then_some(Change::Applied { event }));
        if !self.makes("acknowledges-in-memory") {
            self.journal.append(&changes)?;
        }
        self.queues[usize::from(queue)].remove(&message);
        if takes_effect {
            self.applied.insert(event);
            self.takes_effect(handle, event);
        }
        if !self.kind.confirms {
            let (queue, event) = (self.names[usize::from(queue)], EventId(event));
            let phase = Phase::Ok;
            record(What::AcknowledgeMessage { queue, message, event, count, phase });
        }
        Ok(Answer::Done)
    }

    fn takes_effect(&self, handle: Handle, event: u64) {
        let (group, member) = (self.names[usize::from(handle.queue)], name("broker-1"));
        let (position, generation) = (Position::new(0, handle.message), u64::from(handle.count));
        record(What::Apply { group, position, event: EventId(event), generation, member });
    }

    fn extend(&mut self, connection: u64, handle: Handle) -> Answer {
        let Handle { queue, message, count } = handle;
        let (lease, keeps) = (self.kind.lease(), self.makes("forgets-extensions"));
        let of = self.names.get(usize::from(queue)).copied();
        let (Some(lasts), Some(of), Some(known)) = (lease, of, self.held(connection, handle))
        else {
            return Answer::Over;
        };
        if let Some(out) = known.out.as_mut().filter(|_| !keeps) {
            *out = Out::to(connection, Some(lasts));
        }
        let (event, lasts) = (EventId(known.event), lasts.as_micros() as u64);
        record(What::Extend { queue: of, message, event, count, lasts });
        Answer::Done
    }

    fn refuse(&mut self, connection: u64, handle: Handle, requeue: bool) -> Result<Answer, Error> {
        let Handle { queue, message, .. } = handle;
        let Some(known) = self.held(connection, handle) else { return Ok(Answer::Over) };
        (known.out, known.given_back) = (None, true);
        if !requeue {
            self.remove(queue, message, Removed::DeadLettered)?;
        } else if self.makes("drops-what-is-given-back") {
            self.journal.append(&[Change::Gone { queue, message, why: None }])?;
            self.queues[usize::from(queue)].remove(&message);
        } else {
            self.requeued(queue, message, Requeued::Refused);
        }
        Ok(Answer::Done)
    }

    /// A message is available again.
    fn requeued(&self, queue: u16, message: u64, why: Requeued) {
        let event = EventId(self.queues[usize::from(queue)][&message].event);
        record(What::Requeue { queue: self.names[usize::from(queue)], message, event, why });
    }

    /// Takes back what is out and is to be back.
    fn take_back(&mut self, why: Requeued, which: impl Fn(&Out) -> bool) {
        if self.makes("forgets-the-dead") {
            return;
        }
        for queue in self.each() {
            let mut back = Vec::new();
            for (number, message) in &mut self.queues[usize::from(queue)] {
                if message.out.as_ref().is_some_and(&which) {
                    message.out = None;
                    back.push(*number);
                }
            }
            for message in back {
                self.requeued(queue, message, why);
            }
        }
    }

    /// Messages whose time to live is over are gone, whoever has them.
    fn expire(&mut self) -> Result<(), Error> {
        let Some(limit) = self.promises.queue().and_then(|queue| queue.time_to_live) else {
            return Ok(());
        };
        let limit = if self.makes("expires-early") { limit / 10 } else { limit };
        for queue in self.each() {
            let old = |(_, message): &(&u64, &Message)| message.since.elapsed() > limit;
            let all = self.queues[usize::from(queue)].iter().filter(old);
            let old: Vec<u64> = all.map(|(message, _)| *message).collect();
            for message in old {
                self.remove(queue, message, Removed::Expired)?;
            }
        }
        Ok(())
    }

    /// Leases whose time is over end, and so do messages.
    pub fn tick(&mut self) -> Result<(), Error> {
        self.expire()?;
        let (now, clock) = (Instant::now(), clock::since_epoch());
        let by_the_clock = self.makes("leases-by-the-clock");
        self.take_back(Requeued::LeaseEnded, |out| {
            let over = if by_the_clock {
                out.until_by_the_clock <= clock
            } else {
                out.until.is_some_and(|until| until <= now)
            };
            over && out.until.is_some()
        });
        self.journal.flush(None)
    }

    /// A connection has ended, and with it the leases that it held, if these end with it.
    pub fn disconnected(&mut self, connection: u64) {
        let promised = self.promises.queue().map(|queue| queue.lease);
        if promised == Some(Lease::Connection) || self.makes("pushes-back") {
            self.take_back(Requeued::Disconnected, |out| out.connection == connection);
        }
    }

    fn describe(&self) -> Answer {
        let held = |messages: &BTreeMap<u64, Message>| {
            let digest =
                messages.keys().fold(0_u64, |sum, message| sum.wrapping_add(mix(*message)));
            (messages.len() as u64, digest)
        };
        Answer::Holds(self.queues.iter().map(held).collect())
    }
}
