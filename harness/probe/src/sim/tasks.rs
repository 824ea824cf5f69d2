//! Tasks of a node, in a set of their own, so that one that panics is its supervisor's business first.
//!
//! A panic in any other task of a node shuts its whole runtime down. Here tokio keeps the panic for whoever holds the
//! handle, as it does in production; only if nobody holds it, nobody can handle it.

use super::{
    gate::{Gated, gated_here},
    nodes::current_node,
    world::{World, try_with, with},
};
use crate::record::NodeId;
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::task::JoinHandle;

/// Spawns a task of the node that runs now. Its handle, and what its owner keeps as long as it holds that.
pub(crate) fn spawn<F>(future: F) -> (JoinHandle<F::Output>, Arc<()>)
where
    F: Future + 'static,
    F::Output: 'static,
{
    let held = Arc::new(());
    let task = Supervised { task: gated_here(future), held: held.clone() };
    let set = with(|world| world.tasks().map(|sets| sets.supervised.clone()));
    (set.expect("only the code of a node spawns tasks").spawn_local(task), held)
}

impl World {
    /// A task panicked whose handle nobody holds.
    fn panic_unhandled(&mut self, node: NodeId) {
        self.unhandled.push(node);
    }

    /// Nodes of which a task panicked whose handle nobody held, since the last call.
    pub fn take_unhandled(&mut self) -> Vec<NodeId> {
        std::mem::take(&mut self.unhandled)
    }
}

/// Tells if its future panics and nobody holds its handle.
struct Supervised<F> {
    task: Gated<F>,
    held: Arc<()>,
}

struct OnPanic<'a>(&'a Arc<()>);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() && Arc::strong_count(self.0) == 1 {
            let node = current_node();
            try_with(|world| world.panic_unhandled(node));
        }
    }
}

impl<F: Future> Future for Supervised<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { task, held } = &mut *self;
        let _noted = OnPanic(held);
        Pin::new(task).poll(context)
    }
}
