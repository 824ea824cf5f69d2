//! The explorer: draws scenarios, runs them, keeps what reached something, and makes small what failed.

use super::{
    change::change,
    corpus::{Corpus, Entry},
    coverage::Coverage,
    draw::{Bias, Draws, Swarm, Words, scenario, subject, topology, uniform},
    findings::Findings,
    questions::{ExploreError, Explored, Questions, Told},
    small::{Failure, go_on, make_small},
};
use crate::{
    injection::{Injection, Load},
    plan::Plan,
    pool::{Done, Pool},
    scenario::{Scenario, Step, parse},
    shrink::{Cause, FIRST_SEED},
    system::System,
    worker::Reached,
};
use squall_reports::Verdict;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
    time::{Duration, Instant},
};

/// Scenarios are drawn by so many at a time, from what is known then: what is found depends on nobody's speed.
const BATCH: usize = 16;

/// A drawn scenario that the checks refuse is drawn again, this often.
const PATIENCE: usize = 20;

/// More events than this beside the workload's show only that everything has a capacity.
const MOST_LOAD: f64 = 2_000.0;

/// Scenarios of every ten that are drawn from nothing once there is a corpus.
const FRESH: usize = 6;

/// How often others' entries are looked for in a corpus that is shared.
const REFRESH: Duration = Duration::from_secs(20);

/// A scenario that waits for its run.
struct Drawn {
    scenario: Scenario,
    text: String,
    from: String,
}

/// What is known of the system, from runs.
#[derive(Default)]
struct Known {
    bias: Bias,
    coverage: Coverage,
    signals: BTreeSet<String>,
    points: BTreeMap<String, u32>,
}

/// Explores until the time is over, the runs are spent, or enough was found.
///
/// # Errors
/// The harness itself failed, or a file cannot be written.
pub fn explore(
    questions: &Questions<'_>,
    corpus: &mut Corpus,
    pool: &mut Pool,
    system: &Arc<dyn System>,
    mut told: impl FnMut(Told<'_>),
) -> Result<Explored, ExploreError> {
    let began = Instant::now();
    let system = system.as_ref();
    let mut known = Known::default();
    corpus.tell(&mut known.coverage);
    let mut explored = Explored::default();
    let mut findings = Findings::default();
    for finding in go_on(questions, pool, system, &mut told)? {
        told(Told::Found(&finding));
        findings.add(finding);
    }
    explored.findings = findings.all().to_vec();
    explored.corpus = corpus.len();
    let mut looked = Instant::now();
    let mut number = 0;
    while explored.runs < questions.runs
        && !questions.is_over()
        && findings.all().len() < questions.findings
    {
        if looked.elapsed() > REFRESH && !questions.uniform {
            looked = Instant::now();
            corpus.refresh(system)?;
        }
        let left = usize::try_from(questions.runs - explored.runs).unwrap_or(BATCH);
        let batch: Vec<Drawn> = (0..BATCH.min(left))
            .map(|_| {
                number += 1;
                draw(questions, number, corpus, &known, system)
            })
            .collect();
        let plans: Vec<Plan> = batch
            .iter()
            .map(|drawn| Plan::new(&drawn.scenario, FIRST_SEED, system, questions.defects))
            .collect();
        let done = pool.run(&plans, || questions.is_over())?;
        for (drawn, done) in batch.into_iter().zip(done) {
            let Some(done) = done else { continue };
            explored.runs += 1;
            told(Told::Ran(explored.runs, &drawn.from, &done.0));
            if !questions.uniform {
                learn(&mut known, &drawn.scenario, &done);
            }
            match done.0.verdict {
                Verdict::Vacuous => match without_unfelt(&drawn, &done, system) {
                    Some((rest, reached)) => {
                        explored.trimmed += 1;
                        keep(&mut known, corpus, questions.uniform, &rest, &reached)?;
                    }
                    None => explored.vacuous += 1,
                },
                Verdict::Passed => keep(&mut known, corpus, questions.uniform, &drawn, &done.1)?,
                Verdict::Failed | Verdict::Errored => {
                    explored.failed += 1;
                    keep(&mut known, corpus, questions.uniform, &drawn, &done.1)?;
                    let cause = Cause::of(&done.0).expect("a run that failed has a cause");
                    if findings.all().len() < questions.findings
                        && !findings.explains(&cause, &drawn.scenario)
                    {
                        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                        let failure = Failure {
                            scenario: drawn.scenario,
                            text: drawn.text,
                            run: done.0,
                            found_by: format!("seed {}, run {}", questions.seed, explored.runs),
                            after: Some((explored.runs, ms)),
                            drawn_from: drawn.from,
                            file: None,
                        };
                        let found = make_small(questions, pool, system, failure, &mut told)?;
                        if findings.add(found)
                            && let Some(finding) = findings.all().last()
                        {
                            told(Told::Found(finding));
                        }
                    }
                }
                Verdict::Unstable | Verdict::Inconclusive => {}
            }
        }
        explored.features = known.coverage.len();
        explored.felt = known.bias.felt();
        explored.corpus = corpus.len();
        explored.took = began.elapsed();
        explored.findings = findings.all().to_vec();
        told(Told::Progress(&explored));
    }
    explored.took = began.elapsed();
    Ok(explored)
}

/// Draws the scenario with this number.
fn draw(
    questions: &Questions<'_>,
    number: u64,
    corpus: &Corpus,
    known: &Known,
    system: &dyn System,
) -> Drawn {
    let mut draws = Draws::new(questions.seed, number);
    let empty = || {
        let empty = parse("explored", b"name: explored\n", system);
        empty.expect("a scenario with a name alone makes sense for every system")
    };
    let base = questions.base.cloned().unwrap_or_else(empty);
    let name = format!("explored {} {number}", questions.seed);
    for attempt in 0..PATIENCE {
        // The first run is calm: it shows what the system says and passes when nothing is wrong.
        let calm = number == 1 || attempt + 1 == PATIENCE;
        let entries = if questions.uniform { Vec::new() } else { corpus.entries() };
        let (mut scenario, from) = if calm {
            (base.clone(), "nothing goes wrong".to_owned())
        } else if entries.is_empty() || draws.chance(FRESH, 10) {
            let topology = match questions.base {
                Some(base) => base.clone(),
                None => draws.draw(&topology(system, &base)),
            };
            let words = words(system, &topology, known);
            let (swarm, scenario): (Swarm, Scenario) = if questions.uniform {
                uniform(&mut draws, &words)
            } else {
                scenario(&mut draws, &words)
            };
            (scenario, swarm.to_string())
        } else {
            let entry = choose(&mut draws, &entries, known);
            let other = choose(&mut draws, &entries, known);
            let words = words(system, &entry.scenario, known);
            let changed =
                change(&mut draws, &words, entry, &other.scenario, questions.base.is_some());
            (changed, format!("a change of \"{}\"", entry.scenario.name))
        };
        scenario.name.clone_from(&name);
        let text = scenario.write(system);
        if let Ok(read) = parse("explored", text.as_bytes(), system)
            && (calm || added_load(&read) <= MOST_LOAD)
        {
            return Drawn { scenario: read, text, from };
        }
    }
    unreachable!("the last attempt is the base scenario itself, which was read")
}

/// How many events a scenario's faults publish beside the workload's.
fn added_load(scenario: &Scenario) -> f64 {
    let of_step = |step: &Step| match step.fault.injection() {
        Injection::Load(Load::Rate { first, last, lasting }) => {
            scenario.workload.rate * (first + last) / 2.0 * lasting.as_secs_f64()
        }
        Injection::Load(Load::Events { count, .. }) => f64::from(count),
        _ => 0.0,
    };
    scenario.faults.iter().map(of_step).sum()
}

fn words<'a>(system: &'a dyn System, base: &'a Scenario, known: &'a Known) -> Words<'a> {
    Words::new(system, base, &known.bias, (&known.signals, &known.points))
}

