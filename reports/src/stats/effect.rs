//! How large a difference is: the shift of Hodges and Lehmann with its interval, and the measure of
//! superiority of Vargha and Delaney.
//!
//! Callers give logarithms, so that a shift is a ratio. Of a value that is only known to be larger than
//! something (see `ranks.rs`), the difference to one that is surely less is infinite; to any other it is
//! not known, and left out.

use crate::stats::{
    basics::Z,
    ranks::{Sorted, Value},
};

/// Values a side beyond which order statistics at even distances stand for all.
const MANY: usize = 1_000;

/// A shift and where it lies, with 95 % confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Shift {
    pub middle: f64,
    pub low: f64,
    pub high: f64,
}

/// The share of pairs in which head is larger than base, counted half where they are equal or it is not
/// known (Vargha and Delaney, "A critique and improvement of the CL common language effect size
/// statistics", 2000). Cliff's delta is twice this, less one.
pub(crate) fn order_of_superiority(base: &[Value], head: &[Value]) -> f64 {
    if base.is_empty() || head.is_empty() {
        return 0.5;
    }
    let sorted = Sorted::of(base);
    let halves: usize = head
        .iter()
        .map(|value| {
            let (less, more) = sorted.around(*value);
            base.len() + less - more
        })
        .sum();
    halves as f64 / 2.0 / (base.len() as f64 * head.len() as f64)
}

/// From base to head: the median of all differences that are known, and the order statistics of them
/// that the test of Mann and Whitney does not refuse (Hodges and Lehmann 1963; Hollander and Wolfe,
/// "Nonparametric statistical methods", 4.2 and 4.3).
pub(crate) fn shift(base: &[Value], head: &[Value]) -> Option<Shift> {
    let (m, n) = (base.len() as f64, head.len() as f64);
    let (base, head) = (thinned(base, order), thinned(head, order));
    let differences: Vec<f64> = head
        .iter()
        .flat_map(|head| base.iter().filter_map(move |base| difference(*base, *head)))
        .collect();
    // As a share of all differences, the rank of the lower bound.
    let outside = 0.5 - Z * ((m + n + 1.0) / (12.0 * m * n)).sqrt();
    between(differences, outside)
}

/// As [`shift`], of differences of pairs: the median of their means two by two (Walsh averages), and
/// the order statistics that the signed-rank test does not refuse (ibid., 3.2 and 3.3).
pub(crate) fn shift_paired(differences: &[f64]) -> Option<Shift> {
    let n = differences.len() as f64;
    let some = thinned(differences, f64::total_cmp);
    let mut means = Vec::with_capacity(some.len() * (some.len() + 1) / 2);
    for (place, one) in some.iter().enumerate() {
        means.extend(some.iter().skip(place).map(|other| mean(*one, *other)));
    }
    let outside = 0.5 - Z * ((2.0 * n + 1.0) / (6.0 * n * (n + 1.0))).sqrt();
    between(means, outside)
}

/// `head - base`: infinite if one of them is beyond the other, none if that is not known.
pub(crate) fn difference(base: Value, head: Value) -> Option<f64> {
    match (base.known, head.known) {
        (true, true) => Some(head.at - base.at),
        (false, true) if head.at <= base.at => Some(f64::NEG_INFINITY),
        (true, false) if base.at <= head.at => Some(f64::INFINITY),
        _ => None,
    }
}

fn order(a: &Value, b: &Value) -> std::cmp::Ordering {
    a.known.cmp(&b.known).then(a.at.total_cmp(&b.at))
}

fn mean(a: f64, b: f64) -> f64 {
    let mean = a / 2.0 + b / 2.0;
    // Without bound in both directions.
    if mean.is_nan() { 0.0 } else { mean }
}

fn thinned<T: Copy>(values: &[T], order: impl Fn(&T, &T) -> std::cmp::Ordering) -> Vec<T> {
    let mut sorted = values.to_vec();
    sorted.sort_by(order);
    if sorted.len() <= MANY {
        return sorted;
    }
    (0..MANY).filter_map(|i| sorted.get((2 * i + 1) * sorted.len() / (2 * MANY))).copied().collect()
}

