use super::*;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

const FILE: &str = "/data/log";

/// A disk with one file, synced, its directory synced, with a second write that is not.
fn disk() -> (Disk, usize) {
    let mut disk = Disk::default();
    let inode = disk.open(Path::new(FILE)).unwrap();
    disk.sync_dir(Path::new("/data")).unwrap();
    disk.write(inode, 0, b"safe").unwrap();
    disk.sync(inode).unwrap();
    disk.write(inode, 4, b" and not").unwrap();
    (disk, inode)
}

fn path(name: &str) -> PathBuf {
    Path::new("/data").join(name)
}

fn read(disk: &mut Disk, name: &str) -> Vec<u8> {
    disk.read(&path(name)).unwrap()
}

fn crashed(disk: &Disk, seed: u64) -> Disk {
    disk.after_power_cut(seed, Unsynced::Drawn)
}

/// How often each content was found after a power cut, of 400.
fn found(disk: &Disk, name: &str) -> BTreeMap<Option<Vec<u8>>, u32> {
    let mut found = BTreeMap::new();
    for seed in 0..400 {
        *found.entry(crashed(disk, seed).read(&path(name)).ok()).or_default() += 1;
    }
    found
}

#[test]
fn a_power_cut_leaves_what_was_synced_and_of_the_rest_nothing_all_or_a_part() {
    let (disk, _) = disk();
    let found = found(&disk, "log");
    let lengths: Vec<usize> = found.keys().flatten().map(Vec::len).collect();
    for left in found.keys().flatten() {
        assert!(left.starts_with(b"safe") && b"safe and not".starts_with(left), "{left:?}");
    }
    assert!(lengths.len() > 4 && lengths.contains(&4) && lengths.contains(&12), "{lengths:?}");
    let nothing = found[&Some(b"safe".to_vec())];
    assert!((180..320).contains(&nothing), "{nothing} of 400");
}

#[test]
fn a_later_write_can_survive_an_earlier_one_in_one_file_and_across_files() {
    let (mut disk, first) = disk();
    disk.write(first, 12, b", later").unwrap();
    let second = disk.open(&path("other")).unwrap();
    disk.sync_dir(Path::new("/data")).unwrap();
    disk.write(second, 0, b"last").unwrap();
    let seen: BTreeSet<(bool, bool, bool)> = (0..400)
        .map(|seed| {
            let mut left = crashed(&disk, seed);
            let (log, other) = (read(&mut left, "log"), read(&mut left, "other"));
            (log.get(4..12) == Some(b" and not"), log.ends_with(b", later"), other == b"last")
        })
        .collect();
    // Any of the three, none of them, all of them.
    assert_eq!(seen.len(), 8, "{seen:?}");
}

#[test]
fn each_page_of_a_large_write_is_kept_or_not_for_itself() {
    let mut disk = Disk::default();
    let inode = disk.open(&path("big")).unwrap();
    disk.sync_dir(Path::new("/data")).unwrap();
    disk.write(inode, 0, &[1; 3 * 4096]).unwrap();
    disk.sync(inode).unwrap();
    disk.write(inode, 0, &[2; 3 * 4096]).unwrap();
    let patterns: BTreeSet<Vec<u8>> = found(&disk, "big")
        .into_keys()
        .flatten()
        .filter(|left| left.chunks(4096).all(|page| page.iter().all(|byte| *byte == page[0])))
        .map(|left| left.chunks(4096).map(|page| page[0]).collect())
        .collect();
    assert_eq!(patterns.len(), 8, "{patterns:?}");
}

#[test]
fn a_file_that_grew_can_be_as_short_as_it_was() {
    let mut disk = Disk::default();
    let inode = disk.open(&path("grows")).unwrap();
    disk.sync_dir(Path::new("/data")).unwrap();
    disk.write(inode, 0, b"old").unwrap();
    disk.sync(inode).unwrap();
    disk.write(inode, 0, b"new and longer").unwrap();
    // The page is there, and the length is not.
    assert!(found(&disk, "grows").contains_key(&Some(b"new".to_vec())));
}

#[test]
fn what_is_made_renamed_or_removed_without_a_sync_of_its_directory_is_kept_or_undone() {
    let half = |count: u32| (140..260).contains(&count);

    let mut made = Disk::default();
    let inode = made.open(&path("log")).unwrap();
    made.write(inode, 0, b"x").unwrap();
    made.sync(inode).unwrap();
    let found_made = found(&made, "log");
    assert!(half(found_made[&None]) && half(found_made[&Some(b"x".to_vec())]), "{found_made:?}");

    let (mut removed, _) = disk();
    removed.remove(&path("log")).unwrap();
    assert!(half(found(&removed, "log")[&None]));

    // With its content synced, a renamed file is there with it, or still under its old name.
    let (mut renamed, inode) = disk();
    renamed.sync(inode).unwrap();
    renamed.rename(&path("log"), &path("new")).unwrap();
    let found_renamed = found(&renamed, "new");
    assert!(half(found_renamed[&None]), "{found_renamed:?}");
    assert!(half(found_renamed[&Some(b"safe and not".to_vec())]), "{found_renamed:?}");
    for seed in 0..50 {
        assert_eq!(crashed(&renamed, seed).list(Path::new("/data")).len(), 1);
    }
    renamed.sync_dir(Path::new("/data")).unwrap();
    assert_eq!(found(&renamed, "new")[&Some(b"safe and not".to_vec())], 400);
}

