//! The worker's side.

use super::{
    parent::errored,
    protocol::{Answer, Request},
    reached,
    story::{self, said, words},
    trace,
};
use crate::{
    live::{self, Launch, LiveRun},
    outcome::RunOutcome,
    plan::Plan,
    series,
    sim::{self, IsolationError},
    system::System,
    words::timeline_line,
};
use squall_reports::{Evidence, Exit, Run, Series, Verdict, Violation};
use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    os::{fd::AsFd as _, unix::net::UnixStream},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

/// How often a worker says that its run still moves.
const PULSE: Duration = Duration::from_millis(250);

/// Nodes that ended by themselves, as many as a report has room for.
const EXITS: usize = 20;

/// The way to the parent; whole lines only.
type Parent = Arc<Mutex<UnixStream>>;

/// The last run, for what is asked of it afterwards.
struct Last {
    plan: Plan,
    system: Arc<dyn System>,
    outcome: RunOutcome,
}

/// Serves requests from the socket that is standard input, until it ends.
///
/// # Errors
/// The connection to the parent broke.
pub fn serve(system: &Arc<dyn System>) -> io::Result<()> {
    // Ctrl-C reaches the whole process group; what becomes of this worker is its parent's to say.
    let _ = ctrlc::set_handler(|| ());
    let requests = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let parent: Parent = Arc::new(Mutex::new(requests.try_clone()?));
    {
        let parent = parent.clone();
        std::thread::spawn(move || pulse(&parent));
    }
    answer_all(requests, &parent, system)
}

/// Answers one request after the other, until the parent says no more.
fn answer_all(requests: UnixStream, parent: &Parent, system: &Arc<dyn System>) -> io::Result<()> {
    let mut last: Option<Last> = None;
    for line in BufReader::new(requests).lines() {
        let answer = match serde_json::from_str(&line?) {
            Ok(Request::Run { plan }) => {
                // What is kept of the run before needs its memory no more.
                last = None;
                match execute(&plan, system) {
                    Ok((run, outcome)) => {
                        if let Some(why) = &outcome.unwatched {
                            send(parent, &Answer::Warning(why.clone()))?;
                        }
                        last = Some(Last { plan: *plan, system: system.clone(), outcome });
                        Answer::Done(Box::new(run))
                    }
                    Err(error) => Answer::Broken(error.to_string()),
                }
            }
            Ok(Request::Live { plan, launch }) => {
                last = None;
                let started = Instant::now();
                let run = match *launch {
                    Launch::Maelstrom(programs, keep) => {
                        live::execute_maelstrom(&plan, &programs, &keep)
                    }
                    Launch::Described(launch) => match live::execute(&plan, system, &launch) {
                        Ok(live) => keep(&mut last, live, started.elapsed()),
                        Err(why) => errored(&plan, why, started),
                    },
                };
                Answer::Done(Box::new(run))
            }
            Ok(Request::Told { path }) => {
                let told = live::told(&path, system);
                Answer::Told(Box::new(told.map(|live| keep(&mut last, live, Duration::ZERO))))
            }
            // A run that ended its worker has left no history.
            Ok(Request::Lines) => Answer::Lines(last.as_ref().map(Last::lines).unwrap_or_default()),
            Ok(Request::Story) => Answer::Lines(
                last.as_ref().map(|run| story::story(&run.plan, &run.outcome)).unwrap_or_default(),
            ),
            Ok(Request::Log) => Answer::Lines(last.as_ref().map(Last::log).unwrap_or_default()),
            Ok(Request::State { at }) => {
                let state = last.as_ref().map(|run| {
                    let faults = trace::faults(&run.plan, &run.outcome.history);
                    series::state(&run.plan, run.system.as_ref(), &run.outcome, &faults, at)
                });
                Answer::Lines(state.unwrap_or_default())
            }
            Ok(Request::Trace { whole }) => {
                let make = if whole { trace::whole } else { trace::around_the_evidence };
                let trace = last.as_ref().map(|run| make(&run.plan, &run.outcome));
                Answer::Trace(Box::new(trace.unwrap_or_default()))
            }
            Ok(Request::TraceOfFault) => {
                let make = |run: &Last| trace::around_the_first_fault(&run.plan, &run.outcome);
                Answer::Trace(Box::new(last.as_ref().map(make).unwrap_or_default()))
            }
            Ok(Request::Reached) => {
                let reached = last.as_ref().map(|run| reached::reached(&run.plan, &run.outcome));
                Answer::Reached(Box::new(reached.unwrap_or_default()))
            }
            Ok(Request::Series { every }) => {
                let series = last.as_ref().map(|run| {
                    let faults = trace::faults(&run.plan, &run.outcome.history);
                    series::of(&run.plan, run.system.as_ref(), &run.outcome, &faults, every)
                });
                Answer::Series(Box::new(series.unwrap_or_else(|| Ok(Series::default()))))
            }
            Err(error) => Answer::Broken(format!("a request that makes no sense: {error}")),
        };
        send(parent, &answer)?;
    }
    Ok(())
}

