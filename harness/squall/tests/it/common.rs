//! Running a command, for the tests of it. The tests in `harness/command` use this file as well.

use std::{
    path::Path,
    process::{Command, Output},
};

/// The root of the repository, from the folder of either crate.
pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What a command left behind.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs a program in the root of the repository.
pub fn run(program: &Path, arguments: &[&str]) -> Said {
    let output: Output = Command::new(program).args(arguments).current_dir(ROOT).output().unwrap();
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A folder with one scenario, and the scenario's path.
pub fn scenario(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scenario.yaml");
    std::fs::write(&path, text).unwrap();
    let path = path.to_string_lossy().into_owned();
    (folder, path)
}

/// A report, read back.
pub fn report(path: &Path) -> squall_reports::Report {
    squall_reports::read(path).unwrap()
}
