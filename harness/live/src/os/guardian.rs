//! A child that outlives its parent: when the parent dies, however it does, it ends the lab's processes and removes what is
//! left. Disks, networks and loop devices need no removing: they belong to the lab's processes and threads alone, and the
//! kernel lets them go with the last of those.
#![allow(unsafe_code)]

use super::{
    calls::{c_path, fork, hush, input, join_network},
    clear::{end_all, remove_groups, remove_tree},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    fs::{CWD, Mode, OFlags},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, WaitOptions},
};
use std::{
    ffi::{CStr, CString},
    io::{self, Write as _},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
};

/// The child, from its parent's side. Dropped, it ends without doing anything.
#[derive(Debug)]
pub(crate) struct Guardian {
    child: Pid,
    /// What is written here is a node's number and the thread that is in its network, or zero. Not a pipe: writing to one
    /// whose reader is dead may end this process.
    told: UnixStream,
}

/// The networks of the nodes, by their numbers.
type Networks = [Option<OwnedFd>; 256];

impl Guardian {
    /// Watches over these cgroups and this folder until the calling process dies.
    pub(crate) fn start(cgroups: &[&Path], folder: &Path) -> io::Result<Self> {
        let kills = cgroups.iter().map(|path| c_path(&path.join("cgroup.kill")));
        let kills = kills.collect::<io::Result<Vec<_>>>()?;
        let cgroups = cgroups.iter().map(|path| c_path(path)).collect::<io::Result<Vec<_>>>()?;
        let folder = c_path(folder)?;
        let parent = rustix::process::getpid();
        let (hears, told) = UnixStream::pair()?;
        // SAFETY: what follows in the child is bare system calls over texts that were made before.
        let child = unsafe {
            fork(c"squall-guardian", hears.as_fd(), || {
                let mut networks: Networks = [const { None }; 256];
                watch(parent, &mut networks);
                clear(&kills, &cgroups, &folder, &networks);
            })
        }?;
        Ok(Self { child: pid(child), told })
    }

    /// A node has a new network, that of a thread of this process, or none any more. The guardian holds it open.
    pub(crate) fn tell(&self, node: u8, thread: Option<i32>) {
        let mut message = [node, 0, 0, 0, 0];
        message[1..].copy_from_slice(&thread.unwrap_or(0).to_ne_bytes());
        // A guardian that is dead needs to know nothing.
        let _ = (&self.told).write_all(&message);
    }
}

/// A child that does nothing until it is killed, to try things on.
#[derive(Debug)]
pub(crate) struct Idle(Pid);

impl Idle {
    pub(crate) fn start() -> io::Result<Self> {
        let parent = rustix::process::getpid();
        let (hears, _told) = UnixStream::pair()?;
        // SAFETY: bare system calls.
        let child = unsafe {
            fork(c"squall-idle", hears.as_fd(), || watch(parent, &mut [const { None }; 256]))
        }?;
        Ok(Self(pid(child)))
    }

    pub(crate) fn id(&self) -> i32 {
        self.0.as_raw_nonzero().get()
    }

    /// Whether it was killed, by whomever.
    pub(crate) fn ended(&self) -> bool {
        !matches!(rustix::process::waitpid(Some(self.0), WaitOptions::NOHANG), Ok(None))
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        end(self.child);
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        end(self.0);
    }
}

pub(super) fn pid(child: u32) -> Pid {
    Pid::from_raw(child as i32).expect("fork gave the parent a child's number")
}

pub(super) fn end(child: Pid) {
    let _ = rustix::process::kill_process(child, Signal::KILL);
    let _ = rustix::process::waitpid(Some(child), WaitOptions::empty());
}

/// Returns when the parent is dead.
fn watch(parent: Pid, networks: &mut Networks) {
    let Ok(lives) = rustix::process::pidfd_open(parent, PidfdFlags::empty()) else { return };
    let mut hears = true;
    // Whose parent is another by now may have opened a stranger of the same number.
    while rustix::process::getppid() == Some(parent) {
        let mut asked =
            [PollFd::new(&lives, PollFlags::IN), PollFd::from_borrowed_fd(input(), PollFlags::IN)];
        let asked = if hears { &mut asked[..] } else { &mut asked[..1] };
        match rustix::event::poll(asked, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
        if !asked[0].revents().is_empty() {
            return;
        }
        if hears && !asked[1].revents().is_empty() {
            let mut message = [0; 5];
            // So short a message is written whole.
            hears = rustix::io::read(input(), &mut message) == Ok(5);
            let [node, thread @ ..] = message;
            if hears {
                networks[usize::from(node)] = network(parent, i32::from_ne_bytes(thread));
            }
        }
    }
}

/// Opens the network of a thread.
fn network(process: Pid, thread: i32) -> Option<OwnedFd> {
    let mut path = [0_u8; 64];
    let mut left = &mut path[..63];
    let process = process.as_raw_nonzero();
    write!(left, "/proc/{process}/task/{thread}/ns/net").ok()?;
    let path = CStr::from_bytes_until_nul(&path).ok()?;
    rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()
}

/// Tries for some ten seconds: processes take a moment to die, and cgroups to notice.
fn clear(kills: &[CString], cgroups: &[CString], folder: &CString, networks: &Networks) {
    for _ in 0..1000 {
        let mut left = false;
        for kill in kills {
            end_all(kill);
        }
        for cgroup in cgroups {
            left |= remove_groups(CWD, cgroup).is_err();
        }
        // The folder goes last: while it is there, the next start finds what is left.
        if !left && remove_tree(CWD, folder).is_ok() {
            break;
        }
        let moment = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
        let _ = rustix::event::poll(&mut [], Some(&moment));
    }
    for network in networks.iter().flatten() {
        if join_network(network.as_fd()).is_ok() {
            let _ = hush();
        }
    }
}
