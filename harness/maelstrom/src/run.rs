//! A run: clients that ask, last reads, and what it comes to.

use crate::{
    draws::{Draws, stream},
    findings::{Anomaly, Findings, Verdict},
    history::{Event, Kind, Op, pair},
    host::{Host, NEVER_READY},
    kept::{End, KeptHistory},
    lines::clip,
    rpc::{Client, Refused},
    workloads::{self, Ask, Circumstances, Session, Workload},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How much is asked, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Operations a second, all clients together; more than 0.
    pub rate: f64,
    /// How long.
    pub lasting: Duration,
    /// How many clients ask at a time, at least 1. The first asks the first node, and so on around.
    pub clients: usize,
    /// How long a client waits for an answer, at most: some workloads wait shorter.
    pub patience: Duration,
    /// How long nodes have, after everything was healed, until the last reads must show what they should.
    pub recovery: Duration,
}

impl Load {
    /// For so many nodes: two clients each, who wait 5 s for an answer; 50 operations a second for 10 s; and 10 s to recover.
    #[must_use]
    pub fn of(nodes: usize) -> Self {
        let ten = Duration::from_secs(10);
        Self {
            rate: 50.0,
            lasting: ten,
            clients: nodes.max(1) * 2,
            patience: Duration::from_secs(5),
            recovery: ten,
        }
    }
}

/// Clients that ask.
#[derive(Debug)]
pub struct Driving {
    workers: Vec<JoinHandle<()>>,
    load: Load,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// In a word.
    pub verdict: Verdict,
    /// Why, in a line; empty if it passed.
    pub why: String,
    /// What the checker found, and what nodes did that the protocol forbids.
    pub findings: Findings,
    /// How many operations of each kind ended how.
    pub counts: BTreeMap<String, BTreeMap<&'static str, u64>>,
    /// How many messages were sent.
    pub messages: u64,
    /// How late our own network was at most.
    pub lateness: Duration,
    /// The history.
    pub events: Vec<Event>,
    /// How long the run took from when nodes were ready.
    pub took: Duration,
    /// The last lines of each node's standard error.
    pub logs: BTreeMap<String, Vec<String>>,
}

/// If our own network was later than this, what is missing may be missing for our sake.
const HELD_UP: Duration = Duration::from_secs(1);

/// How often a node is asked again for a last read.
const AGAIN: Duration = Duration::from_millis(100);

impl Host {
    /// Lets clients ask. They end by themselves.
    #[must_use]
    pub fn drive(&self, load: Load) -> Driving {
        let until = Instant::now() + load.lasting;
        let pace = Pace {
            next: Instant::now(),
            gap: Duration::from_secs_f64(1.0 / load.rate.max(1e-3)),
            draws: Draws::new(self.shared.settings.seed, stream::PACE),
        };
        let pace = Arc::new(Mutex::new(pace));
        let count = load.clients.max(1);
        let workers = (0..count).map(|worker| {
            let (host, pace) = (self.clone(), Arc::clone(&pace));
            thread::spawn(move || host.work(worker, load, &pace, until))
        });
        Driving { workers: workers.collect(), load }
    }

    /// A client asks until the time is over. When it does not know what became of its operation, another takes its place.
    fn work(&self, worker: usize, load: Load, pace: &Mutex<Pace>, until: Instant) {
        let mut draws = Draws::new(self.shared.settings.seed, stream::WORKERS + worker as u64);
        let node = &self.names()[worker % self.names().len()];
        let mut asker = Asker::new(self, node, worker as u64, load.patience, false);
        loop {
            let slot = pace.lock().unwrap_or_else(PoisonError::into_inner).next();
            if slot >= until || !self.sleep_until(slot) {
                return;
            }
            let ask = asker.session.next(&mut draws);
            if asker.carry_out(&ask) == Kind::Info {
                let next = asker.process + load.clients.max(1) as u64;
                asker = Asker::new(self, node, next, load.patience, false);
            }
        }
    }

