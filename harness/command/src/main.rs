//! The `squall` command for the embedded reference system.

use std::{process::ExitCode, sync::Arc};

fn main() -> ExitCode {
    squall::main(Arc::new(squall_command::ReferenceSystem))
}
