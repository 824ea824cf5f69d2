//! What tests share.

use squall_live::{Capability, Command, Lab, LabOptions, Node, NodeOptions, Process, capabilities};
use std::{
    io::Write as _,
    path::PathBuf,
    sync::OnceLock,
    time::{Duration, Instant},
};

/// Longer than anything here takes on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(20);
/// Of disks.
pub const SIZE: u64 = 32 << 20;

/// Where the tests' labs are.
pub fn state() -> PathBuf {
    std::env::temp_dir().join("squall-live-tests")
}

/// Whether all of these can be done here. If not, says so, with the test's name.
pub fn can(test: &str, names: &[&str]) -> bool {
    static FOUND: OnceLock<Vec<Capability>> = OnceLock::new();
    let found = FOUND.get_or_init(|| capabilities(&state()));
    let mut all = true;
    for name in names {
        let one = found.iter().find(|one| one.name == *name).unwrap();
        if let Some(lack) = &one.lack {
            all = false;
            // Past the test harness, which keeps what passing tests print to itself.
            let line = format!("NOT TESTED: {test}: {name}: {}; {}\n", lack.why, lack.remedy);
            std::io::stderr().write_all(line.as_bytes()).unwrap();
        }
    }
    all
}

pub fn lab() -> Lab {
    Lab::create(LabOptions { state: state(), seed: 1, ..LabOptions::default() }).unwrap()
}

/// A lab with two nodes whose disks are folders.
pub fn pair() -> (Lab, Node, Node) {
    let lab = lab();
    let one = lab.add_node("one", NodeOptions::default()).unwrap();
    let two = lab.add_node("two", NodeOptions::default()).unwrap();
    (lab, one, two)
}

pub fn shell(node: &Node, script: &str) -> Process {
    node.spawn(&Command::new("/bin/sh").args(["-c", script])).unwrap()
}

/// Runs a script to its end.
pub fn done(node: &Node, script: &str) {
    let status = shell(node, script).wait(LIMIT).unwrap();
    assert!(status.success(), "{script}: {status}\n{}", node.log_tail(2000).unwrap());
}

/// What a script writes.
pub fn output(node: &Node, script: &str) -> String {
    let command = Command::new("/bin/sh").args(["-c", script]).piped();
    let process = node.spawn(&command).unwrap();
    std::io::read_to_string(process.stdout().unwrap()).unwrap()
}

/// Waits until something holds.
#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < LIMIT, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
