//! Runs with a host of the tests' own: a log in memory, whose clients answer at once.

use super::*;
use crate::{
    injection::{Damage, DiskState, NodeState},
    live::{
        describe::parse,
        described::{Described, DescribedSystem},
        kept::Kept,
        world::{Disturbance, Part},
    },
    outcome::RunOutcome,
    scenario,
    schedule::Direction,
};
use serde_json::Value;
use squall_probe::{live, sim};
use std::{collections::VecDeque, path::Path};

const SYSTEM: &str = "name: fake\npromises: { deduplicates: true }\nvariants: { weak: { env: { A: b } } }\nroles:\n  server: { start: a, replica: true }\n  client: { client: b }\n";

const SEEN: Seen = Seen { reads: true, outside: true };

/// Nobody shall wait for half a minute until a deadline has passed.
const PACE: f64 = 0.1;

/// Which of those that are offered after the healing a client gives up: the event after the workload is the first of them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Probes {
    First,
    All,
}

/// How the host misbehaves.
#[derive(Clone, Copy, Debug, Default)]
struct Mistakes {
    /// Every so many events is forgotten after it was acknowledged.
    forgets: Option<u64>,
    /// Every so many events is stored twice.
    stores_twice: Option<u64>,
    /// The first event is not there any more when all is read for the last time.
    forgets_late: bool,
    /// A client says that this node leads.
    names_a_leader: Option<&'static str>,
    /// A reading never comes to its end.
    reads_halfway: bool,
    /// So many of the last readings do not.
    reads_late: usize,
    /// Of every so many events nobody knows whether they were stored.
    indeterminate: Option<u64>,
    /// Nor of those that are offered to see whether publishing works, the first time or always.
    gives_up: Option<Probes>,
    /// Nothing is answered while the server is down, and never after.
    silent: bool,
    /// Faults on links hit nobody, and nobody reads what is damaged.
    feels_nothing: bool,
}

#[derive(Debug, Default)]
struct Fake {
    mistakes: Mistakes,
    log: Vec<u64>,
    lines: VecDeque<Heard>,
    down: BTreeSet<NodeId>,
    felt: BTreeMap<usize, u64>,
    /// What the server says in words.
    said: Vec<sim::Said>,
    /// What was done, in order.
    done: Vec<String>,
}

impl Fake {
    fn did(&mut self, what: String) -> Done {
        self.done.push(what);
        Ok(())
    }
}

impl World for Fake {
    fn start(&mut self, node: NodeId) -> Done {
        self.down.remove(&node);
        self.said.push((live::now(), node, "it starts".to_owned()));
        self.did(format!("start {}", node.0))
    }
    fn ask_to_stop(&mut self, node: NodeId) -> Done {
        self.did(format!("stop {}", node.0))
    }
    fn kill(&mut self, node: NodeId) -> Done {
        self.did(format!("kill {}", node.0))
    }
    fn cut_power(&mut self, node: NodeId) -> Done {
        self.down.insert(node);
        self.did(format!("cut {}", node.0))
    }
    fn wipe(&mut self, node: NodeId) -> Done {
        self.did(format!("wipe {}", node.0))
    }
    fn snapshot(&mut self, _: usize, nodes: &[NodeId]) -> Done {
        self.did(format!("snapshot {}", nodes.len()))
    }
    fn restore(&mut self, _: usize, node: NodeId) -> Done {
        self.did(format!("restore {}", node.0))
    }
    fn disturb(&mut self, part: Part, how: Disturbance, on: &BTreeSet<Direction>) -> Done {
        if !self.mistakes.feels_nothing {
            self.felt.insert(part.fault, 1);
        }
        self.did(format!("disturb {how:?} {}", on.len()))
    }
    fn reset(&mut self, _: usize, _: &BTreeSet<Direction>) -> Done {
        self.did("reset".to_owned())
    }
    fn hinder(&mut self, _: usize, _: NodeId, _: NodeState) -> Done {
        Err("this fake has no processor".to_owned())
    }
    fn break_disk(&mut self, _: usize, _: NodeId, _: DiskState, _: u64) -> Done {
        Ok(())
    }
    fn damage(&mut self, fault: usize, _: NodeId, _: Damage, _: u64) -> Done {
        if !self.mistakes.feels_nothing {
            self.felt.insert(fault, 1);
        }
        Ok(())
    }
    fn release(&mut self, part: Part) -> Done {
        self.did(format!("release {}", part.fault))
    }
    fn release_all(&mut self, fault: usize) -> Done {
        self.did(format!("release all {fault}"))
    }
    fn take_felt(&mut self) -> BTreeMap<usize, u64> {
        std::mem::take(&mut self.felt)
    }
    fn take_exits(&mut self) -> Vec<(NodeId, String)> {
        Vec::new()
    }
}

