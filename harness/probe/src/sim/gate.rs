//! Tasks of a node, which are polled only while it runs.

use super::{inside::Inside, nodes::current_node, world::with};
use crate::record::NodeId;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// A task of a node: not polled while the node is stopped.
#[derive(Debug)]
pub struct Gated<F> {
    node: NodeId,
    harness: bool,
    future: Pin<Box<F>>,
}

/// Makes `future` a task of `node`. What it spawns with tokio's own `spawn_local` stands still with the node, too.
pub fn gated<F: Future>(node: NodeId, future: F) -> Gated<F> {
    Gated { node, harness: false, future: Box::pin(future) }
}

/// Makes `future`, code of the harness's, a task of `node`. What it spawns with tokio's `spawn_local` is beside it.
pub fn gated_harness<F: Future>(node: NodeId, future: F) -> Gated<F> {
    Gated { node, harness: true, future: Box::pin(future) }
}

/// Makes `future` a task of the node that runs now.
pub fn gated_here<F: Future>(future: F) -> Gated<F> {
    gated(current_node(), future)
}

/// Does what code of the running node does between two awaits: what that spawns with tokio's own `spawn_local` stands
/// still with the node.
pub fn as_node<R>(act: impl FnOnce() -> R) -> R {
    let set = with(|world| world.tasks().map(|sets| sets.unsupervised.clone()));
    let _entered = set.as_ref().map(|set| set.enter());
    act()
}

impl<F: Future> Future for Gated<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let (node, harness) = (self.node, self.harness);
        let sets = with(|world| {
            world.may_run(node, context.waker()).then(|| {
                world.look_at_clock();
                world.tasks().filter(|_| !harness).map(|sets| sets.unsupervised.clone())
            })
        });
        let Some(set) = sets else { return Poll::Pending };
        let _inside = Inside::gated();
        let entered = set.as_ref().map(|set| set.enter());
        let polled = self.future.as_mut().poll(context);
        drop(entered);
        // Whoever died meanwhile has come to no end, and nobody is told of one.
        if polled.is_ready() && with(|world| world.is_dead(node)) {
            return Poll::Pending;
        }
        polled
    }
}
