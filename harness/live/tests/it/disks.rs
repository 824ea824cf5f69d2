//! Disks: what is kept, what is not, and what is damaged.

use crate::common::{LIMIT, SIZE, can, done, eventually, lab, output, shell};
use squall_live::{DamageKind, DiskCounters, DiskRule, Lab, Node, NodeOptions};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

const NEEDS: &[&str] = &["namespaces", "network", "cgroups", "disks"];

fn node() -> (Lab, Node) {
    let lab = lab();
    let node = lab.add_node("one", NodeOptions::with_disk(SIZE)).unwrap();
    (lab, node)
}

/// A file on the node's disk, as the node has it.
fn read(node: &Node, name: &str) -> Option<Vec<u8>> {
    fs::read(node.seen_from_host(&node.disk().join(name)).unwrap()).ok()
}

/// A file that is safe, a file that is not, and a process that has both open.
fn write(node: &Node) {
    let script = "
        echo synced > synced; sync synced .
        exec 3> open; echo lost > lost; echo lost >&3; echo > /dev/shm/ready; exec sleep 1000";
    shell(node, script);
    let ready = node.seen_from_host(Path::new("/dev/shm/ready")).unwrap();
    eventually("it has written", || ready.exists());
}

/// Whether a power cut takes what was not synced, and nothing else. Somebody else on this machine may call `sync` at the
/// wrong moment, which is for all disks: that three in a row do is no accident.
fn loses_what_was_not_synced(node: &Node) {
    for _ in 0..3 {
        write(node);
        node.power_off().unwrap();
        assert!(!node.is_powered());
        node.power_on().unwrap();
        assert_eq!(read(node, "synced").as_deref(), Some(&b"synced\n"[..]));
        // Its name may have been kept, its content not.
        if read(node, "lost").unwrap_or_default().is_empty() {
            return;
        }
        done(node, "rm *; sync -f .");
    }
    panic!("it was never lost");
}

#[test]
fn a_power_cut_takes_what_was_not_synced_and_nothing_else() {
    if !can("a_power_cut_takes_what_was_not_synced_and_nothing_else", NEEDS) {
        return;
    }
    let (_lab, node) = node();
    loses_what_was_not_synced(&node);
    assert_eq!(node.processes().unwrap(), []);
    // A new machine: nothing is in its memory.
    assert!(!node.seen_from_host(Path::new("/dev/shm/ready")).unwrap().exists());
}

#[test]
fn a_kill_takes_nothing_from_the_disk() {
    if !can("a_kill_takes_nothing_from_the_disk", NEEDS) {
        return;
    }
    let (_lab, node) = node();
    write(&node);
    node.kill().unwrap();
    assert_eq!(read(&node, "lost").as_deref(), Some(&b"lost\n"[..]));
    assert_eq!(read(&node, "open").as_deref(), Some(&b"lost\n"[..]));
}

#[test]
fn power_fails_again_and_again_under_a_writer() {
    if !can("power_fails_again_and_again_under_a_writer", NEEDS) {
        return;
    }
    let (_lab, node) = node();
    let mut before = 0;
    for round in 0..5 {
        let script = "
            n=$(cat last || echo 0)
            while :; do
                n=$((n+1)); echo $n > new; sync new; mv new last; sync .
                echo $n > /dev/shm/new; mv /dev/shm/new /dev/shm/synced
            done";
        shell(&node, script);
        let number = |path: &Path| -> u32 {
            let text = fs::read_to_string(node.seen_from_host(path).unwrap());
            text.map_or(0, |text| text.trim().parse().unwrap())
        };
        let synced = || number(Path::new("/dev/shm/synced"));
        eventually("it goes on", || synced() > before + 2);
        let kept = synced();
        node.power_off().unwrap();
        node.power_on().unwrap();
        before = number(&node.disk().join("last"));
        assert!(before >= kept, "round {round}: {before} after {kept} was synced");
    }
}

