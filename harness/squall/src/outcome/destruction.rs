//! Disks of which something is gone for good, where so many are that no system could have kept what they held.

use super::setup::planned;
use crate::{injection::Injection, plan::Plan};
use squall_probe::NodeId;
use std::collections::BTreeSet;

/// Disks that were destroyed, when nothing could bring back what they held.
pub(crate) struct Destruction {
    /// Whose, and by which faults, in a sentence.
    pub(crate) disks: String,
    /// They were disks of replicas.
    pub(crate) replicated: bool,
}

/// Something of a node's disk is gone for good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    /// Which fault took it, by its index in the plan.
    pub(crate) by: usize,
    /// Its node noticed: it read what was damaged, or started on the disk.
    pub(crate) noticed: bool,
}

/// The disks of a role, if so many of them were destroyed that nothing could bring back what they held; `gone` lists what
/// faults took from a node's disk, in the order of time. A disk counts if its node noticed.
pub(crate) fn destruction(
    plan: &Plan,
    replica_roles: &[&str],
    gone: impl Fn(NodeId) -> Vec<Gone>,
) -> Option<Destruction> {
    let went_back =
        |gone: &Gone| matches!(plan.faults[gone.by].fault.injection(), Injection::GoBack { .. });
    let roles: BTreeSet<&str> = plan.nodes.iter().map(|node| node.role.as_str()).collect();
    roles.into_iter().find_map(|role| {
        let disks: Vec<(&str, Vec<Gone>)> = planned(plan)
            .filter(|(_, node)| node.role == role)
            .map(|(id, node)| (node.name.as_str(), gone(id)))
            .collect();
        let replicated = replica_roles.contains(&role);
        // What a log may have lost that went back as a whole, the judge knows.
        if replicated && disks.iter().flat_map(|(_, gone)| gone).all(went_back) {
            return None;
        }
        let lost = disks.iter().filter_map(|(name, gone)| {
            let fault = &plan.faults[gone.iter().find(|gone| gone.noticed)?.by];
            Some(format!("{name} (line {}: {})", fault.line, fault.fault))
        });
        let lost: Vec<String> = lost.collect();
        let (count, of) = (lost.len(), disks.len());
        (count >= irreplaceable(of, replicated)).then(|| {
            let lost = lost.join(", ");
            let disks = format!("the disks of {count} of {of} {role} nodes were destroyed: {lost}");
            Destruction { disks, replicated }
        })
    })
}

/// Of how many disks of a role's `count` the loss cannot be made good: of one that replicates, when no majority is left
/// to which nothing is missing; of another, all of them.
///
/// What a log of `count` replicas has acknowledged stands on a majority of them. As many as are no part of a smallest
/// majority can be lost: each majority of the others and the emptied still has one that holds it. One more, and a majority
/// may consist of who never had it and who has lost it. (Of two replicas both hold everything.)
fn irreplaceable(count: usize, replicated: bool) -> usize {
    let spare = if replicated { count.saturating_sub(1) / 2 } else { 0 };
    if spare == 0 { count } else { spare + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario};

    const WIPED: &str = "  - { at: 1s, wipe: any broker }\n";
    const WENT_BACK: &str = "  - { at: 2s, restore: { node: any broker, age: 1s } }\n";

    /// Whether the disks are irreplaceable of which something is gone, in a plan with `brokers` brokers whose fault 0
    /// empties disks and whose fault 1 takes them back: of each broker by which fault, and whether it noticed.
    fn told(brokers: usize, gone: &[&[(usize, bool)]]) -> Option<String> {
        let text = format!("name: x\nnodes: {{ brokers: {brokers} }}\nfaults:\n{WIPED}{WENT_BACK}");
        let scenario = scenario::parse("x", text.as_bytes(), &Sample).map_err(|p| p.render(false));
        let plan = Plan::new(&scenario.expect("it is right"), 1, &Sample, &[]);
        let gone_of = |node: NodeId| {
            let node = &plan.nodes[node.index()];
            let index = usize::try_from(node.index - 1).expect("a small number");
            let of_brokers = if node.role == "broker" { gone.get(index) } else { None };
            let all = of_brokers.into_iter().flat_map(|gone| gone.iter());
            all.map(|(by, noticed)| Gone { by: *by, noticed: *noticed }).collect()
        };
        destruction(&plan, &["broker"], gone_of).map(|lost| lost.disks)
    }

    #[test]
    fn a_replicated_role_survives_its_minority_and_another_role_all_but_one() {
        let replicated = [1, 2, 3, 4, 5, 6].map(|count| irreplaceable(count, true));
        // Of four, three are a majority: two lost leave none to which nothing is missing.
        assert_eq!(replicated, [1, 2, 2, 2, 3, 3]);
        assert_eq!([1, 2, 3].map(|count| irreplaceable(count, false)), [1, 2, 3]);
    }

    #[test]
    fn disks_are_told_with_who_destroyed_them_when_too_many_are_gone() {
        let wiped: &[(usize, bool)] = &[(0, true)];
        assert_eq!(told(4, &[wiped]), None);
        let two =
            told(4, &[wiped, &[], &[(1, false), (0, true)]]).expect("two of four are too many");
        let told = "the disks of 2 of 4 broker nodes were destroyed: broker-1 (line 4: ";
        assert!(two.starts_with(told) && two.contains("broker-3 (line 4: "), "{two}");
    }

    #[test]
    fn a_disk_whose_node_has_not_noticed_is_not_destroyed() {
        assert_eq!(told(3, &[&[(0, true)], &[(0, false)]]), None);
        assert!(told(3, &[&[(0, true)], &[(0, true)]]).is_some());
    }

    #[test]
    fn a_log_that_went_back_as_a_whole_is_the_judge_s_unless_something_else_is_gone() {
        let back: &[(usize, bool)] = &[(1, true)];
        assert_eq!(told(3, &[back, back, back]), None);
        assert!(told(3, &[back, back, &[(0, true), (1, true)]]).is_some());
    }
}
