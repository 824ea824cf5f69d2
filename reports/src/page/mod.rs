//! What every page of HTML is made by: one file that loads nothing, light and dark, and the parts that several pages
//! have.
//!
//! Bodies are filled templates, which escape what stands in them; foreign texts go through `text` before.

pub(crate) mod charts;
pub(crate) mod fill;
pub(crate) mod gauges;
pub(crate) mod story;
pub(crate) mod verdicts;
mod whole;

pub(crate) use fill::fill;
pub(crate) use whole::Page;
