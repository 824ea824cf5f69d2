//! The world of programs that speak Maelstrom's protocol: links are rules of its network, nodes are processes. They have no
//! disks of their own, and a message is a whole line.

use crate::{
    injection::{
        Carried, Damage, Delay, DiskState, Distribution, Injection, LinkState, NodeState, Tampering,
    },
    live::world::{Disturbance, Done, Part, World},
    plan::Plan,
    schedule::Direction,
};
use squall_maelstrom::{Effect, Host, Rule, RuleId, Shape};
use squall_probe::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// Why such programs cannot have done to them what a fault wants done, in a sentence without a full stop.
pub(crate) fn refusal(injection: &Injection) -> Option<String> {
    const NO_DISK: &str = "these nodes have no disks of their own";
    let why = match injection {
        Injection::PowerOff { wiped: true, .. }
        | Injection::GoBack { .. }
        | Injection::Disks { .. }
        | Injection::Damage { .. } => NO_DISK,
        Injection::Links { state: LinkState::Narrow(_), .. } => {
            "messages are carried whole, not by bytes"
        }
        Injection::Links { state: LinkState::Reset, .. } => {
            "between these nodes there are no connections"
        }
        Injection::Messages { tampering, .. } => match tampering {
            Tampering::Lost | Tampering::Duplicated | Tampering::Reordered | Tampering::Delayed => {
                return None;
            }
            Tampering::Corrupted => "a line with a wrong bit is no message of the protocol",
            Tampering::Reset => "between these nodes there are no connections",
            Tampering::Replayed => "nobody keeps old messages: use duplicate, with a long `by`",
        },
        Injection::Nodes { state: NodeState::Paused, .. } => return None,
        Injection::Nodes { state, .. } => match state {
            NodeState::Clock { .. } => {
                "the clock belongs to the machine, and everybody on it reads it"
            }
            NodeState::SlowClose(_) | NodeState::Connections(_) | NodeState::Unavailable => {
                "between these nodes there are no connections"
            }
            _ => "nothing limits these processes; pause stops them",
        },
        Injection::Poison { .. } | Injection::Load(_) => {
            "what is asked is the workload's: choose its rate"
        }
        Injection::PowerOff { .. }
        | Injection::PowerLoop { .. }
        | Injection::Stop { .. }
        | Injection::Links { .. } => return None,
    };
    Some(why.to_owned())
}

/// The nodes of a run and the links between them.
pub(super) struct Wires {
    host: Host,
    /// Of all nodes, the services behind the programs.
    names: Vec<String>,
    /// What each fault of the plan wants.
    injections: Vec<Injection>,
    rules: BTreeMap<Part, Vec<RuleId>>,
    /// Each rule that there was: its fault, and how many of its hits were told.
    told: BTreeMap<RuleId, (usize, u64)>,
    /// By which faults each node stands still.
    paused: BTreeMap<NodeId, BTreeSet<usize>>,
    /// How many messages had arrived at it while it did, when they were last told.
    waited: BTreeMap<NodeId, u64>,
    /// Services that are down, by the rule that makes it so.
    down: BTreeMap<NodeId, RuleId>,
    /// Nodes that were asked to stop.
    stopping: BTreeSet<NodeId>,
    felt: BTreeMap<usize, u64>,
}

impl Wires {
    pub(super) fn new(plan: &Plan, host: Host) -> Self {
        Self {
            names: plan.nodes.iter().map(|node| node.name.clone()).collect(),
            injections: plan.faults.iter().map(|fault| fault.fault.injection()).collect(),
            host,
            rules: BTreeMap::new(),
            told: BTreeMap::new(),
            paused: BTreeMap::new(),
            waited: BTreeMap::new(),
            down: BTreeMap::new(),
            stopping: BTreeSet::new(),
            felt: BTreeMap::new(),
        }
    }

    /// The process of a node; a service has none.
    fn process(&self, node: NodeId) -> Option<usize> {
        Some(node.index()).filter(|index| *index < self.host.names().len())
    }

    fn name(&self, node: NodeId) -> &str {
        &self.names[node.index()]
    }

