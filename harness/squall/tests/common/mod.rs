//! Running the command, for the tests of it.

#![allow(dead_code, clippy::unwrap_used)] // Each test uses a part, and is a test.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// What a command left behind.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

fn said(output: &Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `squall` with the reference system, in the root of the repository.
pub fn squall(arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_squall"));
    said(&command.args(arguments).current_dir(root()).output().unwrap())
}

/// The example `tiny`, in the root of the repository.
pub fn tiny(arguments: &[&str]) -> Said {
    // Cargo builds examples before it runs tests, and puts them beside the command.
    let folder = Path::new(env!("CARGO_BIN_EXE_squall")).parent().unwrap();
    let mut command = Command::new(folder.join("examples/tiny"));
    said(&command.args(arguments).current_dir(root()).output().unwrap())
}

/// As [`tiny`], not waited for.
pub fn start_tiny(arguments: &[&str]) -> std::process::Child {
    let folder = Path::new(env!("CARGO_BIN_EXE_squall")).parent().unwrap();
    let mut command = Command::new(folder.join("examples/tiny"));
    let command = command.args(arguments).current_dir(root());
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command.spawn().unwrap()
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
