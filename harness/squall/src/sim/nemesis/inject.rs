//! How the simulator carries injections out: each becomes one of the verbs of the rooms beside this file.

use super::{base::Nemesis, messages::Tamper, state::LinkEffect};
use crate::{
    injection::{
        Back, Carried, Damage, Delay, DiskState, Injection, LinkState, Links, Messages, NodeState,
        Target,
    },
    plan::{Micros, micros},
    schedule::{Act, Began, senders},
};
use squall_probe::{
    NodeId,
    sim::{Hindrance, disk::DiskFault},
};
use std::time::Duration;

impl Nemesis<'_> {
    /// Begins what a fault wants done. It ends with the occurrence.
    pub(super) fn inject(&mut self, injection: &Injection, act: &mut Act) -> Began {
        match injection {
            Injection::PowerOff { nodes, back, wiped } => {
                self.inject_power_off(nodes, *back, *wiped, act)
            }
            Injection::PowerLoop { nodes, times, up, down } => {
                let (up, down) = (micros(*up), micros(*down));
                self.each(nodes, act, |nemesis, node, _, act| {
                    for round in 0..u64::from(*times) {
                        let start = round * (up + down);
                        nemesis.crash_later(start, node, act);
                        nemesis.restart_later(start + down, node);
                    }
                })
            }
            Injection::GoBack { nodes, age } => self.take_snapshots(nodes, micros(*age), act),
            Injection::Stop { nodes, every, grace, down } => {
                let (every, grace, down) = (micros(*every), micros(*grace), micros(*down));
                self.each(nodes, act, |nemesis, node, turn, act| {
                    nemesis.stop_later(every.saturating_mul(turn), node, grace, down, act);
                })
            }
            Injection::Links { links, state } => self.inject_links(links, *state, act),
            Injection::Messages { which, tampering, delay, by_order } => {
                let Delay { min_ms, max_ms } = *delay;
                let how = |share| Tamper {
                    tampering: *tampering,
                    share,
                    delay_ms: (min_ms, max_ms),
                    by_order: *by_order,
                };
                match which {
                    Carried::Of(messages) => {
                        self.inject_messages(messages, how(messages.share), act)
                    }
                    Carried::From(nodes, share) => self.tamper_from(nodes, act, how(*share)),
                    Carried::To(nodes, share) => self.tamper_to(nodes, act, how(*share)),
                }
            }
            Injection::Nodes { nodes, state } => {
                let hindrance = hindrance(*state, self.now(), || self.clients.borrow().nodes());
                self.hinder(nodes, act, |_| hindrance.clone())
            }
            Injection::Disks { nodes, state } => {
                self.break_disks(nodes, act, |draw| disk_fault(*state, draw))
            }
            Injection::Damage { nodes, damage } => match *damage {
                Damage::Bits(bits) => {
                    self.damage_disks(nodes, act, |disk, fault, draw| disk.rot(fault, draw, bits))
                }
                Damage::Truncated(bytes) => self.damage_disks(nodes, act, |disk, fault, draw| {
                    disk.truncate(fault, draw, bytes)
                }),
            },
            Injection::Poison { share, kind } => {
                self.poison_publishes(*share, *kind, act);
                Began::On(vec![NodeId::HARNESS])
            }
            Injection::Load(load) => {
                self.add_load(*load, act);
                Began::On(vec![NodeId::HARNESS])
            }
        }
    }

    /// Does something to each node of a target, counted from 0.
    fn each(
        &mut self,
        target: &Target,
        act: &mut Act,
        mut done: impl FnMut(&mut Self, NodeId, u64, &Act),
    ) -> Began {
        let nodes = self.nodes(target, act);
        for (node, turn) in nodes.iter().zip(0..) {
            done(self, *node, turn, act);
        }
        Began::on(nodes)
    }

    fn inject_power_off(
        &mut self,
        nodes: &Target,
        back: Back,
        wiped: bool,
        act: &mut Act,
    ) -> Began {
        let began = self.cut_power_of(nodes, act, |act| match back {
            Back::RestartAfter => act.restart_after,
            Back::After(time) => Some(micros(time)),
            Back::Within(time) => Some(act.stream.between(1_000, micros(time))),
        });
        if wiped && let Began::On(nodes) = &began {
            for node in nodes {
                self.wipe(*node, act);
            }
        }
        began
    }

    fn inject_links(&mut self, links: &Links, state: LinkState, act: &mut Act) -> Began {
        match state {
            LinkState::Cut => self.disturb_links(LinkEffect::Cut, links, act),
            LinkState::Held => self.disturb_links(LinkEffect::Hold, links, act),
            LinkState::Slow(Delay { min_ms, max_ms }, distribution) => {
                self.disturb_links(LinkEffect::Slow(min_ms, max_ms, distribution), links, act)
            }
            LinkState::Clogged(within) => self.clog_links(links, micros(within), act),
            LinkState::Flapping { up, down } => {
                self.flap_links(links, micros(up), micros(down), act)
            }
            LinkState::Narrow(bytes) => self.narrow_links(links, u64::from(bytes), act),
            LinkState::Reset => self.reset_links(links, act),
        }
    }

    /// What acts on messages of every link is felt by the workload; else by those who send over the links.
    fn inject_messages(&mut self, messages: &Messages, how: Tamper, act: &mut Act) -> Began {
        let directions = self.directions(&messages.links, act);
        if directions.is_empty() {
            return Began::NoTarget;
        }
        let senders = senders(&directions);
        self.tamper(act, how, &messages.on, directions);
        if messages.links == Links::Every {
            return Began::On(vec![NodeId::HARNESS]);
        }
        Began::On(senders)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).expect("the longest time is a week")
}

