//! Which disk is meant by who reads and writes: that of the node whose software runs, or what its dead software goes on
//! writing to.

use super::{World, disk::Disk, try_with, with};
use crate::NodeId;
use std::{io, path::Path};

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
pub(crate) fn open(path: &Path) -> Option<io::Result<super::disk::Handle>> {
    let (node, incarnation) = disk_here()?;
    let opened = on_disk(|disk| disk.open(path))?;
    Some(opened.map(|inode| super::disk::Handle::new(node, incarnation, inode)))
}

/// Acts on a node's disk, for the software of one of its lives; `None` if there is no such node, or no simulation any
/// more.
pub(crate) fn on_disk_of<R>(
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
