//! Histories of queues, written by hand; and that nothing else is judged of a queue than what it promises.

use crate::{
    Counts, DeadLetters, Deduplication, Delivery, Groups, Lease, Order, Promises, Queue, Storage,
    testing::*,
};
use proptest::prelude::*;
use squall_probe::{EventId, Name, NodeId, Phase, Removed, Requeued, StateOf, What, mix};
use std::time::Duration;

/// How long leases last, in microseconds.
pub(crate) const LEASE: u64 = 1_000_000;

/// How long deduplication ids are remembered, in microseconds.
pub(crate) const WINDOW: u64 = 5_000_000;

const BROKER: NodeId = NodeId(0);
const CONSUMER: NodeId = NodeId(4);
const G: Name = Name(0);

/// What a strict queue promises: exclusive leases, groups with an order, deduplication, three deliveries.
pub(crate) fn strict() -> Promises {
    Promises {
        storage: Storage::Queue(Queue {
            lease: Lease::Timeout(Duration::from_micros(LEASE)),
            tolerance: Duration::from_millis(100),
            durable: true,
            exclusive: true,
            final_acknowledgements: true,
            counts: Counts::Exact,
            time_to_live: None,
            overflows: false,
        }),
        delivery: Delivery::EffectivelyOnce,
        order: Order::PerKey,
        groups: Groups::One,
        replicas: false,
        leader_terms: false,
        deduplication: Deduplication::Window(Duration::from_micros(WINDOW)),
        dead_letters: DeadLetters::After(3),
        transactions: true,
        ..Promises::default()
    }
}

/// A history of the queue g, on node r0, with the consumer c. Message 1 carries event 1, and so on.
impl History {
    pub(crate) fn of_queue() -> Self {
        Self::promising(strict())
    }

    /// As that, with other promises.
    pub(crate) fn of_queue_that(change: impl FnOnce(&mut Promises)) -> Self {
        let mut promises = strict();
        change(&mut promises);
        Self::promising(promises)
    }

    fn take_in(&mut self, message: u64, group: u32, deduplication: Option<u64>) -> &mut Self {
        let event = EventId(message);
        self.add(BROKER, What::Enqueue { queue: G, message, event, group, deduplication })
    }

    /// A message that carries another event than the one of its number.
    pub(crate) fn carry(&mut self, message: u64, event: u64) -> &mut Self {
        let (event, group, deduplication) = (EventId(event), 0, None);
        self.add(BROKER, What::Enqueue { queue: G, message, event, group, deduplication })
    }

    pub(crate) fn enqueue(&mut self, message: u64) -> &mut Self {
        self.take_in(message, 0, None)
    }

    pub(crate) fn enqueue_in(&mut self, message: u64, group: u32) -> &mut Self {
        self.take_in(message, group, None)
    }

    pub(crate) fn enqueue_as(&mut self, message: u64, deduplication: u64) -> &mut Self {
        self.take_in(message, 0, Some(deduplication))
    }

    pub(crate) fn deduplicate(&mut self, event: u64, deduplication: u64) -> &mut Self {
        let event = EventId(event);
        self.add(BROKER, What::Deduplicate { queue: G, event, deduplication })
    }

    fn hand_out(&mut self, queue: Name, message: u64, count: u32, to: u16) -> &mut Self {
        let (event, consumer, lasts) = (EventId(message), Name(to), LEASE);
        self.add(BROKER, What::Lease { queue, message, event, consumer, count, lasts })
    }

    pub(crate) fn lease(&mut self, message: u64, count: u32) -> &mut Self {
        self.hand_out(G, message, count, 7)
    }

    pub(crate) fn lease_to(&mut self, message: u64, count: u32, consumer: u16) -> &mut Self {
        self.hand_out(G, message, count, consumer)
    }

    /// Of another queue.
    pub(crate) fn lease_of(&mut self, queue: u16, message: u64, count: u32) -> &mut Self {
        self.hand_out(Name(queue), message, count, 7)
    }

