//! When the events come that a fault publishes beside the workload.

use crate::{injection::Load, plan::Micros, stream::Stream};
use std::time::Duration;

/// When a fault that begins `now` publishes what it adds to a workload of `rate` events a second: in order, in
/// microseconds since the run began. `micros` says how long a time of the scenario takes.
pub(crate) fn load_times(
    load: Load,
    rate: f64,
    now: Micros,
    micros: impl Fn(Duration) -> Micros,
    stream: &mut Stream,
) -> Vec<Micros> {
    let mut after = match load {
        Load::Rate { first, last, lasting } => {
            along_a_line(rate, first, last, micros(lasting), stream)
        }
        Load::Events { count, within } => {
            let within = micros(within).max(1);
            (0..count).map(|_| stream.between(0, within - 1)).collect()
        }
    };
    after.sort_unstable();
    after.into_iter().map(|after| now + after).collect()
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
    use crate::plan::micros;

    const SECOND: Micros = 1_000_000;

    #[test]
    fn a_load_begins_when_its_fault_does_and_its_times_are_those_of_its_world() {
        let slowly = |time: Duration| 100 * micros(time);
        let within = Duration::from_secs(1);
        for load in [
            Load::Events { count: 1_000, within },
            Load::Rate { first: 1.0, last: 1.0, lasting: within },
        ] {
            let mut stream = Stream::new(1, "test", &[]);
            let times = load_times(load, 10.0, 7 * SECOND, slowly, &mut stream);
            assert_eq!(times.len(), 1_000, "{load:?}");
            assert!(times.is_sorted() && times[0] >= 7 * SECOND, "{load:?}");
            let last = times.last().expect("there are a thousand") - 7 * SECOND;
            assert!((95 * SECOND..100 * SECOND).contains(&last), "{load:?}: {last}");
        }
    }

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