#[test]
fn a_renamed_file_whose_content_was_not_synced_can_be_empty_in_the_place_of_a_good_one() {
    let (mut disk, inode) = disk();
    disk.sync(inode).unwrap();
    let new = disk.open(&path("log.new")).unwrap();
    disk.write(new, 0, b"newer").unwrap();
    disk.rename(&path("log.new"), &path("log")).unwrap();
    let found = found(&disk, "log");
    let of = |content: &[u8]| found.get(&Some(content.to_vec())).copied().unwrap_or(0);
    // Undone half of the time; kept with nothing in it; kept whole.
    assert!((140..260).contains(&of(b"safe and not")), "{found:?}");
    assert!(of(b"") > 60 && of(b"newer") > 20, "{found:?}");
}

#[test]
fn of_two_changes_of_one_name_the_later_is_not_kept_without_the_earlier() {
    // The log is rotated: whatever is kept, what was synced in it is under one of the names.
    let (mut disk, inode) = disk();
    disk.sync(inode).unwrap();
    disk.rename(&path("log"), &path("log.1")).unwrap();
    disk.open(&path("log")).unwrap();
    for seed in 0..400 {
        let mut left = crashed(&disk, seed);
        let there = |left: &mut Disk, name| left.read(&path(name)).ok();
        let kept = [there(&mut left, "log"), there(&mut left, "log.1")];
        assert!(kept.contains(&Some(b"safe and not".to_vec())), "{kept:?}");
    }
}

#[test]
fn a_rename_between_directories_needs_both_to_be_synced() {
    let (mut disk, inode) = disk();
    disk.sync(inode).unwrap();
    disk.rename(&path("log"), Path::new("/other/log")).unwrap();
    disk.sync_dir(Path::new("/other")).unwrap();
    let old_names =
        (0..100).filter(|seed| crashed(&disk, *seed).read(&path("log")).is_ok()).count();
    assert!((30..70).contains(&old_names), "{old_names}");
    for seed in 0..100 {
        assert!(crashed(&disk, seed).read(Path::new("/other/log")).is_ok());
    }
}

/// A draw by which a failed sync leaves the pages as they are, and one by which it reverts them.
fn ways_to_fail() -> [u64; 2] {
    let reverts = |draw: &u64| derive(*draw, "reverts", &[]).is_multiple_of(2);
    [(0..).find(|draw| !reverts(draw)).unwrap(), (0..).find(reverts).unwrap()]
}

#[test]
fn what_a_failed_sync_should_have_saved_no_later_sync_saves() {
    for (draw, read_on) in ways_to_fail().into_iter().zip([&b"safe and not"[..], b"safe"]) {
        let (mut disk, inode) = disk();
        disk.begin(id(3), DiskFault::SyncFails { draw });
        assert!(disk.sync(inode).is_err());
        assert_eq!(disk.take_refused(), [3]);
        assert_eq!(read(&mut disk, "log"), read_on);
        disk.end(id(3));
        disk.sync(inode).unwrap();
        assert_eq!(read(&mut disk, "log"), read_on);
        // Whether any of it reached the platter was decided when the sync failed, and not by the later one.
        let left = found(&disk, "log");
        assert_eq!(left.len(), 1, "{left:?}");
        // Who writes it again and syncs that has it.
        disk.write(inode, 4, b" and not").unwrap();
        disk.sync(inode).unwrap();
        assert_eq!(read(&mut crashed(&disk, 1), "log"), b"safe and not");
    }
}

#[test]
fn after_a_failed_sync_pages_are_read_that_are_on_no_disk() {
    let [draw, _] = ways_to_fail();
    let lost = (0..50).filter(|extra| {
        let (mut disk, inode) = disk();
        // Other syncs failed before: each leaves something else.
        disk.failed_syncs = *extra;
        disk.begin(id(3), DiskFault::SyncFails { draw });
        assert!(disk.sync(inode).is_err());
        disk.end(id(3));
        disk.sync(inode).unwrap();
        assert_eq!(read(&mut disk, "log"), b"safe and not");
        read(&mut crashed(&disk, 1), "log") == b"safe"
    });
    let lost = lost.count();
    assert!((10..45).contains(&lost), "{lost} of 50");
}

