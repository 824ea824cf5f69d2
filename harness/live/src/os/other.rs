//! Where there is no Linux: nothing is supported, and says so.

use std::{
    fs::File,
    io,
    net::Ipv4Addr,
    ops::Deref,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64},
    },
    time::Duration,
};

fn no<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "only on Linux"))
}

macro_rules! nowhere {
    ($($name:ident($($argument:ty),*) -> $what:ty;)*) => {
        $(pub(crate) fn $name($(_: $argument),*) -> io::Result<$what> { no() })*
    };
}

nowhere! {
    split_off() -> ();
    enter_network(i32) -> ();
    hush() -> ();
    enter_user_namespace() -> ();
    set_hostname(&str) -> ();
    mount_bind(&Path, &Path) -> ();
    mount_tmpfs(&Path) -> ();
    mount_served(&Path) -> File;
    mount_ext4(&Path, &Path) -> ();
    unmount(&Path) -> ();
    unmount_lazily(&Path) -> ();
    loopback_up() -> ();
    tun(&str, Ipv4Addr, u16) -> OwnedFd;
    attach_loop(&File) -> (File, PathBuf);
    shut_filesystem_down(&Path) -> ();
    sync_filesystem(&Path) -> ();
    free_bytes(&Path) -> u64;
    grow(&File, u64, u64) -> ();
    copy_sparse(&Path, &Path) -> ();
    poll(&[BorrowedFd<'_>], Option<Duration>) -> Vec<bool>;
    signal(u32, i32) -> ();
    remove_cgroup(&Path) -> ();
    remove_folder(&Path) -> ();
}

pub(crate) fn thread_id() -> i32 {
    0
}

pub(crate) fn confine(_: &mut Command, _: Vec<File>) {}

pub(crate) fn start_of(_: u32) -> Option<u64> {
    None
}

#[derive(Debug)]
pub(crate) struct Wake(File);

impl Wake {
    pub(crate) fn new() -> io::Result<Self> {
        no()
    }

    pub(crate) fn wake(&self) {}

    pub(crate) fn woken(&self) {}
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[derive(Debug)]
pub(crate) struct Guardian;

impl Guardian {
    pub(crate) fn start(_: &[&Path], _: &Path) -> io::Result<Self> {
        no()
    }

    pub(crate) fn tell(&self, _: u8, _: Option<i32>) {}
}

#[derive(Debug)]
pub(crate) struct Idle;

impl Idle {
    pub(crate) fn start() -> io::Result<Self> {
        no()
    }

    pub(crate) fn id(&self) -> i32 {
        0
    }

    pub(crate) fn ended(&self) -> bool {
        true
    }
}

pub(crate) const SERVED: &str = "image";

#[derive(Debug, Default)]
pub(crate) struct Controls {
    pub slow_nanos: AtomicU64,
    pub failing: AtomicU32,
    pub slowed: AtomicU64,
    pub failed: AtomicU64,
}

impl Controls {
    pub(crate) const READS: u32 = 1;
    pub(crate) const WRITES: u32 = 2;
    pub(crate) const SYNCS: u32 = 4;
}

#[derive(Debug, Default)]
pub(crate) struct Shared(Controls);

impl Shared {
    pub(crate) fn new() -> io::Result<Self> {
        no()
    }
}

impl Deref for Shared {
    type Target = Controls;

    fn deref(&self) -> &Controls {
        &self.0
    }
}

#[derive(Debug)]
pub(crate) struct Server;

impl Server {
    pub(crate) fn start(_: &File, _: &Path, _: &Arc<Shared>) -> io::Result<Self> {
        no()
    }
}
