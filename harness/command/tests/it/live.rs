//! Real processes: what is noticed of them, what is not carried out here, and what is left when squall is killed.
//!
//! Where the machine does not allow it, each test says so, and tests nothing.

use crate::{common::Said, squall};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const SYSTEM: &str = "examples/tickets/system.yaml";
const POWER: &str = "examples/tickets/scenarios/power-failure.yaml";
const ANSWERS: &str = "examples/tickets/scenarios/answers-get-lost.yaml";

/// Whether this machine can do what these tests need; if not, it is said past the test harness.
fn allowed(test: &str) -> bool {
    let doctor = squall(&["doctor"]);
    let lacks =
        |name: &str| !doctor.out.lines().any(|line| line.starts_with("yes") && line.contains(name));
    let missing: Vec<&str> =
        ["namespaces", "network", "cgroups", "disks"].into_iter().filter(|n| lacks(n)).collect();
    let python = Command::new("python3").arg("--version").output().is_ok();
    if missing.is_empty() && python {
        return true;
    }
    use std::io::Write as _;
    let _ = writeln!(
        std::io::stderr(),
        "NOT TESTED: live::{test}: this machine lacks {missing:?}{}",
        if python { "" } else { " and python3" }
    );
    false
}

fn live(keep: &Path, more: &[&str]) -> Said {
    let keep = keep.to_string_lossy().into_owned();
    let all = ["run", "--system", SYSTEM, "--no-progress", "--keep", &keep];
    squall(&[&all, more].concat())
}

#[test]
fn a_service_in_another_language_passes_and_its_mistakes_are_noticed() {
    if !allowed("a_service_in_another_language_passes_and_its_mistakes_are_noticed") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Of a run that died together with its guardian: no process has this number.
    let dead = std::env::temp_dir().join("squall-4194999-1-1");
    fs::create_dir_all(&dead).unwrap();
    let right = live(folder.path(), &[POWER, ANSWERS]);
    assert!(!dead.exists(), "the next start removes what a dead run left: {}", right.err);
    assert_eq!(right.code, 0, "{}{}", right.out, right.err);
    assert!(right.out.contains("the same storm, not the same run"), "{}", right.out);

    let lost = live(folder.path(), &[POWER, "--defect", "answers-early"]);
    assert_eq!(lost.code, 1, "{}{}", lost.out, lost.err);
    assert!(lost.out.contains("no_loss"), "{}", lost.out);

    let report = folder.path().join("report.json");
    let report = report.to_string_lossy().into_owned();
    let twice = live(folder.path(), &[ANSWERS, "--defect", "no-ids", "--report", &report]);
    assert_eq!(twice.code, 1, "{}{}", twice.out, twice.err);
    assert!(twice.out.contains("FAILED no_duplicate_append"), "{}", twice.out);
    let text = fs::read_to_string(&report).unwrap();
    assert!(text.contains(r#""world": "live""#) && text.contains(r#""hash": """#), "{text}");

    // What cannot be made again can be judged again, and told again.
    let history = folder.path().join("answers-of-the-tickets-service-get-lost-seed-1/history.gz");
    let history = history.to_string_lossy().into_owned();
    let judged = squall(&["judge", &history]);
    assert_eq!(judged.code, 1, "{}{}", judged.out, judged.err);
    assert!(judged.out.contains("no_duplicate_append"), "{}", judged.out);
    let told = squall(&["replay", &history]);
    assert!(told.out.contains("<- evidence"), "{}{}", told.out, told.err);
    let page = folder.path().join("page.html").to_string_lossy().into_owned();
    let told = squall(&["replay", &history, "--html", &page, "--signals"]);
    assert_eq!(told.code, 1, "{}{}", told.out, told.err);
    assert!(told.out.contains("partition_felt"), "{}", told.out);
    let page = fs::read_to_string(&page).unwrap();
    for told in ["no_duplicate_append", "answers of the tickets service get lost", "no-ids"] {
        assert!(page.contains(told), "{told}");
    }
    let refused = squall(&["replay", &history, "--defect", "no-ids"]);
    assert_eq!(refused.code, 2, "{}{}", refused.out, refused.err);
}

#[test]
fn a_system_of_rust_runs_as_its_own_executable_and_all_invariants_judge() {
    if !allowed("a_system_of_rust_runs_as_its_own_executable_and_all_invariants_judge") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let keep = folder.path().to_string_lossy().into_owned();
    let power = "scenarios/broker/power-failure.yaml";
    let run = |more: &[&str]| {
        let all = ["run", "--world", "live", "--no-progress", "--keep", &keep, power];
        squall(&[&all, more].concat())
    };
    let report = folder.path().join("report.json").to_string_lossy().into_owned();
    let right = run(&["--report", &report]);
    assert_eq!(right.code, 0, "{}{}", right.out, right.err);
    let text = fs::read_to_string(&report).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let judged = &report["scenarios"][0]["runs"][0]["judged"];
    // What only the nodes themselves can know.
    for invariant in ["durability", "agreement", "single_leader", "idempotency", "saga_atomicity"] {
        assert!(judged[invariant].as_u64() > Some(0), "{invariant}: {judged}");
    }
    // Its own numbers are heard, too: a group that has done all lags by nothing.
    let history = folder.path().join("every-broker-loses-power-at-once-seed-1/history.gz");
    let history = history.to_string_lossy().into_owned();
    let numbers = squall(&["replay", &history, "--as", "openmetrics"]);
    let lags = numbers.out.lines().filter(|line| line.starts_with("orders_lag{"));
    let of_payment = lags.filter(|line| line.contains("group=\"payment\""));
    let values: Vec<&str> = of_payment.filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(values.last(), Some(&"0"), "{}{}", numbers.err, numbers.out);
    assert!(values.iter().any(|value| *value != "0"), "{values:?}");
    let wrong = run(&["--defect", "ack-before-fsync"]);
    assert_eq!(wrong.code, 1, "{}{}", wrong.out, wrong.err);
    assert!(wrong.out.contains("FAILED durability"), "{}", wrong.out);
    let again = squall(&["replay", &history, "--again", "1"]);
    assert!(
        again.out.contains("the same storm, not the same run: 1 of 1 tries failed"),
        "{}",
        again.out
    );
}

#[test]
fn what_a_world_cannot_do_is_skipped_and_counted_and_proves_nothing() {
    if !allowed("what_a_world_cannot_do_is_skipped_and_counted_and_proves_nothing") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let clock = folder.path().join("clock.yaml");
    fs::write(
        &clock,
        "name: a clock jumps\nfaults:\n  - { at: 1s, clock_jump: { node: server-1, by: 5s } }\n",
    )
    .unwrap();
    let clock = clock.to_string_lossy().into_owned();
    let said = live(folder.path(), &[&clock]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("nothing was run"), "{}", said.out);
    assert!(said.out.contains("not supported here: line 3: clock_jump"), "{}", said.out);
}

#[test]
fn what_never_became_ready_is_errored_with_the_tail_of_its_log() {
    if !allowed("what_never_became_ready_is_errored_with_the_tail_of_its_log") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let system = folder.path().join("system.yaml");
    fs::write(
        &system,
        "name: never\nready_within: 2s\nroles:\n  server: { start: 'echo no such table >&2; exit 3' }\n  \
         client: { client: cat, ready: { connect: 1 } }\n",
    )
    .unwrap();
    let scenario = folder.path().join("calm.yaml");
    fs::write(&scenario, "name: calm\nworkload: { events: 10, rate: 100/s }\n").unwrap();
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let keep = text(&folder.path().join("kept"));
    let said = squall(&[
        "run",
        "--system",
        &text(&system),
        "--keep",
        &keep,
        "--no-progress",
        &text(&scenario),
    ]);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("1 errored"), "{}", said.out);
    assert!(said.out.contains("never became ready"), "{}", said.out);
    assert!(
        said.out.contains("no such table") || said.out.contains("exit status: 3"),
        "{}",
        said.out
    );
}

#[test]
fn the_textbook_consumers_are_described_and_their_scenarios_name_their_variants() {
    // What comes of them is run by harness/checks/textbook-consumers, which installs what they need.
    let folder = "examples/textbook-consumers";
    for system in ["system", "jetstream"] {
        let path = format!("{folder}/{system}.yaml");
        let said = squall(&["check", "--system", &path, &format!("{folder}/scenarios")]);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    }
}

#[test]
fn a_description_with_mistakes_is_refused_at_its_lines() {
    let folder = tempfile::tempdir().unwrap();
    let system = folder.path().join("system.yaml");
    fs::write(&system, "name: x\nroles:\n  server: { strat: a }\n").unwrap();
    let path = system.to_string_lossy().into_owned();
    let said = squall(&["run", "--system", &path, POWER]);
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert!(said.err.contains("system.yaml:3:") && said.err.contains("strat"), "{}", said.err);
    let missing = squall(&["run", "--system", "no-such.yaml", POWER]);
    assert_eq!(missing.code, 2, "{}{}", missing.out, missing.err);
}

#[test]
fn a_file_that_is_no_history_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [("text", &b"no gzip"[..]), ("cut", &[0x1f, 0x8b, 8, 0, 0][..])] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let said = squall(&["judge", &path.to_string_lossy()]);
        assert_eq!(said.code, 2, "{name}: {}{}", said.out, said.err);
    }
}

