//! From a scenario's words (`any follower`, `majority of brokers`) to nodes, at the moment a fault begins.

use super::links::Direction;
use crate::{
    faults::{Links, Target},
    plan::PlannedNode,
    stream::Stream,
};
use squall_probe::NodeId;
use std::collections::BTreeSet;

/// What a choice can depend on.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// All nodes, by id.
    pub nodes: &'a [PlannedNode],
    /// Roles whose nodes hold replicas.
    pub replica_roles: &'a [&'a str],
    /// Who leads now, as far as its own records tell.
    pub leader: Option<NodeId>,
    /// Who is up now.
    pub up: &'a [bool],
}

impl View<'_> {
    fn ids(&self) -> impl Iterator<Item = (NodeId, &PlannedNode)> {
        self.nodes
            .iter()
            .enumerate()
            .filter_map(|(index, node)| u16::try_from(index).ok().map(|id| (NodeId(id), node)))
    }

    fn role(&self, role: &str) -> Vec<NodeId> {
        self.ids().filter(|(_, node)| node.role == role).map(|(id, _)| id).collect()
    }

    fn followers(&self) -> Vec<NodeId> {
        self.ids()
            .filter(|(id, node)| {
                self.replica_roles.contains(&node.role.as_str()) && Some(*id) != self.leader
            })
            .map(|(id, _)| id)
            .collect()
    }

    /// `count` of `candidates`; those that are up are preferred, for what is down feels nothing.
    fn pick(&self, count: usize, candidates: &[NodeId], stream: &mut Stream) -> Vec<NodeId> {
        let up: Vec<_> = candidates
            .iter()
            .copied()
            .filter(|id| self.up.get(usize::from(id.0)).copied().unwrap_or(false))
            .collect();
        if up.len() >= count { stream.choose(count, &up) } else { stream.choose(count, candidates) }
    }

    /// The nodes that `target` means now, in the order of their ids.
    pub fn nodes(&self, target: &Target, stream: &mut Stream) -> Vec<NodeId> {
        match target {
            Target::Node(name) => {
                self.ids().filter(|(_, node)| node.name == *name).map(|(id, _)| id).collect()
            }
            Target::Role(role) => self.role(role),
            Target::Leader => self.leader.into_iter().collect(),
            Target::AnyFollower => self.pick(1, &self.followers(), stream),
            Target::Followers => self.followers(),
            Target::Any(role) => self.pick(1, &self.role(role), stream),
            Target::Some(count, role) => self.pick(*count as usize, &self.role(role), stream),
            Target::Majority(role) => {
                let all = self.role(role);
                self.pick(all.len() / 2 + 1, &all, stream)
            }
            Target::Minority(role) => {
                let all = self.role(role);
                self.pick(all.len().saturating_sub(1) / 2, &all, stream)
            }
            Target::All => self.ids().map(|(id, _)| id).collect(),
            Target::Each(targets) => {
                let all: BTreeSet<_> =
                    targets.iter().flat_map(|target| self.nodes(target, stream)).collect();
                all.into_iter().collect()
            }
        }
    }

    /// The directions that `links` means now.
    pub fn directions(&self, links: &Links, stream: &mut Stream) -> BTreeSet<Direction> {
        let all: Vec<NodeId> = self.ids().map(|(id, _)| id).collect();
        let without = |some: &[NodeId], of: Vec<NodeId>| -> Vec<NodeId> {
            of.into_iter().filter(|id| !some.contains(id)).collect()
        };
        match links {
            Links::Every => both(&all, &all),
            Links::Isolate { who, from } => {
                let who = self.nodes(who, stream);
                let rest = match from {
                    Some(from) => self.nodes(from, stream),
                    None => all,
                };
                let rest = without(&who, rest);
                both(&who, &rest)
            }
            Links::Between(a, b) => {
                let a = self.nodes(a, stream);
                let b = self.nodes(b, stream);
                both(&a, &b)
            }
            Links::OneWay { from, to } => {
                let from = self.nodes(from, stream);
                let to = self.nodes(to, stream);
                one_way(&from, &to).collect()
            }
            Links::Halves(target) => {
                let nodes = self.nodes(target, stream);
                let half = stream.choose(nodes.len() / 2, &nodes);
                both(&half, &without(&half, nodes.clone()))
            }
            Links::Majority(target) => {
                let nodes = self.nodes(target, stream);
                let majority = stream.choose(nodes.len() / 2 + 1, &nodes);
                both(&majority, &without(&majority, nodes.clone()))
            }
        }
    }
}

fn one_way(from: &[NodeId], to: &[NodeId]) -> impl Iterator<Item = Direction> {
    from.iter().flat_map(|a| to.iter().map(move |b| (*a, *b))).filter(|(a, b)| a != b)
}

fn both(a: &[NodeId], b: &[NodeId]) -> BTreeSet<Direction> {
    one_way(a, b).chain(one_way(b, a)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> Vec<PlannedNode> {
        [("broker", 3), ("producer", 1)]
            .into_iter()
            .flat_map(|(role, count)| {
                (1..=count).map(move |index| PlannedNode {
                    name: format!("{role}-{index}"),
                    role: role.to_owned(),
                    index,
                })
            })
            .collect()
    }

    fn stream() -> Stream {
        Stream::new(1, "test", &[])
    }

    #[test]
    fn words_mean_nodes() {
        let nodes = nodes();
        let view = View {
            nodes: &nodes,
            replica_roles: &["broker"],
            leader: Some(NodeId(1)),
            up: &[true; 4],
        };
        let ids = |target: &Target| {
            view.nodes(target, &mut stream()).into_iter().map(|id| id.0).collect::<Vec<_>>()
        };
        assert_eq!(ids(&Target::Leader), [1]);
        assert_eq!(ids(&Target::Followers), [0, 2]);
        assert!([vec![0], vec![2]].contains(&ids(&Target::AnyFollower)));
        assert_eq!(ids(&Target::Majority("broker".into())).len(), 2);
        assert_eq!(ids(&Target::Minority("broker".into())).len(), 1);
        assert_eq!(ids(&Target::Some(3, "broker".into())), [0, 1, 2]);
        assert_eq!(ids(&Target::Node("producer-1".into())), [3]);
        assert_eq!(ids(&Target::All), [0, 1, 2, 3]);
        assert_eq!(ids(&Target::Each(vec![Target::All, Target::Leader])), [0, 1, 2, 3]);
    }

    #[test]
    fn what_is_down_is_chosen_last() {
        let nodes = nodes();
        for seed in 0..50 {
            let view = View {
                nodes: &nodes,
                replica_roles: &["broker"],
                leader: None,
                up: &[true, false, true, true],
            };
            let mut stream = Stream::new(seed, "test", &[]);
            let chosen = view.nodes(&Target::Some(2, "broker".into()), &mut stream);
            assert_eq!(chosen, [NodeId(0), NodeId(2)]);
        }
    }

    #[test]
    fn isolating_cuts_both_ways_and_spares_the_rest() {
        let nodes = nodes();
        let view = View {
            nodes: &nodes,
            replica_roles: &["broker"],
            leader: Some(NodeId(0)),
            up: &[true; 4],
        };
        let links =
            Links::Isolate { who: Target::Leader, from: Some(Target::Role("broker".into())) };
        let cut: Vec<_> =
            view.directions(&links, &mut stream()).iter().map(|(a, b)| (a.0, b.0)).collect();
        assert_eq!(cut, [(0, 1), (0, 2), (1, 0), (2, 0)]);
    }
}
