//! A described system as real processes: each node a machine of its own as far as its programs can tell.
//!
//! What can be done to them is `squall-live`'s; here a fault of a plan becomes that, and what hit somebody is counted.

use super::{
    described::{Described, DescribedRole, Ready},
    drive::{Heard, Host},
    world::{Disturbance, Done, Part, World},
};
use crate::{
    injection::{Carried, Damage, DiskState, Injection, NodeState, Tampering},
    plan::{Micros, Plan, Start},
    scenario::Condition,
    schedule::{Direction, between_zones},
};
use squall_live::{
    Capability, Command, Counters, DiskCounters, DiskRule, Lab, LabOptions, Node, NodeOptions,
    Process, Removed, Rule, Snapshot,
};
use squall_probe::{
    Name, NodeId, Record,
    live::{self, Part as Told},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

/// A line of a client that is longer than this is cut, in bytes.
const LINE: u64 = 1 << 20;

/// The disk of each node that is no client, in bytes. The file behind it takes only what was written.
const DISK: u64 = 512 << 20;

/// How often is asked whether a node is ready.
const ASK: Duration = Duration::from_millis(20);

/// How much of a log is told when something did not start, in bytes.
pub(crate) const TAIL: u64 = 2_000;

/// A node and what runs on it.
struct Machine {
    node: Node,
    role: DescribedRole,
    process: Option<Process>,
    /// Lines for the client's program.
    lines: Option<Sender<String>>,
    /// How often its software was started.
    lives: u32,
    /// Where its processes write records down, and how much of it was read.
    tape: PathBuf,
    read: u64,
    /// The names in what was read, by their numbers there.
    names: BTreeMap<Name, Name>,
    /// Its process stands still at a fault point.
    waits: bool,
}

/// What is known of fault points.
#[derive(Debug, Default)]
struct Points {
    /// How often each was passed.
    passed: BTreeMap<Name, u64>,
    /// Faults that wait for a passage that has come, by their index in the plan.
    reached: Vec<usize>,
    /// What processes are told of those that wait.
    armed: String,
}

/// What a client wrote: which, in which of its lives, and when.
type Written = (usize, u32, String, Micros);

/// All processes of a run, and what lies between them.
pub(crate) struct Processes {
    lab: Lab,
    described: Described,
    defects: Vec<String>,
    machines: Vec<Machine>,
    said: Receiver<Written>,
    say: Sender<Written>,
    /// The latency of each direction where nothing is wrong.
    standing: BTreeMap<Direction, (Duration, Duration)>,
    links: BTreeMap<Part, (Disturbance, BTreeSet<Direction>)>,
    /// What the counters of directions said when they were looked at last.
    counted: BTreeMap<Direction, Counters>,
    hindered: BTreeMap<(usize, NodeId), NodeState>,
    /// What the counters of kills and of waits for the processor said.
    limited: BTreeMap<NodeId, (u64, u64)>,
    full: BTreeSet<(usize, NodeId)>,
    /// What is wrong with disks beside, and what their counters said.
    failing: BTreeMap<(usize, NodeId), DiskState>,
    met: BTreeMap<NodeId, DiskCounters>,
    /// Nodes whose file systems have met errors.
    erred: BTreeSet<NodeId>,
    /// Software that was ended to repair its machine.
    exits: Vec<(NodeId, String)>,
    snapshots: BTreeMap<(usize, NodeId), Snapshot>,
    /// Damaged disks whose node has not started since.
    unread: Vec<(usize, NodeId)>,
    felt: BTreeMap<usize, u64>,
    points: Points,
}

/// Why a system is not ready to be tested, with the tails of its logs.
#[derive(Debug)]
pub(crate) struct NotReady(pub(crate) String);

impl From<squall_live::Error> for NotReady {
    fn from(error: squall_live::Error) -> Self {
        Self(error.to_string())
    }
}

/// What this machine can do.
pub(crate) fn capabilities() -> Vec<Capability> {
    squall_live::capabilities(&std::env::temp_dir())
}

/// Without these no node can be run.
const NEEDED: [&str; 3] = ["namespaces", "network", "cgroups"];

/// Whether nodes can be run here at all; if not, what is missing, and the remedy.
pub(crate) fn possible() -> Result<(), String> {
    let capabilities = capabilities();
    match NEEDED.iter().find_map(|name| Some((name, has(&capabilities, name)?))) {
        None => Ok(()),
        Some((name, why)) => Err(format!(
            "real processes cannot be run here: no {name}: {why} (squall doctor tells more)"
        )),
    }
}

/// Clears away what labs left whose owners and guardians are dead. What, in words.
pub(crate) fn sweep() -> Result<Vec<String>, squall_live::Error> {
    let removed = squall_live::sweep(&std::env::temp_dir())?;
    let words = |removed: &Removed| match removed {
        Removed::Process(id) => format!("process {id}"),
        Removed::Cgroup(path) => format!("cgroup {}", path.display()),
        Removed::Folder(path) => format!("folder {}", path.display()),
        other => format!("{other:?}"),
    };
    Ok(removed.iter().map(words).collect())
}

fn has(capabilities: &[Capability], name: &str) -> Option<String> {
    let lack = capabilities.iter().find(|one| one.name == name)?.lack.as_ref()?;
    Some(format!("{}; {}", lack.why, lack.remedy))
}

/// Why real processes cannot have done to them what a fault wants done, in a sentence without a full stop.
pub(crate) fn refusal(injection: &Injection, capabilities: &[Capability]) -> Option<String> {
    let lacks = |name: &str| has(capabilities, name);
    let never = |why: &str| Some(why.to_owned());
    match injection {
        Injection::PowerOff { .. } | Injection::PowerLoop { .. } | Injection::GoBack { .. } => {
            lacks("disks")
        }
        Injection::Stop { .. }
        | Injection::Links { .. }
        | Injection::Damage { .. }
        | Injection::Poison { .. }
        | Injection::Load(_) => None,
        Injection::Messages { which, tampering, .. } => match (which, tampering) {
            (Carried::Of(messages), _) if !messages.on.is_empty() => {
                never("kinds of messages are not seen in packets: leave `on` out")
            }
            (_, Tampering::Corrupted) => {
                never("a packet with a wrong bit never arrives: TCP's checksum sees to it")
            }
            (_, Tampering::Replayed | Tampering::Reset) => {
                never("single messages are not seen in packets")
            }
            _ => None,
        },
        Injection::Nodes { state, .. } => match state {
            NodeState::Paused => lacks("cgroups"),
            NodeState::Starved { .. } => lacks("cpu"),
            NodeState::Memory(_) => lacks("memory"),
            NodeState::SlowReader(_) | NodeState::SlowClose(_) | NodeState::Connections(_) => {
                never("what a process does with its connections is its own")
            }
            NodeState::Unavailable => never("no packet says so: cut its links, or stop it"),
            NodeState::Clock { .. } => {
                never("the clock belongs to the machine, and everybody on it reads it")
            }
        },
        Injection::Disks { state, .. } => match state {
            DiskState::Full => lacks("disks"),
            DiskState::SyncFails | DiskState::Errors { .. } | DiskState::Slow(_) => {
                lacks("disks").or_else(|| lacks("slow-disks"))
            }
            DiskState::TornWrite | DiskState::LostUnsynced(_) => never(
                "nobody sees the moment of a single write: use crash, which loses what is not synced",
            ),
        },
    }
}

impl Processes {
    /// The nodes of a plan, without anything that runs on them. Their logs are written to a folder that stays.
    pub(crate) fn new(
        plan: &Plan,
        described: &Described,
        logs: &Path,
    ) -> Result<Self, squall_live::Error> {
        #[expect(clippy::field_reassign_with_default, reason = "it is not exhaustive")]
        let options = {
            let mut options = LabOptions::default();
            options.logs = Some(logs.to_owned());
            options.seed = plan.seed;
            options
        };
        let lab = Lab::create(options)?;
        let disks = has(&capabilities(), "disks").is_none();
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
            let role = described.role(&planned.role).cloned().ok_or_else(|| {
                squall_live::Error::Misuse(format!(
                    "nothing says how a {} is started",
                    planned.role
                ))
            })?;
            let options = if role.client || !disks {
                NodeOptions::default()
            } else {
                let mut options = NodeOptions::with_disk(DISK);
                options.disk_faults = fails;
                options
            };
            let node = lab.add_node(&planned.name, options)?;
            let tape = node.folder().join("records");
            machines.push(Machine {
                node,
                role,
                process: None,
                lines: None,
                lives: 0,
                tape,
                read: 0,
                names: BTreeMap::new(),
                waits: false,
            });
        }
        let (say, said) = channel();
        let mut processes = Self {
            lab,
            described: described.clone(),
            defects: plan.defects.clone(),
            machines,
            said,
            say,
            standing: standing(plan),
            links: BTreeMap::new(),
            counted: BTreeMap::new(),
            hindered: BTreeMap::new(),
            limited: BTreeMap::new(),
            full: BTreeSet::new(),
            failing: BTreeMap::new(),
            met: BTreeMap::new(),
            erred: BTreeSet::new(),
            exits: Vec::new(),
            snapshots: BTreeMap::new(),
            unread: Vec::new(),
            felt: BTreeMap::new(),
            points: Points::default(),
        };
        processes.points.armed = armed(plan, processes.lab.folder());
        let all: BTreeSet<Direction> = processes.standing.keys().copied().collect();
        processes.set_rules(&all);
        Ok(processes)
    }

    /// Starts everything, and waits until it is ready: the clients last. Which clients are.
    pub(crate) fn prepare(&mut self) -> Result<Vec<NodeId>, NotReady> {
        let limit = Duration::from_millis(self.described.ready_within_ms);
        let until = Instant::now() + limit;
        let ids = (0..self.machines.len()).map(NodeId::of_index);
        let (clients, servers): (Vec<NodeId>, Vec<NodeId>) =
            ids.partition(|id| self.machine(*id).role.client);
        for id in &servers {
            self.spawn(*id).map_err(NotReady)?;
        }
        for id in &servers {
            self.wait_for(*id, until, limit)?;
        }
        for id in &clients {
            self.spawn(*id).map_err(NotReady)?;
        }
        let mut ready = BTreeSet::new();
        while ready.len() < clients.len() {
            crate::sim::STEPS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if let Some(heard) = self.hear(ASK)
                && super::clients::read(&heard.line) == Ok(super::clients::Said::Ready)
            {
                ready.insert(heard.node);
            }
            for id in &servers {
                self.still_runs(*id)?;
            }
            let missing = clients.iter().find(|id| !ready.contains(*id));
            if let Some(id) = missing {
                self.still_runs(*id)?;
                if Instant::now() > until {
                    return Err(self.never_ready(*id, limit, "never said {\"ready\": true}"));
                }
            }
        }
        Ok(clients)
    }

    /// Ends all of it.
    pub(crate) fn close(self) -> Done {
        self.lab.close().map_err(|error| error.to_string())
    }

    fn wait_for(&mut self, id: NodeId, until: Instant, limit: Duration) -> Result<(), NotReady> {
        loop {
            crate::sim::STEPS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if self.is_ready(id)? {
                return Ok(());
            }
            self.still_runs(id)?;
            if Instant::now() > until {
                let why = match &self.machines[id.index()].role.ready {
                    Ready::AtOnce => "never started".to_owned(),
                    Ready::Connect(port) => format!("took no connection on port {port}"),
                    Ready::Run(command) => format!("`{command}` never ended with 0"),
                    Ready::Says(text) => format!("never printed {text:?}"),
                };
                return Err(self.never_ready(id, limit, &why));
            }
            thread::sleep(ASK);
        }
    }

    fn still_runs(&self, id: NodeId) -> Result<(), NotReady> {
        let machine = &self.machines[id.index()];
        let Some(process) = &machine.process else { return Ok(()) };
        match process.exited()? {
            None => Ok(()),
            Some(status) => {
                let name = machine.node.name();
                Err(NotReady(format!(
                    "never became ready: {name} ended with {status} ({}){}",
                    machine.role.command,
                    self.tail(id)
                )))
            }
        }
    }

    fn never_ready(&self, id: NodeId, limit: Duration, why: &str) -> NotReady {
        let name = self.machines[id.index()].node.name();
        let limit = humantime::format_duration(limit);
        NotReady(format!("never became ready: {name} {why} within {limit}{}", self.tail(id)))
    }

    fn tail(&self, id: NodeId) -> String {
        let node = &self.machines[id.index()].node;
        let tail = node.log_tail(TAIL).unwrap_or_default();
        let lines: Vec<&str> =
            tail.lines().filter(|line| !line.starts_with("=== squall: ")).collect();
        match lines.as_slice() {
            [] => "; its log is empty".to_owned(),
            lines => {
                let last = lines[lines.len().saturating_sub(8)..].join("\n  ");
                format!("; its log ends:\n  {last}")
            }
        }
    }

    fn is_ready(&self, id: NodeId) -> Result<bool, NotReady> {
        let machine = &self.machines[id.index()];
        match &machine.role.ready {
            Ready::AtOnce => Ok(true),
            Ready::Connect(port) => {
                let address = SocketAddr::from((machine.node.address(), *port));
                let connects = machine
                    .node
                    .inside(|| TcpStream::connect_timeout(&address, Duration::from_millis(200)))?;
                Ok(connects.is_ok())
            }
            Ready::Run(command) => {
                let command = self.command(id, command);
                let process = machine.node.spawn(&command)?;
                let status = process.wait(Duration::from_secs(5));
                Ok(status.is_ok_and(|status| status.success()))
            }
            Ready::Says(text) => {
                let log = machine.node.log_tail(1 << 20)?;
                Ok(log.lines().any(|line| !line.starts_with("=== squall: ") && line.contains(text)))
            }
        }
    }

    /// What a shell runs on a node, with what it must know.
    fn command(&self, id: NodeId, line: &str) -> Command {
        let machine = &self.machines[id.index()];
        let folder = std::path::absolute(&self.described.folder)
            .unwrap_or_else(|_| self.described.folder.clone());
        let index = machine.node.name().rsplit('-').next().unwrap_or("1").to_owned();
        let mut command = Command::new("/bin/sh")
            .args(["-c", line])
            .folder(folder)
            .env("SQUALL", std::env::current_exe().unwrap_or_default())
            .env(live::NODE_ID, id.0.to_string())
            .env(live::RECORDS, &machine.tape)
            .env(live::POINTS, &self.points.armed)
            .env("SQUALL_NODE", machine.node.name())
            .env("SQUALL_INDEX", index)
            .env("SQUALL_LIVES", machine.lives.to_string())
            .env("SQUALL_ADDRESS", machine.node.address().to_string())
            .env("SQUALL_DATA", machine.node.disk());
        for role in &self.described.roles {
            let of_role = self.machines.iter().filter(|other| other.role.name == role.name);
            let addresses: Vec<String> =
                of_role.map(|other| other.node.address().to_string()).collect();
            let name = format!("SQUALL_{}", role.plural.to_uppercase().replace(['-', '.'], "_"));
            command = command.env(name, addresses.join(","));
        }
        let switched = self.described.defects.iter().filter(|d| self.defects.contains(&d.id));
        let all = self.described.env.iter().chain(&machine.role.env);
        for (name, value) in all.chain(switched.flat_map(|defect| &defect.env)) {
            command = command.env(name, value);
        }
        command
    }

    fn spawn(&mut self, id: NodeId) -> Done {
        let index = id.index();
        let is_client = self.machines[index].role.client;
        let line = self.machines[index].role.command.clone();
        let command = self.command(id, &line);
        let command = if is_client { command.piped() } else { command };
        let machine = &mut self.machines[index];
        machine.lives += 1;
        let process = machine.node.spawn(&command).map_err(|error| error.to_string())?;
        if is_client {
            let (lines, wanted) = channel::<String>();
            machine.lines = Some(lines);
            if let Some(mut stdin) = process.stdin() {
                // A program that does not read must not hold up the others.
                thread::spawn(move || {
                    for line in wanted {
                        if stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush()).is_err() {
                            return;
                        }
                    }
                });
            }
            if let Some(stdout) = process.stdout() {
                let (say, life) = (self.say.clone(), machine.lives);
                thread::spawn(move || {
                    let mut lines = BufReader::new(stdout);
                    loop {
                        let mut line = Vec::new();
                        match lines.by_ref().take(LINE).read_until(b'\n', &mut line) {
                            Ok(0) | Err(_) => return,
                            Ok(_) => {
                                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                                if !text.is_empty()
                                    && say.send((index, life, text, live::now())).is_err()
                                {
                                    return;
                                }
                            }
                        }
                    }
                });
            }
        }
        machine.process = Some(process);
        Ok(())
    }

    fn machine(&self, node: NodeId) -> &Machine {
        &self.machines[node.index()]
    }

    /// Nothing runs on a node any more.
    fn gone(&mut self, node: NodeId) {
        let machine = &mut self.machines[node.index()];
        machine.process = None;
        machine.lines = None;
    }

    /// Tells the switch what is wrong with directions now, all in all.
    fn set_rules(&mut self, directions: &BTreeSet<Direction>) {
        for direction in directions {
            let mut rule = Rule::default();
            if let Some(delay) = self.standing.get(direction) {
                rule.delay = *delay;
            }
            for (how, over) in self.links.values() {
                if over.contains(direction) {
                    put(&mut rule, *how);
                }
            }
            let (from, to) = (&self.machine(direction.0).node, &self.machine(direction.1).node);
            self.lab.set_rule(from, to, rule);
        }
    }

    /// What the switch has counted since it was asked last is what faults on links have hit.
    fn count(&mut self) {
        let mut seen = BTreeMap::new();
        for (part, (how, directions)) in &self.links {
            for direction in directions {
                let now = *seen.entry(*direction).or_insert_with(|| {
                    let (from, to) =
                        (&self.machine(direction.0).node, &self.machine(direction.1).node);
                    self.lab.counters(from, to)
                });
                let before = self.counted.get(direction).copied().unwrap_or_default();
                let hits = hits(*how, &now).saturating_sub(hits(*how, &before));
                if hits > 0 {
                    *self.felt.entry(part.fault).or_default() += hits;
                }
            }
        }
        self.counted.extend(seen);
    }

    /// What limits have hit since they were looked at last.
    fn count_limits(&mut self) {
        let nodes: BTreeSet<NodeId> = self.hindered.keys().map(|(_, node)| *node).collect();
        for node in nodes {
            let machine = self.machine(node);
            let kills = machine.node.memory_kills().unwrap_or_default();
            let throttled = machine.node.cpu_throttled().unwrap_or_default();
            let (before, waited) =
                self.limited.insert(node, (kills, throttled)).unwrap_or_default();
            for ((fault, on), state) in &self.hindered {
                let hits = match state {
                    NodeState::Memory(_) => kills.saturating_sub(before),
                    NodeState::Starved { .. } => throttled.saturating_sub(waited),
                    _ => 0,
                };
                if *on == node && hits > 0 {
                    *self.felt.entry(*fault).or_default() += hits;
                }
            }
        }
    }

    /// Tells a node's disk what is wrong with it now, all in all.
    fn set_disk(&self, node: NodeId) -> Done {
        let mut rule = DiskRule::default();
        for ((_, on), state) in &self.failing {
            match state {
                _ if *on != node => {}
                DiskState::SyncFails => rule.fail_syncs = true,
                DiskState::Errors { reads, writes } => {
                    rule.fail_reads |= reads;
                    rule.fail_writes |= writes;
                }
                DiskState::Slow(by) => rule.slow = rule.slow.max(*by),
                DiskState::Full | DiskState::TornWrite | DiskState::LostUnsynced(_) => {}
            }
        }
        said(self.machine(node).node.set_disk_rule(rule))
    }

    /// A file system that has met errors takes no more writes, whatever its disk does now: the machine is turned off and on.
    fn repair(&mut self, node: NodeId) -> Done {
        let machine = self.machine(node);
        if !self.erred.contains(&node)
            || !machine.node.is_powered()
            || self.failing.keys().any(|(_, on)| *on == node)
        {
            return Ok(());
        }
        said(machine.node.power_off())?;
        said(machine.node.power_on())?;
        let ran = machine.process.is_some();
        self.gone(node);
        self.erred.remove(&node);
        if ran {
            self.exits.push((node, "turned off and on: its disk had failed".to_owned()));
        }
        Ok(())
    }

    /// What disks that fail or are slow have hit since they were looked at last.
    fn count_disks(&mut self) {
        let nodes: BTreeSet<NodeId> = self.failing.keys().map(|(_, node)| *node).collect();
        for node in nodes {
            let now = self.machine(node).node.disk_counters();
            let before = self.met.insert(node, now).unwrap_or_default();
            if now.failed > before.failed {
                self.erred.insert(node);
            }
            for ((fault, on), state) in &self.failing {
                let hits = match state {
                    DiskState::Slow(_) => now.slowed.saturating_sub(before.slowed),
                    _ => now.failed.saturating_sub(before.failed),
                };
                if *on == node && hits > 0 {
                    *self.felt.entry(*fault).or_default() += hits;
                }
            }
        }
    }

    /// Sets limits of a node by all that hinders it.
    fn set_limits(&self, node: NodeId) -> Done {
        let machine = self.machine(node);
        if !machine.node.is_powered() {
            return Ok(());
        }
        let states = || self.hindered.iter().filter(|((_, on), _)| *on == node).map(|(_, s)| s);
        let paused = states().any(|state| *state == NodeState::Paused);
        let share = states().filter_map(|state| match state {
            NodeState::Starved { one_in } => Some(*one_in),
            _ => None,
        });
        let memory = states().filter_map(|state| match state {
            NodeState::Memory(bytes) => Some(u64::from(*bytes)),
            _ => None,
        });
        let done = if paused { machine.node.freeze() } else { machine.node.thaw() };
        let (share, memory) = (share.max(), memory.min());
        let limited = |error: squall_live::Error| error.to_string();
        done.map_err(limited)?;
        if share.is_some() || self.limited.contains_key(&node) {
            machine.node.cpu_share(share).map_err(limited)?;
            machine.node.memory_limit(memory).map_err(limited)?;
        }
        Ok(())
    }
}

