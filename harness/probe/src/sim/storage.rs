//! Files of a simulated disk, and which disk is meant by who reads and writes: that of the node whose software runs, or what its dead software goes on
//! writing to.

use super::{
    disk::Disk,
    world::{World, try_with, with},
};
use crate::record::NodeId;
use std::{
    io::{self, ErrorKind, SeekFrom},
    path::Path,
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

/// Opens a file of the node whose software runs now; `None` outside a simulation.
pub(crate) fn open(path: &Path) -> Option<io::Result<Handle>> {
    let (node, incarnation) = disk_here()?;
    let opened = on_disk(|disk| disk.open(path))?;
    Some(opened.map(|inode| Handle::new(node, incarnation, inode)))
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

/// An open file of a simulated disk.
#[derive(Debug)]
pub(crate) struct Handle {
    node: NodeId,
    /// Which life of the node opened it.
    incarnation: u32,
    inode: usize,
    cursor: usize,
}

impl Handle {
    fn new(node: NodeId, incarnation: u32, inode: usize) -> Self {
        Self { node, incarnation, inode, cursor: 0 }
    }

    pub(crate) fn with<R>(
        &self,
        act: impl FnOnce(&mut Disk, usize) -> io::Result<R>,
    ) -> io::Result<R> {
        on_disk_of(self.node, self.incarnation, |disk| act(disk, self.inode))
            .unwrap_or_else(|| Err(io::Error::other("the simulation of this file has ended")))
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.with(|disk, inode| disk.read_at(inode, self.cursor, buffer))?;
        self.cursor += count;
        Ok(count)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let at = self.cursor;
        let count = self.with(|disk, inode| disk.write(inode, at, bytes))?;
        self.cursor += count;
        Ok(count)
    }

    pub(crate) fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::End(by) => (self.with(|disk, inode| Ok(disk.len(inode)))?, by),
            SeekFrom::Current(by) => (self.cursor as u64, by),
        };
        let at = base.checked_add_signed(by).ok_or(ErrorKind::InvalidInput)?;
        self.cursor = usize::try_from(at).map_err(|_| ErrorKind::InvalidInput)?;
        Ok(at)
    }
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
