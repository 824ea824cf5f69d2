//! One direction between two nodes: its rule, what waits on it, and what happened.

use super::rule::{Counters, Rule};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// How many bytes may wait: held, or under way.
const ROOM: usize = 16 << 20;
/// How long a packet may wait for room in a narrow link.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Link {
    pub rule: Rule,
    pub counters: Counters,
    draws: ChaCha8Rng,
    /// When the last of those that keep their order is to arrive.
    last: Option<Instant>,
    /// Until when what was let through before fills the link.
    busy: Option<Instant>,
    /// Packets that were sent and have neither arrived nor got lost, and their bytes.
    waiting: usize,
    bytes: usize,
    held: VecDeque<Vec<u8>>,
    /// Those kept back that nobody has overtaken yet.
    kept_back: Vec<u64>,
}

/// A copy of a packet that is to arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    pub due: Instant,
    /// Later ones may overtake it.
    pub kept_back: bool,
}

impl Link {
    pub(super) fn new(seed: u64, from: u8, to: u8) -> Self {
        let mut full = [0; 32];
        full[..8].copy_from_slice(&seed.to_le_bytes());
        full[8..10].copy_from_slice(&[from, to]);
        Self {
            rule: Rule::default(),
            counters: Counters::default(),
            draws: ChaCha8Rng::from_seed(full),
            last: None,
            busy: None,
            waiting: 0,
            bytes: 0,
            held: VecDeque::new(),
            kept_back: Vec::new(),
        }
    }

