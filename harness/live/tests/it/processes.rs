//! Processes: what happens to them and to nobody else.

use crate::common::{LIMIT, can, done, eventually, lab, output, pair, shell, state};
use squall_live::{Command, Error, Lab, LabOptions, NodeOptions};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::ExitStatusExt as _,
    path::Path,
};

const NEEDS: &[&str] = &["namespaces", "network", "cgroups"];

fn is_alive(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"));
    stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap().starts_with(" Z"))
}

#[test]
fn nodes_have_names_addresses_and_variables_of_their_own() {
    if !can("nodes_have_names_addresses_and_variables_of_their_own", NEEDS) {
        return;
    }
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let (_lab, one, two) = pair();
    assert_eq!(output(&one, "cat /proc/sys/kernel/hostname"), "one\n");
    let hosts = output(&one, "cat /etc/hosts");
    for node in [&one, &two] {
        assert!(hosts.contains(&format!("{} {}\n", node.address(), node.name())), "{hosts}");
    }
    let command = Command::new("sh").args(["-c", "echo $WORD; pwd"]).env("WORD", "hello").piped();
    let process = one.spawn(&command).unwrap();
    let said = std::io::read_to_string(process.stdout().unwrap()).unwrap();
    assert_eq!(said, format!("hello\n{}\n", one.disk().display()));
    // Nothing of it is the host's.
    assert_eq!(fs::read_to_string("/proc/sys/kernel/hostname").unwrap(), host);
    assert!(!fs::read_to_string("/etc/hosts").unwrap().contains("10.77."));
    assert!(!fs::read_to_string("/proc/self/mountinfo").unwrap().contains("squall-live-tests"));
}

#[test]
fn a_program_talks_over_its_standard_streams_and_logs_its_errors() {
    if !can("a_program_talks_over_its_standard_streams_and_logs_its_errors", NEEDS) {
        return;
    }
    let (_lab, one, _) = pair();
    let script = "echo oops >&2; while read line; do echo \"<$line>\"; done; exit 3";
    let process = one.spawn(&Command::new("sh").args(["-c", script]).piped()).unwrap();
    let mut stdin = process.stdin().unwrap();
    let mut stdout = BufReader::new(process.stdout().unwrap());
    let mut line = String::new();
    for word in ["a", "b"] {
        writeln!(stdin, "{word}").unwrap();
        line.clear();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, format!("<{word}>\n"));
    }
    assert!(process.exited().unwrap().is_none());
    drop(stdin);
    assert_eq!(process.wait(LIMIT).unwrap().code(), Some(3));
    done(&one, "echo again");
    let log = one.log_tail(1000).unwrap();
    assert_eq!(
        log,
        "=== squall: start 1 of one: sh\noops\n=== squall: start 2 of one: /bin/sh\nagain\n"
    );
    assert_eq!(one.log_tail(6).unwrap(), "again\n");
}

#[test]
fn what_daemonises_dies_with_its_node_and_the_other_node_lives() {
    if !can("what_daemonises_dies_with_its_node_and_the_other_node_lives", NEEDS) {
        return;
    }
    let (_lab, one, two) = pair();
    // In a session of its own, its parent gone.
    done(&one, "(setsid sh -c 'echo $$ > daemon; exec sleep 1000' &) & wait");
    let file = one.disk().join("daemon");
    eventually("the daemon told its number", || fs::read(&file).is_ok_and(|text| !text.is_empty()));
    let daemon: u32 = fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    let neighbour = shell(&two, "exec sleep 1000");
    assert!(is_alive(daemon));
    assert!(one.processes().unwrap().contains(&daemon));
    one.kill().unwrap();
    assert!(!is_alive(daemon));
    assert_eq!(one.processes().unwrap(), []);
    assert!(neighbour.exited().unwrap().is_none());
}