#[test]
fn a_full_disk_takes_a_part_of_the_first_write_and_nothing_more_and_keeps_what_it_has() {
    for draw in 0..50 {
        let (mut disk, inode) = disk();
        disk.begin(id(3), DiskFault::Full { draw: Some(draw) });
        let count = disk.write(inode, 12, b"more").unwrap();
        assert!((1..4).contains(&count));
        assert!(disk.take_refused().is_empty());
        let rest = disk.write(inode, 12 + count, &b"more"[count..]);
        assert_eq!(rest.unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(disk.take_refused(), [3]);
        assert!(disk.open(&path("other")).is_err());
        // Making it shorter, renaming and syncing need no room.
        disk.set_len(inode, 12).unwrap();
        disk.sync(inode).unwrap();
        disk.end(id(3));
        assert_eq!(read(&mut disk, "log"), b"safe and not");
    }
}

#[test]
fn a_torn_write_keeps_some_of_the_last_write_and_all_before_it() {
    for draw in 0..100 {
        let (mut disk, inode) = disk();
        disk.begin(id(3), DiskFault::TornWrite { draw });
        // Nobody is left to be told.
        assert_eq!(disk.write(inode, 12, b"torn").unwrap(), 4);
        let cut = disk.take_power_cut().unwrap();
        assert_eq!(cut.id, id(3));
        let mut left = disk.after_power_cut(draw, cut.unsynced);
        let content = read(&mut left, "log");
        assert!(content.len() > 12 && content.len() < 16, "{content:?}");
        assert!(b"safe and nottorn".starts_with(&content[..]));
        // It strikes once.
        left.write(inode, 0, b"x").unwrap();
        assert_eq!(left.take_power_cut(), None);
    }
}

#[test]
fn an_occurrence_that_has_struck_leaves_another_of_its_step_to_strike() {
    let (mut disk, inode) = disk();
    let (first, second) = (id(3), OccurrenceId { occurrence: 1, ..id(3) });
    disk.begin(first, DiskFault::TornWrite { draw: 7 });
    disk.begin(second, DiskFault::TornWrite { draw: 8 });
    for struck in [first, second] {
        disk.write(inode, 0, b"torn").unwrap();
        assert_eq!(disk.take_power_cut().unwrap().id, struck);
    }
    disk.write(inode, 0, b"whole").unwrap();
    assert_eq!(disk.take_power_cut(), None);
}

#[test]
fn a_torn_write_of_several_pages_can_lack_one_in_the_middle() {
    let lacks_one = (0..50).any(|draw| {
        let (mut disk, inode) = disk();
        disk.begin(id(3), DiskFault::TornWrite { draw });
        disk.write(inode, 12, &[7; 3 * 4096]).unwrap();
        let cut = disk.take_power_cut().unwrap();
        let content = read(&mut disk.after_power_cut(draw, cut.unsynced), "log");
        let holes = content[12..].iter().filter(|byte| **byte == 0).count();
        content.len() == 12 + 3 * 4096 && holes > 0
    });
    assert!(lacks_one);
}

#[test]
fn content_that_was_not_synced_is_lost_when_the_power_fails_before_the_sync() {
    for seed in 0..50 {
        let (mut disk, inode) = disk();
        let after = seed % 3;
        disk.begin(id(3), DiskFault::LostUnsynced { after });
        let (mut kept, mut text) = (b"safe".to_vec(), b"safe and not".to_vec());
        for _ in 0..after {
            disk.sync(inode).unwrap();
            assert_eq!(disk.take_power_cut(), None);
            kept.clone_from(&text);
            disk.write(inode, text.len(), b"!").unwrap();
            text.push(b'!');
        }
        disk.sync(inode).unwrap();
        let cut = disk.take_power_cut().unwrap();
        let mut left = disk.after_power_cut(seed, cut.unsynced);
        assert_eq!(read(&mut left, "log"), kept);
        // It strikes once.
        left.write(inode, 0, b"x").unwrap();
        left.sync(inode).unwrap();
        assert_eq!(left.take_power_cut(), None);
    }
}

#[test]
fn the_power_can_fail_before_a_sync_of_a_directory() {
    let (mut disk, inode) = disk();
    disk.sync(inode).unwrap();
    disk.begin(id(3), DiskFault::LostUnsynced { after: 0 });
    disk.sync_dir(Path::new("/data")).unwrap();
    assert_eq!(disk.take_power_cut(), None, "nothing was unsynced");
    disk.rename(&path("log"), &path("new")).unwrap();
    disk.sync_dir(Path::new("/data")).unwrap();
    assert!(disk.take_power_cut().is_some());
}

#[test]
fn an_empty_disk_cannot_rot_and_a_wiped_one_is_empty() {
    assert!(!Disk::default().rot(3, 7, 1));
    let (mut disk, _) = disk();
    disk.begin(id(4), DiskFault::Slow { ms: 1 });
    disk.wipe();
    assert!(crashed(&disk, 1).read(Path::new(FILE)).is_err());
    // What is wrong with the place goes on: a new disk in it is as slow.
    disk.open(&path("log")).unwrap();
    disk.write(0, 0, b"x").unwrap();
    assert_eq!(disk.take_slowness(), Some((4, 1)));
}

#[test]
fn what_rots_or_is_cut_off_is_so_on_the_platter_and_in_memory() {
    let (mut disk, inode) = disk();
    disk.sync(inode).unwrap();
    disk.rot(3, 7, 3);
    assert_eq!(read(&mut crashed(&disk, 1), "log"), read(&mut disk, "log"));
    disk.truncate(4, 7, 3);
    assert_eq!(read(&mut crashed(&disk, 1), "log"), read(&mut disk, "log"));
}

#[test]
fn a_ghost_meets_no_fault_and_its_writes_reach_nobody() {
    let (mut disk, inode) = disk();
    disk.begin(id(3), DiskFault::IoErrors { reads: true, writes: true });
    let mut ghost = disk.ghost();
    ghost.write(inode, 0, b"dead").unwrap();
    ghost.sync(inode).unwrap();
    assert_eq!(read(&mut ghost, "log"), b"dead and not");
    disk.end(id(3));
    assert_eq!(read(&mut disk, "log"), b"safe and not");
}

#[test]
fn damage_is_felt_when_it_is_read() {
    let (mut disk, inode) = disk();
    assert!(disk.rot(3, 7, 1));
    assert!(disk.take_refused().is_empty());
    let rotten = disk.read(Path::new(FILE)).unwrap();
    assert_eq!(disk.take_refused(), [3]);
    let wrong: u32 = rotten.iter().zip(b"safe and not").map(|(a, b)| (a ^ b).count_ones()).sum();
    assert_eq!(wrong, 1);

    disk.sync(inode).unwrap();
    assert!(disk.truncate(4, 7, 3));
    let short = disk.read(Path::new(FILE)).unwrap();
    assert!((9..12).contains(&short.len()));
    assert_eq!(disk.take_refused(), [4]);
}

#[test]
fn input_and_output_fail_apart() {
    let (mut disk, inode) = disk();
    disk.begin(id(3), DiskFault::IoErrors { reads: true, writes: false });
    assert!(disk.read(Path::new(FILE)).is_err());
    disk.write(inode, 12, b"x").unwrap();
    disk.end(id(3));
    disk.begin(id(3), DiskFault::IoErrors { reads: false, writes: true });
    assert!(disk.write(inode, 12, b"x").is_err());
    disk.read(Path::new(FILE)).unwrap();
}

#[test]
fn a_slow_disk_adds_up() {
    let (mut disk, inode) = disk();
    disk.begin(id(3), DiskFault::Slow { ms: 20 });
    disk.write(inode, 12, b"x").unwrap();
    disk.sync(inode).unwrap();
    assert_eq!(disk.take_slowness(), Some((3, 40)));
    assert_eq!(disk.take_slowness(), None);
}

fn id(step: u16) -> OccurrenceId {
    OccurrenceId { step, occurrence: 0 }
}

#[test]
fn occurrences_that_overlap_last_each_their_own_time() {
    let (mut disk, inode) = disk();
    let second = OccurrenceId { step: 3, occurrence: 1 };
    disk.begin(id(3), DiskFault::IoErrors { reads: false, writes: true });
    disk.begin(second, DiskFault::IoErrors { reads: false, writes: true });
    disk.end(id(3));
    assert!(disk.write(inode, 12, b"x").is_err());
    disk.end(second);
    disk.write(inode, 12, b"x").unwrap();
}

#[test]
fn a_disk_that_goes_back_has_what_was_synced_then_and_nothing_of_later_and_stays_as_broken_as_it_is()
 {
    let (mut now, inode) = disk();
    // As a snapshot is taken: what a power cut would leave.
    let snapshots: Vec<Disk> = (0..40).map(|seed| crashed(&now, seed)).collect();
    now.sync(inode).unwrap();
    now.write(inode, 12, b", later").unwrap();
    now.sync(inode).unwrap();
    now.remove(&path("log")).unwrap();
    now.open(&path("new")).unwrap();
    now.sync_dir(Path::new("/data")).unwrap();
    now.begin(id(3), DiskFault::Full { draw: None });
    for snapshot in snapshots {
        let mut back = now.clone();
        assert!(back.go_back(snapshot), "another content, and other names");
        assert_eq!(back.list(Path::new("/data")), ["log"]);
        let left = read(&mut back, "log");
        assert!(left.starts_with(b"safe") && b"safe and not".starts_with(&left[..]), "{left:?}");
        // What is read after a power cut is what was read before it.
        assert_eq!(read(&mut crashed(&back, 1), "log"), left);
        assert!(back.open(&path("more")).is_err(), "it is full, as it was");
    }
}

#[test]
fn a_disk_on_which_nothing_has_changed_does_not_go_back() {
    let (mut disk, inode) = disk();
    disk.sync(inode).unwrap();
    let snapshot = crashed(&disk, 1);
    assert!(!disk.clone().go_back(snapshot.clone()));
    // What no sync has saved is no change of the platter.
    disk.write(inode, 0, b"more").unwrap();
    assert!(!disk.clone().go_back(snapshot.clone()));
    disk.sync(inode).unwrap();
    assert!(disk.go_back(snapshot));
}

/// A disk with these files, whose names and contents are on the platter.
fn with_files(files: &[(&str, usize)]) -> Disk {
    let mut disk = Disk::default();
    for (name, length) in files {
        let inode = disk.open(&path(name)).unwrap();
        disk.write(inode, 0, &vec![1; *length]).unwrap();
        disk.sync(inode).unwrap();
    }
    disk.sync_dir(Path::new("/data")).unwrap();
    disk
}

#[test]
fn a_part_of_a_file_is_read() {
    let (mut disk, inode) = disk();
    let mut read = |at, length| {
        let mut buffer = vec![b'?'; length];
        let count = disk.read_at(inode, at, &mut buffer).unwrap();
        (count, String::from_utf8(buffer).unwrap())
    };
    assert_eq!(read(0, 4), (4, "safe".to_owned()));
    assert_eq!(read(9, 5), (3, "not??".to_owned()));
    assert_eq!(read(12, 1), (0, "?".to_owned()));
    assert_eq!(read(13, 1), (0, "?".to_owned()));
    disk.begin(id(3), DiskFault::IoErrors { reads: true, writes: false });
    assert_eq!(disk.read_at(inode, 0, &mut [0]).unwrap_err().to_string(), "input/output error");
    assert_eq!(disk.take_refused(), [3]);
}

#[test]
fn damage_is_felt_by_who_reads_any_of_it() {
    // Two bytes of the first file are damaged, from the fifth on.
    for (at, length, felt) in
        [(0, 5, false), (0, 6, true), (5, 1, true), (6, 1, true), (7, 5, false)]
    {
        let (mut disk, inode) = disk();
        let other = disk.open(&path("other")).unwrap();
        disk.write(other, 0, b"another file").unwrap();
        disk.damaged.push((3, inode, 5, 2));
        disk.read_at(other, at, &mut vec![0; length]).unwrap();
        assert_eq!(disk.take_refused(), [] as [u16; 0]);
        disk.read_at(inode, at, &mut vec![0; length]).unwrap();
        assert_eq!(disk.take_refused(), if felt { vec![3] } else { vec![] }, "{length} at {at}");
        // Once.
        disk.read_at(inode, at, &mut vec![0; length]).unwrap();
        assert_eq!(disk.take_refused(), [] as [u16; 0]);
    }
}

#[test]
fn what_is_not_there_is_not_read_renamed_or_removed() {
    let (mut disk, _) = disk();
    let missing = disk.read(&path("none")).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert_eq!(missing.to_string(), "no such file: /data/none");
    assert_eq!(disk.remove(&path("none")).unwrap_err().to_string(), "no such file: /data/none");
    let renamed = disk.rename(&path("none"), &path("log")).unwrap_err();
    assert_eq!(renamed.to_string(), "no such file: /data/none");
    disk.open(Path::new("/other/log")).unwrap();
    assert_eq!(disk.list(Path::new("/data")), ["log"]);
}

#[test]
fn a_file_that_is_cut_off_or_made_longer() {
    let (mut disk, inode) = disk();
    disk.begin(id(3), DiskFault::Full { draw: None });
    // Only growing needs room.
    disk.set_len(inode, 12).unwrap();
    assert_eq!(disk.set_len(inode, 13).unwrap_err().kind(), ErrorKind::StorageFull);
    disk.set_len(inode, 3).unwrap();
    assert_eq!((disk.len(inode), read(&mut disk, "log")), (3, b"saf".to_vec()));
    disk.end(id(3));
    disk.set_len(inode, 5).unwrap();
    assert_eq!((disk.len(inode), read(&mut disk, "log")), (5, b"saf\0\0".to_vec()));
    disk.sync(inode).unwrap();
    assert_eq!(read(&mut crashed(&disk, 1), "log"), b"saf\0\0");
    // Nothing, written behind the end, makes nothing longer; something fills up what is between.
    disk.write(inode, 9, b"").unwrap();
    assert_eq!(disk.len(inode), 5);
    disk.write(inode, 6, b"x").unwrap();
    assert_eq!(read(&mut disk, "log"), b"saf\0\0\0x");
}

#[test]
fn a_sync_of_a_directory_fails_and_takes_its_time_as_any() {
    let (mut disk, _) = disk();
    disk.begin(id(3), DiskFault::Slow { ms: 20 });
    disk.sync_dir(Path::new("/data")).unwrap();
    assert_eq!(disk.take_slowness(), Some((3, 20)));
    disk.open(&path("new")).unwrap();
    disk.begin(id(4), DiskFault::SyncFails { draw: 1 });
    disk.begin(id(5), DiskFault::Slow { ms: 1 });
    assert!(disk.sync_dir(Path::new("/data")).is_err());
    assert_eq!((disk.take_refused(), disk.take_slowness()), (vec![4], Some((5, 21))));
    assert!(found(&disk, "new")[&None] > 140);
}

#[test]
fn each_failed_sync_counts() {
    let (mut disk, inode) = disk();
    disk.begin(id(3), DiskFault::SyncFails { draw: 1 });
    for count in 1..=3 {
        assert!(disk.sync(inode).is_err());
        assert_eq!(disk.failed_syncs, count);
    }
    // The one that began last is felt.
    disk.begin(id(4), DiskFault::SyncFails { draw: 1 });
    disk.take_refused();
    assert!(disk.sync(inode).is_err());
    assert_eq!(disk.take_refused(), [4]);
}

#[test]
fn of_a_single_byte_a_full_disk_takes_nothing_and_a_torn_write_keeps_nothing() {
    let (mut disk, inode) = disk();
    disk.begin(id(3), DiskFault::Full { draw: Some(1) });
    assert_eq!(disk.write(inode, 12, b"!").unwrap_err().kind(), ErrorKind::StorageFull);
    assert!((1..4).contains(&disk.write(inode, 12, b"more").unwrap()));
    disk.end(id(3));
    disk.set_len(inode, 12).unwrap();
    disk.begin(id(4), DiskFault::TornWrite { draw: 1 });
    disk.write(inode, 12, b"!").unwrap();
    let cut = disk.take_power_cut().unwrap();
    assert_eq!(read(&mut disk.after_power_cut(1, cut.unsynced), "log"), b"safe and not");
}

#[test]
fn a_torn_write_keeps_any_of_its_pages_and_never_all() {
    let kept: BTreeSet<Vec<bool>> = (0..200)
        .map(|draw| {
            let mut disk = with_files(&[("log", 3 * 4096)]);
            disk.begin(id(3), DiskFault::TornWrite { draw });
            disk.write(0, 0, &[2; 3 * 4096]).unwrap();
            let cut = disk.take_power_cut().unwrap();
            let content = read(&mut disk.after_power_cut(draw, cut.unsynced), "log");
            content.chunks(4096).map(|page| page.iter().all(|byte| *byte == 2)).collect()
        })
        .collect();
    assert_eq!(kept.len(), 7, "{kept:?}");
    assert!(!kept.contains(&vec![true; 3]));
}

#[test]
fn a_torn_write_tears_one_file_and_others_are_as_after_any_power_cut() {
    let (mut disk, inode) = disk();
    let other = disk.open(&path("other")).unwrap();
    disk.sync_dir(Path::new("/data")).unwrap();
    disk.write(other, 0, b"another").unwrap();
    disk.write(inode, 12, b"torn").unwrap();
    for seed in 0..40 {
        let mut left = disk.after_power_cut(seed, Unsynced::Torn { inode, draw: 7 });
        assert_eq!(read(&mut left, "other"), read(&mut crashed(&disk, seed), "other"));
    }
}

#[test]
fn of_two_that_would_cut_the_power_the_first_does() {
    let (mut disk, inode) = disk();
    disk.begin(id(3), DiskFault::LostUnsynced { after: 0 });
    disk.begin(id(4), DiskFault::LostUnsynced { after: 0 });
    disk.sync(inode).unwrap();
    disk.begin(id(5), DiskFault::TornWrite { draw: 1 });
    disk.write(inode, 0, b"more").unwrap();
    assert_eq!(disk.take_power_cut().unwrap().id, id(3));
    disk.sync(inode).unwrap();
    assert_eq!(disk.take_power_cut().unwrap().id, id(4));
}

#[test]
fn what_is_wrong_with_a_disk_is_so_after_a_power_cut() {
    let (mut disk, inode) = disk();
    disk.rot(3, 7, 1);
    disk.begin(id(4), DiskFault::SyncFails { draw: 1 });
    assert!(disk.sync(inode).is_err());
    let mut left = crashed(&disk, 1);
    assert_eq!(left.failed_syncs, 1);
    assert!(left.sync(inode).is_err());
    left.take_refused();
    read(&mut left, "log");
    assert_eq!(left.take_refused(), [3]);
}

#[test]
fn every_file_can_rot_and_larger_ones_do_more_often() {
    let hits = |files: &[(&str, usize)]| {
        let mut hits = BTreeMap::new();
        for draw in 0..200 {
            let mut disk = with_files(files);
            assert!(disk.rot(3, draw, 1));
            *hits.entry(disk.damaged[0].1).or_insert(0) += 1;
        }
        hits
    };
    let equal = hits(&[("a", 1), ("b", 0), ("c", 1)]);
    assert_eq!(equal.keys().collect::<Vec<_>>(), [&0, &2]);
    assert!((60..140).contains(&equal[&0]), "{equal:?}");
    let large = hits(&[("a", 1), ("b", 3)]);
    assert!((25..75).contains(&large[&0]), "{large:?}");
    assert!(!with_files(&[("a", 0)]).rot(3, 7, 1));
}

#[test]
fn single_bits_rot_and_up_to_some_bytes_are_cut_off() {
    let differing = |a: &[u8], b: &[u8]| -> Vec<(usize, u8)> {
        let pairs = (0..).zip(a.iter().zip(b));
        pairs.filter(|(_, (a, b))| a != b).map(|(at, (a, b))| (at, a ^ b)).collect()
    };
    let (mut bits, mut lengths) = (BTreeSet::new(), BTreeSet::new());
    for draw in 0..100 {
        let before = with_files(&[("log", 8)]);
        let mut rotten = before.clone();
        assert!(rotten.rot(3, draw, 1));
        let turned = differing(&before.inodes[0].durable, &rotten.inodes[0].durable);
        assert_eq!(turned, differing(&before.inodes[0].data, &rotten.inodes[0].data));
        assert!(turned.len() == 1 && turned[0].1.count_ones() == 1, "{turned:?}");
        assert_eq!(rotten.damaged, [(3, 0, turned[0].0, 1)]);
        bits.insert(turned[0].1);

        let mut short = before.clone();
        short.write(0, 0, b"unsynced").unwrap();
        assert!(short.truncate(4, draw, 3));
        let length = short.inodes[0].durable.len();
        assert_eq!(short.damaged, [(4, 0, length, 8 - length)]);
        short.sync(0).unwrap();
        assert_eq!(read(&mut short, "log"), vec![1; length]);
        lengths.insert(length);
    }
    assert_eq!(bits, (0..8).map(|bit| 1 << bit).collect());
    assert_eq!(lengths, BTreeSet::from([5, 6, 7]));
    assert!(!Disk::default().truncate(4, 7, 3));
}

#[test]
fn who_acts_last_is_felt() {
    let (mut disk, inode) = disk();
    for step in [3, 5] {
        disk.begin(id(step), DiskFault::IoErrors { reads: true, writes: true });
    }
    assert!(disk.write(inode, 0, b"x").is_err());
    assert!(disk.read(&path("log")).is_err());
    assert_eq!(disk.take_refused(), [5, 5]);
}

/// How often each content is found of 400 that a failed sync left on the platter.
fn scattered(disk: &Disk, inode: usize) -> BTreeMap<Vec<u8>, u32> {
    let mut found = BTreeMap::new();
    for seed in 0..400 {
        let mut inode = disk.inodes[inode].clone();
        inode.fail_to_sync(false, &mut rng(seed, "scattered", &[]));
        *found.entry(inode.durable).or_default() += 1;
    }
    found
}

#[test]
fn of_what_a_failed_sync_brought_to_the_platter() {
    // A piece: half of the time nothing, seldom a part, else the whole.
    let mut disk = with_files(&[("log", 16)]);
    disk.write(0, 0, &[2; 16]).unwrap();
    let found = scattered(&disk, 0);
    let (nothing, whole) = (found[&vec![1; 16]], found[&vec![2; 16]]);
    assert!((160..245).contains(&nothing) && (135..220).contains(&whole), "{found:?}");
    assert!((8..60).contains(&(400 - nothing - whole)), "{found:?}");
    // That it was cut off: as often as not.
    let mut disk = with_files(&[("log", 16)]);
    disk.set_len(0, 4).unwrap();
    let found = scattered(&disk, 0);
    assert!((160..240).contains(&found[&vec![1; 4]]), "{found:?}");
    assert_eq!(found[&vec![1; 4]] + found[&vec![1; 16]], 400);
    // A write from within a page to within another is in three pieces.
    let mut disk = with_files(&[("log", 10_000)]);
    disk.write(0, 4_090, &[2; 5_000]).unwrap();
    let ends: BTreeSet<Vec<usize>> = scattered(&disk, 0)
        .into_iter()
        .filter(|(_, count)| *count > 9)
        .map(|(content, _)| (1..10_000).filter(|at| content[at - 1] != content[*at]).collect())
        .collect();
    let expected = [
        vec![],
        vec![4_090, 4_096],
        vec![4_096, 8_192],
        vec![8_192, 9_090],
        vec![4_090, 8_192],
        vec![4_096, 9_090],
        vec![4_090, 4_096, 8_192, 9_090],
        vec![4_090, 9_090],
    ];
    assert_eq!(ends, expected.into());
}

#[test]
fn a_power_cut_leaves_often_nothing_and_as_often_all_as_the_first_as_any() {
    let mut disk = with_files(&[("log", 24)]);
    for at in 0..24 {
        disk.write(0, at, &[2]).unwrap();
    }
    let (mut nothing, mut all, mut first, mut any) = (0, 0, 0, 0);
    for (content, count) in found(&disk, "log") {
        let content = content.unwrap();
        let kept = content.iter().take_while(|byte| **byte == 2).count();
        *(match (kept, content[kept..].contains(&2)) {
            (_, true) => &mut any,
            (0, _) => &mut nothing,
            (24, _) => &mut all,
            _ => &mut first,
        }) += count;
    }
    let told = format!("{nothing} {all} {first} {any}");
    assert!((160..240).contains(&nothing) && (30..85).contains(&all), "{told}");
    assert!((25..75).contains(&first) && (65..140).contains(&any), "{told}");
}

#[test]
fn of_a_write_the_first_part_can_be_kept() {
    let mut disk = with_files(&[("log", 4_000)]);
    disk.write(0, 0, &[2; 10]).unwrap();
    disk.write(0, 10, &[2; 3_990]).unwrap();
    // The first whole, and of the second some: 3990 places where that can end, and few are found twice.
    let kept = |content: &[u8]| content.iter().take_while(|byte| **byte == 2).count();
    let ends: Vec<usize> = found(&disk, "log").keys().flatten().map(|left| kept(left)).collect();
    let inside = ends.iter().filter(|end| (11..4_000).contains(*end)).count();
    assert!((8..60).contains(&inside), "{ends:?}");
}

#[test]
fn which_directory_is_synced_decides_which_names_are_kept() {
    let there = |disk: &Disk, name: &str| {
        (0..200).filter(|seed| crashed(disk, *seed).read(Path::new(name)).is_ok()).count()
    };
    let half = 60..140;
    // A file was made; what another directory has does not matter.
    let mut disk = Disk::default();
    disk.open(&path("log")).unwrap();
    disk.sync_dir(Path::new("/other")).unwrap();
    assert!(half.contains(&there(&disk, "/data/log")));
    disk.sync_dir(Path::new("/data")).unwrap();
    assert_eq!(there(&disk, "/data/log"), 200);
    assert!(disk.directories.is_synced());
    // One was renamed into another directory: it is lost if only the one from which it came was synced.
    disk.rename(&path("log"), Path::new("/other/log")).unwrap();
    let mut from = disk.clone();
    from.sync_dir(Path::new("/data")).unwrap();
    assert_eq!(there(&from, "/data/log"), 0);
    assert!(half.contains(&there(&from, "/other/log")));
    let mut third = disk.clone();
    third.sync_dir(Path::new("/third")).unwrap();
    let (old, new) = (there(&third, "/data/log"), there(&third, "/other/log"));
    assert!(half.contains(&old) && old + new == 200, "{old} {new}");
    // One was removed.
    disk.sync_dir(Path::new("/data")).unwrap();
    disk.sync_dir(Path::new("/other")).unwrap();
    disk.remove(Path::new("/other/log")).unwrap();
    disk.sync_dir(Path::new("/data")).unwrap();
    assert!(half.contains(&there(&disk, "/other/log")));
    disk.sync_dir(Path::new("/other")).unwrap();
    assert_eq!(there(&disk, "/other/log"), 0);
    assert!(disk.directories.is_synced());
}

#[test]
fn a_file_that_is_renamed_to_its_own_name_is_where_it_was() {
    let mut disk = with_files(&[("log", 1)]);
    disk.rename(&path("log"), &path("log")).unwrap();
    assert!(disk.directories.is_synced());
    assert_eq!(disk.list(Path::new("/data")), ["log"]);
}

#[test]
fn what_follows_from_a_change_that_is_undone_is_undone() {
    // Made, removed, and made again: the second is not there without the first being gone.
    let mut disk = Disk::default();
    disk.open(&path("log")).unwrap();
    disk.remove(&path("log")).unwrap();
    let second = disk.open(&path("log")).unwrap();
    let kept: Vec<Option<usize>> = (0..400)
        .map(|seed| crashed(&disk, seed).directories.names.get(&path("log")).copied())
        .collect();
    let count = |what: Option<usize>| kept.iter().filter(|kept| **kept == what).count();
    // Each change with the one before it, half of the time: made 1/4, removed 1/8 or never made 1/2, made again 1/8.
    let counts = (count(Some(0)), count(None), count(Some(second)));
    assert!((70..130).contains(&counts.0), "{counts:?}");
    assert!((215..285).contains(&counts.1) && (30..75).contains(&counts.2), "{counts:?}");
    // A file that is renamed twice is under one of its names, and in the order of the changes.
    let mut disk = with_files(&[("a", 1)]);
    disk.rename(&path("a"), &path("b")).unwrap();
    disk.rename(&path("b"), &path("c")).unwrap();
    let mut names = BTreeMap::new();
    for seed in 0..400 {
        *names.entry(crashed(&disk, seed).list(Path::new("/data"))).or_insert(0) += 1;
    }
    let of = |name: &str| names.get(&vec![name.to_owned()]).copied().unwrap_or(0);
    assert_eq!(of("a") + of("b") + of("c"), 400, "{names:?}");
    assert!((160..240).contains(&of("a")) && (70..130).contains(&of("c")), "{names:?}");
    // One that was made and renamed needs only its new name; another's that was made there in its place does not.
    let mut disk = Disk::default();
    disk.open(&path("new")).unwrap();
    disk.rename(&path("new"), &path("log")).unwrap();
    let there = (0..400).filter(|seed| crashed(&disk, *seed).list(Path::new("/data")) == ["log"]);
    let there = there.count();
    assert!((160..240).contains(&there), "{there}");
    // Nothing takes the place of a name whose change was undone.
    let mut disk = with_files(&[("log", 1), ("new", 2)]);
    disk.remove(&path("log")).unwrap();
    disk.rename(&path("new"), &path("log")).unwrap();
    let mut found = BTreeMap::new();
    for seed in 0..400 {
        let names = crashed(&disk, seed).directories.names;
        let of = |name| names.get(&path(name)).copied();
        *found.entry((of("log"), of("new"))).or_insert(0) += 1;
    }
    // Removed and renamed 1/4, removed 1/4, neither 1/2.
    assert_eq!(found.len(), 3, "{found:?}");
    assert!((160..240).contains(&found[&(Some(0), Some(1))]), "{found:?}");
    assert!((70..130).contains(&found[&(None, Some(1))]), "{found:?}");
    assert!((70..130).contains(&found[&(Some(1), None)]), "{found:?}");
}
