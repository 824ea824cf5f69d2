//! A child that outlives its parent: when the parent dies, however it does, it ends the lab's processes and removes what is
//! left. Disks, networks and loop devices need no removing: they belong to the lab's processes and threads alone, and the
//! kernel lets them go with the last of those.
#![allow(unsafe_code)]

use super::{
    calls::{c_path, fork},
    clear::{end_all, remove_groups, remove_tree},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    fs::CWD,
    process::{Pid, PidfdFlags, Signal, WaitOptions},
};
use std::{ffi::CString, io, path::Path};

/// The child, from its parent's side. Dropped, it ends without doing anything.
#[derive(Debug)]
pub(crate) struct Guardian(Pid);

impl Guardian {
    /// Watches over these cgroups and this folder until the calling process dies.
    pub(crate) fn start(cgroups: &[&Path], folder: &Path) -> io::Result<Self> {
        let kills = cgroups.iter().map(|path| c_path(&path.join("cgroup.kill")));
        let kills = kills.collect::<io::Result<Vec<_>>>()?;
        let cgroups = cgroups.iter().map(|path| c_path(path)).collect::<io::Result<Vec<_>>>()?;
        let folder = c_path(folder)?;
        let parent = rustix::process::getpid();
        // SAFETY: what follows in the child is bare system calls over texts that were made before.
        let child = unsafe {
            fork(c"squall-guardian", || {
                watch(parent);
                clear(&kills, &cgroups, &folder);
            })
        }?;
        Ok(Self(pid(child)))
    }
}

/// A child that does nothing until it is killed, to try things on.
#[derive(Debug)]
pub(crate) struct Idle(Pid);

impl Idle {
    pub(crate) fn start() -> io::Result<Self> {
        let parent = rustix::process::getpid();
        // SAFETY: bare system calls.
        let child = unsafe { fork(c"squall-idle", || watch(parent)) }?;
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
        end(self.0);
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        end(self.0);
    }
}

fn pid(child: u32) -> Pid {
    Pid::from_raw(child as i32).expect("fork gave the parent a child's number")
}

fn end(child: Pid) {
    let _ = rustix::process::kill_process(child, Signal::KILL);
    let _ = rustix::process::waitpid(Some(child), WaitOptions::empty());
}

/// Returns when the parent is dead.
fn watch(parent: Pid) {
    let Ok(parent_file) = rustix::process::pidfd_open(parent, PidfdFlags::empty()) else { return };
    // Whose parent is another by now may have opened a stranger of the same number.
    while rustix::process::getppid() == Some(parent) {
        let mut asked = [PollFd::new(&parent_file, PollFlags::IN)];
        if rustix::event::poll(&mut asked, None) == Ok(1) {
            return;
        }
    }
}

/// Tries for some ten seconds: processes take a moment to die, and cgroups to notice.
fn clear(kills: &[CString], cgroups: &[CString], folder: &CString) {
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
            return;
        }
        let moment = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
        let _ = rustix::event::poll(&mut [], Some(&moment));
    }
}