#[test]
fn killed_terminated_and_ended_are_told_apart() {
    if !can("killed_terminated_and_ended_are_told_apart", NEEDS) {
        return;
    }
    let (_lab, one, _) = pair();
    let killed = shell(&one, "sleep 1000");
    one.kill().unwrap();
    assert_eq!(killed.exited().unwrap().unwrap().signal(), Some(9));
    let polite = shell(&one, "trap 'exit 7' TERM; echo x > ready; while :; do sleep 0.01; done");
    eventually("it is ready", || one.disk().join("ready").exists());
    one.terminate().unwrap();
    assert_eq!(polite.wait(LIMIT).unwrap().code(), Some(7));
    polite.terminate().unwrap();
    let error = one.spawn(&Command::new("/no/such/program")).unwrap_err();
    assert!(matches!(&error, Error::System { .. }), "{error}");
    assert!(error.to_string().contains("/no/such/program on node one"), "{error}");
}

#[test]
fn who_is_frozen_makes_no_progress_and_goes_on_later() {
    if !can("who_is_frozen_makes_no_progress_and_goes_on_later", NEEDS) {
        return;
    }
    let (_lab, one, _) = pair();
    let ticks = one.disk().join("ticks");
    let length = || fs::metadata(&ticks).map_or(0, |is| is.len());
    shell(&one, "while :; do echo >> ticks; done");
    eventually("it runs", || length() > 10);
    one.freeze().unwrap();
    let still = length();
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(length(), still);
    assert!(matches!(one.spawn(&Command::new("true")), Err(Error::Misuse(_))));
    one.thaw().unwrap();
    eventually("it goes on", || length() > still);
    // Who is frozen can be killed, and the node is not frozen after.
    one.freeze().unwrap();
    one.kill().unwrap();
    done(&one, "true");
}

#[test]
fn a_lab_that_is_dropped_is_gone_and_its_nodes_say_so() {
    if !can("a_lab_that_is_dropped_is_gone_and_its_nodes_say_so", NEEDS) {
        return;
    }
    let logs = tempfile::tempdir().unwrap();
    let options =
        LabOptions { state: state(), logs: Some(logs.path().join("new")), ..LabOptions::default() };
    let lab = Lab::create(options).unwrap();
    let [one, two] = ["one", "two"].map(|name| lab.add_node(name, NodeOptions::default()).unwrap());
    let folder = lab.folder().to_owned();
    done(&one, "echo said");
    let process = shell(&one, "sleep 1000");
    two.freeze().unwrap();
    lab.close().unwrap();
    assert_eq!(process.exited().unwrap().unwrap().signal(), Some(9));
    assert!(!folder.exists());
    // Logs stay where they were wanted.
    assert!(
        fs::read_to_string(logs.path().join("new/one.log"))
            .unwrap()
            .ends_with("\nsaid\n=== squall: start 2 of one: /bin/sh\n")
    );
    let error = one.spawn(&Command::new("true")).unwrap_err().to_string();
    assert_eq!(error, "the lab of node one has ended");
    assert_eq!(one.power_on().unwrap_err().to_string(), "the lab of node one has ended");
}

#[test]
fn mistakes_of_callers_are_told() {
    if !can("mistakes_of_callers_are_told", NEEDS) {
        return;
    }
    let lab = lab();
    let one = lab.add_node("one", NodeOptions::default()).unwrap();
    for (name, told) in [
        ("one", "there is a node one already"),
        ("a b", "a name has letters"),
        ("", "a name has letters"),
        ("-x", "a name has letters"),
        ("../x", "a name has letters"),
    ] {
        let error = lab.add_node(name, NodeOptions::default()).unwrap_err().to_string();
        assert!(error.contains(told), "{name}: {error}");
    }
    let small = lab.add_node("small", NodeOptions::with_disk(1000)).unwrap_err().to_string();
    assert!(small.contains("the smallest with a journal has 16777216"), "{small}");
    assert_eq!(one.power_on().unwrap_err().to_string(), "node one is under power");
    assert_eq!(one.wipe().unwrap_err().to_string(), "node one is under power");
    one.power_off().unwrap();
    for refused in [
        one.power_off().err(),
        one.kill().err(),
        one.freeze().err(),
        one.spawn(&Command::new("true")).err(),
        one.inside(|| ()).err(),
        one.seen_from_host(Path::new("/")).err(),
    ] {
        assert_eq!(refused.unwrap().to_string(), "node one is without power");
    }
    assert!(matches!(one.snapshot(), Err(Error::Unsupported { .. })));
}
