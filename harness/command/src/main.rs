//! The `squall` command for the embedded reference system, and for brokers that it knows by name.

use squall::KnownSystem;
use std::{process::ExitCode, sync::Arc};

#[cfg(feature = "brokers")]
fn known() -> Vec<KnownSystem> {
    let known = |system: &squall_systems::System| KnownSystem {
        name: system.name,
        description: system.description,
        client: system.client,
        scenarios: system.scenarios,
        install: system.install,
    };
    squall_systems::SYSTEMS.iter().map(known).collect()
}

#[cfg(not(feature = "brokers"))]
fn known() -> Vec<KnownSystem> {
    Vec::new()
}

fn main() -> ExitCode {
    squall::main_with(Arc::new(squall_command::ReferenceSystem), &known())
}
