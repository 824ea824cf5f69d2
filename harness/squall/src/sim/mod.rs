//! A plan becomes a history: the system under turmoil, and the faults that come over it.
//!
//! The run has named phases (`drive`), as TigerBeetle's simulator has: faults come and go; everything is healed and the
//! system must recover by a deadline; it is watched while it settles. What happened is recorded; whether it was right is
//! judged from the records alone.

mod clients;
mod drive;
mod inject;
mod links;
mod observer;
mod progress;
mod recorder;
mod signals;
mod storm;
mod targets;

pub use links::Effect;
pub use storm::{Act, Began, Storm, Tamper};

use crate::{
    determinism::{self, Panic},
    plan::Plan,
    stream::Stream,
    system::{Cluster, Node, System},
};
use clients::Clients;
use observer::Observation;
use progress::Progress;
use recorder::Recorder;
use squall_judge::{Judge, Judgement, Limits, Setup, Violation};
use squall_probe::{NodeId, Record, sim};
use squall_reports::{Counters, LatencyRecorder};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, SystemTime},
};

/// Steps made by this process, for a watchdog that looks whether it still moves.
pub static STEPS: AtomicU64 = AtomicU64::new(0);

/// How long the system may take to converge when a scenario sets no limit, in microseconds.
const DEFAULT_DEADLINE: u64 = squall_judge::DEFAULT_WITHIN;

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Of the history, in hexadecimal.
    pub hash: String,
    /// Virtual time that passed, in microseconds.
    pub elapsed: u64,
    /// What was violated.
    pub violations: Vec<Violation>,
    /// How many facts each invariant judged.
    pub judged: Vec<(&'static str, u64)>,
    /// Why the run proves nothing, if so.
    pub vacuous: Vec<String>,
    /// What is to be said of the verdict beside.
    pub note: Option<String>,
    /// What was seen, by name.
    pub signals: BTreeMap<String, u64>,
    /// Totals.
    pub counters: Counters,
    /// From publish to each group's effect.
    pub latency: LatencyRecorder,
    /// From the healing until everything was caught up, in microseconds.
    pub recovery: Option<u64>,
    /// What no record says in words: why a node ended, with when and where.
    pub notes: Vec<(u64, NodeId, String)>,
    /// The first thing that got past the simulation.
    pub escape: Option<determinism::Escape>,
    /// Why nobody looked whether something did.
    pub unwatched: Option<String>,
    /// The history, if it was kept.
    pub trace: Option<Vec<Record>>,
    /// The frames, if the history was kept.
    pub flights: Vec<sim::Flight>,
    /// Names of groups, points, signals and kinds of message.
    pub names: sim::Names,
    /// Names of nodes, by id.
    pub nodes: Vec<String>,
}

