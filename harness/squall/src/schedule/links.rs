//! Directions of links: who sends over them, which pairs they join, how long they take where nothing is wrong, and those
//! that flap.

use crate::plan::{Micros, Plan};
use squall_probe::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// A direction: frames from the first node to the second.
pub(crate) type Direction = (NodeId, NodeId);

/// The nodes that send in these directions: they feel what is wrong with them.
pub(crate) fn senders(directions: &BTreeSet<Direction>) -> Vec<NodeId> {
    let senders: BTreeSet<NodeId> = directions.iter().map(|(from, _)| *from).collect();
    senders.into_iter().collect()
}

/// Both directions between each two nodes of which these have one, in the order of their ids.
pub(crate) fn pairs(directions: &BTreeSet<Direction>) -> impl Iterator<Item = BTreeSet<Direction>> {
    let pairs: BTreeSet<Direction> =
        directions.iter().map(|(a, b)| (*a.min(b), *a.max(b))).collect();
    pairs.into_iter().map(|(a, b)| BTreeSet::from([(a, b), (b, a)]))
}

/// Directions between zones, and how long a plan's scenario says that these always take, in milliseconds.
pub(crate) fn between_zones(plan: &Plan) -> BTreeMap<Direction, (u32, u32)> {
    let Some(latency) = plan.network.between_zones else { return BTreeMap::new() };
    let zones: Vec<(NodeId, &str)> = plan
        .nodes
        .iter()
        .enumerate()
        .filter_map(|(index, node)| Some((NodeId::of_index(index), node.zone.as_deref()?)))
        .collect();
    let pairs = zones.iter().flat_map(|a| zones.iter().map(move |b| (a, b)));
    pairs.filter(|(a, b)| a.1 != b.1).map(|(a, b)| ((a.0, b.0), latency)).collect()
}

/// Links that are cut and healed by turns.
#[derive(Clone, Debug)]
pub(crate) struct Flapping {
    pub(crate) directions: BTreeSet<Direction>,
    /// How long they are whole.
    pub(crate) up: Micros,
    /// How long they are cut.
    pub(crate) down: Micros,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario};

    #[test]
    fn what_senders_feel_and_pairs_are_told_of_directions() {
        let [a, b, c] = [1, 2, 3].map(NodeId);
        let directions = BTreeSet::from([(b, a), (b, c), (a, b)]);
        assert_eq!(senders(&directions), [a, b]);
        let both = |x, y| BTreeSet::from([(x, y), (y, x)]);
        assert_eq!(pairs(&directions).collect::<Vec<_>>(), [both(a, b), both(b, c)]);
    }

    #[test]
    fn between_zones_and_nowhere_else_directions_take_as_long_as_the_scenario_says() {
        let text = "name: x\nnodes: { brokers: 3, producers: 1 }\n\
                    zones: { east: [broker-1, broker-2], west: [broker-3] }\n\
                    network: { latency: 1ms..2ms, between zones: 20ms..30ms }\n";
        let scenario = scenario::parse("x", text.as_bytes(), &Sample).map_err(|p| p.render(false));
        let plan = Plan::new(&scenario.expect("it is right"), 1, &Sample, &[]);
        let id = |name: &str| {
            let at = plan.nodes.iter().position(|node| node.name == name);
            NodeId::of_index(at.expect("it is one of the plan"))
        };
        let (one, two, three) = (id("broker-1"), id("broker-2"), id("broker-3"));
        let apart = [(one, three), (three, one), (two, three), (three, two)];
        let expected: BTreeMap<Direction, (u32, u32)> =
            apart.into_iter().map(|direction| (direction, (20, 30))).collect();
        assert_eq!(between_zones(&plan), expected);
    }
}