    /// Whether a packet passes at once, with nothing to decide and nobody to overtake.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting == 0 && self.rule.is_idle()
    }

    /// A draw for each share, also for zero and one, would shift all later ones; those are no draws.
    fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && self.draws.random::<f64>() < share
    }

    /// A packet was sent: when it is to arrive, each time. Each of them is followed by `left` one day.
    pub(super) fn sent(&mut self, now: Instant, length: usize) -> Vec<Arrival> {
        if self.rule.cut {
            self.counters.cut += 1;
            return Vec::new();
        }
        if self.happens(self.rule.lose) {
            self.counters.lost += 1;
            return Vec::new();
        }
        let mut arrivals = Vec::new();
        arrivals.extend(self.under_way(now, length));
        if !arrivals.is_empty() && self.happens(self.rule.duplicate) {
            let again = self.under_way(now, length);
            self.counters.duplicated += u64::from(again.is_some());
            arrivals.extend(again);
        }
        arrivals
    }

    fn under_way(&mut self, now: Instant, length: usize) -> Option<Arrival> {
        let mut due = now;
        if let Some(rate) = self.rule.bytes_per_second {
            let begin = self.busy.map_or(now, |busy| busy.max(now));
            if begin - now > PATIENCE {
                self.counters.overflowed += 1;
                return None;
            }
            self.counters.throttled += u64::from(begin > now);
            due = begin + Duration::from_secs_f64(length as f64 / rate.max(1) as f64);
            self.busy = Some(due);
        }
        if self.bytes + length > ROOM {
            self.counters.overflowed += 1;
            return None;
        }
        let (least, most) = self.rule.delay;
        if most > Duration::ZERO {
            due += if least < most { self.draws.random_range(least..=most) } else { most };
            self.counters.delayed += 1;
        }
        due = self.last.map_or(due, |last| last.max(due));
        let kept_back = self.happens(self.rule.reorder);
        if kept_back {
            due += Duration::from_micros(self.draws.random_range(1_000..=10_000));
        } else {
            self.last = Some(due);
        }
        self.waiting += 1;
        self.bytes += length;
        Some(Arrival { due, kept_back })
    }

    /// Packet `number` of this link is kept back.
    pub(super) fn keep_back(&mut self, number: u64) {
        self.kept_back.push(number);
    }

    /// The time has come for packet `number`: whether it may arrive. If not, it is lost, or waits to be released.
    pub(super) fn due(&mut self, number: u64, packet: Vec<u8>) -> Option<Vec<u8>> {
        self.kept_back.retain(|kept| *kept != number);
        if self.rule.cut {
            self.left(&packet);
            self.counters.cut += 1;
            return None;
        }
        if self.rule.hold {
            self.counters.held += 1;
            self.held.push_back(packet);
            return None;
        }
        self.left(&packet);
        let before = self.kept_back.len();
        self.kept_back.retain(|kept| *kept > number);
        self.counters.reordered += (before - self.kept_back.len()) as u64;
        Some(packet)
    }

    fn left(&mut self, packet: &[u8]) {
        self.waiting -= 1;
        self.bytes -= packet.len();
    }

    /// What was held and is not any more; each is due now.
    pub(super) fn released(&mut self, now: Instant) -> VecDeque<Vec<u8>> {
        if self.rule.hold {
            return VecDeque::new();
        }
        self.last = self.last.map(|last| last.max(now));
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn link(rule: Rule) -> Link {
        Link { rule, ..Link::new(1, 1, 2) }
    }

    #[test]
    fn order_is_kept_whatever_the_delays() {
        let mut link = link(Rule { delay: (MS, 50 * MS), ..Rule::default() });
        let start = Instant::now();
        let due: Vec<_> = (0..100).map(|at| link.sent(start + at * MS, 10)[0].due).collect();
        assert!(due.is_sorted());
        assert!((0..100).all(|at| due[at as usize] >= start + at * MS + MS));
        assert!(due[99] <= start + 149 * MS);
        assert_eq!(link.counters.delayed, 100);
        // Nor does what comes after the fault overtake it.
        link.rule = Rule::default();
        assert!(!link.is_idle());
        assert!(link.sent(start + 99 * MS, 10)[0].due >= due[99]);
    }

    #[test]
    fn shares_are_met() {
        let mut link = link(Rule { lose: 0.3, duplicate: 0.5, ..Rule::default() });
        let now = Instant::now();
        let arrived: usize = (0..10_000).map(|_| link.sent(now, 1).len()).sum();
        let Counters { lost, duplicated, .. } = link.counters;
        assert!((2850..3150).contains(&lost), "{lost}");
        assert!((3300..3700).contains(&duplicated), "{duplicated}");
        assert_eq!(arrived as u64, 10_000 - lost + duplicated);
    }

    #[test]
    fn a_narrow_link_takes_its_time_and_loses_what_would_wait_too_long() {
        let mut link = link(Rule { bytes_per_second: Some(1000), ..Rule::default() });
        let now = Instant::now();
        let due: Vec<_> = (0..20)
            .filter_map(|_| link.sent(now, 100).first().copied())
            .map(|a| a.due - now)
            .collect();
        assert_eq!(due, (1..=11).map(|n| n * 100 * MS).collect::<Vec<_>>());
        assert_eq!((link.counters.throttled, link.counters.overflowed), (10, 9));
    }

    #[test]
    fn reordering_is_felt_when_somebody_overtakes() {
        let mut link = link(Rule { reorder: 1.0, ..Rule::default() });
        let now = Instant::now();
        let first = link.sent(now, 1)[0];
        assert!(first.kept_back && first.due >= now + MS);
        link.keep_back(1);
        link.rule = Rule::default();
        let second = link.sent(now, 1)[0];
        assert_eq!(second, Arrival { due: now, kept_back: false });
        assert_eq!(link.counters.reordered, 0);
        assert_eq!(link.due(2, vec![2]), Some(vec![2]));
        assert_eq!(link.counters.reordered, 1);
        assert_eq!(link.due(1, vec![1]), Some(vec![1]));
        assert_eq!(link.counters.reordered, 1);
        assert!(link.is_idle());
    }

    #[test]
    fn what_is_held_comes_in_order_and_what_is_cut_does_not_come() {
        let mut link = link(Rule { hold: true, ..Rule::default() });
        let now = Instant::now();
        for number in 0..3 {
            link.sent(now, 1);
            assert_eq!(link.due(number, vec![number as u8]), None);
        }
        assert!(link.released(now).is_empty());
        link.rule = Rule::default();
        assert_eq!(link.released(now), [vec![0], vec![1], vec![2]]);
        link.rule = Rule::cut();
        assert!(link.sent(now, 1).is_empty());
        assert_eq!(link.due(0, vec![0]), None);
        assert_eq!((link.counters.held, link.counters.cut), (3, 2));
    }
}
