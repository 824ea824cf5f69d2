//! System calls for which the standard library has no name, and all of this crate's `unsafe`.
#![allow(unsafe_code)]
// What type a request has differs between C libraries.
#![allow(clippy::unnecessary_cast)]

use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec},
    fs::{FallocateFlags, Mode, OFlags, SeekFrom},
    io::Errno,
    mount::{MountFlags, MountPropagationFlags, UnmountFlags},
    process::{Pid, Signal},
    thread::{LinkNameSpaceType, UnshareFlags},
};
use std::{
    ffi::{CStr, CString},
    fs::{self, File},
    io::{self, Read as _, Write as _},
    mem,
    net::Ipv4Addr,
    ops::Deref,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::{fs::OpenOptionsExt as _, process::CommandExt as _},
    },
    path::{Path, PathBuf},
    process::Command,
    ptr::NonNull,
    sync::atomic::{AtomicU32, AtomicU64},
    time::Duration,
};

/// Gives the calling thread a network, a mount table, a host name and shared memory of its own. Unmounting on the host
/// still reaches the copied mount table, so that nobody's disk is kept busy; nothing goes the other way.
pub(crate) fn split_off() -> io::Result<()> {
    let flags = UnshareFlags::NEWNET
        | UnshareFlags::NEWNS
        | UnshareFlags::NEWUTS
        | UnshareFlags::NEWIPC
        | UnshareFlags::FS;
    // SAFETY: `unshare_unsafe` is unsafe for CLONE_FILES, which would end this thread's share of the process' open files.
    // It is not among the flags.
    unsafe { rustix::thread::unshare_unsafe(flags) }?;
    let ours = MountPropagationFlags::REC | MountPropagationFlags::DOWNSTREAM;
    rustix::mount::mount_change("/", ours)?;
    Ok(())
}

/// Moves the calling thread into the network of the thread `thread` of this process.
pub(crate) fn enter_network(thread: i32) -> io::Result<()> {
    let network = File::open(format!("/proc/self/task/{thread}/ns/net"))?;
    Ok(join_network(network.as_fd())?)
}

/// Moves the calling thread into a network.
pub(super) fn join_network(network: BorrowedFd<'_>) -> Result<(), Errno> {
    rustix::thread::move_into_link_name_space(network, Some(LinkNameSpaceType::Network))
}

/// Lets connections of the calling thread's network whose processes are dead try to say goodbye for a moment only: by default
/// they do for minutes, and keep the network for so long.
pub(crate) fn hush() -> io::Result<()> {
    let retries = c"/proc/sys/net/ipv4/tcp_orphan_retries";
    let file = rustix::fs::open(retries, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, b"1")?;
    Ok(())
}

/// The calling thread's identity, by which `/proc/self/task` knows it.
pub(crate) fn thread_id() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

/// Makes this process, of one thread still, root of a user namespace of its own, unless it is root.
pub(crate) fn enter_user_namespace() -> io::Result<()> {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    if user.is_root() {
        return Ok(());
    }
    // SAFETY: as above, no CLONE_FILES.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER) }?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {} 1", user.as_raw()))?;
    fs::write("/proc/self/gid_map", format!("0 {} 1", group.as_raw()))
}

pub(crate) fn set_hostname(name: &str) -> io::Result<()> {
    Ok(rustix::system::sethostname(name.as_bytes())?)
}

pub(crate) fn mount_bind(from: &Path, onto: &Path) -> io::Result<()> {
    Ok(rustix::mount::mount_bind(from, onto)?)
}

pub(crate) fn mount_tmpfs(onto: &Path) -> io::Result<()> {
    let flags = MountFlags::NODEV | MountFlags::NOSUID;
    Ok(rustix::mount::mount("tmpfs", onto, "tmpfs", flags, None)?)
}

pub(crate) fn mount_ext4(device: &Path, onto: &Path) -> io::Result<()> {
    let flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOATIME;
    // Initializing inode tables in the background would be writes that nobody asked for.
    Ok(rustix::mount::mount(device, onto, "ext4", flags, Some(c"noinit_itable"))?)
}

pub(crate) fn unmount(what: &Path) -> io::Result<()> {
    Ok(rustix::mount::unmount(what, UnmountFlags::empty())?)
}

/// Takes it out of the mount table now, whoever still has files open there.
pub(crate) fn unmount_lazily(what: &Path) -> io::Result<()> {
    Ok(rustix::mount::unmount(what, UnmountFlags::DETACH)?)
}

