//! What the judge knows before a run, from its plan and its system.

use super::limits::limits;
use crate::{
    plan::{Plan, PlannedNode},
    system::{Role, System},
};
use squall_judge::Setup;
use squall_probe::{NodeId, sim};

pub(crate) fn planned(plan: &Plan) -> impl Iterator<Item = (NodeId, &PlannedNode)> {
    plan.nodes.iter().enumerate().map(|(index, node)| (NodeId::of_index(index), node))
}

pub(crate) fn role<'s>(system: &'s dyn System, node: &PlannedNode) -> &'s Role {
    let role = system.roles().iter().find(|role| role.name == node.role);
    role.expect("a plan has nodes of the system's roles only")
}

pub(crate) fn nodes_where(
    plan: &Plan,
    system: &dyn System,
    which: impl Fn(&Role) -> bool,
) -> Vec<NodeId> {
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
        gives_up: false,
        groups,
        group_names: system.groups().iter().map(|&group| group.to_owned()).collect(),
        replicas: nodes_where(plan, system, |role| role.replica),
        nodes: plan.nodes.iter().map(|node| node.name.clone()).collect(),
        limits: limits(&plan.expect),
        promises,
    }
}
