//! What is kept of a live run beside its records, and what a run comes to by both.

use super::{
    beside::Beside,
    chronicle::{in_a_live_world, tell},
    described::{Described, DescribedSystem, READERS},
    drive::Driven,
};
use crate::{
    outcome::{Destruction, Fates, Recorder, RunOutcome, Verdict, setup, signals, why_vacuous},
    plan::{Micros, Plan, PlannedFault},
    system::System,
};
use serde::{Deserialize, Serialize};
use squall_judge::Judgement;
use squall_probe::{NodeChange, NodeId, Record, What, sim};
use squall_reports::{Counters, LatencyRecorder, Machine, Tally};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// The name and version of the format of histories.
pub(crate) const FORMAT: &str = "squall-history/1";

/// What is known of a live run beside its records.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Always `squall-history/1`.
    pub(crate) format: String,
    /// The plan, in the pace of the system.
    pub(crate) plan: Plan,
    /// The pace.
    pub(crate) pace: f64,
    /// The system's name and version.
    pub(crate) system: (String, String),
    /// The programs, if they are all there is of the system; else it was an executable's own.
    pub(crate) described: Option<Described>,
    /// Names of groups and members, by number.
    pub(crate) names: Vec<String>,
    /// Faults that never began, in words.
    pub(crate) unfired: Vec<String>,
    /// How many occurrences began.
    pub(crate) begun: u64,
    /// Steps of which an occurrence began.
    pub(crate) begun_steps: BTreeSet<u16>,
    /// How often each step's fault was felt.
    pub(crate) felt: BTreeMap<u16, u64>,
    /// How often each fault point was passed.
    pub(crate) passed: BTreeMap<String, u64>,
    /// Disks that were destroyed so that nothing could bring back what they held; whether they were replicas'.
    pub(crate) destruction: Option<(String, bool)>,
    /// What no record says in words.
    pub(crate) notes: Vec<(Micros, NodeId, String)>,
    /// Why nobody can say whether it passed.
    pub(crate) inconclusive: Vec<String>,
    /// What the last reading found, where that is all that clients are given.
    pub(crate) tally: Option<Tally>,
    /// How long it took, in microseconds.
    pub(crate) elapsed: Micros,
    /// When it was made, as RFC 3339 has it.
    pub(crate) started: String,
    /// Where.
    pub(crate) machine: Machine,
    /// How many processes wanted a processor of the machine on average, in its last minute.
    pub(crate) load: String,
}

/// The system that a description is all there is of, else this executable's own.
pub(crate) fn system_of(described: Option<&Described>, own: &Arc<dyn System>) -> Arc<dyn System> {
    match described {
        Some(described) => Arc::new(DescribedSystem::new(described.clone())),
        None => Arc::clone(own),
    }
}

/// How many processes want a processor of this machine on average, in its last minute.
fn machine_load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}

impl Kept {
    /// Of a run of a plan, in the pace of the system, that is over: what it left.
    pub(crate) fn new(
        plan: Plan,
        pace: f64,
        system: &dyn System,
        described: Option<Described>,
        driven: Driven,
        names: &sim::Names,
    ) -> Self {
        let Driven { remains, destruction, passed, mut inconclusive, elapsed, nonsense, tally } =
            driven;
        let trouble = remains.trouble.iter();
        inconclusive.extend(trouble.map(|why| format!("a fault could not be carried out: {why}")));
        if let Some((first, times)) = nonsense {
            inconclusive.push(format!(
                "a client program said {times} times what makes no sense, first: {first}"
            ));
        }
        let started = SystemTime::now() - Duration::from_micros(elapsed);
        Self {
            format: FORMAT.to_owned(),
            plan,
            pace,
            system: (system.name().to_owned(), system.version().to_owned()),
            described,
            names: names.texts().map(str::to_owned).collect(),
            unfired: remains.unfired,
            begun: remains.begun,
            begun_steps: remains.begun_steps,
            felt: remains.felt,
            passed,
            destruction,
            notes: remains.notes,
            inconclusive,
            tally,
            elapsed,
            started: humantime::format_rfc3339_seconds(started).to_string(),
            machine: Machine::here(),
            load: machine_load(),
        }
    }

    /// The system that was run. `own` is the one that this executable is for.
    ///
    /// # Errors
    /// It was another executable's, in words.
    pub(crate) fn system(&self, own: &Arc<dyn System>) -> Result<Arc<dyn System>, String> {
        let system = system_of(self.described.as_ref(), own);
        if system.name() == self.system.0 {
            return Ok(system);
        }
        Err(format!(
            "it is the history of a run of {}, which the command of that system judges; this one is for {}",
            self.system.0,
            own.name()
        ))
    }