/// An `ioctl` whose argument is a number.
fn number(fd: BorrowedFd<'_>, request: u64, argument: u64) -> io::Result<i32> {
    // SAFETY: the kernel takes the argument as a number, not as an address.
    let done = unsafe { libc::ioctl(fd.as_raw_fd(), request as libc::Ioctl, argument) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(done) }
}

/// An `ioctl` whose argument is a structure.
///
/// # Safety
/// `T` must be what the kernel expects of `request`, or longer, and valid whatever the kernel writes there.
unsafe fn structure<T>(fd: BorrowedFd<'_>, request: u64, argument: &mut T) -> io::Result<()> {
    // SAFETY: the caller's promise; the reference is valid for the call, after which the kernel keeps nothing of it.
    let done = unsafe { libc::ioctl(fd.as_raw_fd(), request as libc::Ioctl, argument as *mut T) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `struct ifreq` of linux/if.h: a name, and 24 bytes that mean what the request says.
#[repr(C, align(8))]
struct InterfaceRequest {
    name: [u8; 16],
    value: [u8; 24],
}

impl InterfaceRequest {
    fn new(name: &str, value: &[u8]) -> Self {
        let mut request = Self { name: [0; 16], value: [0; 24] };
        request.name[..name.len()].copy_from_slice(name.as_bytes());
        request.value[..value.len()].copy_from_slice(value);
        request
    }

    /// With the `sockaddr_in` of an address.
    fn address(name: &str, address: Ipv4Addr) -> Self {
        let mut value = [0; 8];
        value[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
        value[4..].copy_from_slice(&address.octets());
        Self::new(name, &value)
    }

    fn ask(mut self, fd: BorrowedFd<'_>, request: u64) -> io::Result<()> {
        // SAFETY: `ifreq` has these 40 bytes; every request used here takes one, and all bytes are valid in it.
        unsafe { structure(fd, request, &mut self) }
    }
}

/// A socket of the calling thread's network, to talk to the kernel about its interfaces.
fn interfaces() -> io::Result<OwnedFd> {
    Ok(std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?.into())
}

const UP_AND_RUNNING: [u8; 2] = ((libc::IFF_UP | libc::IFF_RUNNING) as u16).to_ne_bytes();

pub(crate) fn loopback_up() -> io::Result<()> {
    let socket = interfaces()?;
    InterfaceRequest::new("lo", &UP_AND_RUNNING).ask(socket.as_fd(), libc::SIOCSIFFLAGS as u64)
}

/// A tun device of the calling thread's network, up, with an address in a network of 256: packets that are sent there can
/// be read from the file, and what is written into it arrives. It lives as long as the file.
pub(crate) fn tun(name: &str, address: Ipv4Addr, mtu: u16) -> io::Result<OwnedFd> {
    const TUNSETIFF: u64 = 0x4004_54ca;
    let device = File::options()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open("/dev/net/tun")?;
    let kind = (libc::IFF_TUN | libc::IFF_NO_PI) as u16;
    InterfaceRequest::new(name, &kind.to_ne_bytes()).ask(device.as_fd(), TUNSETIFF)?;
    let socket = interfaces()?;
    let ask = |request: InterfaceRequest, number: u64| request.ask(socket.as_fd(), number);
    ask(InterfaceRequest::address(name, address), libc::SIOCSIFADDR as u64)?;
    let mask = Ipv4Addr::new(255, 255, 255, 0);
    ask(InterfaceRequest::address(name, mask), libc::SIOCSIFNETMASK as u64)?;
    ask(InterfaceRequest::new(name, &i32::from(mtu).to_ne_bytes()), libc::SIOCSIFMTU as u64)?;
    // What waits for the switch is lost beyond this: room for a burst of datagrams. Only the host's root may have more than
    // the usual 500.
    let _ = ask(InterfaceRequest::new(name, &10_000_i32.to_ne_bytes()), libc::SIOCSIFTXQLEN as u64);
    ask(InterfaceRequest::new(name, &UP_AND_RUNNING), libc::SIOCSIFFLAGS as u64)?;
    Ok(device.into())
}

/// `struct loop_config` of linux/loop.h.
#[repr(C)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    /// `struct loop_info64`; `lo_flags` stands at byte 52 of its 232.
    info: [u32; 58],
    reserved: [u64; 8],
}

/// A free loop device with the image behind it. The device is given up by the kernel when nobody uses it any more: when
/// the file returned is closed and what was mounted from it is not mounted any more.
pub(crate) fn attach_loop(image: &File) -> io::Result<(File, PathBuf)> {
    const LOOP_CONFIGURE: u64 = 0x4c0a;
    const LOOP_CTL_GET_FREE: u64 = 0x4c82;
    const LO_FLAGS_AUTOCLEAR: u32 = 4;
    let control = File::options().read(true).write(true).open("/dev/loop-control")?;
    let mut refused = 0;
    loop {
        let free = number(control.as_fd(), LOOP_CTL_GET_FREE, 0)?;
        let path = PathBuf::from(format!("/dev/loop{free}"));
        let device = File::options().read(true).write(true).open(&path)?;
        let mut config = LoopConfig {
            fd: u32::try_from(image.as_raw_fd()).expect("an open file has a number"),
            block_size: 0,
            info: [0; 58],
            reserved: [0; 8],
        };
        config.info[13] = LO_FLAGS_AUTOCLEAR;
        // SAFETY: `LoopConfig` has the layout of `loop_config`: 8 + 232 + 64 bytes, of which all are valid.
        match unsafe { structure(device.as_fd(), LOOP_CONFIGURE, &mut config) } {
            Ok(()) => return Ok((device, path)),
            // Somebody else took it between the two calls.
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) && refused < 100 => {
                refused += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Ends a mounted file system as a power cut does: nothing reaches the device any more, neither data nor journal
/// (`EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`).
pub(crate) fn shut_filesystem_down(mounted: &Path) -> io::Result<()> {
    const EXT4_IOC_SHUTDOWN: u64 = 0x8004_587d;
    let mut no_log_flush = 2_u32;
    let root = File::open(mounted)?;
    // SAFETY: the request takes a `__u32`.
    unsafe { structure(root.as_fd(), EXT4_IOC_SHUTDOWN, &mut no_log_flush) }
}

pub(crate) fn sync_filesystem(mounted: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(mounted)?)?)
}

/// How many bytes can still be written there.
pub(crate) fn free_bytes(mounted: &Path) -> io::Result<u64> {
    let now = rustix::fs::statvfs(mounted)?;
    Ok(now.f_bavail * now.f_frsize)
}

/// Reserves `by` more bytes for a file of `from` bytes.
pub(crate) fn grow(file: &File, from: u64, by: u64) -> io::Result<()> {
    Ok(rustix::fs::fallocate(file, FallocateFlags::empty(), from, by)?)
}

/// Copies a file, leaving out what was never written to it.
pub(crate) fn copy_sparse(from: &Path, to: &Path) -> io::Result<()> {
    let source = File::open(from)?;
    let target = File::create(to)?;
    let length = source.metadata()?.len();
    target.set_len(length)?;
    let mut at = 0;
    while at < length {
        let data = match rustix::fs::seek(&source, SeekFrom::Data(at)) {
            Ok(data) => data,
            Err(Errno::NXIO) => break,
            Err(error) => return Err(error.into()),
        };
        let end = rustix::fs::seek(&source, SeekFrom::Hole(data))?;
        rustix::fs::seek(&source, SeekFrom::Start(data))?;
        rustix::fs::seek(&target, SeekFrom::Start(data))?;
        io::copy(&mut (&source).take(end - data), &mut &target)?;
        at = end;
    }
    Ok(())
}

/// Which of the files can be read, after at most `limit`.
pub(crate) fn poll(files: &[BorrowedFd<'_>], limit: Option<Duration>) -> io::Result<Vec<bool>> {
    let mut asked: Vec<PollFd<'_>> =
        files.iter().map(|file| PollFd::from_borrowed_fd(*file, PollFlags::IN)).collect();
    let limit = limit.map(|limit| Timespec {
        tv_sec: limit.as_secs() as i64,
        tv_nsec: i64::from(limit.subsec_nanos()),
    });
    match rustix::event::poll(&mut asked, limit.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(asked.iter().map(|one| one.revents().contains(PollFlags::IN)).collect())
}

/// Something that a thread can wait for together with files.
#[derive(Debug)]
pub(crate) struct Wake(File);

impl Wake {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        Ok(Self(rustix::event::eventfd(0, flags)?.into()))
    }

    pub(crate) fn wake(&self) {
        // Refused only when it was woken 2^64 times and nobody looked, who is awake then.
        let _ = (&self.0).write(&1_u64.to_ne_bytes());
    }

    pub(crate) fn woken(&self) {
        let _ = (&self.0).read(&mut [0; 8]);
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Sends a signal; that the process is gone is no error.
pub(crate) fn signal(process: u32, signal: i32) -> io::Result<()> {
    let process = Pid::from_raw(process as i32).ok_or(io::ErrorKind::InvalidInput)?;
    let signal = Signal::from_named_raw(signal).ok_or(io::ErrorKind::InvalidInput)?;
    match rustix::process::kill_process(process, signal) {
        Ok(()) | Err(Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Lets what the command starts begin in a session and in cgroups of its own, given by their opened `cgroup.procs`. It
/// dies with the thread that starts it.
pub(crate) fn confine(command: &mut Command, cgroups: Vec<File>) {
    let parent = rustix::process::getpid();
    let join = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        if rustix::process::getppid() != Some(parent) {
            return Err(Errno::SRCH.into());
        }
        rustix::process::setsid()?;
        for cgroup in &cgroups {
            // Zero stands for the process that writes it.
            rustix::io::write(cgroup, b"0")?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only what is async-signal-safe may be called: these are bare system calls, and errors
    // made of numbers. Nothing is allocated.
    unsafe { command.pre_exec(join) };
}

/// When a process started, in clock ticks since the machine did: with its number, an identity that is not given twice.
/// None if there is no such process.
pub(crate) fn start_of(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Field 22; the second is a name in brackets, which may hold anything.
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// What a process tells another, and hears from it, in memory that both have.
#[derive(Debug, Default)]
pub(crate) struct Controls {
    /// How long each write and each sync takes, in nanoseconds.
    pub slow_nanos: AtomicU64,
    /// What fails: a sum of the constants.
    pub failing: AtomicU32,
    /// How many took so long.
    pub slowed: AtomicU64,
    /// How many failed.
    pub failed: AtomicU64,
}

impl Controls {
    pub(crate) const READS: u32 = 1;
    pub(crate) const WRITES: u32 = 2;
    pub(crate) const SYNCS: u32 = 4;
}

/// `Controls` in memory that forked children share.
#[derive(Debug)]
pub(crate) struct Shared(NonNull<Controls>);

// SAFETY: it is memory for as long as this lives, and there are only atomics in it.
unsafe impl Send for Shared {}
// SAFETY: likewise.
unsafe impl Sync for Shared {}

impl Shared {
    pub(crate) fn new() -> io::Result<Self> {
        let (access, kind) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, wherever the kernel wants it.
        let memory =
            unsafe { libc::mmap(std::ptr::null_mut(), size_of::<Controls>(), access, kind, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // Zeros, which are valid atomics.
        NonNull::new(memory.cast()).map(Self).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }
}

impl Deref for Shared {
    type Target = Controls;

    fn deref(&self) -> &Controls {
        // SAFETY: mapped, aligned to a page, initialized by the kernel, and only shared.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length; nobody has a reference any more.
        unsafe { libc::munmap(self.0.as_ptr().cast(), size_of::<Controls>()) };
    }
}

/// Forks. The child does `then` and ends, with `input` as its standard input, no other file of its parent's open, and every
/// signal but SIGKILL held off.
///
/// # Safety
/// The parent may have other threads, whose locks the child inherits as they are: `then` must call nothing but what is
/// async-signal-safe, and must not allocate.
pub(super) unsafe fn fork(
    name: &CStr,
    input: BorrowedFd<'_>,
    then: impl FnOnce(),
) -> io::Result<u32> {
    // SAFETY: a set of signals that the next call fills.
    let mut all: libc::sigset_t = unsafe { mem::zeroed() };
    let mut before = all;
    // SAFETY: both are valid; blocked in the parent until the child is there, so that no handler runs in the child.
    unsafe {
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
    }
    // SAFETY: the caller's promise.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: the child has no use for any other file that its parent has open, and what owned them never runs in it.
        unsafe {
            libc::dup2(input.as_raw_fd(), 0);
            libc::syscall(libc::SYS_close_range, 1_u32, u32::MAX, 0_u32);
        }
        let _ = rustix::process::setsid();
        let _ = rustix::process::chdir(c"/");
        let _ = rustix::thread::set_name(name);
        then();
        // SAFETY: ends the child without running what the parent wanted done at its end.
        unsafe { libc::_exit(0) };
    }
    let failed = io::Error::last_os_error();
    // SAFETY: `before` was filled above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut()) };
    if child < 0 { Err(failed) } else { Ok(child as u32) }
}

/// The standard input of a forked child.
pub(super) fn input() -> BorrowedFd<'static> {
    // SAFETY: `fork` made it, and nobody in the child closes it.
    unsafe { BorrowedFd::borrow_raw(0) }
}

/// The path as the kernel wants it.
pub(super) fn c_path(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_encoded_bytes())?)
}

/// Opens a folder, not through a link.
pub(super) fn open_folder(at: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(at, name, flags, Mode::empty())
}
