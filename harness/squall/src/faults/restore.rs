//! A disk goes back in time: a volume is restored from a snapshot, a machine is reverted.
//!
//! At its edges: when the step begins, a snapshot is taken of each disk, all in one moment, and nobody notices. It holds
//! what a power cut would have left then: consistent as after a crash, as snapshots of volumes are, and never what was
//! not written. `age` later the machines lose their power, as with `crash`, all in one moment, and come back with the
//! snapshot: what was written since is gone, and what was removed is back. What else is wrong with the disk goes on.
//! With `all` it is the drill of a backup: taken while the system works, everything wiped, the backup restored. Of a
//! minority of replicas nothing may be lost. If more than that go back, what was acknowledged in between may be lost,
//! and nothing else: the run tells how much of it was, and back to when.

use super::kind::FaultKind;
use crate::{
    injection::Injection,
    parameters::{node, time},
};

pub(super) const RESTORE: FaultKind = FaultKind {
    key: "restore",
    does: "Takes a snapshot of a node's disk; `age` later cuts its power, as `crash` does, and puts the snapshot in the disk's place",
    stands_for: "a volume restored from a snapshot, a machine that is reverted, a backup that is played back",
    felt_when: "a disk went back on which something had changed",
    lasts: false,
    params: &[node(), time("age", "1s", "how old the snapshot is when it is restored")],
    says: "{node}, {age} old",
    example: "{ at: 500ms, restore: { node: broker-1, age: 400ms }, restart_after: 200ms }",
    injection: |given| Injection::GoBack { nodes: given.node(), age: given.time("age") },
};