    pub(crate) fn enqueue_of(&mut self, queue: u16, message: u64) -> &mut Self {
        let (queue, event, group, deduplication) = (Name(queue), EventId(message), 0, None);
        self.add(BROKER, What::Enqueue { queue, message, event, group, deduplication })
    }

    pub(crate) fn ack_of(&mut self, queue: u16, message: u64) -> &mut Self {
        let (queue, event, count, phase) = (Name(queue), EventId(message), 1, Phase::Ok);
        self.add(CONSUMER, What::AcknowledgeMessage { queue, message, event, count, phase })
    }

    pub(crate) fn extend(&mut self, message: u64, count: u32) -> &mut Self {
        let (queue, event, lasts) = (G, EventId(message), LEASE);
        self.add(BROKER, What::Extend { queue, message, event, count, lasts })
    }

    fn acknowledging(&mut self, message: u64, count: u32, phase: Phase) -> &mut Self {
        let (queue, event) = (G, EventId(message));
        self.add(CONSUMER, What::AcknowledgeMessage { queue, message, event, count, phase })
    }

    pub(crate) fn ack_begins(&mut self, message: u64, count: u32) -> &mut Self {
        self.acknowledging(message, count, Phase::Invoke)
    }

    pub(crate) fn ack_fails(&mut self, message: u64, count: u32) -> &mut Self {
        self.acknowledging(message, count, Phase::Fail)
    }

    pub(crate) fn ack_unknown(&mut self, message: u64, count: u32) -> &mut Self {
        self.acknowledging(message, count, Phase::Info)
    }

    /// It is confirmed, and nobody has told when it was asked for.
    pub(crate) fn ack(&mut self, message: u64, count: u32) -> &mut Self {
        self.acknowledging(message, count, Phase::Ok)
    }

    pub(crate) fn refuse(&mut self, message: u64, count: u32, requeue: bool) -> &mut Self {
        let (queue, event) = (G, EventId(message));
        self.add(CONSUMER, What::Refuse { queue, message, event, count, requeue })
    }

    pub(crate) fn requeue(&mut self, message: u64, why: Requeued) -> &mut Self {
        self.add(BROKER, What::Requeue { queue: G, message, event: EventId(message), why })
    }

    pub(crate) fn remove(&mut self, message: u64, why: Removed) -> &mut Self {
        self.add(BROKER, What::Remove { queue: G, message, event: EventId(message), why })
    }

    pub(crate) fn holds(&mut self, messages: u64) -> &mut Self {
        let of = StateOf::Queue { queue: G };
        self.add(BROKER, What::State { of, position: messages, digest: mix(messages) })
    }
}

