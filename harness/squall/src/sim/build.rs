//! From a plan to a simulation that is ready to run: the world, the judge, and a host for each node.

use super::{
    backlog::Backlog,
    clients::{self, Clients},
    limits::limits,
    nemesis::{Exits, Nemesis},
    observer::{self, Observation},
    recorder::Recorder,
    simulator::Simulator,
};
use crate::{
    determinism::EPOCH,
    plan::{Plan, PlannedNode},
    system::{Cluster, Node, Role, System},
};
use squall_judge::{Judge, Setup};
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

/// Builds the simulation of a plan, and installs its world on this thread.
pub(super) fn build<'a>(plan: &'a Plan, system: &Arc<dyn System>) -> Built<'a> {
    let mut names = sim::Names::default();
    let setup = setup(plan, &**system, &mut names);
    let recorder = Rc::new(RefCell::new(Recorder::new(
        Judge::new(&setup),
        Backlog::new(setup.groups.clone(), &setup.promises),
        !plan.faults.is_empty(),
    )));
    let sink = {
        let recorder = recorder.clone();
        Box::new(move |record: &Record| recorder.borrow_mut().record(record))
    };
    sim::install(plan.seed, &setup.nodes, names, sink);
    sim::with(|world| world.set_epoch(EPOCH));

    let client_nodes = nodes_where(plan, &**system, |role| role.client);
    let orders = plan.publishes(client_nodes.len());
    let shared = Shared {
        system: system.clone(),
        cluster: cluster(plan, &**system),
        clients: Rc::new(RefCell::new(Clients::new(&client_nodes, &orders))),
        exits: Exits::default(),
    };
    let tick = u64::from(plan.tick_ms) * 1_000;
    let mut simulator = Simulator::new(plan.seed, tick, system.waits_with_probe(), setup.nodes);
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

fn planned(plan: &Plan) -> impl Iterator<Item = (NodeId, &PlannedNode)> {
    plan.nodes.iter().enumerate().map(|(index, node)| (NodeId::of_index(index), node))
}

fn role<'s>(system: &'s dyn System, node: &PlannedNode) -> &'s Role {
    let role = system.roles().iter().find(|role| role.name == node.role);
    role.expect("a plan has nodes of the system's roles only")
}

fn nodes_where(plan: &Plan, system: &dyn System, which: impl Fn(&Role) -> bool) -> Vec<NodeId> {
    planned(plan).filter(|(_, node)| which(role(system, node))).map(|(id, _)| id).collect()
}

/// What the judge knows beforehand. Groups are interned first: their names are 0, 1, 2, … in every run.
#[must_use]
pub fn setup(plan: &Plan, system: &dyn System, names: &mut sim::Names) -> Setup {
    let groups = system.groups().iter().map(|group| names.intern(group)).collect();
    let promises = system.promises();
    Setup {
        sagas: promises.saga.iter().map(|step| names.intern(step)).collect(),
        policies: promises.retries.iter().map(|policy| names.intern(policy.name)).collect(),
        dependencies: promises.breakers.iter().map(|b| names.intern(b.dependency)).collect(),
        dependency_nodes: promises
            .breakers
            .iter()
            .map(|breaker| {
                let named = |node: &PlannedNode| {
                    breaker.dependency == node.role || breaker.dependency == node.name
                };
                planned(plan).filter(|(_, node)| named(node)).map(|(id, _)| id).collect()
            })
            .collect(),
        buffers: promises.buffers.iter().map(|(name, _)| names.intern(name)).collect(),
        memory: plan
            .nodes
            .iter()
            .map(|node| promises.memory.iter().find(|(role, _)| *role == node.role).map(|m| m.1))
            .collect(),
        stalls: plan.faults.iter().any(|fault| fault.fault.injection().stalls_timers()),
        groups,
        group_names: system.groups().iter().map(|&group| group.to_owned()).collect(),
        replicas: nodes_where(plan, system, |role| role.replica),
        nodes: plan.nodes.iter().map(|node| node.name.clone()).collect(),
        limits: limits(&plan.expect),
        promises,
    }
}

fn cluster(plan: &Plan, system: &dyn System) -> Cluster {
    let node = |(id, node): (NodeId, &PlannedNode)| Node {
        id,
        name: node.name.as_str().into(),
        role: role(system, node).name,
        index: node.index,
        incarnation: 0,
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