/// What a disturbance adds to a rule.
fn put(rule: &mut Rule, how: Disturbance) {
    let millis = |ms: u32| Duration::from_millis(u64::from(ms));
    match how {
        Disturbance::Cut => rule.cut = true,
        Disturbance::Held => rule.hold = true,
        Disturbance::Slow(delay, _) => {
            rule.delay.0 = rule.delay.0.max(millis(delay.min_ms));
            rule.delay.1 = rule.delay.1.max(millis(delay.max_ms));
        }
        Disturbance::Narrow(bytes) => {
            let bytes = u64::from(bytes);
            rule.bytes_per_second =
                Some(rule.bytes_per_second.map_or(bytes, |other| other.min(bytes)));
        }
        Disturbance::Tampered(tampering, share, delay) => match tampering {
            Tampering::Lost => rule.lose = rule.lose.max(share),
            Tampering::Duplicated => rule.duplicate = rule.duplicate.max(share),
            Tampering::Reordered => rule.reorder = rule.reorder.max(share),
            Tampering::Delayed => {
                rule.delay.1 = rule.delay.1.max(millis(delay.max_ms));
            }
            Tampering::Corrupted | Tampering::Reset | Tampering::Replayed => {}
        },
    }
}

/// How many packets a disturbance has hit, by the counters of a direction.
fn hits(how: Disturbance, counters: &Counters) -> u64 {
    match how {
        Disturbance::Cut => counters.cut,
        Disturbance::Held => counters.held,
        Disturbance::Slow(..) => counters.delayed,
        Disturbance::Narrow(_) => counters.throttled,
        Disturbance::Tampered(tampering, ..) => match tampering {
            Tampering::Lost => counters.lost,
            Tampering::Duplicated => counters.duplicated,
            Tampering::Reordered => counters.reordered,
            Tampering::Delayed => counters.delayed,
            Tampering::Corrupted | Tampering::Reset | Tampering::Replayed => 0,
        },
    }
}

