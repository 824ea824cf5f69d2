//! Reading YAML: text to a tree whose every value knows its place, and walking that tree so that all mistakes of a
//! file are told at once, each where it is.
//!
//! This room knows YAML, units and mistakes. It knows no scenario, no fault and no system under test.
//!
//! The card of this project names `serde_yaml`. It is archived: it has no spans, wants `!Tag` for enums
//! and lets a duplicate key win silently. Under its key stands serde-saphyr, which has spans, refuses
//! duplicate keys and alias bombs, and does not panic on any input that was tried. It is used in
//! `tree.rs` alone.

mod diagnostic;
mod grammar;
mod node;
mod reader;
mod tree;
mod twins;
pub(crate) mod value;

pub use diagnostic::{Diagnostic, Problems, Span};
pub(crate) use node::{Key, Node, Value};
pub(crate) use reader::{Fields, Reader, Words, choices, nearest};
pub(crate) use tree::{MAX_FILE, Tree, parse, too_large};