/// For each invariant of queues a history, and how many facts it judges in it.
pub(crate) fn facts() -> Vec<(&'static str, u64, History)> {
    let mut all = Vec::new();
    let mut case = |name, facts, tell: &dyn Fn(&mut History)| {
        let mut h = History::of_queue();
        tell(&mut h);
        all.push((name, facts, h));
    };
    case("one_lease", 2, &|h| {
        h.enqueue(1).lease(1, 1).after(LEASE).lease(1, 2).ack(1, 2);
    });
    case("lease_respected", 2, &|h| {
        h.enqueue(1).lease(1, 1).after(LEASE).lease(1, 2).ack(1, 2);
    });
    case("acknowledged_stays_gone", 1, &|h| {
        h.enqueue(1).lease(1, 1).ack_begins(1, 1).ack(1, 1).enqueue(2).ack_begins(2, 1);
    });
    case("delivery_count", 3, &|h| {
        h.enqueue(1).lease(1, 1).enqueue(2).lease(2, 1).refuse(2, 1, false);
        h.remove(2, Removed::DeadLettered).remove(1, Removed::Purged);
    });
    case("group_order", 2, &|h| {
        h.enqueue(1).enqueue(2).lease(1, 1).ack(1, 1).lease(2, 1).lease(3, 1);
    });
    case("deduplicated", 3, &|h| {
        h.enqueue(1).enqueue_as(2, 7).enqueue_as(2, 7).deduplicate(3, 7).enqueue_as(4, 8);
    });
    case("transaction_atomicity", 2, &|h| {
        h.enlist(7, 1).enqueue(1).commits(7).lease(1, 1).lease(1, 2);
    });
    case("fair", 2, &|h| {
        h.enqueue(1).lease(1, 1).requeue(1, Requeued::LeaseEnded).lease(1, 2).lease(2, 1);
    });
    case("no_loss", 1, &|h| {
        h.publish(1).enqueue(1).ok_nowhere(1).publish(2).enqueue(2).info(2).holds(2);
    });
    case("no_loss", 1, &|h| {
        h.publish(1).deduplicate(1, 7).ok_nowhere(1);
    });
    case("drains", 2, &|h| {
        h.enqueue(1).enqueue(2).lease(1, 1).ack(1, 1).healed();
    });
    case("no_phantom", 1, &|h| {
        h.enqueue(1).lease(1, 1);
    });
    case("recovers_within", 2, &|h| {
        h.enqueue(1).enqueue(2).healed();
    });
    // What is handed out is gone.
    let pops = || History::of_queue_that(|promises| promises.delivery = Delivery::AtMostOnce);
    let mut h = pops();
    h.publish(1).enqueue(1).ok_nowhere(1).publish(2).enqueue(2).ok_nowhere(2).lease(1, 1);
    all.push(("no_loss", 2, h));
    let mut h = pops();
    h.enqueue(1).lease(1, 1);
    all.push(("acknowledged_stays_gone", 1, h));
    all
}

/// Any record of queues.
pub(crate) fn nonsense(kind: u8, number: u64, partition: u32, name: u16) -> What {
    let (queue, message, event, count) = (Name(name % 3), number % 9, EventId(number), partition);
    match kind {
        0 => {
            let deduplication = number.is_multiple_of(2).then_some(number % 5);
            What::Enqueue { queue, message, event, group: partition % 4, deduplication }
        }
        1 => What::Deduplicate { queue, event, deduplication: number },
        2 => What::Lease { queue, message, event, consumer: Name(name), count, lasts: number },
        3 => What::Extend { queue, message, event, count, lasts: number },
        4 => What::AcknowledgeMessage { queue, message, event, count, phase: Phase::Invoke },
        5 => What::AcknowledgeMessage { queue, message, event, count, phase: Phase::Ok },
        6 => What::Requeue { queue, message, event, why: Requeued::LeaseEnded },
        7 => What::Remove { queue, message, event, why: Removed::Expired },
        _ => What::Refuse { queue, message, event, count, requeue: number.is_multiple_of(2) },
    }
}

/// What happens to a message of a correct queue.
#[derive(Clone, Debug)]
struct Life {
    group: u32,
    /// Its publish is indeterminate.
    indeterminate: bool,
    /// Another publish has its deduplication id.
    repeated: bool,
    /// How often it is handed out before it is done, and how each of these ends.
    before: Vec<Ended>,
    /// How its handling ends, if not by its deliveries being spent.
    last: Ended,
    /// Its lease is extended before.
    extended: bool,
}

/// How a delivery ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Acknowledged,
    /// The acknowledgement has arrived, and nobody heard so.
    Unheard,
    /// It has not.
    Unsaid,
    TimedOut,
    GivenBack,
    Refused,
    BrokerDied,
}

prop_compose! {
    fn life()(
        group in 0..3_u32, indeterminate in prop::bool::weighted(0.2), repeated in prop::bool::weighted(0.2),
        before in prop::collection::vec(
            prop::sample::select(vec![Ended::Unsaid, Ended::TimedOut, Ended::GivenBack, Ended::BrokerDied]), 0..3,
        ),
        last in prop::sample::select(vec![Ended::Acknowledged, Ended::Acknowledged, Ended::Unheard, Ended::Refused]),
        extended in any::<bool>(),
    ) -> Life {
        Life { group, indeterminate, repeated, before, last, extended }
    }
}