fn execute(plan: &Plan, system: &Arc<dyn System>) -> Result<(Run, RunOutcome), IsolationError> {
    let started = Instant::now();
    let outcome = sim::execute(plan, system)?;
    let mut run = run_of(plan, &outcome, started.elapsed());
    if let Some(escape) = &outcome.escape {
        // What followed from it is nobody's fault but its own.
        run.verdict = Verdict::Errored;
        run.reason = Some(escape.tell(&outcome.nodes));
        run.violations.clear();
        run.trace = None;
    }
    Ok((run, outcome))
}

/// Keeps a live run for further requests. What reports tell of it.
fn keep(last: &mut Option<Last>, live: LiveRun, wall: Duration) -> Run {
    let LiveRun { plan, system, outcome, history } = live;
    let run = run_of(&plan, &outcome, wall);
    *last = Some(Last { plan, system, outcome });
    Run { history: Some(history.to_string_lossy().into_owned()), ..run }
}

fn send(parent: &Parent, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    parent.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
}

/// Says that steps are being made, and ends the worker when its parent is gone.
fn pulse(socket: &Parent) {
    let parent = std::os::unix::process::parent_id();
    let mut seen = 0;
    loop {
        std::thread::sleep(PULSE);
        if std::os::unix::process::parent_id() != parent {
            std::process::exit(0);
        }
        let steps = sim::STEPS.load(Ordering::Relaxed);
        if steps != seen {
            seen = steps;
            if send(socket, &Answer::Alive).is_err() {
                std::process::exit(0);
            }
        }
    }
}

fn run_of(plan: &Plan, outcome: &RunOutcome, wall: Duration) -> Run {
    let words = words(plan, outcome);
    let verdict = if !outcome.violations.is_empty() {
        Verdict::Failed
    } else if !outcome.inconclusive.is_empty() {
        Verdict::Inconclusive
    } else if !outcome.vacuous.is_empty() {
        Verdict::Vacuous
    } else {
        Verdict::Passed
    };
    let violations = outcome
        .violations
        .iter()
        .map(|violation| Violation {
            invariant: violation.invariant.to_owned(),
            summary: violation.summary.clone(),
            consequence_of: violation.consequence_of.map(str::to_owned),
            evidence: violation
                .evidence
                .iter()
                .map(|evidence| Evidence {
                    index: evidence.index,
                    at_us: evidence.record.at,
                    node: words.node(evidence.record.node).to_owned(),
                    kind: evidence.record.what.kind().to_owned(),
                    text: words.what(&evidence.record),
                })
                .collect(),
        })
        .collect();
    Run {
        seed: plan.seed,
        verdict,
        reason: outcome.reason(),
        hash: outcome.hash.clone(),
        sim_ms: outcome.elapsed / 1_000,
        wall_us: u64::try_from(wall.as_micros()).expect("no run takes 500,000 years"),
        recovery_ms: outcome.recovery.map(|us| us / 1_000),
        signals: outcome.signals.clone(),
        exits: outcome
            .notes
            .iter()
            .take(EXITS)
            .map(|(at_us, node, reason)| Exit {
                at_us: *at_us,
                node: words.node(*node).to_owned(),
                reason: reason.clone(),
            })
            .collect(),
        violations,
        judged: outcome.judged.iter().map(|(name, facts)| ((*name).to_owned(), *facts)).collect(),
        counters: outcome.counters.clone(),
        latency: outcome.latency.summary(),
        trace: (verdict == Verdict::Failed).then(|| trace::around_the_evidence(plan, outcome)),
        ..Run::default()
    }
}