/// The median, and what lies `outside` of all values from either end.
fn between(mut values: Vec<f64>, outside: f64) -> Option<Shift> {
    let last = values.len().checked_sub(1)?;
    // A cast from below zero, or from no number, is zero: then the ends are the bounds.
    let cut = ((values.len() as f64 * outside).floor() as usize).min(last / 2);
    let half = last / 2;
    // What is below the median holds the lower bound, and what is above it the upper one.
    let (below, middle, above) = values.select_nth_unstable_by(half, f64::total_cmp);
    let lower = *middle;
    let select = |part: &mut [f64], place: usize| {
        if place < part.len() {
            *part.select_nth_unstable_by(place, f64::total_cmp).1
        } else {
            lower
        }
    };
    let upper =
        if last % 2 == 0 { lower } else { above.iter().copied().fold(f64::INFINITY, f64::min) };
    let low = select(below, cut);
    // The median itself is in neither part.
    let high = (last - cut).checked_sub(half + 1).map_or(lower, |place| select(above, place));
    Some(Shift { middle: mean(lower, upper), low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64, within: f64) {
        assert!((a - b).abs() <= within, "{a} is not {b}");
    }

    fn known(values: &[f64]) -> Vec<Value> {
        values.iter().copied().map(Value::known).collect()
    }

    fn shift_of_known(base: &[f64], head: &[f64]) -> Option<Shift> {
        shift(&known(base), &known(head))
    }

    #[test]
    fn shifts_as_published() {
        // Hollander and Wolfe, example 3.1 (Hamilton depression scale, 9 patients; differences): the
        // estimate is -0.46, and the 96.1 % interval from -0.786 to -0.010.
        let hamilton = [-0.952, 0.147, -1.022, -0.43, -0.62, -0.59, -0.49, 0.08, -0.01];
        let shift_of = shift_paired(&hamilton).unwrap();
        near(shift_of.middle, -0.46, 5e-4);
        near(shift_of.low, -0.786, 5e-4);
        near(shift_of.high, -0.010, 5e-4);
        // Ibid., example 4.1 (permeability of the human chorioamnion): the estimate is -0.305, the
        // 95 % interval -0.76 to 0.15.
        let term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
        let early = [1.15, 0.88, 0.90, 0.74, 1.21];
        let shift_of = shift_of_known(&term, &early).unwrap();
        near(shift_of.middle, -0.305, 5e-4);
        near(shift_of.low, -0.76, 5e-4);
        near(shift_of.high, 0.15, 5e-4);
    }

    #[test]
    fn what_is_beyond_a_value_is_infinitely_far_from_it() {
        let inf = f64::INFINITY;
        assert_eq!(shift(&[], &known(&[1.0])), None);
        assert_eq!(shift_paired(&[]), None);
        let never = [Value::above(5.0); 3];
        assert_eq!(shift(&never, &never), None, "nothing is known");
        assert_eq!(shift(&never, &known(&[6.0; 3])), None);
        assert_eq!(shift(&known(&[1.0, 2.0, 3.0]), &never).unwrap().middle, inf);
        assert_eq!(shift(&never, &known(&[1.0, 2.0, 3.0])).unwrap().middle, -inf);
        assert_eq!(shift_paired(&[inf, -inf, 0.0]).unwrap().middle, 0.0);
        let few = [known(&[2.0; 45]).as_slice(), &[Value::above(5.0); 5]].concat();
        let few = shift(&known(&[1.0; 50]), &few).unwrap();
        assert_eq!((few.middle, few.low, few.high), (1.0, 1.0, 1.0));
    }

    #[test]
    fn many_values_are_thinned_without_moving_the_shift() {
        let base: Vec<f64> = (0..5_000).map(|i| f64::from(i) / 5_000.0).collect();
        let head: Vec<f64> = base.iter().map(|value| value + 0.25).collect();
        let shift_of = shift_of_known(&base, &head).unwrap();
        near(shift_of.middle, 0.25, 1e-3);
        assert!(shift_of.low > 0.23 && shift_of.high < 0.27, "{shift_of:?}");
    }

    #[test]
    fn superiority_counts_equal_and_unknown_ones_half() {
        let of = |base: &[f64], head: &[f64]| order_of_superiority(&known(base), &known(head));
        near(of(&[1.0, 2.0], &[3.0, 4.0]), 1.0, 0.0);
        near(of(&[1.0, 2.0], &[1.0, 2.0]), 0.5, 0.0);
        near(of(&[2.0], &[1.0]), 0.0, 0.0);
        near(of(&[], &[1.0]), 0.5, 0.0);
        let never = [Value::above(5.0)];
        near(order_of_superiority(&never, &known(&[6.0])), 0.5, 0.0);
        near(order_of_superiority(&never, &known(&[5.0])), 0.0, 0.0);
        near(order_of_superiority(&known(&[1.0]), &never), 1.0, 0.0);
    }
}