/// Faults that wait at a fault point, as processes are told of them.
fn armed(plan: &Plan, folder: &Path) -> String {
    let lines = plan.faults.iter().enumerate().filter_map(|(index, planned)| {
        let Start::When { condition: Condition::Reaches { point, hit }, .. } = &planned.start
        else {
            return None;
        };
        let counter = folder.join(format!("passages-{index}"));
        Some(format!("{index} {hit} {point} {}", counter.display()))
    });
    lines.collect::<Vec<String>>().join("\n")
}

/// The latency of each direction as the scenario has it.
fn standing(plan: &Plan) -> BTreeMap<Direction, (Duration, Duration)> {
    let millis = |ms: u32| Duration::from_millis(u64::from(ms));
    let ids = || (0..plan.nodes.len()).map(NodeId::of_index);
    let directions = ids().flat_map(|a| ids().filter(move |b| *b != a).map(move |b| (a, b)));
    let usual = directions.map(|direction| (direction, (plan.network.min_ms, plan.network.max_ms)));
    let standing: BTreeMap<Direction, (u32, u32)> = usual.chain(between_zones(plan)).collect();
    standing
        .into_iter()
        .map(|(direction, (min, max))| (direction, (millis(min), millis(max))))
        .collect()
}

fn said(result: squall_live::Result<()>) -> Done {
    result.map_err(|error| error.to_string())
}

