//! Parameters: what each is called, its type with unit and bounds, its default, and what a step gave to it.

mod given;
mod param;

pub use given::{Given, Value};
pub use param::*;