#[test]
fn a_full_disk_is_full_for_root_and_has_room_again() {
    if !can("a_full_disk_is_full_for_root_and_has_room_again", NEEDS) {
        return;
    }
    let (_lab, node) = node();
    let writes = "dd if=/dev/zero of=file bs=64k count=4 2>&1; echo $?";
    assert!(output(&node, writes).ends_with("\n0\n"));
    done(&node, "rm file");
    node.fill_disk().unwrap();
    let refused = output(&node, writes);
    assert!(refused.contains("No space left on device"), "{refused}");
    assert!(
        output(&node, "ls").lines().all(|name| name == "file"),
        "what fills it is not in the way"
    );
    // What becomes free is free, until it is filled again.
    done(&node, "rm -f file");
    node.fill_disk().unwrap();
    assert!(output(&node, writes).contains("No space left on device"));
    node.make_room().unwrap();
    node.make_room().unwrap();
    assert!(output(&node, writes).ends_with("\n0\n"));
    // Nor does a power cut leave it full.
    node.fill_disk().unwrap();
    node.power_off().unwrap();
    node.power_on().unwrap();
    assert!(output(&node, writes).ends_with("\n0\n"));
}

#[test]
fn a_disk_goes_back_and_is_emptied() {
    if !can("a_disk_goes_back_and_is_emptied", NEEDS) {
        return;
    }
    let (lab, node) = node();
    let other = lab.add_node("two", NodeOptions::with_disk(SIZE)).unwrap();
    let writer = shell(&node, "echo old > file; while :; do echo >> ticks; done");
    eventually("it runs", || read(&node, "ticks").is_some_and(|ticks| ticks.len() > 5));
    let running = node.snapshot().unwrap();
    assert!(writer.exited().unwrap().is_none());
    let ticks = read(&node, "ticks").unwrap().len();
    eventually("it goes on", || read(&node, "ticks").unwrap().len() > ticks);
    node.kill().unwrap();
    done(&node, "echo new > file");
    node.power_off().unwrap();
    node.restore(&running).unwrap();
    node.power_on().unwrap();
    assert_eq!(read(&node, "file").unwrap(), b"old\n");
    node.power_off().unwrap();
    node.wipe().unwrap();
    node.power_on().unwrap();
    assert_eq!(output(&node, "ls -A"), "");
    other.power_off().unwrap();
    assert!(other.restore(&running).unwrap_err().to_string().contains("no snapshot of node two"));
}

#[test]
fn damage_is_where_it_is_told() {
    if !can("damage_is_where_it_is_told", NEEDS) {
        return;
    }
    let (_lab, node) = node();
    done(&node, "mkdir log; head -c 1000 /dev/zero > log/a; echo fine > b; sync -f .");
    let chosen = |path: &Path| path.starts_with("log");
    let hit = |node: &Node| -> u32 {
        read(node, "log/a").unwrap().iter().map(|byte| byte.count_ones()).sum()
    };
    // Under power, and without.
    assert_eq!(node.flip_bits(1, 1, chosen).unwrap().len(), 1);
    assert_eq!(hit(&node), 1);
    node.power_off().unwrap();
    let damage = node.flip_bits(2, 2, chosen).unwrap();
    let end = node.truncate_file(3, 10, |path| path == Path::new("b")).unwrap().unwrap();
    assert_eq!(end.kind, DamageKind::Truncated { from: 5, to: 0 });
    assert_eq!(node.truncate_file(3, 10, |path| path == Path::new("b")).unwrap(), None);
    assert_eq!(node.flip_bits(3, 10, |_| false).unwrap(), []);
    node.power_on().unwrap();
    assert_eq!(hit(&node), 3);
    assert_eq!(read(&node, "b").unwrap(), b"");
    for one in damage {
        let DamageKind::Flipped { byte, bit } = one.kind else { panic!("{one:?}") };
        let bytes = read(&node, one.file.to_str().unwrap()).unwrap();
        assert_ne!(bytes[byte as usize] & (1 << bit), 0);
    }
}

#[test]
fn disks_are_released_while_other_nodes_live() {
    if !can("disks_are_released_while_other_nodes_live", NEEDS) {
        return;
    }
    let (lab, node) = node();
    // A later node has copied the mount table; its processes hold nothing of the first one's disk.
    let other = lab.add_node("two", NodeOptions::with_disk(SIZE)).unwrap();
    let process = shell(&other, "exec sleep 1000");
    let image = node.disk().ancestors().nth(2).unwrap().join("disk.ext4");
    let attached = || {
        let devices = fs::read_dir("/sys/block").unwrap().flatten();
        let files =
            devices.filter_map(|one| fs::read_to_string(one.path().join("loop/backing_file")).ok());
        files.filter(|file| Path::new(file.trim_end()) == image).count()
    };
    assert_eq!(attached(), 1);
    node.power_off().unwrap();
    eventually("the loop device is free", || attached() == 0);
    assert!(process.exited().unwrap().is_none());
    let _ = process.wait(LIMIT / 1000);
}

