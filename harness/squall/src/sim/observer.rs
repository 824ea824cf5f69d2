//! A client of the harness that asks every node for its state, over the simulated network, in the
//! recovery phase.

use crate::{
    outcome::agree,
    system::{Cluster, State, System},
};
use squall_probe::{
    NodeId,
    time::{sleep, timeout},
};
use std::{cell::RefCell, collections::BTreeSet, rc::Rc, sync::Arc, time::Duration};
use tokio::sync::Notify;

/// How long a node may take to tell its state.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// What the observer was told in one round.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) states: Vec<State>,
    /// Nodes that did not answer.
    pub(super) silent: Vec<NodeId>,
}

impl Told {
    /// Every node answered, all copies of each thing are equal, sums are what they were, and queues are empty.
    pub(super) fn agrees(&self) -> bool {
        self.silent.is_empty() && agree(&self.states)
    }
}

/// What the observer and the run share.
#[derive(Debug, Default)]
pub(super) struct Observation {
    ask: Notify,
    asked: RefCell<bool>,
    answer: RefCell<Option<Told>>,
    /// Nodes that are not asked.
    left_out: RefCell<BTreeSet<NodeId>>,
}

impl Observation {
    /// Asks for a look at every node, unless one is under way. Whether it was asked for now.
    pub(super) fn ask(&self) -> bool {
        let idle = !self.asked.replace(true);
        if idle {
            self.ask.notify_one();
        }
        idle
    }

    /// These nodes are down for good.
    pub(super) fn leave_out(&self, nodes: &BTreeSet<NodeId>) {
        self.left_out.borrow_mut().clone_from(nodes);
    }

    /// What was seen since the last call.
    pub(super) fn take(&self) -> Option<Told> {
        let answer = self.answer.borrow_mut().take()?;
        *self.asked.borrow_mut() = false;
        Some(answer)
    }
}

/// The observer's software.
pub(super) async fn run(system: Arc<dyn System>, cluster: Cluster, shared: Rc<Observation>) {
    loop {
        shared.ask.notified().await;
        let mut told = Told::default();
        for node in cluster.nodes.iter() {
            if shared.left_out.borrow().contains(&node.id) {
                continue;
            }
            match timeout(PATIENCE, system.inspect(node.clone(), cluster.clone())).await {
                Ok(Ok(states)) => told.states.extend(states),
                Ok(Err(_)) | Err(_) => told.silent.push(node.id),
            }
        }
        *shared.answer.borrow_mut() = Some(told);
        // The run looks between steps; there is no need to ask twice in one.
        sleep(Duration::from_millis(20)).await;
    }
}