/// The history of a correct queue; and how many messages it took in.
fn correct(lives: &[Life]) -> (History, u64) {
    let mut h = History::of_queue();
    let mut message = 0;
    // Enough that ended ok at once for `available`.
    for event in 1_000..1_000 + 4 * lives.len() as u64 {
        h.publish(event).enqueue_as(event, event).ok_nowhere(event);
        h.lease(event, 1).apply(event, event).ack_begins(event, 1).ack(event, 1);
    }
    for life in lives {
        message += 1;
        h.publish(message).take_in(message, 10 + life.group, Some(message));
        if life.indeterminate {
            h.info(message);
        } else {
            h.ok_nowhere(message);
        }
        if life.repeated {
            let again = 500_000 + message;
            h.publish(again).deduplicate(again, message).ok_nowhere(again);
        }
        let mut count = 0;
        let mut applied = false;
        for ended in life.before.iter().chain([&life.last]) {
            count += 1;
            h.after(10).lease_to(message, count, 7 + (count % 2) as u16).after(10);
            if life.extended {
                h.after(LEASE / 2).extend(message, count);
            }
            let handled = !matches!(ended, Ended::GivenBack | Ended::Refused);
            if handled && !std::mem::replace(&mut applied, true) {
                h.apply(message, message);
            }
            match ended {
                Ended::Acknowledged => h.ack_begins(message, count).after(5).ack(message, count),
                Ended::Unheard => h.ack_begins(message, count).ack_unknown(message, count),
                Ended::Unsaid => {
                    h.ack_begins(message, count).ack_unknown(message, count).after(LEASE);
                    h.requeue(message, Requeued::LeaseEnded)
                }
                Ended::TimedOut => h.after(LEASE).requeue(message, Requeued::LeaseEnded),
                Ended::GivenBack => {
                    h.refuse(message, count, true).requeue(message, Requeued::Refused)
                }
                Ended::Refused => {
                    h.refuse(message, count, false).remove(message, Removed::DeadLettered)
                }
                Ended::BrokerDied => {
                    h.after(LEASE).crash(0).up(0);
                    // It has counted a delivery that nobody saw, if there is one left.
                    count += u32::from(life.before.len() < 2);
                    h.take_in(message, 10 + life.group, Some(message))
                }
            };
        }
    }
    h.healed().holds(0).converged();
    (h, message)
}

/// One lie.
#[derive(Clone, Copy, Debug)]
enum Lie {
    OutTwice,
    BackEarly,
    NeverBack,
    AcknowledgedAgain,
    CountsAnew,
    BeyondTheLimit,
    GivenUpEarly,
    Overtakes,
    RepetitionTakenIn,
    Swallowed,
    Lost,
    NeverTakenIn,
    RemovedByNoRule,
    Phantom,
    EffectTwice,
    Starves,
    StillOpen,
    NeverDone,
    HoldsSomething,
}

impl Lie {
    const ALL: [Self; 19] = [
        Self::OutTwice,
        Self::BackEarly,
        Self::NeverBack,
        Self::AcknowledgedAgain,
        Self::CountsAnew,
        Self::BeyondTheLimit,
        Self::GivenUpEarly,
        Self::Overtakes,
        Self::RepetitionTakenIn,
        Self::Swallowed,
        Self::Lost,
        Self::NeverTakenIn,
        Self::RemovedByNoRule,
        Self::Phantom,
        Self::EffectTwice,
        Self::Starves,
        Self::StillOpen,
        Self::NeverDone,
        Self::HoldsSomething,
    ];