impl World for Processes {
    fn start(&mut self, node: NodeId) -> Done {
        if !self.machine(node).node.is_powered() {
            said(self.machine(node).node.power_on())?;
        }
        for (fault, _) in self.unread.extract_if(.., |(_, on)| *on == node) {
            *self.felt.entry(fault).or_default() += 1;
        }
        self.spawn(node)
    }

    fn ask_to_stop(&mut self, node: NodeId) -> Done {
        said(self.machine(node).node.terminate())
    }

    fn kill(&mut self, node: NodeId) -> Done {
        let done = said(self.machine(node).node.kill());
        self.gone(node);
        done
    }

    fn cut_power(&mut self, node: NodeId) -> Done {
        self.count();
        let done = said(self.machine(node).node.power_off());
        self.gone(node);
        self.erred.remove(&node);
        // A full disk has room when it comes back.
        self.full.retain(|(_, on)| *on != node);
        done
    }

    fn wipe(&mut self, node: NodeId) -> Done {
        said(self.machine(node).node.wipe())
    }

    fn snapshot(&mut self, fault: usize, nodes: &[NodeId]) -> Done {
        let powered = |node: &&NodeId| self.machines[node.index()].node.is_powered();
        let mut done = Ok(());
        // Nobody goes on while others are still being copied.
        for node in nodes.iter().filter(powered) {
            done = done.and(said(self.machine(*node).node.freeze()));
        }
        for node in nodes {
            match self.machine(*node).node.snapshot() {
                Ok(snapshot) => {
                    self.snapshots.insert((fault, *node), snapshot);
                }
                Err(error) => done = done.and(Err(error.to_string())),
            }
        }
        for node in nodes {
            done = done.and(self.set_limits(*node));
        }
        done
    }

