//! The `squall` command, built as the bench is.

fn main() -> std::process::ExitCode {
    squall::main(std::sync::Arc::new(squall_command::ReferenceSystem))
}
