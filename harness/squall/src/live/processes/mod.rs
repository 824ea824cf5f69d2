//! A described system as real processes: each node a machine of its own as far as its programs can tell.
//!
//! What can be done to them is `squall-live`'s; here a fault of a plan becomes that, and what hit somebody is counted: links
//! in `links.rs`, what hinders software in `limits.rs`, disks in `disks.rs`. A node and what runs on it is in `machine.rs`,
//! what it writes down in `tape.rs`; `ready.rs` starts everything.

mod disks;
mod felt;
mod limits;
mod links;
mod machine;
mod ready;
mod tape;

use super::{
    beside::Beside,
    described::Described,
    drive::{Heard, Host},
    world::{Disturbance, Done, Part, World},
};
use crate::{
    injection::{Damage, DiskState, Injection, NodeState},
    plan::Plan,
    schedule::Direction,
};
use disks::Disks;
use felt::Felt;
use limits::Limits;
use links::Links;
use machine::{Machine, Written, in_words, introduce};
use squall_live::{Lab, LabOptions, NodeOptions};
use squall_probe::{Name, NodeId, Record};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, Instant},
};
use tape::armed;

/// The disk of each node that is no client, in bytes. The file behind it takes only what was written.
const DISK: u64 = 512 << 20;

/// All processes of a run, and what lies between them.
pub(crate) struct Processes {
    lab: Lab,
    machines: Vec<Machine>,
    links: Links,
    limits: Limits,
    disks: Disks,
    felt: Felt,
    /// What clients wrote.
    said: Receiver<Written>,
    say: Sender<Written>,
    /// What nodes told beside their records, and nobody has taken.
    beside: Beside,
    /// Software that was ended to repair its machine.
    exits: Vec<(NodeId, String)>,
    /// How often each fault point was passed.
    passed: BTreeMap<Name, u64>,
    /// Faults that wait for a passage that has come, by their index in the plan.
    reached: Vec<usize>,
}

impl Processes {
    /// The nodes of a plan, without anything that runs on them, and with disks of their own if the machine has `disks`. Their
    /// logs are written to a folder that stays.
    ///
    /// # Errors
    /// The machine refused something, in words.
    pub(crate) fn new(
        plan: &Plan,
        described: &Described,
        disks: bool,
        logs: &Path,
    ) -> Result<Self, String> {
        #[expect(clippy::field_reassign_with_default, reason = "it is not exhaustive")]
        let options = {
            let mut options = LabOptions::default();
            options.logs = Some(logs.to_owned());
            options.seed = plan.seed;
            options
        };
        let lab = in_words(Lab::create(options))?;
        let fails = plan.faults.iter().any(|planned| {
            matches!(
                planned.fault.injection(),
                Injection::Disks {
                    state: DiskState::SyncFails | DiskState::Errors { .. } | DiskState::Slow(_),
                    ..
                }
            )
        });
        let mut machines = Vec::new();
        for planned in &plan.nodes {
            let role = described
                .role(&planned.role)
                .cloned()
                .ok_or_else(|| format!("nothing says how a {} is started", planned.role))?;
            let options = if role.client || !disks {
                NodeOptions::default()
            } else {
                let mut options = NodeOptions::with_disk(DISK);
                options.disk_faults = fails;
                options
            };
            let node = in_words(lab.add_node(&planned.name, options))?;
            machines.push(Machine::new(NodeId::of_index(machines.len()), node, role));
        }
        introduce(&mut machines, described, &plan.defects, &armed(plan, lab.folder()));
        let links = Links::new(plan);
        links.set_all(&lab, &machines);
        let (say, said) = channel();
        Ok(Self {
            lab,
            machines,
            links,
            limits: Limits::default(),
            disks: Disks::default(),
            felt: Felt::default(),
            said,
            say,
            beside: Beside::default(),
            exits: Vec::new(),
            passed: BTreeMap::new(),
            reached: Vec::new(),
        })
    }

    /// Ends all of it.
    pub(crate) fn close(self) -> Done {
        in_words(self.lab.close())
    }

    fn machine(&self, node: NodeId) -> &Machine {
        &self.machines[node.index()]
    }

    fn count_links(&mut self) {
        self.links.count(&self.lab, &self.machines, &mut self.felt);
    }
}

impl World for Processes {
    fn start(&mut self, node: NodeId) -> Done {
        let machine = &mut self.machines[node.index()];
        if !machine.node.is_powered() {
            in_words(machine.node.power_on())?;
        }
        self.disks.are_read(node, &mut self.felt);
        machine.spawn(&self.say)
    }

    fn ask_to_stop(&mut self, node: NodeId) -> Done {
        in_words(self.machine(node).node.terminate())
    }

    fn kill(&mut self, node: NodeId) -> Done {
        let machine = &mut self.machines[node.index()];
        machine.gone();
        in_words(machine.node.kill())
    }

    fn cut_power(&mut self, node: NodeId) -> Done {
        self.count_links();
        let machine = &mut self.machines[node.index()];
        let done = in_words(machine.node.power_off());
        machine.gone();
        self.disks.lost_power(node);
        done
    }

