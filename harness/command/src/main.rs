//! The `squall` command for the embedded reference system, and for brokers that it knows by name.

use squall::KnownSystem;
use squall_systems::{SYSTEMS, System};
use std::{process::ExitCode, sync::Arc};

fn main() -> ExitCode {
    let known = |system: &System| KnownSystem {
        name: system.name,
        description: system.description,
        client: system.client,
        scenarios: system.scenarios,
        install: system.install,
    };
    let known: Vec<KnownSystem> = SYSTEMS.iter().map(known).collect();
    squall::main_with(Arc::new(squall_command::ReferenceSystem), &known)
}
