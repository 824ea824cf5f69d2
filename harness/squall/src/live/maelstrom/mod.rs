//! Programs that speak Maelstrom's protocol as a system that scenarios are about: its nodes are `n0`, `n1`, …, beside them the
//! services, as nodes of the network too. What its clients ask and how that is judged is a workload of `squall-maelstrom`.

mod report;
mod wires;

pub(crate) use wires::refusal;

use super::{
    described::live_only,
    nemesis::{Nemesis, Progress},
};
use crate::{
    plan::Plan,
    sim::STEPS,
    system::{Client, Cluster, Error, LocalFuture, Node, Role, State, System},
};
use serde::{Deserialize, Serialize};
use squall_judge::Bound;
use squall_maelstrom::{
    End, Host, Judged, Load, Network, Outcome, Settings,
    workloads::{self, Options, Topology, Workload},
};
use squall_reports::{Run, Verdict};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use wires::Wires;

/// How a plan is run with such programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Programs {
    /// What `sh -c` runs for each node.
    pub(crate) command: String,
    /// The workload's name.
    pub(crate) workload: String,
    /// The name of a topology, for workloads that tell one.
    pub(crate) topology: String,
}

impl Programs {
    fn workload(&self) -> &'static Workload {
        workloads::named(&self.workload).expect("the name was looked up when it was read")
    }

    fn topology(&self) -> Topology {
        let known = Topology::NAMES.iter().find(|(name, _)| *name == self.topology);
        known.expect("the name was looked up when it was read").1
    }
}

/// The role of the programs; its nodes are numbered from 0.
const NODE: &str = "node";

/// The role of what Maelstrom provides.
const SERVICE: &str = "service";

/// The programs as a system.
#[derive(Debug)]
pub(crate) struct MaelstromSystem {
    name: String,
    roles: Vec<Role>,
}

impl MaelstromSystem {
    /// Of a workload, with so many nodes when a scenario does not say.
    pub(crate) fn new(programs: &Programs, nodes: u32) -> Self {
        let services = u32::try_from(Network::services().len()).expect("there are four");
        let role = |name, plural, default, min, max, about| {
            let (client, replica) = (false, false);
            Role { name, plural, default, min, max, client, replica, about }
        };
        let roles = vec![
            role(NODE, "nodes", nodes, 1, 25, "A program that speaks Maelstrom's protocol"),
            role(SERVICE, "services", services, services, services, "What Maelstrom provides"),
        ];
        Self { name: format!("{} ({})", programs.command, programs.workload), roles }
    }
}

impl System for MaelstromSystem {
    fn name(&self) -> &str {
        &self.name
    }
    fn version(&self) -> &str {
        "unknown"
    }
    fn roles(&self) -> &[Role] {
        &self.roles
    }
    fn node_name(&self, role: &str, index: u32) -> String {
        if role == SERVICE {
            let services = Network::services();
            let known = services.get((index as usize).wrapping_sub(1));
            return known.map_or_else(|| format!("{SERVICE}-{index}"), |name| (*name).to_owned());
        }
        format!("n{}", index.saturating_sub(1))
    }
    fn messages(&self) -> &[&'static str] {
        // Between nodes there are others, which are their own.
        &["read", "write", "cas", "ts", "read_ok", "write_ok", "cas_ok", "ts_ok", "error"]
    }
    fn start(&self, _: Node, _: Cluster) -> LocalFuture<Result<(), Error>> {
        live_only()
    }
    fn client(&self, _: Node, _: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
        live_only()
    }
    fn inspect(&self, _: Node, _: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
        live_only()
    }
}

/// How long the loop waits at most.
const TICK: Duration = Duration::from_millis(10);

/// The loop must not be later than this: nobody knows what a stall of it did.
const STALL: Duration = Duration::from_secs(2);

/// How long the nodes have to recover: as long as the scenario says, else as long as Maelstrom waits.
fn recovery(plan: &Plan) -> Duration {
    let within = plan.expect.iter().find(|one| one.name == "recovers_within");
    match within.and_then(|one| one.limit) {
        Some(Bound::Within(us)) => Duration::from_micros(us),
        _ => Duration::from_secs(10),
    }
}

/// Tells this process's parent that it lives, until it is dropped: whoever waits for programs takes no steps.
struct Alive(Arc<AtomicBool>);

impl Alive {
    fn new() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                STEPS.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(100));
            }
        });
        Self(over)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a plan. Its history and the logs of its nodes are in `folder` then.
