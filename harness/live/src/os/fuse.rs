//! A file that is slow, or fails, when told to: a file system of that one file, in user space (FUSE), served by a child.
//!
//! It is a process and not a thread: when this process dies, the kernel takes down what is mounted on the file, and needs answers
//! for that. The child answers until the file system is unmounted. It allocates nothing, as it is forked off a process with
//! other threads, and knows of the protocol (`linux/fuse.h`) only what a loop device asks for.
#![allow(unsafe_code)]

use super::{
    calls::{Controls, Shared, c_path, fork, input},
    guardian::{end, pid},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    fs::{Mode, OFlags},
    io::Errno,
    mount::MountFlags,
    process::{Pid, PidfdFlags, WaitOptions},
    thread::nanosleep,
};
use std::{
    ffi::CString,
    fs::File,
    io,
    mem::ManuallyDrop,
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
    path::Path,
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

/// The name of the file.
pub(crate) const NAME: &str = "image";
/// What one write may hold.
const MOST: usize = 128 << 10;
/// The header of a question, and the longest before a write's data.
const HEADER: usize = 40;
const WRITE: usize = 40;
/// The header of an answer.
const ANSWER: usize = 16;
const ROOT: u64 = 1;
const FILE: u64 = 2;

/// The child. Dropped, it is waited for: what it serves must be unmounted before.
#[derive(Debug)]
pub(crate) struct Server {
    child: Pid,
}

impl Server {
    /// Serves an image as what was mounted by the device. What it is told by `controls` it does from then on.
    pub(crate) fn start(device: &File, image: &Path, controls: &Arc<Shared>) -> io::Result<Self> {
        let length = std::fs::metadata(image)?.len();
        let path = c_path(image)?;
        let parent = rustix::process::getpid();
        // A reference that the child has for itself: it never runs what would give it back.
        let controls = ManuallyDrop::new(controls.clone());
        let mut room = vec![0; HEADER + WRITE + MOST];
        let mut answer = vec![0; ANSWER + MOST];
        // SAFETY: bare system calls, in memory that was allocated before.
        let child = unsafe {
            fork(c"squall-disk", device.as_fd(), || {
                let flags = OFlags::RDWR | OFlags::CLOEXEC;
                if let Ok(image) = rustix::fs::open(&*path, flags, Mode::empty()) {
                    serve(
                        &Served { image, length, controls: &controls, parent },
                        &mut room,
                        &mut answer,
                    );
                }
            })
        };
        drop(ManuallyDrop::into_inner(controls));
        Ok(Self { child: pid(child?) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(5) {
            if !matches!(rustix::process::waitpid(Some(self.child), WaitOptions::NOHANG), Ok(None))
            {
                return;
            }
            thread::sleep(Duration::from_micros(500));
        }
        // Who still uses the file gets errors from now on.
        end(self.child);
    }
}

struct Served<'a> {
    image: OwnedFd,
    length: u64,
    controls: &'a Controls,
    parent: Pid,
}

/// Answers until nothing is mounted any more, or the parent is dead and nobody has asked for ten seconds.
fn serve(served: &Served<'_>, room: &mut [u8], answer: &mut [u8]) {
    let Ok(lives) = rustix::process::pidfd_open(served.parent, PidfdFlags::empty()) else { return };
    let mut alone = rustix::process::getppid() != Some(served.parent);
    loop {
        let mut asked =
            [PollFd::from_borrowed_fd(input(), PollFlags::IN), PollFd::new(&lives, PollFlags::IN)];
        let asked = if alone { &mut asked[..1] } else { &mut asked[..] };
        let limit = Timespec { tv_sec: 10, tv_nsec: 0 };
        match rustix::event::poll(asked, alone.then_some(&limit)) {
            Ok(0) => return,
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
        alone = alone || !asked[1].revents().is_empty();
        if asked[0].revents().is_empty() {
            continue;
        }
        match rustix::io::read(input(), &mut *room) {
            Ok(length) => {
                if let Some(length) = served.answer(&room[..length], alone, answer) {
                    let _ = rustix::io::write(input(), &answer[..length]);
                }
            }
            // The question was taken back.
            Err(Errno::NOENT | Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return,
        }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_ne_bytes(word)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_ne_bytes(word)
}

/// Puts a structure of 32 and 64 bits together.
struct Body<'a> {
    bytes: &'a mut [u8],
    length: usize,
}

impl Body<'_> {
    fn u32(mut self, value: u32) -> Self {
        self.bytes[self.length..self.length + 4].copy_from_slice(&value.to_ne_bytes());
        self.length += 4;
        self
    }

    fn u64(mut self, value: u64) -> Self {
        self.bytes[self.length..self.length + 8].copy_from_slice(&value.to_ne_bytes());
        self.length += 8;
        self
    }
}

impl Served<'_> {
    /// The answer's length; None for what is not answered.
    fn answer(&self, question: &[u8], alone: bool, answer: &mut [u8]) -> Option<usize> {
        if question.len() < HEADER {
            return None;
        }
        let (header, body) = answer.split_at_mut(ANSWER);
        let done = self.body(question, alone, body)?;
        let (length, error) = match done {
            Ok(length) => (ANSWER + length, 0),
            Err(error) => (ANSWER, -error.raw_os_error()),
        };
        header[..4].copy_from_slice(&(length as u32).to_ne_bytes());
        header[4..8].copy_from_slice(&error.to_ne_bytes());
        header[8..].copy_from_slice(&question[8..16]);
        Some(length)
    }

    fn body(&self, question: &[u8], alone: bool, body: &mut [u8]) -> Option<Result<usize, Errno>> {
        let (node, what) = (u64_at(question, 16), &question[HEADER..]);
        let made = |body: Body<'_>| Some(Ok(body.length));
        let out = Body { bytes: body, length: 0 };
        // Numbers of `enum fuse_opcode`.
        match u32_at(question, 4) {
            // LOOKUP
            1 if what.strip_suffix(&[0]) == Some(NAME.as_bytes()) => {
                made(self.attributes(out.u64(FILE).u64(0).u64(3600).u64(3600).u64(0), FILE))
            }
            1 => Some(Err(Errno::NOENT)),
            // FORGET, INTERRUPT, BATCH_FORGET
            2 | 36 | 42 => None,
            // GETATTR
            3 => made(self.attributes(out.u64(3600).u64(0), node)),
            // OPEN: straight to here, nothing is kept in between (FOPEN_DIRECT_IO).
            14 => made(out.u64(0).u32(1).u32(0)),
            // READ
            15 if what.len() >= 20 => {
                let length = (u32_at(what, 16) as usize).min(MOST);
                Some(self.read(u64_at(what, 8), &mut out.bytes[..length], alone))
            }
            // WRITE
            16 if what.len() >= WRITE => {
                let written = self.write(u64_at(what, 8), &what[WRITE..], alone);
                Some(written.map(|length| out.u32(length as u32).u32(0).length))
            }
            // RELEASE, FLUSH, DESTROY
            18 | 25 | 38 => Some(Ok(0)),
            // FSYNC
            20 => Some(self.sync(alone).map(|()| 0)),
            // INIT: version 7.31, with writes of more than a page (FUSE_BIG_WRITES).
            26 => made(
                out.u32(7)
                    .u32(31)
                    .u32(0)
                    .u32(1 << 5)
                    .u32(0)
                    .u32(MOST as u32)
                    .u32(1)
                    .u32(0)
                    .u64(0)
                    .u64(0)
                    .u64(0)
                    .u64(0),
            ),
            _ => Some(Err(Errno::NOSYS)),
        }
    }

    /// `struct fuse_attr` of the file, or of the folder that it is in.
    fn attributes<'a>(&self, out: Body<'a>, node: u64) -> Body<'a> {
        let (mode, links, size) =
            if node == ROOT { (0o040_700, 2, 0) } else { (0o100_600, 1, self.length) };
        let out = out.u64(node).u64(size).u64(size / 512);
        // Times, by seconds and nanoseconds; owner, device.
        let out = out.u64(0).u64(0).u64(0).u32(0).u32(0).u32(0).u32(mode).u32(links);
        out.u32(0).u32(0).u32(0).u32(4096).u32(0)
    }

    /// Takes its time, or fails. Who has lost its parent is only to come to an end.
    fn hinder(&self, failing: u32, alone: bool) -> Result<(), Errno> {
        if alone {
            return Ok(());
        }
        let controls = self.controls;
        let slow = || Duration::from_nanos(controls.slow_nanos.load(Relaxed));
        if failing != Controls::READS && !slow().is_zero() {
            controls.slowed.fetch_add(1, Relaxed);
            let started = Instant::now();
            // In short steps, as the rule may end meanwhile.
            while let Some(left) = slow().checked_sub(started.elapsed()).filter(|l| !l.is_zero()) {
                let step = left.min(Duration::from_millis(20)).subsec_nanos();
                let _ = nanosleep(&Timespec { tv_sec: 0, tv_nsec: i64::from(step) });
            }
        }
        if controls.failing.load(Relaxed) & failing != 0 {
            controls.failed.fetch_add(1, Relaxed);
            return Err(Errno::IO);
        }
        Ok(())
    }

    fn read(&self, from: u64, to: &mut [u8], alone: bool) -> Result<usize, Errno> {
        self.hinder(Controls::READS, alone)?;
        let mut done = 0;
        while done < to.len() {
            match rustix::io::pread(&self.image, &mut to[done..], from + done as u64)? {
                0 => break,
                more => done += more,
            }
        }
        Ok(done)
    }

    fn write(&self, to: u64, from: &[u8], alone: bool) -> Result<usize, Errno> {
        self.hinder(Controls::WRITES, alone)?;
        let mut done = 0;
        while done < from.len() {
            done += rustix::io::pwrite(&self.image, &from[done..], to + done as u64)?;
        }
        Ok(done)
    }

    fn sync(&self, alone: bool) -> Result<(), Errno> {
        self.hinder(Controls::SYNCS, alone)?;
        rustix::fs::fdatasync(&self.image)
    }
}

/// Mounts what a server is to serve, in the mount table of the calling thread. Who looks at it waits for the server.
pub(crate) fn mount_served(onto: &Path) -> io::Result<File> {
    let device = File::options().read(true).write(true).open("/dev/fuse")?;
    let number = device.as_raw_fd();
    let options = CString::new(format!("fd={number},rootmode=40000,user_id=0,group_id=0"))?;
    let flags = MountFlags::NODEV | MountFlags::NOSUID;
    rustix::mount::mount("squall", onto, "fuse", flags, Some(&*options))?;
    Ok(device)
}