/// `clients` are the nodes whose software publishes what the workload asks for.
fn hindrance(state: NodeState, now: Micros, clients: impl FnOnce() -> Vec<NodeId>) -> Hindrance {
    match state {
        NodeState::Paused => Hindrance::Paused,
        NodeState::Starved { one_in } => Hindrance::Starved { one_in: u64::from(one_in) },
        NodeState::SlowReader(by) => Hindrance::SlowReader { ms: millis(by) },
        NodeState::SlowClose(by) => Hindrance::SlowClose { ms: millis(by) },
        NodeState::Unavailable => Hindrance::Unavailable,
        NodeState::Connections(most) => Hindrance::Connections { most: most as usize },
        NodeState::Memory(most) => Hindrance::Memory { most: u64::from(most) },
        NodeState::Watermark(most) => {
            Hindrance::Watermark { most: u64::from(most), until: 0, blocks: clients() }
        }
        NodeState::Clock { offset_us, drift_us } => {
            Hindrance::Clock { offset_us, drift: drift_us, since: now }
        }
    }
}

/// `draw` is the occurrence's, of this disk.
fn disk_fault(state: DiskState, draw: u64) -> DiskFault {
    match state {
        DiskState::Full => DiskFault::Full { draw: Some(draw) },
        DiskState::SyncFails => DiskFault::SyncFails { draw },
        DiskState::Errors { reads, writes } => DiskFault::IoErrors { reads, writes },
        DiskState::Slow(by) => DiskFault::Slow { ms: millis(by) },
        DiskState::TornWrite => DiskFault::TornWrite { draw },
        DiskState::LostUnsynced(syncs) => DiskFault::LostUnsynced { after: draw % syncs },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_state_of_a_node_is_a_hindrance_in_the_units_of_the_probe() {
        let (now, clients) = (7, vec![NodeId(3), NodeId(5)]);
        for (state, hinders) in [
            (NodeState::Paused, Hindrance::Paused),
            (NodeState::Starved { one_in: 20 }, Hindrance::Starved { one_in: 20 }),
            (NodeState::SlowReader(SECOND), Hindrance::SlowReader { ms: 1_000 }),
            (NodeState::SlowClose(SECOND), Hindrance::SlowClose { ms: 1_000 }),
            (NodeState::Unavailable, Hindrance::Unavailable),
            (NodeState::Connections(3), Hindrance::Connections { most: 3 }),
            (NodeState::Memory(4_096), Hindrance::Memory { most: 4_096 }),
            (
                NodeState::Watermark(4_096),
                Hindrance::Watermark { most: 4_096, until: 0, blocks: clients.clone() },
            ),
            (
                NodeState::Clock { offset_us: -5, drift_us: 50 },
                Hindrance::Clock { offset_us: -5, drift: 50, since: now },
            ),
        ] {
            assert_eq!(hindrance(state, now, || clients.clone()), hinders);
        }
    }

    #[test]
    fn each_state_of_a_disk_is_a_fault_of_the_probe_s_disk_with_the_draw_of_its_own() {
        let draw = 11;
        for (state, fault) in [
            (DiskState::Full, DiskFault::Full { draw: Some(draw) }),
            (DiskState::SyncFails, DiskFault::SyncFails { draw }),
            (
                DiskState::Errors { reads: true, writes: false },
                DiskFault::IoErrors { reads: true, writes: false },
            ),
            (DiskState::Slow(SECOND), DiskFault::Slow { ms: 1_000 }),
            (DiskState::TornWrite, DiskFault::TornWrite { draw }),
            // One of three syncs: the third.
            (DiskState::LostUnsynced(3), DiskFault::LostUnsynced { after: 2 }),
        ] {
            assert_eq!(disk_fault(state, draw), fault);
        }
    }
}
