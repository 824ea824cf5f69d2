//! Tasks, with tokio's names.
//!
//! tokio's own `spawn`, `spawn_local` and `JoinSet` work in a simulation as they are. What [`spawn`] has beside them is what a
//! panic and a crash do: see there.
//!
//! ```
//! use squall_probe::task;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let task = task::spawn(async { 6 * 7 });
//! assert_eq!(task.await.ok(), Some(42));
//! // What blocks: in a simulation it runs in one piece, on the node's own disk.
//! let sum = task::spawn_blocking(|| (1..=100).sum::<u32>());
//! assert_eq!(sum.await.ok(), Some(5050));
//! # }
//! ```

#[cfg(feature = "sim")]
use std::sync::Arc;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
pub use tokio::task::{
    AbortHandle, Id, JoinError, JoinSet, LocalSet, id, spawn_local, try_id, unconstrained,
    yield_now,
};

/// Owns the result of a task, as tokio's handle of this name: it can be awaited, and dropping it lets the task go on.
#[derive(Debug)]
pub struct JoinHandle<T> {
    task: tokio::task::JoinHandle<T>,
    /// Tells the simulation that somebody can handle a panic of the task.
    #[cfg(feature = "sim")]
    _held: Option<Arc<()>>,
}

impl<T> JoinHandle<T> {
    /// Ends the task at its next await.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// A handle that can only end the task.
    #[must_use]
    pub fn abort_handle(&self) -> AbortHandle {
        self.task.abort_handle()
    }

    /// Whether the task has come to an end.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// The number that tells it from other tasks.
    #[must_use]
    pub fn id(&self) -> Id {
        self.task.id()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(context)
    }
}

/// Spawns a task of this node.
///
/// In a simulation it becomes part of a set of the node's tasks, which a crash drops in an order that is
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
        let (task, held) = crate::sim::spawn(future);
        return JoinHandle { task, _held: Some(held) };
    }
    JoinHandle {
        task: tokio::spawn(future),
        #[cfg(feature = "sim")]
        _held: None,
    }
}

/// Calls a function that blocks.
///
/// In production it runs on a thread of tokio's. In a simulation it is a task of the node, and runs in one piece when that
/// is its turn: what it does to files is done on the simulated disk, and virtual time stands still meanwhile.
pub fn spawn_blocking<F, R>(function: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    #[cfg(feature = "sim")]
    if crate::sim::is_active() {
        return spawn(async move { function() });
    }
    JoinHandle {
        task: tokio::task::spawn_blocking(function),
        #[cfg(feature = "sim")]
        _held: None,
    }
}
