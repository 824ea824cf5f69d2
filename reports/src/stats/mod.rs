//! The statistics of comparisons, each checked against a published table in its tests.
//!
//! Distributions come from `statrs`. Its tests do not: version 0.19.1's `fishers_exact` searches the
//! far tail by bisection and can miss it (500 of 1,000 against 450 of 1,000: it says p = 0.496, and
//! the sum over all tables is 0.028), and its `mannwhitneyu` has no exact distribution when values
//! are tied. `McNemar`, Wilcoxon's signed ranks, Wilson's interval and Holm's correction it does not
//! have. So they are here, short, and draw nothing at random: the same data give the same answer.
//!
//! Nothing here panics: no data, one value or equal values give a test that can say nothing (p = 1).

mod basics;
mod effect;
mod family;
mod power;
mod proportion;
mod ranks;

pub use basics::Interval;
pub(crate) use basics::{NUMBERS, Test, VERDICTS, Z, upper_median};
pub(crate) use effect::{difference, order_of_superiority, shift, shift_paired};
pub(crate) use family::{Family, holm};
pub(crate) use power::{clean_runs, clean_runs_believed, detectable_drop, only_then, shows_by};
pub(crate) use proportion::{Stratum, fisher, mcnemar, pooled, wilson};
pub(crate) use ranks::{Difference, Value, mann_whitney, wilcoxon};
