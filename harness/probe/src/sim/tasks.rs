//! Tasks of a node, each in a set of its own, so that one that panics is its supervisor's business first.
//!
//! turmoil lets any task that panics shut its whole host down. Here tokio keeps the panic for whoever holds the
//! [`JoinHandle`], as it does in production; only if nobody holds it, nobody can handle it.

use super::{
    gate::gated_here,
    nodes::current_node,
    world::{World, with},
};
use crate::record::NodeId;
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};
use tokio::task::{JoinHandle, LocalSet};

/// Spawns a task of the node that runs now.
pub(crate) fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let set = LocalSet::new();
    let panicked = Arc::new(AtomicBool::new(false));
    let handle = set.spawn_local(Noting { future: Box::pin(future), panicked: panicked.clone() });
    let set_waker = Arc::new(SetWaker::default());
    let waker = Waker::from(set_waker.clone());
    tokio::task::spawn_local(gated_here(Task { inner: Some((set, waker)), set_waker, panicked }));
    handle
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

/// Wakes the task that drives a set. The set keeps a copy of it, and is itself kept by each handle to its task.
#[derive(Debug, Default)]
struct SetWaker(Mutex<Option<Waker>>);

impl SetWaker {
    fn waker(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for SetWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let waker = self.waker().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

struct Task {
    inner: Option<(LocalSet, Waker)>,
    set_waker: Arc<SetWaker>,
    panicked: Arc<AtomicBool>,
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        {
            let mut known = self.set_waker.waker();
            if !known.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
                *known = Some(context.waker().clone());
            }
        }
        let Self { inner, set_waker, panicked } = &mut *self;
        let Some((set, waker)) = inner else { return Poll::Ready(()) };
        let mut own = Context::from_waker(waker);
        if Pin::new(&mut *set).poll(&mut own).is_pending() {
            return Poll::Pending;
        }
        if panicked.load(Ordering::Relaxed) {
            // Once more, for what it woke meanwhile it has forgotten; then only a handle keeps the waker.
            let _ = Pin::new(set).poll(&mut own);
            *inner = None;
            if Arc::strong_count(set_waker) == 1 {
                let node = current_node();
                with(|world| world.panic_unhandled(node));
            }
        }
        *inner = None;
        Poll::Ready(())
    }
}

/// Notes that its future panicked.
struct Noting<F> {
    future: Pin<Box<F>>,
    panicked: Arc<AtomicBool>,
}

struct OnPanic<'a>(&'a AtomicBool);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

impl<F: Future> Future for Noting<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self { future, panicked } = &mut *self;
        let _noted = OnPanic(panicked);
        future.as_mut().poll(context)
    }
}
