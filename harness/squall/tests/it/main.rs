//! The command with the example `tiny` as its system, as a whole. One binary; each file is a subject:
//! `cargo test -p squall pipeline`.

#![allow(clippy::unwrap_used)] // A test that cannot go on has failed.

mod authoring;
mod circles;
mod common;
mod faults;
mod init;
mod mutants;
mod pipeline;
mod queues;
mod sources;
mod surface;
mod transactions;
mod workspace;

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Cargo builds examples before it runs tests, and puts them beside the folder of the tests.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).map(|folder| folder.join("examples").join(name)).unwrap()
}

fn program() -> PathBuf {
    example("tiny")
}

/// The example `tiny`, in the root of the repository.
fn tiny(arguments: &[&str]) -> common::Said {
    common::run(&program(), arguments)
}

/// As [`tiny`], not waited for.
fn start_tiny(arguments: &[&str]) -> Child {
    let mut command = Command::new(program());
    let command = command.args(arguments).current_dir(Path::new(common::ROOT));
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}