    fn restore(&mut self, fault: usize, node: NodeId) -> Done {
        match self.snapshots.remove(&(fault, node)) {
            Some(snapshot) => said(self.machine(node).node.restore(&snapshot)),
            None => Err(format!("there is no snapshot of {}", self.machine(node).node.name())),
        }
    }

    fn disturb(&mut self, part: Part, how: Disturbance, directions: &BTreeSet<Direction>) -> Done {
        // Who is hit from now on is hit by this.
        self.count();
        for direction in directions {
            let (from, to) = (&self.machine(direction.0).node, &self.machine(direction.1).node);
            let counters = self.lab.counters(from, to);
            self.counted.insert(*direction, counters);
        }
        self.links.insert(part, (how, directions.clone()));
        self.set_rules(directions);
        Ok(())
    }

    fn reset(&mut self, fault: usize, directions: &BTreeSet<Direction>) -> Done {
        let pairs: BTreeSet<Direction> =
            directions.iter().map(|(a, b)| (*a.min(b), *a.max(b))).collect();
        let resets: u64 = pairs
            .iter()
            .map(|(a, b)| self.lab.reset(&self.machine(*a).node, &self.machine(*b).node))
            .sum();
        if resets > 0 {
            *self.felt.entry(fault).or_default() += resets;
        }
        Ok(())
    }