    /// What a run of the [system](Self::system) with these records came to, by the judges of this version.
    pub(crate) fn judged(
        &self,
        records: &[Record],
        mut beside: Beside,
        system: &dyn System,
    ) -> RunOutcome {
        let outside = self.described.is_some();
        let plan = &self.plan;
        let mut names = sim::Names::default();
        let setup = in_a_live_world(plan, setup(plan, system, &mut names), self.pace, outside);
        for name in &self.names {
            names.intern(name);
        }
        let mut recorder = Recorder::new(plan, &setup);
        let mut last = None;
        for record in records {
            tell(&mut recorder, last, record);
            last = Some(record);
        }
        let recovery = recorder.recovery();
        let points = self.passed.iter().map(|(point, times)| (point, *times));
        let signals = signals(plan, &recorder, &names, points, &self.felt);
        let counters = Counters { faults: self.begun, tally: self.tally, ..recorder.counters };
        let judgement = recorder.judge.finish(&|name| names.text(name).to_owned());
        let nodes: Vec<String> = plan.nodes.iter().map(|node| node.name.clone()).collect();

        let Self { unfired, begun_steps, felt, .. } = self;
        let fates = Fates { unfired, begun_steps, felt };
        let near = |fault: &PlannedFault| were_down(plan, records, fault.step);
        let vacuous = why_vacuous(plan, fates, &signals, counters.acknowledged, &judgement, near);
        let Judgement { violations, judged, history, loss, .. } = judgement;
        let mut verdict = Verdict { violations, vacuous, note: None };
        verdict.add_forbidden(plan, &signals);
        if let Some((disks, replicated)) = &self.destruction {
            let (disks, replicated) = (disks.clone(), *replicated);
            verdict.excuse_destruction(&Destruction { disks, replicated });
        }
        if let Some(loss) = loss {
            verdict.tell_loss(&loss, &nodes);
        }
        if !self.inconclusive.is_empty() {
            // What is missing may be where nobody looked.
            verdict.excuse_what_is_missing();
        }
        verdict.expect_violations(plan, self.inconclusive.is_empty());
        let Verdict { violations, vacuous, mut note } = verdict;
        if !violations.is_empty() && !self.load.is_empty() {
            let load = format!("the machine's load was {}", self.load);
            note = Some(note.map_or(load.clone(), |note| format!("{note}; {load}")));
        }
        let mut measures = sim::Measures::default();
        beside.measured.sort_by_key(|measured| measured.at);
        beside.measured.iter().for_each(|measured| measures.add(measured));
        RunOutcome {
            hash: String::new(),
            elapsed: self.elapsed,
            violations,
            judged,
            vacuous,
            inconclusive: self.inconclusive.clone(),
            note,
            signals,
            felt: self.felt.keys().copied().collect(),
            counters,
            // What is read in the end took effect whenever it did.
            latency: if outside && system.groups() == [READERS] {
                LatencyRecorder::default()
            } else {
                recorder.latency
            },
            recovery,
            notes: self.notes.clone(),
            said: beside.said,
            measures,
            escape: None,
            unwatched: None,
            history,
            flights: Vec::new(),
            names,
            nodes,
        }
    }
}

/// Why nobody felt a step's fault, if all whom it hit were down when it began.
fn were_down(plan: &Plan, records: &[Record], step: u16) -> Option<String> {
    let (mut down, mut hit) = (BTreeSet::new(), BTreeSet::new());
    for record in records {
        match record.what {
            What::Node { change: NodeChange::Up } => {
                down.remove(&record.node);
            }
            What::Node { .. } => {
                down.insert(record.node);
            }
            What::FaultBegan { fault, target } if fault == step => {
                hit.insert(*down.get(&target)?);
            }
            _ => {}
        }
    }
    let nodes = hit.iter().filter_map(|node: &NodeId| plan.nodes.get(node.index()));
    let names: Vec<&str> = nodes.map(|node| node.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("down when it began: {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario};

    #[test]
    fn the_history_of_another_executables_system_is_refused() {
        let scenario = scenario::parse("x", b"name: x\n", &Sample).expect("it is right");
        let plan = Plan::new(&scenario, 1, &Sample, &[]);
        let names = sim::Names::default();
        let mut kept = Kept::new(plan, 1.0, &Sample, None, Driven::default(), &names);
        let own: Arc<dyn System> = Arc::new(Sample);
        assert!(kept.system(&own).is_ok());
        kept.system.0 = "another".to_owned();
        let why = kept.system(&own).map(|system| system.name().to_owned()).expect_err("refused");
        assert!(why.contains("a run of another"), "{why}");
    }
}