    fn add(
        &mut self,
        part: Part,
        links: BTreeSet<(String, String)>,
        kinds: Vec<String>,
        effect: Effect,
    ) {
        let rule = self.host.network().add(Rule { links, kinds, effect });
        self.told.insert(rule, (part.fault, 0));
        self.rules.entry(part).or_default().push(rule);
    }

    /// All links of a service, both ways.
    fn links_of(&self, service: NodeId) -> BTreeSet<(String, String)> {
        let name = self.name(service).to_owned();
        let others = self.host.names().iter();
        others
            .flat_map(|other| [(name.clone(), other.clone()), (other.clone(), name.clone())])
            .collect()
    }

    /// A part of the links of one service, which no fault of links has.
    fn service_part(fault: usize, service: NodeId) -> Part {
        let part = u32::try_from(service.index()).expect("there are few nodes");
        Part { fault, part: u32::MAX - part }
    }

    fn pause(&mut self, fault: usize, node: NodeId) {
        let Some(process) = self.process(node) else {
            let links = self.links_of(node);
            return self.add(Self::service_part(fault, node), links, Vec::new(), Effect::Hold);
        };
        self.count_waiting();
        self.paused.entry(node).or_default().insert(fault);
        self.host.pause(process);
    }

    /// Who stood still has felt it when messages have arrived meanwhile.
    fn count_waiting(&mut self) {
        for (node, faults) in &self.paused {
            let Some(process) = self.process(*node) else { continue };
            let now = self.host.arrived_while_paused(process);
            let before = self.waited.insert(*node, now).unwrap_or(0);
            for fault in faults.iter().filter(|_| now > before) {
                *self.felt.entry(*fault).or_default() += now - before;
            }
        }
    }

    fn count_rules(&mut self) {
        for (rule, (fault, told)) in &mut self.told {
            let hits = self.host.network().hits(*rule);
            if hits > *told {
                *self.felt.entry(*fault).or_default() += hits - *told;
                *told = hits;
            }
        }
    }

    /// The process of a node is gone: what stood still stands still no more.
    fn gone(&mut self, node: NodeId) {
        self.count_waiting();
        self.paused.remove(&node);
        self.waited.remove(&node);
        self.stopping.remove(&node);
    }

    /// What has been felt since the last call, once the run is over.
    pub(super) fn take_late_felt(&mut self) -> BTreeMap<usize, u64> {
        self.count_rules();
        std::mem::take(&mut self.felt)
    }
}

fn delay(delay: Delay) -> (u32, u32) {
    (delay.min_ms, delay.max_ms)
}

fn shape(distribution: Distribution) -> Shape {
    match distribution {
        Distribution::Exponential => Shape::Exponential,
        Distribution::Uniform => Shape::Uniform,
        Distribution::Normal => Shape::Normal,
        Distribution::HeavyTailed => Shape::HeavyTailed,
    }
}

fn no_disk() -> Done {
    Err("these nodes have no disks of their own".to_owned())
}

impl World for Wires {
    fn start(&mut self, node: NodeId) -> Done {
        match self.process(node) {
            Some(process) => self.host.start_again(process),
            None => self.down.remove(&node).into_iter().for_each(|r| self.host.network().remove(r)),
        }
        self.host.note(&format!("{} starts", self.name(node)));
        Ok(())
    }

    fn ask_to_stop(&mut self, node: NodeId) -> Done {
        self.host.note(&format!("{} is asked to stop", self.name(node)));
        self.stopping.insert(node);
        match self.process(node) {
            Some(process) => self.host.ask_to_stop(process),
            None => return self.kill(node),
        }
        Ok(())
    }

    fn kill(&mut self, node: NodeId) -> Done {
        self.host.note(&format!("{} is killed", self.name(node)));
        let Some(process) = self.process(node) else {
            let rule = Rule { links: self.links_of(node), kinds: Vec::new(), effect: Effect::Cut };
            let rule = self.host.network().add(rule);
            self.down.entry(node).or_insert(rule);
            return Ok(());
        };
        self.gone(node);
        self.host.kill(process);
        Ok(())
    }

    fn cut_power(&mut self, node: NodeId) -> Done {
        // What it has written to files stays: it shares the machine's disk.
        self.kill(node)
    }

    fn wipe(&mut self, _: NodeId) -> Done {
        no_disk()
    }

