//! From a scenario's words (`any follower`, `majority of brokers`) to nodes, at the moment a fault begins.

use super::links::Direction;
use crate::{
    injection::{Links, Target},
    plan::PlannedNode,
    stream::Stream,
};
use squall_probe::NodeId;
use std::collections::BTreeSet;

/// What a choice can depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// All nodes, by id.
    pub(crate) nodes: &'a [PlannedNode],
    /// Roles whose nodes hold replicas.
    pub(crate) replica_roles: &'a [&'a str],
    /// Who leads now, as far as its own records tell.
    pub(crate) leader: Option<NodeId>,
    /// Who is up now.
    pub(crate) up: &'a [bool],
}

impl View<'_> {
    fn ids(&self) -> impl Iterator<Item = (NodeId, &PlannedNode)> {
        self.nodes.iter().enumerate().map(|(index, node)| (NodeId::of_index(index), node))
    }

    fn role(&self, role: &str) -> Vec<NodeId> {
        self.ids().filter(|(_, node)| node.role == role).map(|(id, _)| id).collect()
    }

    fn zone(&self, zone: &str) -> Vec<NodeId> {
        self.ids()
            .filter(|(_, node)| node.zone.as_deref() == Some(zone))
            .map(|(id, _)| id)
            .collect()
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
        let up: Vec<_> = candidates.iter().copied().filter(|id| self.up[id.index()]).collect();
        if up.len() >= count { stream.choose(count, &up) } else { stream.choose(count, candidates) }
    }

    /// The nodes that `target` means now, in the order of their ids.
    pub(crate) fn nodes(&self, target: &Target, stream: &mut Stream) -> Vec<NodeId> {
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
            Target::Zone(zone) => self.zone(zone),
            Target::AnyZone => {
                let zones: BTreeSet<&str> =
                    self.nodes.iter().filter_map(|node| node.zone.as_deref()).collect();
                let zones: Vec<&str> = zones.into_iter().collect();
                stream.choose(1, &zones).first().map_or_else(Vec::new, |zone| self.zone(zone))
            }
            Target::Each(targets) => {
                let all: BTreeSet<_> =
                    targets.iter().flat_map(|target| self.nodes(target, stream)).collect();
                all.into_iter().collect()
            }
        }
    }

    /// The directions that `links` means now.
    pub(crate) fn directions(&self, links: &Links, stream: &mut Stream) -> BTreeSet<Direction> {
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
            Links::Bridge(target) => {
                let nodes = self.nodes(target, stream);
                let bridge = stream.choose(1, &nodes);
                let rest = without(&bridge, nodes.clone());
                let half = stream.choose(rest.len() / 2, &rest);
                both(&half, &without(&half, rest.clone()))
            }
            Links::Ring(target) => {
                let mut left = self.nodes(target, stream);
                let mut ring = Vec::new();
                while !left.is_empty() {
                    let next = stream.between(0, left.len() as u64 - 1);
                    ring.push(left.remove(usize::try_from(next).expect("a place in a list")));
                }
                let count = ring.len();
                let others = count / 2;
                let mut cut = BTreeSet::new();
                for (place, hears) in ring.iter().enumerate() {
                    // Who is heard stands before and behind in the ring, as many as make a majority.
                    let first = place + count - others / 2;
                    let heard: Vec<NodeId> =
                        (0..=others).map(|step| ring[(first + step) % count]).collect();
                    cut.extend(one_way(&without(&heard, ring.clone()), &[*hears]));
                }
                cut
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
                    zone: (index < 3).then(|| format!("z{index}")),
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
    fn zones_are_hit_whole() {
        let nodes = nodes();
        let view = View { nodes: &nodes, replica_roles: &["broker"], leader: None, up: &[true; 4] };
        assert_eq!(view.nodes(&Target::Zone("z1".into()), &mut stream()), [NodeId(0), NodeId(3)]);
        let any = view.nodes(&Target::AnyZone, &mut stream());
        assert!([vec![NodeId(0), NodeId(3)], vec![NodeId(1)]].contains(&any));
    }

    #[test]
    fn in_a_ring_each_hears_a_majority_and_no_two_the_same() {
        for count in 3..8_u32 {
            let nodes: Vec<PlannedNode> = (1..=count)
                .map(|index| PlannedNode {
                    name: format!("broker-{index}"),
                    role: "broker".into(),
                    index,
                    zone: None,
                })
                .collect();
            let up = vec![true; nodes.len()];
            let view = View { nodes: &nodes, replica_roles: &["broker"], leader: None, up: &up };
            let cut = view.directions(&Links::Ring(Target::All), &mut stream());
            let heard: BTreeSet<Vec<u16>> = (0..nodes.len() as u16)
                .map(|to| {
                    let hears = |from: &u16| !cut.contains(&(NodeId(*from), NodeId(to)));
                    (0..nodes.len() as u16).filter(hears).collect()
                })
                .collect();
            assert_eq!(heard.len(), nodes.len(), "{count}: {heard:?}");
            assert!(heard.iter().all(|heard| heard.len() == nodes.len() / 2 + 1));
        }
    }

    #[test]
    fn a_bridge_sees_both_halves() {
        let nodes = nodes();
        let view = View { nodes: &nodes, replica_roles: &["broker"], leader: None, up: &[true; 4] };
        let links = Links::Bridge(Target::Role("broker".into()));
        let cut = view.directions(&links, &mut stream());
        // Of three, two do not see each other.
        assert_eq!(cut.len(), 2);
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