pub(crate) fn execute(plan: &Plan, programs: &Programs, folder: &Path) -> Run {
    let began = Instant::now();
    let _alive = Alive::new();
    let errored = |why: String| Run {
        seed: plan.seed,
        verdict: Verdict::Errored,
        reason: Some(why),
        wall_us: report::micros(began.elapsed()),
        ..Run::default()
    };
    if let Err(error) = fs::create_dir_all(folder) {
        return errored(format!("{}: cannot be made: {error}", folder.display()));
    }
    let history: PathBuf = folder.join("history.jsonl.gz");
    let nodes = plan.nodes.iter().filter(|node| node.role == NODE).count();
    let settings = Settings {
        command: ["sh", "-c", &programs.command].map(str::to_owned).to_vec(),
        title: plan.scenario.clone(),
        nodes,
        seed: plan.seed,
        latency_ms: (plan.network.min_ms, plan.network.max_ms),
        options: Options { topology: programs.topology() },
        logs: Some(folder.to_owned()),
        history: Some(history.clone()),
        ..Settings::new(&[])
    };
    let host = match Host::start(settings, programs.workload()) {
        Ok(host) => host,
        Err(why) => return errored(report::line(&why.to_string())),
    };
    let load = Load {
        rate: plan.workload.rate,
        lasting: Duration::from_micros(plan.workload_us),
        recovery: recovery(plan),
        ..Load::of(nodes)
    };
    let driving = host.drive(load);
    let mut nemesis = Nemesis::new(plan, Wires::new(plan, host.clone()), Vec::new(), 1.0);
    let mut stalled = Duration::ZERO;
    loop {
        let now = report::micros(host.now());
        let done = u32::try_from(host.succeeded()).unwrap_or(u32::MAX);
        let reached = (done, done, done);
        nemesis.act(&Progress {
            now,
            began: 0,
            passed: Vec::new(),
            reached,
            seen: &|_, _| 0,
            leader: None,
        });
        drop(nemesis.take_records());
        if nemesis.is_over(now) || host.hopeless() {
            break;
        }
        let next = nemesis.next_act().map(|at| Duration::from_micros(at.saturating_sub(now)));
        let wait = next.unwrap_or(TICK).clamp(Duration::from_millis(1), TICK);
        let planned = Instant::now() + wait;
        thread::sleep(wait);
        stalled = stalled.max(planned.elapsed());
    }
    nemesis.heal_all();
    let healed = host.now();
    let outcome = host.conclude(driving);
    let (mut remains, mut wires) = nemesis.end();
    for (fault, times) in wires.take_late_felt() {
        *remains.felt.entry(plan.faults[fault].step).or_default() += times;
    }
    let mut doubts = remains.trouble.clone();
    if stalled > STALL {
        let stalled = stalled.as_secs_f64();
        doubts.push(format!("the harness's own loop stood still for {stalled:.1} s"));
    }
    let (vacuous, signals) = report::vacuous(plan, &remains);
    if let Err(error) = host.close(&vacuous, &doubts) {
        doubts.push(format!("{}: {error}", history.display()));
    }
    let Outcome { verdict, why, findings, events, messages, took, .. } = outcome;
    let judged = Judged { verdict, why, findings };
    let mut run = report::run(programs.workload(), &events, &judged, &vacuous, &doubts);
    run.recovery_ms = (run.verdict == Verdict::Passed)
        .then(|| report::micros(took.saturating_sub(healed)) / 1_000);
    (run.counters.messages, run.counters.faults) = (messages, remains.begun);
    Run {
        seed: plan.seed,
        sim_ms: report::micros(took) / 1_000,
        signals,
        wall_us: report::micros(began.elapsed()),
        history: Some(history.to_string_lossy().into_owned()),
        ..run
    }
}

/// The run of a history that was kept, judged again, and its scenario.
///
/// # Errors
/// It cannot be read, in words.
pub(crate) fn told(path: &Path) -> Result<(String, Run), String> {
    let kept = squall_maelstrom::read(path)?;
    let judged = kept.judged()?;
    let killed = || End { inconclusive: vec!["the run was killed".to_owned()], ..End::default() };
    let end = kept.end.clone().unwrap_or_else(killed);
    let workload = workloads::named(&kept.header.workload).expect("it was judged");
    let run = report::run(workload, &kept.events, &judged, &end.vacuous, &end.inconclusive);
    let history = Some(path.to_string_lossy().into_owned());
    let run = Run { seed: kept.header.seed, sim_ms: end.took_us / 1_000, history, ..run };
    Ok((kept.header.title, run))
}

/// What happened, by a history that was kept: when, in microseconds, and what.
///
/// # Errors
/// It cannot be read, in words.
pub(crate) fn lines(path: &Path) -> Result<Vec<(u64, String)>, String> {
    squall_maelstrom::read(path).map(|kept| report::lines(&kept))
}
