//! When the events come that a fault publishes beside the workload.

use crate::{plan::Micros, stream::Stream};

/// When to publish, in microseconds from now, so that the rate goes in a straight line from `first` times `rate` to
/// `last` times `rate` (events a second) in `lasting`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
pub(crate) fn along_a_line(
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
