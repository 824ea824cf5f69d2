//! A number of reports in a row: how the pass rate, the recovery and the latency went from version to
//! version.

mod human;
mod model;
mod page;
mod svg;
#[cfg(test)]
mod tests;

pub use model::{Trend, TrendPoint, trend};