    fn breaks(self) -> &'static str {
        match self {
            Self::OutTwice => "one_lease",
            Self::BackEarly | Self::NeverBack => "lease_respected",
            Self::AcknowledgedAgain => "acknowledged_stays_gone",
            Self::CountsAnew | Self::BeyondTheLimit | Self::GivenUpEarly => "delivery_count",
            Self::Overtakes => "group_order",
            Self::RepetitionTakenIn | Self::Swallowed => "deduplicated",
            Self::Lost | Self::NeverTakenIn | Self::RemovedByNoRule => "no_loss",
            Self::Phantom => "no_phantom",
            Self::EffectTwice => "idempotency",
            Self::Starves => "fair",
            Self::StillOpen => "transaction_atomicity",
            Self::NeverDone => "drains",
            Self::HoldsSomething => "converges",
        }
    }

    /// Tells it, of message 1000 which was acknowledged, and of one of its own.
    fn tell(self, h: &mut History) {
        const DONE: u64 = 1_000;
        const OWN: u64 = 777_777;
        match self {
            Self::OutTwice => h.publish(OWN).enqueue(OWN).lease(OWN, 1).lease_to(OWN, 2, 8),
            Self::BackEarly => {
                h.publish(OWN).enqueue(OWN).lease(OWN, 1).requeue(OWN, Requeued::LeaseEnded)
            }
            Self::NeverBack => {
                h.publish(OWN).enqueue(OWN).lease(OWN, 1).after(LEASE + LIMIT).deadline()
            }
            Self::AcknowledgedAgain => h.lease(DONE, 2),
            Self::CountsAnew => {
                h.enqueue(OWN).lease(OWN, 1).after(LEASE).crash(0).up(0).lease(OWN, 1)
            }
            Self::BeyondTheLimit => {
                for count in 1..=4 {
                    h.enqueue(OWN).lease(OWN, count).after(LEASE);
                }
                h
            }
            Self::GivenUpEarly => {
                h.enqueue(OWN).lease(OWN, 1).after(LEASE).remove(OWN, Removed::DeadLettered)
            }
            Self::Overtakes => {
                h.enqueue(OWN).enqueue(OWN + 1).lease(OWN, 1).lease_to(OWN + 1, 1, 8)
            }
            Self::RepetitionTakenIn => h.enqueue_as(OWN, OWN).enqueue_as(OWN + 1, OWN),
            Self::Swallowed => h.deduplicate(OWN, OWN),
            Self::Lost => h.publish(OWN).enqueue(OWN).ok_nowhere(OWN).holds(0),
            Self::NeverTakenIn => h.publish(OWN).ok_nowhere(OWN),
            Self::RemovedByNoRule => {
                h.publish(OWN).enqueue(OWN).ok_nowhere(OWN).remove(OWN, Removed::Expired)
            }
            Self::Phantom => h.enqueue(OWN),
            Self::EffectTwice => h.apply(DONE, DONE),
            Self::StillOpen => h.enlist(7, OWN).enqueue(OWN).lease(OWN, 1).commits(7),
            Self::Starves => {
                // More than one in ten.
                for message in OWN..OWN + 100 {
                    h.enqueue_in(message, message as u32);
                }
                h.after(1).enqueue_in(OWN + 100, 1).lease(OWN + 100, 1).after(LIMIT + 1);
                for message in OWN..OWN + 100 {
                    h.lease(message, 1);
                }
                h
            }
            Self::NeverDone => h.publish(OWN).enqueue(OWN).ok_nowhere(OWN).holds(1).deadline(),
            Self::HoldsSomething => {
                let converged =
                    h.records().iter().rposition(|record| record.what.kind() == "converged");
                h.without(converged.unwrap()).holds(1).deadline()
            }
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_correct_history_of_a_queue_breaks_nothing(lives in prop::collection::vec(life(), 1..30)) {
        let (h, _) = correct(&lives);
        prop_assert_eq!(h.broken(), Vec::<&str>::new());
    }

    #[test]
    fn one_lie_of_a_queue_breaks_its_invariant(
        lives in prop::collection::vec(life(), 1..10),
        lie in prop::sample::select(&Lie::ALL[..]),
    ) {
        let (mut h, _) = correct(&lives);
        lie.tell(&mut h);
        prop_assert!(h.broken().contains(&lie.breaks()), "{:?}: {:?}", lie, h.broken());
    }
}

#[test]
fn each_invariant_of_queues_has_a_lie() {
    let known: Vec<&str> = Lie::ALL.iter().map(|lie| lie.breaks()).collect();
    for (name, ..) in facts() {
        assert!(known.contains(&name) || name == "recovers_within", "{name}");
    }
}
