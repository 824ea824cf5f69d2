//! Nothing is left behind, whatever happens.

use crate::common::{LIMIT, SIZE, can, eventually, lab, shell, state};
use squall_live::{DiskRule, Lab, LabOptions, Node, NodeOptions, Removed, Rule, sweep};
use std::{
    env, fs,
    io::{BufRead, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const NEEDS: &[&str] = &["namespaces", "network", "cgroups"];
/// Set if it can have disks.
const DISKS: &str = "SQUALL_LIVE_VICTIM_DISKS";
/// Set if they can fail.
const FAILING: &str = "SQUALL_LIVE_VICTIM_FAILING";
/// Set for the process that is killed; its value is the folder for its labs.
const STATE: &str = "SQUALL_LIVE_VICTIM";

/// What is killed: says on its standard output where it has come to, and waits for an answer each time.
#[test]
#[ignore = "started by others"]
fn victim() {
    let Some(state) = env::var_os(STATE) else { return };
    let options = LabOptions { state: state.into(), ..LabOptions::default() };
    let mut answers = std::io::stdin().lines();
    let mut moment = |name: &str| {
        println!("moment {name}");
        std::io::stdout().flush().unwrap();
        answers.next().unwrap().unwrap();
    };
    moment("nothing");
    let lab = Lab::create(options).unwrap();
    moment("lab");
    let plain = lab.add_node("plain", NodeOptions::default()).unwrap();
    let disks = env::var_os(DISKS).is_some();
    let options = if disks { NodeOptions::with_disk(SIZE) } else { NodeOptions::default() };
    let one = lab.add_node("one", options).unwrap();
    let options = NodeOptions { disk_faults: env::var_os(FAILING).is_some(), ..options };
    let two = lab.add_node("two", options).unwrap();
    moment("nodes");
    for node in [&plain, &one, &two] {
        shell(
            node,
            "(setsid sh -c 'exec sleep 1000' &); mkdir -p a/b; echo > a/b/c; while :; do echo >> busy; sync busy; done",
        );
    }
    moment("processes");
    lab.set_rule(&plain, &one, Rule { hold: true, ..Rule::default() });
    one.freeze().unwrap();
    moment("frozen");
    one.thaw().unwrap();
    if options.disk_faults {
        let slow = std::time::Duration::from_millis(5);
        two.set_disk_rule(DiskRule { slow, ..DiskRule::default() }).unwrap();
    }
    if disks {
        one.fill_disk().unwrap();
    }
    moment("full");
    let mut snapshot = None;
    if disks {
        one.make_room().unwrap();
        snapshot = Some(one.snapshot().unwrap());
    }
    moment("snapshot");
    one.power_off().unwrap();
    one.flip_bits(1, 1, |_| true).unwrap();
    moment("power off");
    if let Some(snapshot) = snapshot {
        one.restore(&snapshot).unwrap();
    }
    one.power_on().unwrap();
    moment("power on");
    // The last moments are taken where something is under way all the time.
    moment("busy");
    for _ in 0.. {
        for node in [&one, &two] {
            node.power_off().unwrap();
            node.power_on().unwrap();
            shell(node, "exec sleep 1000");
        }
    }
}

fn start(
    (disks, failing): (bool, bool),
    folder: &Path,
) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .envs(disks.then_some((DISKS, "yes")))
        .envs(failing.then_some((FAILING, "yes")))
        .args(["--exact", "leftovers::victim", "--ignored", "--nocapture"])
        .env(STATE, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    (child, stdout)
}

/// Lets it come to a moment.
fn reach(moment: &str, child: &mut Child, said: &mut impl BufRead) {
    loop {
        let mut line = String::new();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended before {moment}");
        let Some((_, name)) = line.trim_end().split_once("moment ") else { continue };
        if name == moment {
            return;
        }
        child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }
}

/// Everything of the labs in a folder that there is on this machine, by kind.
fn left(folder: &Path) -> Vec<String> {
    let name = folder.to_str().unwrap();
    let mut found = Vec::new();
    let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    for entry in entries(folder) {
        found.push(format!("folder {}", entry.path().display()));
    }
    for process in entries(Path::new("/proc")) {
        let read = |file: &str| fs::read_to_string(process.path().join(file)).unwrap_or_default();
        // The working folder of all that was started is in there; guardians have the victim's command line.
        let cwd = fs::read_link(process.path().join("cwd")).unwrap_or_default();
        let environment = read("environ");
        if cwd.starts_with(folder) || environment.contains(&format!("{STATE}={name}")) {
            found.push(format!("process {:?} {}", process.file_name(), read("comm").trim()));
        }
        if read("mountinfo").contains(name) {
            found.push(format!("mount in {:?}", process.file_name()));
        }
    }
    for device in entries(Path::new("/sys/block")) {
        let file = fs::read_to_string(device.path().join("loop/backing_file")).unwrap_or_default();
        if file.starts_with(name) {
            found.push(format!("loop device {:?} {}", device.file_name(), file.trim()));
        }
    }
    found
}

/// Cgroups by the name of a lab of this process' children, wherever they are.
fn cgroups(of: u32) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if entry.file_name().to_string_lossy().starts_with(&format!("squall-{of}-")) {
                found.push(entry.path());
            }
            folders.push(entry.path());
        }
    }
    found
}