    /// Waits; not if going on teaches nothing.
    fn sleep_until(&self, moment: Instant) -> bool {
        const LOOK: Duration = Duration::from_millis(50);
        loop {
            let left = moment.saturating_duration_since(Instant::now());
            if self.hopeless() {
                return false;
            }
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(LOOK));
        }
    }

    /// Waits for the clients, asks every node for what it knows at last, ends everything, and judges. Everything should be
    /// healed before.
    #[must_use]
    pub fn conclude(&self, driving: Driving) -> Outcome {
        for worker in driving.workers {
            // A panic is a mistake of ours, and is not to look like an answer.
            worker.join().expect("clients do not panic");
        }
        let deadline = Instant::now() + driving.load.recovery;
        for node in 0..self.names().len() {
            self.resume(node);
            self.start_again(node);
        }
        let readers = (0..self.names().len()).map(|node| {
            let host = self.clone();
            let process = driving.load.clients as u64 * 1_000_000 + node as u64;
            thread::spawn(move || host.read_at_last(node, process, driving.load.patience, deadline))
        });
        for reader in readers.collect::<Vec<_>>() {
            reader.join().expect("clients do not panic");
        }
        let took = self.now();
        self.end();
        let circumstances = Circumstances { faults: self.was_touched() };
        let (events, troubles) = self.shared.journal.noted();
        let names = self.names().iter().enumerate();
        let logs = names.map(|(node, name)| (name.clone(), self.log(node))).collect();
        let judged = Judged::new(
            self.shared.workload,
            &events,
            troubles,
            circumstances,
            self.network().lateness(),
        );
        Outcome {
            verdict: judged.verdict,
            why: judged.why,
            findings: judged.findings,
            counts: counts(&pair(&events)),
            messages: self.network().sent(),
            lateness: self.network().lateness(),
            events,
            took,
            logs,
        }
    }

    /// Ends the file of the history, with what is known beside of why the run proves nothing, or why nobody can say whether it
    /// passed. Nothing is written to it later.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn close(&self, vacuous: &[String], inconclusive: &[String]) -> io::Result<()> {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.shared.journal.close(&End {
            faults: self.was_touched(),
            lateness_us: micros(self.network().lateness()),
            took_us: micros(self.now()),
            vacuous: vacuous.to_vec(),
            inconclusive: inconclusive.to_vec(),
        })
    }

    fn read_at_last(&self, node: usize, process: u64, patience: Duration, deadline: Instant) {
        let name = &self.names()[node];
        while !self.is_ready(node) && !self.hopeless() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
        let mut asker = Asker::new(self, name, process, patience, true);
        loop {
            let ask = self.shared.journal.with_events(|events| asker.session.last(events));
            let Some(ask) = ask else { return };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.hopeless() {
                return;
            }
            asker.patience = patience.min(left);
            let outcome = asker.carry_out(&ask);
            let nothing_new = outcome != Kind::Ok || ask.request.is_some();
            if nothing_new && !self.sleep_until(Instant::now() + AGAIN) {
                return;
            }
        }
    }
}

/// A client, and what it does.
struct Asker<'a> {
    host: &'a Host,
    client: Client,
    session: Box<dyn Session + 'a>,
    process: u64,
    node: &'a str,
    patience: Duration,
    last: bool,
}

impl<'a> Asker<'a> {
    fn new(host: &'a Host, node: &'a str, process: u64, patience: Duration, last: bool) -> Self {
        let load = &host.shared.load;
        let patience = patience.min(load.patience());
        Self { host, client: host.client(), session: load.session(), process, node, patience, last }
    }

    /// Asks, notes what was asked and answered, and tells how it ended.
    fn carry_out(&mut self, ask: &Ask) -> Kind {
        let journal = &self.host.shared.journal;
        let (process, node, last) = (self.process, self.node, self.last);
        let event = |kind: Kind, value: Value| Event {
            last,
            ..Event::new(process, node, kind, ask.f, value)
        };
        journal.event(event(Kind::Invoke, ask.value.clone()));
        let answer = match &ask.request {
            Some(body) => self.client.ask(node, body.clone(), self.patience).map(Some),
            None => Ok(None),
        };
        let read = answer.and_then(|answer| {
            self.session.read(ask, answer.as_ref()).map_err(|why| {
                let line = answer.map(|answer| clip(&answer.line())).unwrap_or_default();
                Refused::Malformed(format!("{why}: {line}"))
            })
        });
        let (kind, value, error) = match read {
            Ok(value) => (Kind::Ok, value, None),
            Err(why) => {
                if let Refused::Malformed(text) = &why {
                    let about = format!("{node} was asked for {}: {text}", ask.f);
                    journal.trouble("malformed-rpc-response", node, about);
                }
                let fails = why.definite() || ask.idempotent;
                (if fails { Kind::Fail } else { Kind::Info }, Value::Null, Some(why.to_string()))
            }
        };
        journal.event(Event { error, ..event(kind, value) });
        kind
    }
}