impl Host for Fake {
    fn take_records(&mut self, _: &mut dyn FnMut(&str) -> Name) -> Vec<Record> {
        Vec::new()
    }
    fn take_beside(&mut self) -> Beside {
        Beside { said: std::mem::take(&mut self.said), measured: Vec::new() }
    }
    fn take_reached(&mut self) -> Vec<usize> {
        Vec::new()
    }
    fn go_on(&mut self) {}
    fn passed(&self) -> BTreeMap<Name, u64> {
        BTreeMap::new()
    }
    fn tell(&mut self, node: NodeId, line: &str) -> Done {
        let asked: Value = serde_json::from_str(line).expect("the harness speaks JSON");
        let mut say = |line: String| self.lines.push_back(Heard { node, line, at: live::now() });
        if let Some(id) = asked["publish"].as_u64() {
            if let Some(leader) = self.mistakes.names_a_leader {
                say(format!("{{\"leader\": \"{leader}\"}}"));
            }
            if self.mistakes.silent || !self.down.is_empty() {
                if !self.mistakes.silent {
                    say(format!("{{\"info\": {id}}}"));
                }
                return Ok(());
            }
            let every = |often: Option<u64>| often.is_some_and(|often| id.is_multiple_of(often));
            let gives_up = match self.mistakes.gives_up {
                None => false,
                Some(Probes::First) => (41..=43).contains(&id),
                Some(Probes::All) => id > 40,
            };
            if every(self.mistakes.indeterminate) || gives_up {
                say(format!("{{\"info\": {id}}}"));
                return Ok(());
            }
            if !every(self.mistakes.forgets) {
                self.log.push(id);
            }
            if every(self.mistakes.stores_twice) {
                self.log.push(id);
            }
            say(format!("{{\"ok\": {id}}}"));
        } else {
            let gone = usize::from(self.mistakes.forgets_late && line.contains("\"last\":true"));
            for (offset, id) in self.log.iter().enumerate().skip(gone) {
                say(format!("{{\"entry\": {id}, \"at\": {offset}}}"));
            }
            let late = line.contains("\"last\":true") && self.mistakes.reads_late > 0;
            self.mistakes.reads_late -= usize::from(late);
            if !self.mistakes.reads_halfway && !late {
                say("{\"end\": true}".to_owned());
            } else {
                say("{\"end\": false, \"why\": \"cut\"}".to_owned());
            }
        }
        Ok(())
    }
    fn hear(&mut self, wait: Duration) -> Option<Heard> {
        if self.lines.is_empty() {
            std::thread::sleep(wait);
        }
        self.lines.pop_front()
    }
}

fn described() -> Described {
    parse("system.yaml", SYSTEM.as_bytes(), Path::new(".")).expect("it is right")
}

/// A short run, judged; and what the host was asked to do.
fn run(faults: &str, mistakes: Mistakes) -> (RunOutcome, Vec<String>) {
    run_expecting("", faults, mistakes)
}

