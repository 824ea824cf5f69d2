//! Memory and processor.

use crate::common::{LIMIT, can, done, eventually, pair, shell};
use std::{fs, os::unix::process::ExitStatusExt as _};

const NEEDS: &[&str] = &["namespaces", "network", "cgroups"];
/// A process that takes 60 MB and says so.
const EATER: &str = "x=$(head -c 60000000 /dev/zero | tr '\\0' x); echo ${#x} > eaten";

#[test]
fn who_takes_more_memory_than_there_is_dies() {
    if !can("who_takes_more_memory_than_there_is_dies", &[NEEDS, &["memory"]].concat()) {
        return;
    }
    let (_lab, one, two) = pair();
    one.memory_limit(Some(20_000_000)).unwrap();
    let eater = shell(&one, EATER);
    let neighbour = shell(&two, EATER);
    assert_ne!(eater.wait(LIMIT).unwrap().code(), Some(0));
    assert!(one.memory_kills().unwrap() > 0);
    assert!(neighbour.wait(LIMIT).unwrap().success());
    assert_eq!(two.memory_kills().unwrap(), 0);
    one.memory_limit(None).unwrap();
    done(&one, EATER);
    let eaten = fs::read_to_string(one.disk().join("eaten")).unwrap();
    assert_eq!(eaten, "60000000\n");
}

#[test]
fn what_is_in_use_already_is_the_limit() {
    if !can("what_is_in_use_already_is_the_limit", &[NEEDS, &["memory"]].concat()) {
        return;
    }
    let (_lab, one, _) = pair();
    let eater = shell(&one, &format!("{EATER}; read forever < fifo || sleep 1000"));
    eventually("it has eaten", || {
        fs::read(one.disk().join("eaten")).is_ok_and(|text| !text.is_empty())
    });
    let limit = one.memory_limit(Some(20_000_000)).unwrap();
    // Version 2 kills at once; version 1 lets it have what it has.
    match eater.exited().unwrap() {
        Some(status) => assert_eq!(status.signal(), Some(9)),
        None => assert!(limit > Some(50_000_000), "{limit:?}"),
    }
    assert_eq!(one.memory_limit(None).unwrap(), None);
}

#[test]
fn a_share_of_the_processor_is_all_there_is() {
    if !can("a_share_of_the_processor_is_all_there_is", &[NEEDS, &["cpu"]].concat()) {
        return;
    }
    let (_lab, one, _) = pair();
    one.cpu_share(Some(20)).unwrap();
    let process = shell(&one, "while :; do :; done");
    eventually("it wanted more", || one.cpu_throttled().unwrap() > 3);
    // In clock ticks of 10 ms: user and system.
    let used = || -> u64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let (begin, clock) = (used(), std::time::Instant::now());
    std::thread::sleep(std::time::Duration::from_secs(1));
    let share = (used() - begin) as f64 / clock.elapsed().as_secs_f64() / 100.0;
    // How much less depends on what else the machine does; that it goes on at all does not.
    assert!(share < 0.1, "one in 20 was {share}");
    eventually("it goes on", || used() > begin);
    one.cpu_share(None).unwrap();
    let throttled = one.cpu_throttled().unwrap();
    let begin = used();
    eventually("it has the processor", || used() - begin > 20);
    assert!(one.cpu_throttled().unwrap() <= throttled + 1);
}