/// When the next operation is due: at random around the rate.
#[derive(Debug)]
struct Pace {
    next: Instant,
    gap: Duration,
    draws: Draws,
}

impl Pace {
    fn next(&mut self) -> Instant {
        // Who is behind does not catch up: a storm of requests after a pause is another load.
        let now = Instant::now();
        let at = self.next.max(now);
        self.next = at + self.gap.mul_f64(self.draws.share() * 2.0);
        at
    }
}

fn counts(history: &[Op]) -> BTreeMap<String, BTreeMap<&'static str, u64>> {
    let mut counts: BTreeMap<String, BTreeMap<&'static str, u64>> = BTreeMap::new();
    for op in history {
        *counts.entry(op.f.clone()).or_default().entry(op.outcome.name()).or_default() += 1;
    }
    counts
}

impl KeptHistory {
    /// Judges it again. A history without an end is of a run that was killed: what is missing may only be late.
    ///
    /// # Errors
    /// It is of a workload that there is not.
    pub fn judged(&self) -> Result<Judged, String> {
        let name = &self.header.workload;
        let workload =
            workloads::named(name).ok_or_else(|| format!("there is no workload {name}"))?;
        let end = self.end.clone().unwrap_or_else(|| End {
            faults: true,
            lateness_us: u64::MAX,
            inconclusive: vec!["the run was killed".to_owned()],
            ..End::default()
        });
        let circumstances = Circumstances { faults: end.faults };
        let lateness = Duration::from_micros(end.lateness_us);
        Ok(Judged::new(workload, &self.events, self.troubles.clone(), circumstances, lateness))
    }
}

/// What a history comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// In a word.
    pub verdict: Verdict,
    /// Why, in a line; empty if it passed.
    pub why: String,
    /// What was found.
    pub findings: Findings,
}

impl Judged {
    /// Judges a history of `workload`, with what nodes did that the protocol forbids. `lateness` is how late the network
    /// itself was at most.
    #[must_use]
    pub fn new(
        workload: &Workload,
        events: &[Event],
        troubles: Vec<Anomaly>,
        circumstances: Circumstances,
        lateness: Duration,
    ) -> Self {
        let history = pair(events);
        let mut findings = (workload.check)(&history, circumstances);
        let (never_ready, troubles): (Vec<_>, Vec<_>) =
            troubles.into_iter().partition(|t| t.name == NEVER_READY);
        findings.anomalies.splice(0..0, troubles);
        let counts = counts(&history);
        let idle = counts.iter().find(|(_, ended)| !ended.contains_key("ok"));
        let held_up = lateness > HELD_UP;
        let (verdict, why) = if let Some(error) = never_ready.first() {
            (Verdict::Errored, error.about.clone())
        } else if let Some(anomaly) = findings.anomalies.iter().find(|a| !(a.by_time && held_up)) {
            (Verdict::Failed, format!("{}: {}", anomaly.name, anomaly.about))
        } else if !findings.anomalies.is_empty() {
            let late = lateness.as_millis();
            (
                Verdict::Inconclusive,
                format!(
                    "the harness itself was held up by {late} ms: what is missing may only be late"
                ),
            )
        } else if counts.is_empty() {
            (Verdict::Vacuous, "nothing was asked".to_owned())
        } else if let Some((f, ended)) = idle {
            let asked: u64 = ended.values().sum();
            let why = history.iter().find_map(|op| op.error.clone().filter(|_| op.f == *f));
            let why = why.unwrap_or_else(|| "no answer".to_owned());
            (Verdict::Vacuous, format!("of {asked} times {f} none succeeded ({why})"))
        } else if let Some(unknown) = &findings.unknown {
            (Verdict::Inconclusive, unknown.clone())
        } else {
            (Verdict::Passed, String::new())
        };
        Self { verdict, why, findings }
    }
}