/// Whether a process lives, by its number.
fn lives(process: &str) -> bool {
    Path::new("/proc").join(process).exists()
}

/// What is still there of runs whose owner is dead: processes that run in the folder, cgroups, and folders of labs.
fn left(folder: &Path) -> Vec<String> {
    let entries = |path: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let mut left = Vec::new();
    for process in entries(Path::new("/proc")) {
        if fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder)) {
            let line = fs::read_to_string(process.join("cmdline")).unwrap_or_default();
            left.push(format!("{}: {line}", process.display()));
        }
    }
    let cgroups = entries(Path::new("/sys/fs/cgroup")).into_iter().flat_map(|path| entries(&path));
    for path in cgroups.chain(entries(&std::env::temp_dir())) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let owner = name.strip_prefix("squall-").and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|owner| owner.parse::<u32>().is_ok() && !lives(owner)) {
            left.push(path.display().to_string());
        }
    }
    left
}

#[test]
fn whenever_squall_is_killed_nothing_is_left() {
    if !allowed("whenever_squall_is_killed_nothing_is_left") {
        return;
    }
    // What others left is not this test's.
    squall(&["doctor", "--clean"]);
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    // A copy, so that its processes are known by where they run.
    for name in ["system.yaml", "server.py", "client.py"] {
        fs::copy(root.join("examples/tickets").join(name), folder.path().join(name)).unwrap();
    }
    for moment in 0..10_u64 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_squall"))
            .args(["run", POWER, "--no-progress", "--keep"])
            .arg(folder.path())
            .arg("--system")
            .arg(folder.path().join("system.yaml"))
            .current_dir(root)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // From before anything runs until everything ends.
        std::thread::sleep(Duration::from_millis(50 + moment * moment * 60));
        child.kill().unwrap();
        child.wait().unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while !left(folder.path()).is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(left(folder.path()), Vec::<String>::new(), "killed at moment {moment}");
    }
}