    fn hinder(&mut self, fault: usize, node: NodeId, state: NodeState) -> Done {
        let kills = self.machine(node).node.memory_kills().unwrap_or_default();
        let throttled = self.machine(node).node.cpu_throttled().unwrap_or_default();
        self.limited.entry(node).or_insert((kills, throttled));
        self.hindered.insert((fault, node), state);
        if state == NodeState::Paused && self.machine(node).process.is_some() {
            *self.felt.entry(fault).or_default() += 1;
        }
        self.set_limits(node)
    }

    fn break_disk(&mut self, fault: usize, node: NodeId, state: DiskState, _: u64) -> Done {
        match state {
            DiskState::Full => {
                said(self.machine(node).node.fill_disk())?;
                self.full.insert((fault, node));
                *self.felt.entry(fault).or_default() += 1;
                Ok(())
            }
            DiskState::SyncFails | DiskState::Errors { .. } | DiskState::Slow(_) => {
                self.count_disks();
                let counters = self.machine(node).node.disk_counters();
                self.met.insert(node, counters);
                self.failing.insert((fault, node), state);
                self.set_disk(node)
            }
            DiskState::TornWrite | DiskState::LostUnsynced(_) => {
                Err("nobody sees the moment of a single write".to_owned())
            }
        }
    }