/// As [`run`], with more under `expect`.
fn run_expecting(expect: &str, faults: &str, mistakes: Mistakes) -> (RunOutcome, Vec<String>) {
    let text = format!(
        "name: x\nworkload: {{ events: 40, rate: 400/s }}\nsettle: 50ms\nexpect: [{{ recovers_within: 1s }}{expect}]\n{faults}"
    );
    let system = DescribedSystem::new(described());
    let scenario = scenario::parse("x", text.as_bytes(), &system).map_err(|p| p.render(false));
    let plan = Plan::new(&scenario.expect("the scenario is right"), 7, &system, &[]);
    let plan = in_pace(&plan, 1.0);
    let host = Fake { mistakes, ..Fake::default() };
    let client = NodeId(1);
    let (driven, chronicle, host) = drive(&plan, &system, host, PACE, SEEN, &[client]);
    let kept = Kept::new(plan, PACE, &system, Some(described()), driven, &chronicle.names);
    // Through a file, as histories go.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("history.gz");
    super::super::history::write(&path, &kept, &chronicle.records, &chronicle.beside)
        .expect("it is written");
    let (again, records, beside) = super::super::history::read(&path).expect("it is read");
    assert_eq!(records, chronicle.records);
    (again.judged(&records, beside, &system), host.done)
}

fn broken(outcome: &RunOutcome) -> Vec<&str> {
    let mut broken: Vec<&str> = outcome.violations.iter().map(|v| v.invariant).collect();
    broken.dedup();
    broken
}

const CUT: &str =
    "faults:\n  - { at: 20ms, for: 30ms, partition: { between: [servers, clients] } }\n";
const CRASH: &str = "faults:\n  - { at: 30ms, crash: server-1, restart_after: 30ms }\n";

#[test]
fn a_log_that_keeps_everything_passes_and_its_faults_come_and_go() {
    let (outcome, done) = run(CUT, Mistakes::default());
    assert_eq!(broken(&outcome), Vec::<&str>::new(), "{:?}", outcome.violations);
    assert!(
        outcome.vacuous.is_empty() && outcome.inconclusive.is_empty(),
        "{:?}",
        outcome.reason()
    );
    assert_eq!(done, ["disturb Cut 2", "release all 0"]);
    let facts = outcome.judged.iter().find(|(name, _)| *name == "no_loss").map(|(_, facts)| *facts);
    // Those of the workload, and three probes.
    assert_eq!(facts, Some(43), "{:?}", outcome.judged);
}

#[test]
fn what_is_acknowledged_and_not_there_at_the_end_is_lost() {
    let (outcome, _) = run(CUT, Mistakes { forgets: Some(10), ..Mistakes::default() });
    assert!(broken(&outcome).contains(&"no_loss"), "{:?}", outcome.violations);
    let twice = Mistakes { stores_twice: Some(10), ..Mistakes::default() };
    assert!(broken(&run(CUT, twice).0).contains(&"no_duplicate_append"));
}

#[test]
fn what_is_not_there_in_the_last_reading_is_lost_though_it_was_there_before() {
    let (outcome, _) = run(CUT, Mistakes { forgets_late: true, ..Mistakes::default() });
    assert_eq!(broken(&outcome), ["no_loss"], "{:?}", outcome.violations);
    // If it forgets all that it ever acknowledged, nobody tells of anything but that.
    let (outcome, _) = run(CUT, Mistakes { forgets: Some(1), ..Mistakes::default() });
    assert!(broken(&outcome).contains(&"no_loss"), "{:?}", outcome.violations);
}

