//! What several tests use: a waker that counts how often it was woken, and a node whose code runs.

use super::world::{TaskSets, World};
use crate::record::NodeId;
use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

/// How often its wakers were woken.
#[derive(Debug, Default)]
pub(in crate::sim) struct Woken(Arc<Count>);

#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Woken {
    pub(in crate::sim) fn waker(&self) -> Waker {
        self.0.clone().into()
    }

    pub(in crate::sim) fn times(&self) -> usize {
        self.0.0.load(Ordering::Relaxed)
    }
}

/// From now on the code of `node` runs, at the time at which it does.
pub(crate) fn runs_here(world: &mut World, node: NodeId) {
    let began = tokio::time::Instant::now();
    world.enter(node, began, world.now, task_sets(), false);
}

/// Of a node that spawns nothing.
pub(in crate::sim) fn task_sets() -> TaskSets {
    let set = || Rc::new(tokio::task::LocalSet::new());
    TaskSets { supervised: set(), unsupervised: set() }
}