    fn damage(&mut self, fault: usize, node: NodeId, damage: Damage, draw: u64) -> Done {
        let node_of = &self.machine(node).node;
        let hit = match damage {
            Damage::Bits(bits) => {
                !node_of.flip_bits(draw, bits, |_| true).map_err(|e| e.to_string())?.is_empty()
            }
            Damage::Truncated(bytes) => node_of
                .truncate_file(draw, u64::from(bytes), |_| true)
                .map_err(|e| e.to_string())?
                .is_some(),
        };
        if hit {
            self.unread.push((fault, node));
        }
        Ok(())
    }

    fn release(&mut self, part: Part) -> Done {
        self.count();
        if let Some((_, directions)) = self.links.remove(&part) {
            self.set_rules(&directions);
        }
        Ok(())
    }

    fn release_all(&mut self, fault: usize) -> Done {
        self.count();
        self.count_limits();
        let parts: Vec<Part> =
            self.links.keys().filter(|part| part.fault == fault).copied().collect();
        for part in parts {
            self.release(part)?;
        }
        let hindered: Vec<NodeId> =
            self.hindered.keys().filter(|(of, _)| *of == fault).map(|(_, node)| *node).collect();
        self.hindered.retain(|(of, _), _| *of != fault);
        for node in hindered {
            self.set_limits(node)?;
        }
        self.count_disks();
        let failing: Vec<NodeId> =
            self.failing.keys().filter(|(of, _)| *of == fault).map(|(_, node)| *node).collect();
        self.failing.retain(|(of, _), _| *of != fault);
        for node in failing {
            self.set_disk(node)?;
            self.repair(node)?;
        }
        let full: Vec<NodeId> =
            self.full.iter().filter(|(of, _)| *of == fault).map(|(_, node)| *node).collect();
        self.full.retain(|(of, _)| *of != fault);
        for node in full.into_iter().filter(|node| !self.full.iter().any(|(_, on)| on == node)) {
            if self.machine(node).node.is_powered() {
                said(self.machine(node).node.make_room())?;
            }
        }
        Ok(())
    }