impl Last {
    /// Every record, and what the system said, one line each.
    fn lines(&self) -> Vec<String> {
        let words = words(&self.plan, &self.outcome);
        let records = self.outcome.history.iter().map(|record| (record.at, words.line(record)));
        let said = said(&self.outcome).map(|(at, node, text)| {
            (at, timeline_line(at, words.node(node), &format!("logs: {text}")))
        });
        let mut lines: Vec<(u64, String)> = records.chain(said).collect();
        lines.sort_by_key(|(at, _)| *at);
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// What the system itself said, one line each.
    fn log(&self) -> Vec<String> {
        let words = words(&self.plan, &self.outcome);
        let said = said(&self.outcome);
        said.map(|(at, node, text)| timeline_line(at, words.node(node), &text)).collect()
    }
}

#[cfg(test)]
mod tests {
    //! What a worker answers, request by request. The parent is the other end of the socket.

    use super::*;
    use crate::{
        scenario::parse,
        system::{Client, Cluster, Error, Event, LocalFuture, Node, Outcome, Role, State},
    };
    use squall_probe::{Position, What, record};
    use std::{net::Shutdown, thread};

    /// Stores every event twice.
    struct Twice;

    impl Client for Twice {
        fn publish(&self, event: Event, _: Box<dyn FnOnce(String)>) -> LocalFuture<Outcome> {
            let first = event.id.0 * 2;
            for offset in [first, first + 1] {
                let position = Position { partition: 0, offset };
                let (event, key) = (event.id, event.key);
                record(What::Append { position, event, key, term: 1, content: 0 });
            }
            squall_probe::say(&format!("stored e{}\ntwice", event.id.0));
            Box::pin(async { Outcome::Ok(None) })
        }
    }

    impl System for Twice {
        fn name(&self) -> &str {
            "twice"
        }
        fn version(&self) -> &str {
            "1"
        }
        fn roles(&self) -> &[Role] {
            &[Role {
                name: "client",
                plural: "clients",
                default: 1,
                min: 1,
                max: 1,
                client: true,
                replica: false,
                about: "Publishes",
            }]
        }
        fn start(&self, _: Node, _: Cluster) -> LocalFuture<Result<(), Error>> {
            Box::pin(std::future::pending())
        }
        fn client(&self, _: Node, _: Cluster) -> LocalFuture<Result<Box<dyn Client>, Error>> {
            Box::pin(async { Ok(Box::new(Self) as Box<dyn Client>) })
        }
        fn inspect(&self, _: Node, _: Cluster) -> LocalFuture<Result<Vec<State>, Error>> {
            Box::pin(async { Ok(Vec::new()) })
        }
    }

    fn run() -> Request {
        let text = "name: x\nworkload: { events: 5, rate: 100/s }\n";
        let scenario = parse("x", text.as_bytes(), &Twice).unwrap();
        let plan = Box::new(Plan::new(&scenario, 7, &Twice, &[]));
        Request::Run { plan }
    }