/// An entry: of four, the one that reached what fewest runs have.
fn choose<'e>(draws: &mut Draws, entries: &[&'e Entry], known: &Known) -> &'e Entry {
    let mut four = (0..4).map(|_| entries[draws.below(entries.len())]);
    let first = four.next().expect("four of them");
    four.fold(first, |best, entry| {
        let rarer = known.coverage.rarest(&entry.features) < known.coverage.rarest(&best.features);
        if rarer { entry } else { best }
    })
}

/// What a run tells of the system.
fn learn(known: &mut Known, scenario: &Scenario, (run, reached): &Done) {
    if run.hash.is_empty() {
        return;
    }
    for (index, step) in (0_u16..).zip(&scenario.faults) {
        if reached.began.iter().any(|began| began.step == index) {
            let felt = reached.felt.contains(&index);
            known.bias.learn(step.fault.kind, subject(step.fault.given.values()), felt);
        }
    }
    for (signal, count) in &run.signals {
        // What a fault made felt says nothing of the system.
        if signal.ends_with("_felt") {
            continue;
        }
        let count = u32::try_from(*count).unwrap_or(u32::MAX);
        if reached.points.contains(signal) {
            let most = known.points.entry(signal.clone()).or_default();
            *most = (*most).max(count);
        } else {
            known.signals.insert(signal.clone());
        }
    }
}

/// The scenario without the faults that nothing felt, which did nothing, and what it reached; `None` if no fault is left,
/// or if the run proved nothing for another reason.
fn without_unfelt(
    drawn: &Drawn,
    (run, reached): &Done,
    system: &dyn System,
) -> Option<(Drawn, Reached)> {
    if run.counters.acknowledged == 0 {
        return None;
    }
    let count = drawn.scenario.faults.len();
    let felt: Vec<u16> = (0..).take(count).filter(|index| reached.felt.contains(index)).collect();
    if felt.is_empty() || felt.len() == count {
        return None;
    }
    let mut scenario = drawn.scenario.clone();
    scenario.faults =
        felt.iter().map(|index| scenario.faults[usize::from(*index)].clone()).collect();
    let text = scenario.write(system);
    // A step that waits for one that is left out makes no sense any more.
    let scenario = parse("explored", text.as_bytes(), system).ok()?;
    let mut reached = reached.clone();
    reached.began.retain_mut(|began| match felt.iter().position(|index| *index == began.step) {
        Some(place) => {
            began.step = u16::try_from(place).unwrap_or(u16::MAX);
            true
        }
        None => false,
    });
    Some((Drawn { scenario, text, from: drawn.from.clone() }, reached))
}

/// Keeps a scenario that reached something first.
fn keep(
    known: &mut Known,
    corpus: &mut Corpus,
    uniform: bool,
    drawn: &Drawn,
    reached: &Reached,
) -> io::Result<()> {
    let new = known.coverage.add(reached);
    if new.is_empty() || uniform {
        return Ok(());
    }
    corpus.add(&drawn.scenario, &drawn.text, reached, &new)
}
