//! What this machine can do, found out by doing it.

use crate::{
    cgroup::{Hierarchies, LabGroups, Limit, lack},
    disk::{Disk, SMALLEST},
    error::{Doing as _, Error, Result},
    folder::Folder,
    hand::Hand,
    os,
};
use std::{fs, path::Path};

/// Something that can be done to processes here, or not.
#[derive(Debug)]
#[non_exhaustive]
pub struct Capability {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub what: &'static str,
    /// Why it cannot be done here, and the remedy.
    pub lack: Option<Lack>,
}

/// Why something cannot be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// What was tried, and what the system said.
    pub why: String,
    /// What would help, in a sentence.
    pub remedy: String,
}

/// A capability, in words, and what helps where the system has no word of its own for it.
type Words = (&'static str, &'static str, &'static str);

const CGROUPS: Words = (
    "cgroups",
    "kill, freeze and end everything that a node started",
    "run as root, or as a user under `systemd-run --user --scope --property=Delegate=yes`; in a container, let it write to \
     its cgroup hierarchy of version 2",
);
const MEMORY: Words = ("memory", "limit a node's memory", "");
const PROCESSOR: Words = ("cpu", "limit a node's share of the processor", "");
const NAMESPACES: Words = (
    "namespaces",
    "nodes with a network, a host name and a mount table of their own",
    "run as root (in a container: --privileged), or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1 or \
     kernel.apparmor_restrict_unprivileged_userns=0) and start with `unshare --user --map-root-user`",
);
const NETWORK: Words = (
    "network",
    "a switch between the nodes: cut, lose, duplicate, delay, reorder, narrow, hold, reset",
    "load the kernel's module (modprobe tun); in a container, give it the device (--device /dev/net/tun)",
);
const DISKS: Words = (
    "disks",
    "a disk per node: power cuts that lose what was not synced, full disks, snapshots",
    "run as root on a kernel with loop devices and ext4 (modprobe loop ext4), with e2fsprogs installed",
);
const SLOW_DISKS: Words = (
    "slow-disks",
    "disks that are slow, or fail",
    "none yet: squall has no such disk for real processes",
);

/// What can be done here: each with yes, or why not and the remedy. It is tried, with everything in `root` that takes a place
/// on disk (see [`LabOptions::state`](crate::LabOptions::state)), and nothing of that stays.
#[must_use]
pub fn capabilities(root: &Path) -> Vec<Capability> {
    let hierarchies = Hierarchies::find();
    let folder = hierarchies.as_ref().map_err(copy).and_then(|all| Folder::create(root, all));
    let groups = folder.as_ref().map_err(copy).and_then(|folder| {
        let hierarchies = hierarchies.as_ref().expect("without them there is no folder");
        LabGroups::create(hierarchies, &folder.name)
    });
    let limited = |limit| match &groups {
        Ok(groups) if groups.has(limit) => Ok(()),
        Ok(_) => Err(lack(limit)),
        Err(error) => Err(copy(error)),
    };
    let (memory, processor) = (limited(Limit::Memory), limited(Limit::Processor));
    let cgroups = groups.and_then(|groups| groups.remove());
    let hand = Hand::start("trial");
    let network = hand.as_ref().map_err(copy).and_then(|hand| {
        let address = std::net::Ipv4Addr::new(10, 77, 0, 1);
        let made = hand.run(move || os::tun("eth0", address, 1500).map(drop));
        made.doing(|| "make a tun device".to_owned())
    });
    let disks = match (&hand, &folder) {
        (Ok(hand), Ok(folder)) => try_disk(hand, &folder.path),
        (Err(error), _) | (_, Err(error)) => Err(copy(error)),
    };
    let slow = Err(Error::Unsupported {
        why: "not implemented".to_owned(),
        remedy: SLOW_DISKS.2.to_owned(),
    });
    vec![
        told(NAMESPACES, hand.map(drop)),
        told(NETWORK, network),
        told(CGROUPS, cgroups),
        told(MEMORY, memory),
        told(PROCESSOR, processor),
        told(DISKS, disks),
        told(SLOW_DISKS, slow),
    ]
}

/// A disk, a power cut, and the same disk again.
fn try_disk(hand: &Hand, folder: &Path) -> Result<()> {
    let disk = Disk::create(folder, Some(SMALLEST))?;
    disk.mount(hand)?;
    let kept = disk.data().join("kept");
    let written = kept.clone();
    let doing = || format!("write to {}", kept.display());
    let wrote = hand.run(move || fs::write(written, "kept")).doing(doing);
    let cut = disk.cut_power(hand);
    disk.unmount(hand)?;
    wrote.and(cut)?;
    disk.mount(hand)?;
    disk.unmount(hand)
}

fn told((name, what, remedy): Words, tried: Result<()>) -> Capability {
    let lack = tried.err().map(|error| match error {
        Error::Unsupported { why, remedy } => Lack { why, remedy },
        error => Lack { why: error.to_string(), remedy: remedy.to_owned() },
    });
    Capability { name, what, lack }
}

/// The same error for what depends on what failed.
fn copy(error: &Error) -> Error {
    match error {
        Error::Unsupported { why, remedy } => {
            Error::Unsupported { why: why.clone(), remedy: remedy.clone() }
        }
        other => Error::Misuse(other.to_string()),
    }
}
