//! What the command's exit codes mean. They stay as they are.

/// Everything passed; or there was nothing to judge, and what was asked for was done.
pub const PASSED: u8 = 0;

/// A run failed, was vacuous, unstable or errored, a comparison found a regression, a known defect was not
/// noticed, or the batch was interrupted.
pub const NOT_PASSED: u8 = 1;

/// Bad usage, or bad input: nothing was run.
pub const BAD_INPUT: u8 = 2;

/// The harness itself failed.
pub const BROKEN: u8 = 3;

/// A second interrupt ended the process at once: 128 and the number of SIGINT, as shells have it.
pub const INTERRUPTED: u8 = 130;