    fn wipe(&mut self, node: NodeId) -> Done {
        in_words(self.machine(node).node.wipe())
    }

    fn snapshot(&mut self, fault: usize, nodes: &[NodeId]) -> Done {
        let Self { machines, disks, limits, .. } = self;
        let machines = || nodes.iter().map(|node| &machines[node.index()]);
        let mut done = Ok(());
        // Nobody goes on while others are still being copied.
        for machine in machines().filter(|machine| machine.node.is_powered()) {
            done = done.and(in_words(machine.node.freeze()));
        }
        for machine in machines() {
            done = done.and(disks.snapshot(fault, machine));
        }
        for machine in machines() {
            done = done.and(limits.set(machine));
        }
        done
    }

    fn restore(&mut self, fault: usize, node: NodeId) -> Done {
        self.disks.restore(fault, &self.machines[node.index()])
    }

    fn disturb(&mut self, part: Part, how: Disturbance, directions: &BTreeSet<Direction>) -> Done {
        let Self { lab, machines, links, felt, .. } = self;
        links.disturb((lab, machines), part, how, directions, felt);
        Ok(())
    }

    fn reset(&mut self, fault: usize, directions: &BTreeSet<Direction>) -> Done {
        let pairs: BTreeSet<Direction> =
            directions.iter().map(|(a, b)| (*a.min(b), *a.max(b))).collect();
        for (a, b) in pairs {
            let resets = self.lab.reset(&self.machine(a).node, &self.machine(b).node);
            self.felt.add(fault, resets);
        }
        Ok(())
    }

    fn hinder(&mut self, fault: usize, node: NodeId, state: NodeState) -> Done {
        self.limits.hinder(fault, &self.machines[node.index()], state, &mut self.felt)
    }

    fn break_disk(&mut self, fault: usize, node: NodeId, state: DiskState, _: u64) -> Done {
        self.disks.break_one(fault, state, (&self.machines, node), &mut self.felt)
    }

    fn damage(&mut self, fault: usize, node: NodeId, damage: Damage, draw: u64) -> Done {
        self.disks.damage(fault, &self.machines[node.index()], damage, draw)
    }

    fn release(&mut self, part: Part) -> Done {
        self.links.release(&self.lab, &self.machines, part, &mut self.felt);
        Ok(())
    }

    fn release_all(&mut self, fault: usize) -> Done {
        let Self { lab, machines, links, limits, disks, felt, exits, .. } = self;
        links.release_all(lab, machines, fault, felt);
        limits.release_all(machines, fault, felt)?;
        disks.release_all(machines, fault, felt, exits)
    }

    fn take_felt(&mut self) -> BTreeMap<usize, u64> {
        self.count_links();
        self.limits.count(&self.machines, &mut self.felt);
        self.disks.count(&self.machines, &mut self.felt);
        self.felt.take()
    }

    fn take_exits(&mut self) -> Vec<(NodeId, String)> {
        let mut exits = std::mem::take(&mut self.exits);
        for machine in &mut self.machines {
            let Some(process) = &machine.process else { continue };
            let Ok(Some(status)) = process.exited() else { continue };
            // What it started goes with it, as with a container.
            let _ = machine.node.kill();
            machine.gone();
            exits.push((machine.id, format!("ended with {status}")));
        }
        exits
    }
}

impl Host for Processes {
    fn take_records(&mut self, name: &mut dyn FnMut(&str) -> Name) -> Vec<Record> {
        let mut all = Vec::new();
        for machine in &mut self.machines {
            let heard = machine.tape.read(name);
            machine.waits |= !heard.reached.is_empty();
            all.extend(heard.records);
            self.beside.extend(heard.beside);
            self.reached.extend(heard.reached);
            for point in heard.passed {
                *self.passed.entry(point).or_default() += 1;
            }
        }
        all
    }

    fn take_beside(&mut self) -> Beside {
        std::mem::take(&mut self.beside)
    }

    fn take_reached(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.reached)
    }

    fn go_on(&mut self) {
        for machine in self.machines.iter_mut().filter(|machine| machine.waits) {
            machine.waits = false;
            if let Some(process) = &machine.process {
                // One that was killed meanwhile needs no telling.
                let _ = process.go_on();
            }
        }
    }

    fn passed(&self) -> BTreeMap<Name, u64> {
        self.passed.clone()
    }

    fn tell(&mut self, node: NodeId, line: &str) -> Done {
        let lines = self.machine(node).lines.as_ref();
        let sent = lines.is_some_and(|lines| lines.send(format!("{line}\n")).is_ok());
        if sent { Ok(()) } else { Err("its client does not run".to_owned()) }
    }

    fn hear(&mut self, wait: Duration) -> Option<Heard> {
        let until = Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Written { node, life, line, at } = self.said.recv_timeout(left).ok()?;
            let machine = self.machine(node);
            // What one wrote that is gone nobody hears.
            if machine.lives == life && machine.process.is_some() {
                return Some(Heard { node, line, at });
            }
        }
    }
}