#[test]
fn a_weakness_that_is_known_is_no_failure_and_that_it_does_not_show_is_one() {
    let forgets = Mistakes { forgets: Some(10), ..Mistakes::default() };
    let known = ", { violates: no_loss }";
    let (outcome, _) = run_expecting(known, CUT, forgets);
    assert_eq!(broken(&outcome), [""; 0], "{:?}", outcome.violations);
    let note = outcome.note.unwrap_or_default();
    assert!(note.starts_with("as expected, no_loss: "), "{note}");
    let (kept, _) = run_expecting(known, CUT, Mistakes::default());
    assert_eq!(broken(&kept), ["violates"]);
    // Where nothing is proven, that is not proven either.
    let (idle, _) =
        run_expecting(known, CUT, Mistakes { feels_nothing: true, ..Mistakes::default() });
    assert!(broken(&idle).is_empty() && !idle.vacuous.is_empty(), "{:?}", idle.violations);
    let halfway = Mistakes { reads_halfway: true, ..forgets };
    let (halfway, _) = run_expecting(known, CUT, halfway);
    assert!(broken(&halfway).is_empty() && !halfway.inconclusive.is_empty());
    // What is broken beside is a failure.
    let both = Mistakes { stores_twice: Some(7), ..forgets };
    let (outcome, _) = run_expecting(known, CUT, both);
    assert_eq!(broken(&outcome)[0], "no_duplicate_append");
    assert!(!broken(&outcome).contains(&"no_loss"));
    // Of a list one is enough, even if another has nothing to judge.
    let either = ", { violates: [durability, no_loss] }";
    let (outcome, _) = run_expecting(either, CUT, forgets);
    assert!(broken(&outcome).is_empty() && outcome.vacuous.is_empty(), "{:?}", outcome.vacuous);
    let (kept, _) = run_expecting(either, CUT, Mistakes::default());
    assert_eq!(broken(&kept), ["violates"]);
    assert!(kept.violations[0].summary.starts_with("durability or no_loss is known"));
    let nobody = ", { violates: [durability] }";
    let (idle, _) = run_expecting(nobody, CUT, Mistakes::default());
    assert!(broken(&idle).is_empty() && !idle.vacuous.is_empty(), "{:?}", idle.violations);
    // Only this variant has it, and this is another one.
    let (outcome, _) = run_expecting(", { violates: no_loss, with: weak }", CUT, forgets);
    assert!(broken(&outcome).contains(&"no_loss"), "{:?}", outcome.violations);
    let (outcome, _) = run_expecting(", { violates: no_loss, unless: weak }", CUT, forgets);
    assert_eq!(broken(&outcome), [""; 0]);
}

#[test]
fn who_leads_is_whom_a_client_names() {
    let leads = Mistakes { names_a_leader: Some("server-1"), ..Mistakes::default() };
    let crash = "faults:\n  - { at: 30ms, crash: leader, restart_after: 30ms }\n";
    let (outcome, done) = run(crash, leads);
    assert_eq!(done, ["cut 0", "start 0"], "{:?}", outcome.reason());
    let nobody = Mistakes { names_a_leader: Some("server-9"), ..Mistakes::default() };
    let (outcome, _) = run(CUT, nobody);
    assert!(outcome.inconclusive.join("").contains("there is no such node"), "{outcome:?}");
}

#[test]
fn a_client_that_gives_up_after_the_healing_is_asked_again_and_must_publish_then() {
    let (outcome, _) = run(CUT, Mistakes { gives_up: Some(Probes::First), ..Mistakes::default() });
    assert_eq!(broken(&outcome), [""; 0], "{:?}", outcome.violations);
    let facts =
        outcome.judged.iter().find(|(name, _)| *name == "progress").map(|(_, facts)| *facts);
    assert_eq!(facts, Some(6), "three, and three again");
    let (outcome, _) = run(CUT, Mistakes { gives_up: Some(Probes::All), ..Mistakes::default() });
    assert!(broken(&outcome).contains(&"progress"), "{:?}", outcome.violations);
}

#[test]
fn a_reading_without_an_end_is_no_verdict() {
    let halfway = Mistakes { reads_halfway: true, forgets: Some(10), ..Mistakes::default() };
    let (outcome, _) = run(CUT, halfway);
    assert!(!broken(&outcome).contains(&"no_loss"), "{:?}", outcome.violations);
    let why = outcome.inconclusive.join("; ");
    assert!(why.contains("was not read to its end (cut)"), "{why}");
    // What was not there for a moment is read when it is.
    let late = Mistakes { reads_late: 2, ..Mistakes::default() };
    let (outcome, _) = run(CUT, late);
    assert!(broken(&outcome).is_empty() && outcome.inconclusive.is_empty(), "{outcome:?}");
}