    fn take_felt(&mut self) -> BTreeMap<usize, u64> {
        if !self.links.is_empty() {
            self.count();
        }
        if !self.hindered.is_empty() {
            self.count_limits();
        }
        if !self.failing.is_empty() {
            self.count_disks();
        }
        std::mem::take(&mut self.felt)
    }

    fn take_exits(&mut self) -> Vec<(NodeId, String)> {
        let mut exits = std::mem::take(&mut self.exits);
        for index in 0..self.machines.len() {
            let Some(process) = &self.machines[index].process else { continue };
            let Ok(Some(status)) = process.exited() else { continue };
            let node = NodeId::of_index(index);
            // What it started goes with it, as with a container.
            let _ = self.machines[index].node.kill();
            self.gone(node);
            exits.push((node, format!("ended with {status}")));
        }
        exits
    }
}

impl Machine {
    /// What its processes wrote down since the last call.
    fn take_records(
        &mut self,
        name: &mut dyn FnMut(&str) -> Name,
        all: &mut Vec<Record>,
        points: &mut Points,
    ) {
        let Ok(mut file) = File::open(&self.tape) else { return };
        if file.metadata().map_or(0, |file| file.len()) <= self.read
            || file.seek(SeekFrom::Start(self.read)).is_err()
        {
            return;
        }
        let mut bytes = Vec::new();
        if file.read_to_end(&mut bytes).is_err() {
            return;
        }
        let (parts, read) = live::parts(&bytes);
        self.read += read as u64;
        for part in parts {
            match part {
                Told::Name(number, text) => {
                    self.names.insert(number, name(&text));
                }
                Told::Record { at, node, mut what } => {
                    for number in what.names_mut() {
                        *number = self.names.get(number).copied().unwrap_or(*number);
                    }
                    all.push(Record { at, node, what });
                }
                Told::Passed(number) => {
                    let point = self.names.get(&number).copied().unwrap_or(number);
                    *points.passed.entry(point).or_default() += 1;
                }
                Told::Reached { trigger } => {
                    points.reached.push(trigger as usize);
                    self.waits = true;
                }
                Told::Said { .. } => {}
            }
        }
    }
}

impl Host for Processes {
    fn take_records(&mut self, name: &mut dyn FnMut(&str) -> Name) -> Vec<Record> {
        let mut all = Vec::new();
        for machine in &mut self.machines {
            machine.take_records(name, &mut all, &mut self.points);
        }
        all
    }

    fn take_reached(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.points.reached)
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
        self.points.passed.clone()
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
            let (index, life, line, at) = match self.said.recv_timeout(left) {
                Ok(written) => written,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            };
            let machine = &self.machines[index];
            // What one wrote that is gone nobody hears.
            if machine.lives == life && machine.process.is_some() {
                return Some(Heard { node: NodeId::of_index(index), line, at });
            }
        }
    }
}
