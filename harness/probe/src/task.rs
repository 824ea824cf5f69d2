//! Tasks.

use std::future::Future;
use tokio::task::JoinHandle;

/// Spawns a task of this node.
///
/// In a simulation it becomes part of the host's `LocalSet`, which a crash drops in an order that is
/// a function of the run. (tokio's own list of tasks is split by task id, which counts every task
/// the process ever spawned.) And it stands still while a fault pauses the node.
///
/// If it panics, that is the business of whoever holds the handle. If nobody does, the run fails by `no_panic`;
/// as it does if a task panics that was spawned by tokio's own `spawn` or `spawn_local`, which takes its whole
/// node along.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[cfg(feature = "sim")]
    if crate::sim::is_active() {
        return crate::sim::spawn(future);
    }
    tokio::spawn(future)
}
