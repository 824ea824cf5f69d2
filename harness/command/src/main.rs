//! The `squall` command for the embedded reference system, and for brokers that it knows by name.

use squall::KnownSystem;
use std::{process::ExitCode, sync::Arc};

#[cfg(feature = "brokers")]
const KNOWN: &[KnownSystem] = squall_systems::SYSTEMS;

#[cfg(not(feature = "brokers"))]
const KNOWN: &[KnownSystem] = &[];

fn main() -> ExitCode {
    squall::main_with(Arc::new(squall_command::ReferenceSystem), KNOWN)
}
