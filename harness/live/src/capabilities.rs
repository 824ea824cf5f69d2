//! What this machine can do, found out by doing it.

use crate::{
    cgroup::{LabGroups, lack},
    disk::{Disk, SMALLEST},
    error::{Doing as _, Error, Result},
    folder::Folder,
    hand::Hand,
    hierarchies::{Hierarchies, Limit},
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

/// A capability in words: its name, what it is for, and what helps where it is refused.
struct Words {
    name: &'static str,
    what: &'static str,
    remedy: &'static str,
}

const NAMESPACES: Words = Words {
    name: "namespaces",
    what: "nodes with a network, a host name and a mount table of their own",
    remedy: "run as root (in a container: --privileged), or as root of a user namespace, which needs sysctl \
             kernel.unprivileged_userns_clone=1 or kernel.apparmor_restrict_unprivileged_userns=0 on some systems",
};
const NETWORK: Words = Words {
    name: "network",
    what: "a switch between the nodes: cut, lose, duplicate, narrow, delay, reorder, hold, reset",
    remedy: "make /dev/net/tun usable: modprobe tun; chmod 666 /dev/net/tun for users without rights; in a container, \
             --device /dev/net/tun",
};
const CGROUPS: Words = Words {
    name: "cgroups",
    what: "kill, freeze and end everything that a node started",
    remedy: "run as root, or as a user under `systemd-run --user --scope --property=Delegate=yes`; in a container, let it \
             write to its cgroup hierarchy of version 2 (Linux 5.14 or newer)",
};
const MEMORY: Words =
    Words { name: "memory", what: "limit a node's memory", remedy: "run as root on the host" };
const PROCESSOR: Words = Words {
    name: "cpu",
    what: "limit a node's share of the processor",
    remedy: "run as root on the host",
};
const DISKS: Words = Words {
    name: "disks",
    what: "a disk per node: power cuts that lose what was not synced, full disks, snapshots",
    remedy: "run as root (of the host, not of a user namespace) on a kernel with loop devices and ext4 (modprobe loop; \
             modprobe ext4), with mkfs.ext4 (package e2fsprogs) installed",
};
const SLOW_DISKS: Words = Words {
    name: "slow-disks",
    what: "disks that are slow, or fail",
    remedy: "as for disks, on a kernel with FUSE (modprobe fuse); in a container, give it the device (--device /dev/fuse)",
};

impl Words {
    fn told(self, tried: std::result::Result<(), Lack>) -> Capability {
        Capability { name: self.name, what: self.what, lack: tried.err() }
    }

    fn lack(&self) -> impl FnOnce(Error) -> Lack {
        let remedy = self.remedy;
        move |error| match error {
            _ if cfg!(not(target_os = "linux")) => Lack {
                why: "only Linux has it".to_owned(),
                remedy: "run on Linux, in a virtual machine for example".to_owned(),
            },
            Error::Unsupported { why, remedy } => Lack { why, remedy },
            // Of the system, or of a program that it told.
            error if error.to_string().contains("No space left on device") => Lack {
                why: error.to_string(),
                remedy: "make room there, or choose another place by TMPDIR".to_owned(),
            },
            error => Lack { why: error.to_string(), remedy: remedy.to_owned() },
        }
    }
}

/// What can be done here: each with yes, or why not and the remedy. It is tried, with everything that takes a place on disk
/// in `root` (see [`LabOptions::state`](crate::LabOptions::state)), and nothing of that stays.
#[must_use]
pub fn capabilities(root: &Path) -> Vec<Capability> {
    // Each is tried with what those before it made, and lacks what they lack.
    let folder = Hierarchies::find().and_then(|all| Ok((Folder::create(root, &all)?, all)));
    let folder = folder.map_err(CGROUPS.lack());
    let groups = folder.as_ref().map_err(Clone::clone).and_then(|(folder, hierarchies)| {
        LabGroups::create(hierarchies, &folder.name).map_err(CGROUPS.lack())
    });
    let limited = |limit: Limit, words: &Words| match &groups {
        Ok(groups) if groups.has(limit) => Ok(()),
        Ok(_) => Err(words.lack()(lack(limit))),
        Err(lack) => Err(lack.clone()),
    };
    let memory = limited(Limit::Memory, &MEMORY);
    let processor = limited(Limit::Processor, &PROCESSOR);
    let cgroups = groups.and_then(|groups| groups.remove().map_err(CGROUPS.lack()));
    let hand = Hand::start("trial").map_err(NAMESPACES.lack());
    let network = hand.as_ref().map_err(Clone::clone).and_then(|hand| {
        let address = std::net::Ipv4Addr::new(10, 77, 0, 1);
        let made = hand.run(move || os::tun("eth0", address, 1500).map(drop));
        made.doing(|| "make a tun device".to_owned()).map_err(NETWORK.lack())
    });
    let disks = |words: Words, fails: bool| match (&hand, &folder) {
        (Ok(hand), Ok((folder, _))) => {
            try_disk(hand, &folder.path.join(words.name), fails).map_err(words.lack())
        }
        (Err(lack), _) | (_, Err(lack)) => Err(lack.clone()),
    };
    let (safe, failing) = (disks(DISKS, false), disks(SLOW_DISKS, true));
    vec![
        NAMESPACES.told(hand.map(drop)),
        NETWORK.told(network),
        CGROUPS.told(cgroups),
        MEMORY.told(memory),
        PROCESSOR.told(processor),
        DISKS.told(safe),
        SLOW_DISKS.told(failing),
    ]
}

/// A disk, a power cut, and the same disk again.
fn try_disk(hand: &Hand, folder: &Path, fails: bool) -> Result<()> {
    fs::create_dir(folder).doing(|| format!("make {}", folder.display()))?;
    let disk = Disk::create(folder, Some(SMALLEST), fails)?;
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
