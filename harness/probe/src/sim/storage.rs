//! Files of a simulated disk, and which disk is meant by who reads and writes: that of the node whose software runs, or what its dead software goes on
//! writing to.

use super::{
    disk::{Disk, Opening},
    world::{World, try_with, with},
};
use crate::record::NodeId;
use std::{
    borrow::Cow,
    io::{self, ErrorKind, SeekFrom},
    path::{Component, Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// The node whose disk is meant, and which of its lives; `None` outside a simulation.
fn disk_here() -> Option<(NodeId, u32)> {
    try_with(|world| {
        // Destructors of a node that goes down run on no runtime, and on its disk all the same.
        let node = match world.here() {
            NodeId::HARNESS => world.going_down().unwrap_or(NodeId::HARNESS),
            node => node,
        };
        (node, world.incarnation(node))
    })
}

/// Acts on the disk of the node whose software runs now; `None` outside a simulation.
pub(crate) fn on_disk<R>(act: impl FnOnce(&mut Disk) -> io::Result<R>) -> Option<io::Result<R>> {
    let (node, incarnation) = disk_here()?;
    let nobody = || Err(io::Error::other("no node runs here"));
    Some(on_disk_of(node, incarnation, act).unwrap_or_else(nobody))
}

/// As [`on_disk`], of a file that is told by its path: a relative one begins at the root, where software of a node runs.
pub(crate) fn at_path<R>(
    path: &Path,
    act: impl FnOnce(&mut Disk, &Path) -> io::Result<R>,
) -> Option<io::Result<R>> {
    on_disk(|disk| act(disk, &whole(path)))
}

/// The time since the Unix epoch, as a clock tells it that no fault has made wrong: who writes a file feels none.
fn now() -> Duration {
    try_with(|world| world.epoch + Duration::from_micros(world.now_here())).unwrap_or_default()
}

/// A path from the root on, without `.` and `..`.
pub(crate) fn whole(path: &Path) -> Cow<'_, Path> {
    let plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    if path.is_absolute() && path.components().all(plain) {
        return Cow::Borrowed(path);
    }
    let mut whole = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::ParentDir => drop(whole.pop()),
            Component::Normal(name) => whole.push(name),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    Cow::Owned(whole)
}

/// Opens a file of the node whose software runs now; `None` outside a simulation.
pub(crate) fn open(path: &Path, opening: Opening) -> Option<io::Result<Handle>> {
    let (node, incarnation) = disk_here()?;
    let now = now();
    let opened = at_path(path, |disk, path| {
        let inode = disk.open_as(path, opening)?;
        if opening.truncate {
            disk.touch(inode, now);
        }
        Ok(inode)
    })?;
    let cursor = Arc::default();
    Some(opened.map(|inode| Handle { node, incarnation, inode, cursor, opening }))
}

/// Acts on a node's disk, for the software of one of its lives; `None` if there is no such node, or no simulation any
/// more.
fn on_disk_of<R>(
    node: NodeId,
    incarnation: u32,
    act: impl FnOnce(&mut Disk) -> io::Result<R>,
) -> Option<io::Result<R>> {
    // The disk is taken out, so that what acts on it may look at the world.
    let taken = try_with(|world| {
        let machine = world.machine_mut(node)?;
        Some((machine.incarnation == incarnation).then(|| machine.take_disk()))
    })??;
    let Some((mut disk, over)) = taken else {
        return Some(Err(io::Error::other("opened before the node went down")));
    };
    let result = act(&mut disk);
    with(|world| world.put_disk_back(node, disk, over));
    Some(result)
}

/// An open file of a simulated disk. Clones share their place in it.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    node: NodeId,
    /// Which life of the node opened it.
    incarnation: u32,
    inode: usize,
    cursor: Arc<AtomicUsize>,
    opening: Opening,
}

impl Handle {
    pub(crate) fn with<R>(
        &self,
        act: impl FnOnce(&mut Disk, usize) -> io::Result<R>,
    ) -> io::Result<R> {
        on_disk_of(self.node, self.incarnation, |disk| act(disk, self.inode))
            .unwrap_or_else(|| Err(io::Error::other("the simulation of this file has ended")))
    }

    /// Changes its content.
    fn change<R>(&self, act: impl FnOnce(&mut Disk, usize) -> io::Result<R>) -> io::Result<R> {
        if !self.opening.write && !self.opening.append {
            return Err(not_opened_for("writing"));
        }
        let now = now();
        self.with(|disk, inode| {
            let done = act(disk, inode)?;
            disk.touch(inode, now);
            Ok(done)
        })
    }

    fn place(&self) -> usize {
        self.cursor.load(Ordering::Relaxed)
    }

    fn go_to(&self, place: usize) {
        self.cursor.store(place, Ordering::Relaxed);
    }

    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.read_at(buffer, self.place())?;
        self.go_to(self.place() + count);
        Ok(count)
    }

    pub(crate) fn read_at(&self, buffer: &mut [u8], at: usize) -> io::Result<usize> {
        if !self.opening.read {
            return Err(not_opened_for("reading"));
        }
        self.with(|disk, inode| disk.read_at(inode, at, buffer))
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let at = if self.opening.append {
            usize::try_from(self.with(|disk, inode| Ok(disk.len(inode)))?)
                .map_err(|_| ErrorKind::FileTooLarge)?
        } else {
            self.place()
        };
        let count = self.write_at(bytes, at)?;
        self.go_to(at + count);
        Ok(count)
    }

    pub(crate) fn write_at(&self, bytes: &[u8], at: usize) -> io::Result<usize> {
        self.change(|disk, inode| disk.write(inode, at, bytes))
    }

    pub(crate) fn set_len(&self, length: u64) -> io::Result<()> {
        self.change(|disk, inode| disk.set_len(inode, length))
    }

    pub(crate) fn seek(&self, to: SeekFrom) -> io::Result<u64> {
        let (base, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::End(by) => (self.with(|disk, inode| Ok(disk.len(inode)))?, by),
            SeekFrom::Current(by) => (self.place() as u64, by),
        };
        let at = base.checked_add_signed(by).ok_or(ErrorKind::InvalidInput)?;
        self.go_to(usize::try_from(at).map_err(|_| ErrorKind::InvalidInput)?);
        Ok(at)
    }
}

fn not_opened_for(what: &str) -> io::Error {
    io::Error::other(format!("bad file descriptor: it was not opened for {what}"))
}

impl World {
    /// The disk of `node`.
    ///
    /// # Panics
    /// There is no such node.
    pub fn disk(&mut self, node: NodeId) -> &mut Disk {
        &mut self.machine_mut(node).expect("faults of disks act on nodes of the plan").disk
    }

    /// Somebody is done with a disk that was taken out: what faults did meanwhile takes effect. `over` says that it is
    /// the copy of a node whose software has died.
    fn put_disk_back(&mut self, node: NodeId, mut disk: Disk, over: bool) {
        let (refused, cut, slowness) = if over {
            (Vec::new(), None, None)
        } else {
            (disk.take_refused(), disk.take_power_cut(), disk.take_slowness())
        };
        let machine = self.machine_mut(node).expect("its disk was taken out");
        *(if over { &mut machine.ghost } else { &mut machine.disk }) = disk;
        for fault in refused {
            self.refuse(node, fault);
        }
        if let Some((fault, ms)) = slowness {
            self.feel(fault);
            let until = self.now_here() + ms * 1_000;
            self.block(node, until);
        }
        if let Some(cut) = cut {
            self.bring_down(node, cut.id, true);
            self.lose_power(node, cut.unsynced);
        }
    }
}