#[test]
fn nothing_is_left_of_who_is_killed_at_any_moment() {
    let test = "nothing_is_left_of_who_is_killed_at_any_moment";
    if !can(test, NEEDS) {
        return;
    }
    let disks = (can(test, &["disks"]), can(test, &["slow-disks"]));
    let moments = [
        "nothing",
        "lab",
        "nodes",
        "processes",
        "frozen",
        "full",
        "snapshot",
        "power off",
        "power on",
    ];
    // After each of these it goes on, and is killed this much later, in microseconds.
    let under_way = [
        ("nothing", 300),
        ("nothing", 1500),
        ("lab", 3_000),
        ("lab", 20_000),
        ("nodes", 2_000),
        ("busy", 10_000),
        ("busy", 50_000),
        ("busy", 77_000),
    ];
    let all = moments.map(|moment| (moment, None)).into_iter();
    for (moment, later) in all.chain(under_way.map(|(moment, later)| (moment, Some(later)))) {
        let folder = tempfile::tempdir_in(base()).unwrap();
        let (mut child, mut said) = start(disks, folder.path());
        reach(moment, &mut child, &mut said);
        if let Some(later) = later {
            child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
            std::thread::sleep(std::time::Duration::from_micros(later));
        } else if moment == "processes" {
            let kinds = left(folder.path());
            let of_disks = if disks.0 { &["loop device"][..] } else { &[] };
            for kind in ["folder", "process", "mount"].iter().chain(of_disks) {
                assert!(kinds.iter().any(|one| one.starts_with(kind)), "no {kind}: {kinds:?}");
            }
            assert_ne!(cgroups(child.id()), [] as [PathBuf; 0]);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut last = Vec::new();
        let begin = std::time::Instant::now();
        while begin.elapsed() < LIMIT / 4 {
            last = left(folder.path());
            last.extend(
                cgroups(child.id()).iter().map(|path| format!("cgroup {}", path.display())),
            );
            if last.is_empty() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        assert_eq!(last, [""; 0], "killed at {moment} {later:?}");
    }
}

fn base() -> PathBuf {
    let base = state();
    fs::create_dir_all(&base).unwrap();
    base
}

/// A lab whose guardian is killed before its owner is.
fn orphan(disks: (bool, bool), folder: &Path) -> u32 {
    let (mut child, mut said) = start(disks, folder);
    reach("processes", &mut child, &mut said);
    // What has left its parent, on all nodes.
    let daemons = || left(folder).iter().filter(|one| one.ends_with(" sleep")).count();
    eventually("daemons run", || daemons() == 3);
    let own: Vec<PathBuf> = fs::read_dir(format!("/proc/{}/task", child.id()))
        .unwrap()
        .flatten()
        .map(|task| task.path().join("children"))
        .collect();
    let mut guardians = 0;
    for list in own {
        for process in fs::read_to_string(list).unwrap().split_whitespace() {
            let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap();
            if name == "squall-guardian\n" {
                let killed = Command::new("kill").args(["-9", process]).status().unwrap();
                assert!(killed.success());
                guardians += 1;
            }
        }
    }
    assert_eq!(guardians, 1);
    child.kill().unwrap();
    child.wait().unwrap();
    child.id()
}

#[test]
fn what_is_left_when_the_guardian_dies_too_is_swept_and_the_living_are_not() {
    let test = "what_is_left_when_the_guardian_dies_too_is_swept_and_the_living_are_not";
    if !can(test, NEEDS) {
        return;
    }
    let disks = (can(test, &["disks"]), can(test, &["slow-disks"]));
    let folder = tempfile::tempdir_in(base()).unwrap();
    let dead = orphan(disks, folder.path());
    let options = LabOptions { state: folder.path().to_owned(), ..LabOptions::default() };
    let living = Lab::create(options).unwrap();
    let node: Node = living.add_node("one", NodeOptions::default()).unwrap();
    let process = shell(&node, "exec sleep 1000");
    assert_ne!(cgroups(dead), [] as [PathBuf; 0]);
    let named = format!("squall-{dead}-");
    // Labs of other tests that are dying are swept, too.
    let sweep = || -> Vec<Removed> {
        let mine = |one: &Removed| match one {
            Removed::Cgroup(path) | Removed::Folder(path) => {
                path.to_string_lossy().contains(&named)
            }
            _ => true,
        };
        sweep(folder.path()).unwrap().into_iter().filter(mine).collect()
    };
    let removed = sweep();
    let count = |kind: fn(&Removed) -> bool| removed.iter().filter(|one| kind(one)).count();
    assert_eq!(count(|one| matches!(one, Removed::Folder(_))), 1, "{removed:?}");
    // What had left its parent lived on, on all nodes.
    assert!(count(|one| matches!(one, Removed::Process(_))) >= 3, "{removed:?}");
    assert!(count(|one| matches!(one, Removed::Cgroup(_))) >= 1, "{removed:?}");
    assert_eq!(cgroups(dead), [] as [PathBuf; 0]);
    assert!(process.exited().unwrap().is_none());
    assert!(living.folder().exists());
    let only_mine = || left(folder.path()).iter().all(|one| !one.contains(&named));
    eventually("mounts and devices are gone", only_mine);
    let again = sweep();
    assert!(again.iter().all(|one| matches!(one, Removed::Process(_))), "{again:?}");
    living.close().unwrap();
    assert_eq!(left(folder.path()), [""; 0]);
}

#[test]
fn trying_what_can_be_done_leaves_nothing() {
    let folder = tempfile::tempdir_in(base()).unwrap();
    let all = squall_live::capabilities(folder.path());
    for one in &all {
        match &one.lack {
            None => eprintln!("{}: yes", one.name),
            Some(lack) => eprintln!("{}: {}; {}", one.name, lack.why, lack.remedy),
        }
    }
    assert_eq!(all.len(), 7);
    assert_eq!(left(folder.path()), [""; 0]);
}

#[test]
fn a_panic_leaves_nothing() {
    if !can("a_panic_leaves_nothing", &[NEEDS, &["disks"]].concat()) {
        return;
    }
    let lab = lab();
    let node = lab.add_node("one", NodeOptions::with_disk(SIZE)).unwrap();
    let folder = lab.folder().to_owned();
    shell(&node, "exec sleep 1000");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _lab = lab;
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    assert!(!folder.exists());
    assert!(node.processes().is_err(), "its cgroup is gone");
}
