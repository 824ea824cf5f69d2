//! `deduplicated`: of publishes with one deduplication id within the window one becomes a message, and one that comes after
//! the window does, too.
//!
//! Amazon SQS Developer Guide, Exactly-once processing and Using the message deduplication ID (an interval of 5 minutes,
//! from the first); NATS JetStream, Message Deduplication (`Nats-Msg-Id`, 2 minutes). Jepsen's total-queue checker calls the
//! first mistake a duplicate, and the second a loss.
//!
//! The window is counted in virtual time from when the queue took the first in, give or take the tolerance that is promised.

use super::{
    dense::ByMessage,
    evidence::Evidence,
    fold::End,
    invariant::{Entry, Findings, Invariant, Layer},
    promised,
    promises::Deduplication,
    setup::Setup,
    time::seconds,
    variants::{Variants, heard},
};
use squall_probe::{Name, What};
use std::collections::BTreeMap;

pub(super) const ENTRY: Entry = Entry {
    name: "deduplicated",
    about: "A publish that is repeated within the window becomes one message, and no other is swallowed.",
    safety: true,
    layer: Layer::Log,
    needs: &[&["Enqueue"], &["Deduplicate"]],
    promise: Some(promised::QUEUE_ONCE),
    limit: None,
    judged: "each message with a deduplication id, and each publish that was taken for a repetition",
    make,
};

fn make(setup: &Setup) -> Option<Box<dyn Invariant>> {
    let queue = setup.promises.queue()?;
    let window = match setup.promises.deduplication {
        Deduplication::None => return None,
        Deduplication::Window(window) => Some(window.as_micros() as u64),
        Deduplication::Always => None,
    };
    Some(Box::new(Deduplicated {
        window,
        tolerance: queue.tolerance.as_micros() as u64,
        messages: ByMessage::default(),
        ids: BTreeMap::new(),
        findings: Findings::default(),
    }))
}

struct Deduplicated {
    /// In microseconds; `None` if ids are remembered for ever.
    window: Option<u64>,
    /// In microseconds.
    tolerance: u64,
    /// Messages that are known: a queue tells of them again when it starts.
    messages: ByMessage<bool>,
    /// By queue and id, the message that was taken in last.
    ids: BTreeMap<(Name, u64), (u64, Evidence)>,
    findings: Findings,
}

impl Invariant for Deduplicated {
    fn hears(&self) -> Variants {
        heard![Deduplicate, Enqueue]
    }

    #[inline(always)]
    fn record(&mut self, evidence: &Evidence) {
        let at = evidence.record.at;
        match evidence.record.what {
            What::Enqueue { queue, message, event, deduplication: Some(id), .. } => {
                if std::mem::replace(self.messages.entry(queue, message), true) {
                    return;
                }
                self.findings.judged(1);
                let before = self.ids.insert((queue, id), (message, *evidence));
                let Some((other, first)) = before else { return };
                let since = at.saturating_sub(first.record.at);
                if self.window.is_none_or(|window| since.saturating_add(self.tolerance) < window) {
                    self.findings.add(
                        || {
                            format!(
                                "m{other} and m{message} (e{}) have one deduplication id, {id}, and are {} \
                                 apart",
                                event.0,
                                seconds(since)
                            )
                        },
                        || vec![first, *evidence],
                    );
                }
            }
            What::Deduplicate { queue, event, deduplication: id } => {
                self.findings.judged(1);
                let Some((_, first)) = self.ids.get(&(queue, id)).copied() else {
                    self.findings.add(
                        || {
                            format!(
                                "e{} was taken for a repetition, and nothing with its deduplication id, {id}, \
                                 was taken in before",
                                event.0
                            )
                        },
                        || vec![*evidence],
                    );
                    return;
                };
                let since = at.saturating_sub(first.record.at);
                let window =
                    self.window.filter(|window| since > window.saturating_add(self.tolerance));
                if let Some(window) = window {
                    self.findings.add(
                        || {
                            format!(
                                "e{} was taken for a repetition {} after the first with deduplication id {id}, \
                                 and the window is {}",
                                event.0,
                                seconds(since),
                                seconds(window)
                            )
                        },
                        || vec![first, *evidence],
                    );
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &End<'_>) -> Findings {
        std::mem::take(&mut self.findings)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Deduplication, testing::*, testing_queues::WINDOW};

    #[test]
    fn a_repetition_becomes_a_message() {
        let mut h = History::of_queue();
        h.enqueue_as(1, 7).after(WINDOW - 100_001).enqueue_as(2, 7);
        assert_eq!(
            h.violations("deduplicated"),
            ["m1 and m2 (e2) have one deduplication id, 7, and are 4.899s apart [0, 1]"]
        );
        let mut h = History::of_queue_that(|promises| {
            promises.deduplication = Deduplication::Always;
        });
        h.enqueue_as(1, 7).after(9 * WINDOW).enqueue_as(2, 7);
        assert_eq!(h.violations("deduplicated").len(), 1);
    }

    #[test]
    fn something_new_is_swallowed() {
        let mut h = History::of_queue();
        h.enqueue_as(1, 7).after(WINDOW + 100_001).deduplicate(2, 7);
        assert_eq!(
            h.violations("deduplicated"),
            [
                "e2 was taken for a repetition 5.100s after the first with deduplication id 7, and the window \
                 is 5.000s [0, 1]"
            ]
        );
        let mut h = History::of_queue();
        h.enqueue_as(1, 7).deduplicate(2, 8);
        assert_eq!(
            h.violations("deduplicated"),
            [
                "e2 was taken for a repetition, and nothing with its deduplication id, 8, was taken in before \
                 [1]"
            ]
        );
    }

    #[test]
    fn within_and_outside_of_the_window() {
        let mut h = History::of_queue();
        h.enqueue_as(1, 7).after(WINDOW + 100_000).deduplicate(2, 7).enqueue_as(3, 7);
        // The window begins with the last that became a message.
        h.after(WINDOW).deduplicate(4, 7).enqueue_as(5, 7).enqueue_as(6, 8).enqueue(7).enqueue(8);
        // It is told again after a restart.
        h.crash(0).up(0).enqueue_as(6, 8);
        assert_eq!(h.violations("deduplicated"), [] as [&str; 0]);
    }
}
