//! Faults of single messages: lost, duplicated, delayed, out of order, damaged.

use super::base::Nemesis;
use crate::{
    injection::Target,
    schedule::{Act, Began, Direction},
};
use squall_probe::{NodeId, Tampering, sim};
use std::collections::BTreeSet;

/// What is done to frames.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tamper {
    /// What.
    pub(super) tampering: Tampering,
    /// To which share of them, 0 to 1.
    pub(super) share: f64,
    /// How late a late one comes, in milliseconds, from and to.
    pub(super) delay_ms: (u32, u32),
    /// Of frames that are overtaken: it is felt only where a later one is read first.
    pub(super) by_order: bool,
}

impl Nemesis<'_> {
    /// Begins to tamper with frames.
    pub(super) fn tamper(
        &self,
        act: &Act,
        how: Tamper,
        kinds: &[String],
        directions: BTreeSet<Direction>,
    ) {
        let Tamper { tampering, share, delay_ms, by_order } = how;
        sim::with(|world| {
            let kinds = kinds.iter().map(|kind| world.intern(kind)).collect();
            world.tamper(sim::MessageFault {
                id: act.id,
                draw: act.draw,
                tampering,
                share,
                kinds,
                links: Some(directions),
                delay_ms,
                by_order,
            });
        });
    }

    /// Begins to tamper with what nodes send.
    pub(super) fn tamper_from(&self, from: &Target, act: &mut Act, how: Tamper) -> Began {
        self.tamper_each(from, act, how, |node, other| (node, other))
    }

    /// Begins to tamper with what is sent to nodes.
    pub(super) fn tamper_to(&self, to: &Target, act: &mut Act, how: Tamper) -> Began {
        self.tamper_each(to, act, how, |node, other| (other, node))
    }

    fn tamper_each(
        &self,
        target: &Target,
        act: &mut Act,
        how: Tamper,
        direction: impl Fn(NodeId, NodeId) -> Direction,
    ) -> Began {
        let nodes = self.nodes(target, act);
        let directions = nodes
            .iter()
            .flat_map(|node| self.simulator.ids().map(|other| direction(*node, other)))
            .collect();
        self.tamper(act, how, &[], directions);
        Began::on(nodes)
    }
}
