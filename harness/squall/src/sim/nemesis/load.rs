//! Faults that are a load: publishes beside the workload, and publishes that no consumer can handle.

use super::{base::Nemesis, state::Act};
use crate::{plan::Micros, stream::Stream, system::Poison};

impl Nemesis<'_> {
    /// A share of the publishes is poison from now on.
    pub(super) fn poison_publishes(&self, share: f64, kind: Option<Poison>, act: &Act) {
        self.clients.borrow_mut().poison(act.id, act.draw, share, kind);
    }

    /// Publishes beside the workload: `first` times its rate at first, `last` times at last, evenly more or less in
    /// between.
    pub(super) fn add_load(&mut self, first: f64, last: f64, lasting: Micros, act: &mut Act) {
        let times = along_a_line(self.plan.workload.rate, first, last, lasting, &mut act.stream);
        self.publish_beside(&times, act);
    }

    /// Publishes `count` events beside the workload, at times drawn from `within`.
    pub(super) fn add_events(&mut self, count: u32, within: Micros, act: &mut Act) {
        let mut times: Vec<Micros> =
            (0..count).map(|_| act.stream.between(0, within.max(1) - 1)).collect();
        times.sort_unstable();
        self.publish_beside(&times, act);
    }

    fn publish_beside(&mut self, after: &[Micros], act: &mut Act) {
        let now = self.now();
        let workload = &self.plan.workload;
        let mut keys = Stream::new(act.draw, "key", &[]);
        let orders = after.iter().map(|after| {
            let key = keys.between(0, u64::from(workload.keys.max(1)) - 1);
            (now + after, u32::try_from(key).expect("below a u32"), workload.size)
        });
        self.clients.borrow_mut().publish_beside(act.id.step, orders);
    }
}

/// When to publish, in microseconds from now, so that the rate goes in a straight line from `first` times `rate` to
/// `last` times `rate` (events a second) in `lasting`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn along_a_line(
    rate: f64,
    first: f64,
    last: f64,
    lasting: Micros,
    stream: &mut Stream,
) -> Vec<Micros> {
    let seconds = lasting as f64 / 1e6;
    let count = (rate * seconds * (first + last) / 2.0).round().max(1.0);
    (0..count as u64)
        .map(|index| {
            // Where the area under the line from `first` to `last` has come to this share.
            let share = (index as f64 + stream.share()) / count;
            let (a, b) = ((last - first) / 2.0, first);
            let area = share * (a + b);
            let x =
                if a == 0.0 { share } else { ((b * b + 4.0 * a * area).sqrt() - b) / (2.0 * a) };
            (x.clamp(0.0, 1.0) * lasting as f64) as Micros
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Micros = 1_000_000;

    fn halves(first: f64, last: f64) -> (usize, usize) {
        let mut stream = Stream::new(1, "test", &[]);
        let times = along_a_line(1_000.0, first, last, SECOND, &mut stream);
        assert!(times.is_sorted() && times.iter().all(|at| *at <= SECOND));
        let early = times.iter().filter(|at| **at < SECOND / 2).count();
        (early, times.len() - early)
    }

    #[test]
    fn a_spike_is_even_and_a_ramp_has_three_quarters_of_its_load_in_the_second_half() {
        assert_eq!(halves(2.0, 2.0), (1_000, 1_000));
        assert_eq!(halves(0.0, 2.0), (250, 750));
        assert_eq!(halves(2.0, 0.0), (750, 250));
    }

    #[test]
    fn however_small_a_load_it_is_one_event() {
        let mut stream = Stream::new(1, "test", &[]);
        assert_eq!(along_a_line(0.1, 1.0, 1.0, SECOND, &mut stream).len(), 1);
    }
}