#[test]
fn a_fault_that_hit_nobody_proves_nothing_and_one_that_was_not_carried_out_neither() {
    let (outcome, _) = run(CUT, Mistakes { feels_nothing: true, ..Mistakes::default() });
    assert!(outcome.vacuous.iter().any(|why| why.contains("nothing ever felt it")), "{outcome:?}");
    let starved = "faults:\n  - { at: 20ms, for: 30ms, slow_node: { node: server-1 } }\n";
    let (outcome, _) = run(starved, Mistakes::default());
    assert_eq!(
        outcome.inconclusive,
        ["a fault could not be carried out: this fake has no processor"]
    );
}

#[test]
fn what_is_lost_is_excused_by_a_damaged_disk_only_if_somebody_read_what_is_damaged() {
    let damaged = "faults:\n  - { at: 20ms, bit_rot: server-1 }\n";
    let forgets = Mistakes { forgets: Some(10), ..Mistakes::default() };
    let (read, _) = run(damaged, forgets);
    assert_eq!(broken(&read), [""; 0], "{:?}", read.violations);
    assert!(read.vacuous.iter().any(|why| why.contains("no system could have kept")), "{read:?}");
    let (unread, _) = run(damaged, Mistakes { feels_nothing: true, ..forgets });
    assert!(broken(&unread).contains(&"no_loss"), "{:?}", unread.reason());
}

#[test]
fn who_lost_power_comes_back_when_the_step_says_so_and_what_it_was_asked_meanwhile_is_open() {
    let (outcome, done) = run(CRASH, Mistakes::default());
    assert_eq!(done, ["cut 0", "start 0"]);
    assert!(outcome.counters.indeterminate > 0 && outcome.counters.acknowledged > 20);
    assert_eq!(broken(&outcome), Vec::<&str>::new(), "{:?}", outcome.violations);
    assert!(outcome.signals.contains_key("crash_felt"), "{:?}", outcome.signals);
    let said = outcome.said.iter().map(|(at, node, text)| (*at > 50_000, *node, text.as_str()));
    assert_eq!(said.collect::<Vec<_>>(), [(true, NodeId(0), "it starts")], "{:?}", outcome.said);
}

#[test]
fn a_fault_on_who_is_down_is_felt_by_nobody_and_says_why() {
    let faults = "faults:\n  - { at: 10ms, crash: server-1, restart_after: 60ms }\n  - { at: 40ms, restart: server-1 }\n";
    let (outcome, done) = run(faults, Mistakes::default());
    assert_eq!(done, ["cut 0", "start 0"]);
    let why = outcome.vacuous.join("; ");
    assert!(why.contains("restart: server-1 (down when it began: server-1)"), "{why}");
}

#[test]
fn a_signal_counts_from_the_start_where_every_fault_waits_for_one() {
    let waits = "{ name: first, when: { signal: publish_indeterminate, hit: 2 }, crash: server-1, \
                 restart_after: 10ms }";
    let then = "{ after: first, delay: 20ms, crash: server-1, restart_after: 10ms }";
    let plan = format!("faults:\n  - {waits}\n  - {then}\n");
    let hesitant = Mistakes { indeterminate: Some(5), ..Mistakes::default() };
    let (outcome, done) = run(&plan, hesitant);
    assert_eq!(done, ["cut 0", "start 0", "cut 0", "start 0"], "{:?}", outcome.reason());
    assert_eq!(outcome.vacuous, [""; 0]);
}

#[test]
fn in_a_pace_times_are_longer_and_rates_are_not() {
    let system = DescribedSystem::new(described());
    let text = format!("name: x\nworkload: {{ events: 40, rate: 400/s }}\n{CRASH}");
    let scenario = scenario::parse("x", text.as_bytes(), &system).expect("it is right");
    let plan = Plan::new(&scenario, 7, &system, &[]);
    let slow = in_pace(&plan, 4.0);
    assert_eq!((slow.workload.events, slow.workload_us), (160, plan.workload_us * 4));
    assert!((slow.workload.rate - 400.0).abs() < f64::EPSILON);
    assert_eq!(slow.faults[0].start, Start::At(120_000));
    assert_eq!(slow.faults[0].restart_after, Some(120_000));
}