impl Outcome {
    /// What is to be said of the verdict: why the run proves nothing, and what is to be known of its failure.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let said: Vec<&str> = self.vacuous.iter().chain(&self.note).map(String::as_str).collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}

/// Executes a plan on a thread of its own. `keep` keeps the history itself.
///
/// # Errors
/// The harness itself failed.
pub fn execute(plan: &Plan, system: &Arc<dyn System>, keep: bool) -> Result<Outcome, String> {
    let watched = determinism::isolated(plan.seed, &plan.allow, || run(plan, system, keep))?;
    let determinism::Watched { result, escape, unwatched } = watched;
    Ok(Outcome { escape, unwatched, ..result })
}

fn run(plan: &Plan, system: &Arc<dyn System>, keep: bool) -> Outcome {
    let names: Vec<String> = plan.nodes.iter().map(|node| node.name.clone()).collect();
    let ids: Vec<NodeId> =
        (0..names.len()).filter_map(|i| u16::try_from(i).ok()).map(NodeId).collect();
    let role = |name: &str| system.roles().iter().find(|role| role.name == name);
    let client_nodes: Vec<NodeId> = ids
        .iter()
        .zip(&plan.nodes)
        .filter(|(_, node)| role(&node.role).is_some_and(|role| role.client))
        .map(|(id, _)| *id)
        .collect();
    let orders = plan.orders(client_nodes.len());

    // Groups are interned first: their names are 0, 1, 2, … in every run.
    let mut interned = sim::Names::default();
    let groups: Vec<_> = system.groups().iter().map(|group| interned.intern(group)).collect();
    let promises = system.promises();
    let judge = Judge::new(&Setup {
        promises: promises.clone(),
        sagas: promises.saga.iter().map(|step| interned.intern(step)).collect(),
        policies: promises.retries.iter().map(|policy| interned.intern(policy.name)).collect(),
        dependencies: promises.breakers.iter().map(|b| interned.intern(b.dependency)).collect(),
        dependency_nodes: promises
            .breakers
            .iter()
            .map(|breaker| {
                let nodes = ids.iter().zip(&plan.nodes);
                let named = |node: &crate::plan::PlannedNode| {
                    breaker.dependency == node.role || breaker.dependency == node.name
                };
                nodes.filter(|(_, node)| named(node)).map(|(id, _)| *id).collect()
            })
            .collect(),
        buffers: promises.buffers.iter().map(|(name, _)| interned.intern(name)).collect(),
        memory: plan
            .nodes
            .iter()
            .map(|node| promises.memory.iter().find(|(role, _)| *role == node.role).map(|m| m.1))
            .collect(),
        stalls: plan.faults.iter().any(|fault| fault.fault.injection().stalls_timers()),
        groups: groups.clone(),
        group_names: system.groups().iter().map(|&group| group.to_owned()).collect(),
        replicas: ids
            .iter()
            .zip(&plan.nodes)
            .filter(|(_, node)| role(&node.role).is_some_and(|role| role.replica))
            .map(|(id, _)| *id)
            .collect(),
        nodes: names.clone(),
        limits: limits(plan),
    });
    let recorder = Rc::new(RefCell::new(Recorder::new(
        judge,
        Progress::new(groups),
        !plan.faults.is_empty(),
        keep,
    )));
    let sink = {
        let recorder = recorder.clone();
        Box::new(move |record: &Record| recorder.borrow_mut().record(record))
    };
    sim::install(plan.seed, &names, sink);
    sim::with(|world| {
        world.names = interned;
        world.flights = keep.then(sim::Flights::default);
    });

    let cluster = Cluster {
        nodes: ids
            .iter()
            .zip(&plan.nodes)
            .filter_map(|(id, node)| {
                Some(Node {
                    id: *id,
                    name: node.name.as_str().into(),
                    role: role(&node.role)?.name,
                    index: node.index,
                    incarnation: 0,
                })
            })
            .collect(),
        defects: plan.defects.clone().into(),
        keys: plan.workload.keys,
    };
    let clients = Rc::new(RefCell::new(Clients::new(&client_nodes, &orders)));
    let observation = Rc::new(Observation::default());
    let exits = Rc::new(RefCell::new(Vec::new()));

    let mut turmoil = turmoil::Builder::new()
        .rng_seed(Stream::new(plan.seed, "simulator", &[]).between(0, u64::MAX))
        .enable_random_order()
        .tick_duration(Duration::from_millis(u64::from(plan.tick_ms)))
        .simulation_duration(Duration::from_secs(u64::from(u32::MAX)))
        .epoch(SystemTime::UNIX_EPOCH + determinism::EPOCH)
        .min_message_latency(Duration::from_millis(u64::from(plan.network.min_ms)))
        .max_message_latency(Duration::from_millis(u64::from(plan.network.max_ms)))
        .tcp_capacity(4096)
        .build();
    for node in cluster.nodes.iter() {
        let (node, cluster) = (node.clone(), cluster.clone());
        let (system, clients, exits) = (system.clone(), clients.clone(), exits.clone());
        let is_client = client_nodes.contains(&node.id);
        turmoil.host(node.name.to_string(), move || {
            let (mut node, cluster) = (node.clone(), cluster.clone());
            let (system, clients, exits) = (system.clone(), clients.clone(), exits.clone());
            sim::gated(node.id, async move {
                let id = node.id;
                sim::with(|world| {
                    world.node_starts(id);
                    node.incarnation = world.incarnation(id);
                });
                if is_client {
                    clients::run(system, node, cluster, clients).await;
                } else {
                    let end = match system.start(node, cluster).await {
                        Ok(()) => "its software ended".to_owned(),
                        Err(error) => error.to_string(),
                    };
                    // Whoever was brought down from within has come to no end of its own.
                    if sim::with(|world| world.is_dead(id)) == Some(false) {
                        exits.borrow_mut().push((id, end));
                    }
                }
                // turmoil would take an ended host for a finished one; the storm restarts it.
                std::future::pending::<()>().await;
                Ok(())
            })
        });
    }
    {
        let (system, cluster, shared) = (system.clone(), cluster.clone(), observation.clone());
        turmoil.host("squall-observer", move || {
            let (system, cluster, shared) = (system.clone(), cluster.clone(), shared.clone());
            async move {
                observer::run(system, cluster, shared).await;
                Ok(())
            }
        });
    }

    let replica_roles = system.roles().iter().filter(|role| role.replica).map(|r| r.name).collect();
    let mut storm =
        Storm::new(plan, turmoil, names.clone(), replica_roles, recorder.clone(), clients, exits);
    let panic = drive::drive(&mut storm, &observation);
    finish(storm, plan, &recorder, names, panic)
}

fn limits(plan: &Plan) -> Limits {
    Limits::new(plan.expect.iter().filter_map(|e| Some((e.name.as_str(), e.limit?))))
}

fn finish(
    storm: Storm<'_>,
    plan: &Plan,
    recorder: &Rc<RefCell<Recorder>>,
    nodes: Vec<String>,
    panic: Option<Panic>,
) -> Outcome {
    let elapsed = storm.now();
    let storm::Remains { notes, unfired, begun, begun_steps, destruction, late } = storm.end();
    let world = sim::uninstall();
    let (names, touched, frames, points, flights) = world.map_or_else(Default::default, |world| {
        let points: Vec<_> = world.points().map(|(name, n)| (name.to_owned(), n)).collect();
        let flights = world.flights.as_ref().map(|flights| flights.all().to_vec());
        (world.names.clone(), world.touched.clone(), world.frames, points, flights)
    });
    // The simulation is gone, and with it the sink: nobody else holds the recorder any more.
    let empty =
        Recorder::new(Judge::new(&Setup::default()), Progress::new(Vec::new()), false, false);
    let recorder = recorder.replace(empty);

    let recovery = recorder.recovery();
    let mut signals = recorder.signals.seen(|name| names.text(name).to_owned());
    for (point, count) in points {
        *signals.entry(point).or_default() += u64::from(count);
    }
    let mut felt: Felt = touched;
    for (step, count) in &recorder.bitten {
        *felt.entry(*step).or_default() += count;
    }
    let kinds: BTreeMap<u16, String> =
        plan.faults.iter().map(|fault| (fault.step, fault.fault.kind.signal())).collect();
    for (step, count) in &felt {
        if let Some(signal) = kinds.get(step) {
            *signals.entry(signal.clone()).or_default() += count;
        }
    }
    let mut counters = recorder.counters;
    counters.messages = frames;
    counters.faults = begun;
    let mut hash = recorder.hash;
    for index in 0..u16::MAX {
        match names.text(squall_probe::Name(index)) {
            "?" => break,
            text => hash.text(text),
        }
    }
    let mut vacuous = Vec::new();
    if counters.acknowledged == 0 {
        vacuous.push("no publish was acknowledged".to_owned());
    }
    vacuous.extend(unfired);
    vacuous.extend(toothless(plan, &begun_steps, &felt));
    for signal in &plan.must_see {
        if !signals.contains_key(signal) {
            vacuous.push(format!("must_see: {signal} was never seen"));
        }
    }
    let judgement = recorder.judge.finish(&|name| names.text(name).to_owned());
    vacuous.extend(plan.expect.iter().filter_map(|expect| judgement.why_idle(&expect.name)));
    let Judgement { mut violations, judged, .. } = judgement;
    if let Some(panic) = panic {
        let node = nodes.get(usize::from(panic.node.0)).map_or("the simulator", String::as_str);
        violations.push(Violation {
            invariant: "no_panic",
            summary: format!("{node} panicked: {}", panic.message),
            evidence: Vec::new(),
            since: squall_judge::NEVER,
            consequence_of: None,
        });
        squall_judge::by_cause(&mut violations);
    }
    if let Some(what) = late {
        // Nobody can have answered what has not come, or have applied it.
        violations.retain(|broken| !FOLLOWS_FROM_ABSENCE.contains(&broken.invariant));
        vacuous.push(format!("when the deadline passed there was still under way {what}"));
    }
    let mut note = None;
    if let Some(storm::Destruction { text }) = destruction
        && !violations.is_empty()
    {
        let unexplained: BTreeSet<&str> = violations
            .iter()
            .map(|violation| violation.invariant)
            .filter(|broken| !FOLLOWS_FROM_ABSENCE.contains(broken))
            .collect();
        if unexplained.is_empty() {
            let broken: BTreeSet<&str> = violations.drain(..).map(|v| v.invariant).collect();
            let broken: Vec<&str> = broken.into_iter().collect();
            let broken = broken.join(", ");
            vacuous.push(format!("{text}; no system could have kept {broken}"));
        } else {
            let unexplained: Vec<&str> = unexplained.into_iter().collect();
            let unexplained = unexplained.join(", ");
            note = Some(format!("{text}; that does not explain {unexplained}"));
        }
    }
    Outcome {
        hash: hash.hex(),
        elapsed,
        violations,
        judged,
        vacuous,
        note,
        signals,
        counters,
        latency: recorder.latency,
        recovery,
        notes,
        escape: None,
        unwatched: None,
        trace: recorder.trace,
        flights: flights.unwrap_or_default(),
        names,
        nodes,
    }
}

/// What can be broken because the disks of a majority are gone, or frames: what they held, and all that waits for it. That an
/// effect happens twice, that places are given out of order or twice, or that a node panics never follows from it.
const FOLLOWS_FROM_ABSENCE: &[&str] = &[
    "durability",
    "no_loss",
    "no_dirty_read",
    "saga_atomicity",
    "conserved",
    "eventual_consistency",
    "converges",
    "drains",
    "progress",
    "recovers_within",
    "available",
    "latency",
];

/// How often each step was felt.
type Felt = BTreeMap<u16, u64>;

/// Steps of the scenario that began and were never felt.
fn toothless(plan: &Plan, begun: &BTreeSet<u16>, felt: &Felt) -> Vec<String> {
    let steps: BTreeMap<u16, &crate::plan::PlannedFault> =
        plan.faults.iter().map(|fault| (fault.step, fault)).collect();
    steps
        .into_iter()
        .filter(|(step, _)| begun.contains(step) && !felt.contains_key(step))
        .map(|(_, fault)| {
            format!(
                "line {}: the fault began and nothing ever felt it: {}",
                fault.line, fault.fault
            )
        })
        .collect()
}
