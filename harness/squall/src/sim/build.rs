//! From a plan to a simulation that is ready to run: the world, the judge, and a host for each node.

use super::{
    clients::{self, Clients},
    nemesis::{Exits, Nemesis},
    observer::{self, Observation},
    simulator::Simulator,
};
use crate::{
    determinism::EPOCH,
    outcome::{Recorder, nodes_where, planned, role, setup},
    plan::{Plan, PlannedNode},
    system::{Cluster, Node, System},
};
use squall_probe::{NodeId, Record, sim};
use std::{cell::RefCell, rc::Rc, sync::Arc};

/// A simulation that is ready to run.
pub(super) struct Built<'a> {
    pub(super) nemesis: Nemesis<'a>,
    pub(super) observation: Rc<Observation>,
    pub(super) recorder: Rc<RefCell<Recorder>>,
}

/// What every node's software is given.
#[derive(Clone)]
struct Shared {
    system: Arc<dyn System>,
    cluster: Cluster,
    clients: Rc<RefCell<Clients>>,
    exits: Exits,
}

/// The folder that is a node's disk.
const DATA: &str = "/data";

/// Builds the simulation of a plan, and installs its world on this thread.
pub(super) fn build<'a>(plan: &'a Plan, system: &Arc<dyn System>) -> Built<'a> {
    let mut names = sim::Names::default();
    let setup = setup(plan, &**system, &mut names);
    let recorder = Rc::new(RefCell::new(Recorder::new(plan, &setup)));
    let sink = {
        let recorder = recorder.clone();
        Box::new(move |record: &Record| recorder.borrow_mut().record(record))
    };
    sim::install(plan.seed, &setup.nodes, names, sink);
    sim::with(|world| world.set_epoch(EPOCH));

    let client_nodes = nodes_where(plan, &**system, |role| role.client);
    let shared = Shared {
        system: system.clone(),
        cluster: cluster(plan, &**system),
        clients: Rc::new(RefCell::new(Clients::new(plan, &client_nodes))),
        exits: Exits::default(),
    };
    let tick = u64::from(plan.tick_ms) * 1_000;
    let mut simulator =
        Simulator::new(plan.seed, tick, system.waits_with_probe(), plan.nodes.len());
    for node in shared.cluster.nodes.iter() {
        host(&mut simulator, node, client_nodes.contains(&node.id), &shared);
    }
    let observation = Rc::new(Observation::default());
    host_observer(&mut simulator, &observation, &shared);

    let replica_roles =
        system.roles().iter().filter(|role| role.replica).map(|role| role.name).collect();
    let nemesis = Nemesis::new(
        plan,
        simulator,
        replica_roles,
        recorder.clone(),
        shared.clients,
        shared.exits,
    );
    Built { nemesis, observation, recorder }
}

fn cluster(plan: &Plan, system: &dyn System) -> Cluster {
    let node = |(id, node): (NodeId, &PlannedNode)| Node {
        id,
        name: node.name.as_str().into(),
        role: role(system, node).name,
        index: node.index,
        incarnation: 0,
        data: DATA.into(),
    };
    Cluster {
        nodes: planned(plan).map(node).collect(),
        defects: plan.defects.clone().into(),
        keys: plan.workload.keys,
    }
}

/// A host whose software starts with the simulation, and again after each crash.
fn host(simulator: &mut Simulator, node: &Node, is_client: bool, shared: &Shared) {
    let (node, shared) = (node.clone(), shared.clone());
    simulator.host(node.id, move || {
        let (node, shared) = (node.clone(), shared.clone());
        sim::gated_harness(node.id, async move {
            software(node, is_client, shared).await;
            // What is still spawned goes on until the nemesis tends to the exit.
            std::future::pending::<()>().await;
        })
    });
}

async fn software(mut node: Node, is_client: bool, shared: Shared) {
    let id = node.id;
    let Shared { system, cluster, clients, exits } = shared;
    sim::with(|world| {
        node.incarnation = world.incarnation(id);
    });
    if is_client {
        return clients::run(system, node, cluster, clients).await;
    }
    let started = sim::as_node(|| system.start(node, cluster));
    let end = match sim::gated(id, started).await {
        Ok(()) => "its software ended".to_owned(),
        Err(error) => error.to_string(),
    };
    // Whoever was brought down from within has come to no end of its own.
    if !sim::with(|world| world.is_dead(id)) {
        exits.borrow_mut().push((id, end));
    }
}

fn host_observer(simulator: &mut Simulator, observation: &Rc<Observation>, shared: &Shared) {
    let (shared, observation) = (shared.clone(), observation.clone());
    simulator.host(NodeId::HARNESS, move || {
        let (shared, observation) = (shared.clone(), observation.clone());
        observer::run(shared.system, shared.cluster, observation)
    });
}