    fn snapshot(&mut self, _: usize, _: &[NodeId]) -> Done {
        no_disk()
    }

    fn restore(&mut self, _: usize, _: NodeId) -> Done {
        no_disk()
    }

    fn disturb(&mut self, part: Part, how: Disturbance, directions: &BTreeSet<Direction>) -> Done {
        let name = |node: NodeId| self.name(node).to_owned();
        let links: BTreeSet<_> = directions.iter().map(|(a, b)| (name(*a), name(*b))).collect();
        let (mut kinds, mut overtaken) = (Vec::new(), false);
        if let Injection::Messages { which, by_order, .. } = &self.injections[part.fault] {
            overtaken = *by_order;
            if let Carried::Of(messages) = which {
                kinds.clone_from(&messages.on);
            }
        }
        let effect = match how {
            Disturbance::Cut => Effect::Cut,
            Disturbance::Held => Effect::Hold,
            Disturbance::Slow(by, distribution) => {
                Effect::Delay(by.min_ms, by.max_ms, shape(distribution))
            }
            Disturbance::Tampered(tampering, share, by) => {
                let (min, max) = delay(by);
                match tampering {
                    Tampering::Lost => Effect::Lose(share),
                    Tampering::Duplicated => Effect::Duplicate(share, min, max),
                    Tampering::Reordered if overtaken => Effect::Reorder(share, min, max),
                    Tampering::Reordered | Tampering::Delayed => Effect::Late(share, min, max),
                    _ => return Err(format!("messages cannot be {tampering:?} here")),
                }
            }
            Disturbance::Narrow(_) => return Err("messages are carried whole".to_owned()),
        };
        self.host.note(&format!("{how:?} on {} links", links.len()));
        self.add(part, links, kinds, effect);
        Ok(())
    }

    fn reset(&mut self, _: usize, _: &BTreeSet<Direction>) -> Done {
        Err("between these nodes there are no connections".to_owned())
    }

    fn hinder(&mut self, fault: usize, node: NodeId, state: NodeState) -> Done {
        if state != NodeState::Paused {
            return Err(format!("{state:?} cannot be done to these processes"));
        }
        self.host.note(&format!("{} stands still", self.name(node)));
        self.pause(fault, node);
        Ok(())
    }

    fn break_disk(&mut self, _: usize, _: NodeId, _: DiskState, _: u64) -> Done {
        no_disk()
    }

    fn damage(&mut self, _: usize, _: NodeId, _: Damage, _: u64) -> Done {
        no_disk()
    }

    fn release(&mut self, part: Part) -> Done {
        for rule in self.rules.remove(&part).unwrap_or_default() {
            self.host.network().remove(rule);
        }
        Ok(())
    }

    fn release_all(&mut self, fault: usize) -> Done {
        self.count_waiting();
        let of_fault = self.rules.keys().filter(|part| part.fault == fault).copied();
        for part in of_fault.collect::<Vec<_>>() {
            self.release(part)?;
        }
        let mut resumed = Vec::new();
        self.paused.retain(|node, faults| {
            if faults.remove(&fault) && faults.is_empty() {
                resumed.push(*node);
            }
            !faults.is_empty()
        });
        for node in resumed {
            self.host.note(&format!("{} goes on", self.name(node)));
            self.process(node).into_iter().for_each(|process| self.host.resume(process));
        }
        Ok(())
    }

    fn take_felt(&mut self) -> BTreeMap<usize, u64> {
        self.count_waiting();
        self.take_late_felt()
    }

    fn take_exits(&mut self) -> Vec<(NodeId, String)> {
        let mut exits = Vec::new();
        for process in 0..self.host.names().len() {
            let node = NodeId::of_index(process);
            if self.host.has_ended(process) {
                self.gone(node);
                self.host.kill(process);
                exits.push((node, "its process has ended".to_owned()));
            }
        }
        // A service stops at once.
        let services = self.stopping.iter().filter(|node| self.process(**node).is_none());
        let services: Vec<NodeId> = services.copied().collect();
        for node in services {
            self.stopping.remove(&node);
            exits.push((node, "the service has stopped".to_owned()));
        }
        exits
    }
}