    /// What a worker answers to these lines, but for what is told of all runs.
    fn answers(requests: &[String]) -> Vec<Answer> {
        let (mut here, there) = UnixStream::pair().unwrap();
        let text: String = requests.iter().map(|line| format!("{line}\n")).collect();
        let worker = thread::spawn(move || {
            let parent = Arc::new(Mutex::new(there.try_clone().unwrap()));
            let system: Arc<dyn System> = Arc::new(Twice);
            answer_all(there, &parent, &system)
        });
        here.write_all(text.as_bytes()).unwrap();
        here.shutdown(Shutdown::Write).unwrap();
        let lines = BufReader::new(here).lines().map(Result::unwrap);
        let all = lines.map(|line| serde_json::from_str(&line).unwrap());
        let all = all.filter(|answer| !matches!(answer, Answer::Warning(_))).collect();
        worker.join().unwrap().unwrap();
        all
    }

    fn ask(requests: &[Request]) -> Vec<Answer> {
        let lines = requests.iter().map(|request| serde_json::to_string(request).unwrap());
        answers(&lines.collect::<Vec<_>>())
    }

    #[test]
    fn a_run_is_answered_with_its_verdict_and_what_it_kept_is_told_afterwards() {
        let asked = [run(), Request::Lines, Request::Story, Request::Trace { whole: true }];
        let told = ask(&asked);
        let [Answer::Done(run), Answer::Lines(all), Answer::Lines(story), Answer::Trace(trace)] =
            told.as_slice()
        else {
            panic!("{told:?}")
        };
        assert_eq!((run.seed, run.verdict), (7, Verdict::Failed), "{run:?}");
        assert!(run.violations.iter().any(|v| v.invariant == "no_duplicate_append"), "{run:?}");
        let around = run.trace.as_ref().unwrap();
        assert!(around.records.iter().any(|record| record.evidence), "{around:?}");
        assert!(all.iter().any(|line| line.contains("publish e1 ")), "{all:?}");
        // The story leaves records out, and says which of them prove something.
        assert!(story.iter().any(|line| line.ends_with("<- evidence")), "{story:?}");
        assert!(trace.records.iter().any(|record| record.evidence), "{trace:?}");
        let said = all.iter().filter(|line| line.contains(" logs: ")).count();
        assert_eq!(trace.records.len() + said, all.len());
    }

    #[test]
    fn what_the_system_says_is_told_alone_each_in_one_line() {
        let told = ask(&[run(), Request::Log, Request::State { at: None }]);
        let [Answer::Done(_), Answer::Lines(log), Answer::Lines(state)] = told.as_slice() else {
            panic!("{told:?}")
        };
        // Five of the workload, and three by which the harness sees whether publishing works.
        assert_eq!(log.len(), 8, "{log:?}");
        let first = "client-1     stored e1";
        assert!(log.iter().any(|line| line.contains(first) && line.ends_with("twice")), "{log:?}");
        assert!(state[0].ends_with(", the last evidence of no_duplicate_append"), "{state:?}");
        assert!(state.iter().any(|line| line.starts_with("client-1  up  0.000s")), "{state:?}");
    }

    #[test]
    fn before_any_run_nothing_is_kept() {
        let nothing = [Request::Lines, Request::Story, Request::Log, Request::State { at: None }];
        for answer in ask(&nothing).into_iter().chain(ask(&[Request::Trace { whole: false }])) {
            match answer {
                Answer::Lines(lines) => assert!(lines.is_empty(), "{lines:?}"),
                Answer::Trace(trace) => assert!(trace.records.is_empty(), "{trace:?}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_answered_so_and_the_next_is_answered() {
        let lines = serde_json::to_string(&Request::Lines).unwrap();
        let requests = ["nonsense".to_owned(), r#"{"Run":{}}"#.to_owned(), lines];
        let told = answers(&requests);
        let [Answer::Broken(first), Answer::Broken(second), Answer::Lines(_)] = told.as_slice()
        else {
            panic!("{told:?}")
        };
        assert!(first.starts_with("a request that makes no sense: "), "{first}");
        assert!(second.contains("missing field `plan`"), "{second}");
    }
}