const FAILING: &[&str] = &["namespaces", "network", "cgroups", "disks", "slow-disks"];

fn failing() -> (Lab, Node) {
    let lab = lab();
    let options = NodeOptions { disk_bytes: Some(SIZE), disk_faults: true };
    let node = lab.add_node("one", options).unwrap();
    (lab, node)
}

#[test]
fn a_disk_that_can_fail_keeps_what_any_other_keeps() {
    if !can("a_disk_that_can_fail_keeps_what_any_other_keeps", FAILING) {
        return;
    }
    let (_lab, node) = failing();
    loses_what_was_not_synced(&node);
    done(&node, "head -c 3000000 /dev/urandom > big; cksum < big > sum; sync -f .");
    node.power_off().unwrap();
    node.power_on().unwrap();
    done(&node, "test \"$(cksum < big)\" = \"$(cat sum)\"");
    assert_eq!(node.disk_counters(), DiskCounters::default());
    let plain = self::node();
    assert!(plain.1.set_disk_rule(DiskRule::default()).is_err());
}

#[test]
fn a_slow_disk_is_slow_for_who_syncs() {
    if !can("a_slow_disk_is_slow_for_who_syncs", FAILING) {
        return;
    }
    let (_lab, node) = failing();
    done(&node, "echo > file; sync -f .");
    let slow = Duration::from_millis(50);
    node.set_disk_rule(DiskRule { slow, ..DiskRule::default() }).unwrap();
    let begin = Instant::now();
    done(&node, "echo more >> file; sync file");
    // The file's block, the journal, and the syncs of both.
    assert!(begin.elapsed() > 3 * slow, "{:?}", begin.elapsed());
    let felt = node.disk_counters();
    assert!(felt.slowed >= 3 && felt.failed == 0, "{felt:?}");
    // Nobody waits for a slow disk whose power is cut.
    node.set_disk_rule(DiskRule { slow: LIMIT, ..DiskRule::default() }).unwrap();
    shell(&node, "echo more >> file; sync file");
    eventually("it waits", || node.disk_counters().slowed > felt.slowed);
    let begin = Instant::now();
    node.power_off().unwrap();
    assert!(begin.elapsed() < LIMIT / 2, "{:?}", begin.elapsed());
    node.set_disk_rule(DiskRule::default()).unwrap();
    node.power_on().unwrap();
    node.set_disk_rule(DiskRule::default()).unwrap();
    let before = node.disk_counters();
    done(&node, "echo more >> file; sync file");
    assert_eq!(node.disk_counters(), before);
}

#[test]
fn what_fails_is_an_error_until_the_node_starts_again() {
    if !can("what_fails_is_an_error_until_the_node_starts_again", FAILING) {
        return;
    }
    let (_lab, node) = failing();
    done(&node, "echo old > file; echo 1234567890 > end; sync -f .");
    let cases = [
        (DiskRule { fail_syncs: true, ..DiskRule::default() }, "echo new > new; sync new 2>&1"),
        (DiskRule { fail_writes: true, ..DiskRule::default() }, "echo new > new; sync new 2>&1"),
        (DiskRule { fail_reads: true, ..DiskRule::default() }, "cat file 2>&1"),
    ];
    for (rule, script) in cases {
        // Nothing of it is in memory.
        node.power_off().unwrap();
        node.power_on().unwrap();
        let before = node.disk_counters().failed;
        node.set_disk_rule(rule).unwrap();
        let said = output(&node, script);
        assert!(said.contains("Input/output error"), "{rule:?}: {said}");
        assert!(node.disk_counters().failed > before);
        node.power_off().unwrap();
        // What is done from outside is not hindered.
        let hit = node.truncate_file(1, 1, |path| path == Path::new("end")).unwrap();
        assert!(hit.is_some());
        node.set_disk_rule(DiskRule::default()).unwrap();
        node.power_on().unwrap();
        assert_eq!(
            output(&node, "cat file; rm -f new; echo fine > new; sync new; cat new"),
            "old\nfine\n"
        );
    }
}
