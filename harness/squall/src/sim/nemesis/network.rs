//! Faults of links: cut, held, slow, flapping, clogged, reset, narrow.

use super::{base::Nemesis, state::LinkEffect};
use crate::{
    injection::Links,
    plan::Micros,
    schedule::{Act, Action, Began, Flapping, id_of, pairs, senders},
};
use squall_probe::sim;

impl Nemesis<'_> {
    /// Link faults begin to act, felt by the nodes whose messages they disturb.
    pub(super) fn disturb_links(
        &mut self,
        effect: LinkEffect,
        links: &Links,
        act: &mut Act,
    ) -> Began {
        let directions = self.directions(links, act);
        let nodes = senders(&directions);
        if !nodes.is_empty() {
            self.network.links.begin(act.id, 0, effect, directions);
        }
        Began::on(nodes)
    }

    /// Links begin to be cut for `down` and healed for `up`, by turns.
    pub(super) fn flap_links(
        &mut self,
        links: &Links,
        up: Micros,
        down: Micros,
        act: &mut Act,
    ) -> Began {
        let directions = self.directions(links, act);
        let nodes = senders(&directions);
        if !nodes.is_empty() {
            self.network.begin_flapping(act.index, Flapping { directions, up, down });
            self.agenda.schedule(self.now(), Action::Flap { index: act.index, cut: true });
        }
        Began::on(nodes)
    }

    /// Flapping links are cut or healed, until the fault is over.
    pub(super) fn flap(&mut self, index: usize, cut: bool) {
        let Some(flapping) = self.network.flapping(index).cloned() else { return };
        let id = id_of(&self.plan.faults[index]);
        let next = if cut {
            self.network.links.begin(id, 0, LinkEffect::Cut, flapping.directions);
            flapping.down
        } else {
            self.network.links.end(id);
            flapping.up
        };
        self.agenda.schedule(self.now() + next, Action::Flap { index, cut: !cut });
    }

    /// Links are held, and released one by one until `within` has passed.
    pub(super) fn clog_links(&mut self, links: &Links, within: Micros, act: &mut Act) -> Began {
        let directions = self.directions(links, act);
        let nodes = senders(&directions);
        for (both, part) in pairs(&directions).zip(1..) {
            self.network.links.begin(act.id, part, LinkEffect::Hold, both);
            let at = self.now() + act.stream.between(within / 5, within);
            self.agenda.schedule(at, Action::Unclog { index: act.index, part });
        }
        Began::on(nodes)
    }

    /// One of the links that a fault holds is released.
    pub(super) fn unclog(&mut self, index: usize, part: u32) {
        self.network.links.end_part(id_of(&self.plan.faults[index]), part);
    }

    /// Open connections over links are reset.
    pub(super) fn reset_links(&mut self, links: &Links, act: &mut Act) -> Began {
        let directions = self.directions(links, act);
        let nodes = senders(&directions);
        for (a, b) in directions {
            sim::with(|world| world.reset_connections(a, b, Some(act.id.step)));
        }
        Began::on(nodes)
    }

    /// Links carry at most `bytes_per_second` from now on, in each direction.
    pub(super) fn narrow_links(
        &mut self,
        links: &Links,
        bytes_per_second: u64,
        act: &mut Act,
    ) -> Began {
        let links = self.directions(links, act);
        let nodes = senders(&links);
        if !nodes.is_empty() {
            sim::with(|world| world.narrow(act.id, bytes_per_second, links));
        }
        Began::on(nodes)
    }
}
