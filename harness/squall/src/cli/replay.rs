//! `squall replay`

use super::shared::batch;
use super::shared::files::{replace, show, writable};
use super::shared::monitoring::{self, Monitoring};
use super::shared::progress::workers;
use super::shared::scenarios::{Settings, SystemArgs, load_one};
use super::shared::stop::Stop;
use super::shared::terminal::say;
use super::shared::timeline::{Picked, micros};
use crate::exit::{NOT_PASSED, PASSED};
use crate::{
    alerts, catalogue, live, metrics,
    plan::Plan,
    pool::Pool,
    replay::{self, Expected},
    scenario::Scenario,
    shell::quote,
    shrink::FIRST_SEED,
    system::System,
    why::why,
    worker::{Reached, Worker, WorkerError},
};
use clap::{Args, ValueEnum};
use owo_colors::{OwoColorize as _, Style};
use squall_judge::seconds;
use squall_reports::{
    self as reports, Report, Run, ScenarioReport, Series, Verdict, World, render::page_of_one,
};
use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// Scrapes of a run whose numbers a page draws. It has room for fewer, and keeps what is least and most of them.
const SCRAPES: u64 = 1_200;

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The scenario's file; or the history of a live run, which is told again
    scenario: PathBuf,
    /// The seed of the run
    #[arg(long, default_value_t = FIRST_SEED)]
    seed: u64,
    /// The history that the run had and what made it, as reports tell it: what differs is said
    #[arg(long, value_name = "HISTORY")]
    expect: Option<Expected>,
    /// Every record, not only what fits on a screen: what stands around the evidence, or the faults and what answered them
    #[arg(long)]
    full: bool,
    /// The state at this time, such as 1.5s [default: when the first violation is proven, else the end]: nodes, leaders, lag,
    /// breakers, dead letters, faults
    #[arg(long, value_name = "TIME", num_args = 0..=1, value_parser = micros, conflicts_with_all = ["full", "log"])]
    state: Option<Option<u64>>,
    /// Only what the system itself logs, in virtual time (with --event: the lines that name it)
    #[arg(long, conflicts_with_all = ["full", "key"])]
    log: bool,
    /// Of a history: make the same storm N times more, and count how often it fails
    #[arg(long, value_name = "N")]
    again: Option<NonZeroU32>,
    /// How often each signal was seen, and what it means
    #[arg(long)]
    signals: bool,
    /// Make the run again without each of its faults in turn, and healed earlier and earlier: which are needed, and from
    /// which moment on it was too late
    #[arg(long)]
    why: bool,
    #[command(flatten)]
    picked: Picked,
    /// As what
    #[arg(long = "as", value_enum, default_value_t)]
    form: HistoryForm,
    #[command(flatten)]
    monitoring: Monitoring,
    /// Write the run as a page to this file: the report's page, of this run alone, with its gauges and counters over time
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write what happened to this file [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    system: SystemArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum HistoryForm {
    /// In words
    #[default]
    Text,
    /// JSON for ui.perfetto.dev and chrome://tracing: everything
    Perfetto,
    /// The numbers of each node over virtual time, as a monitoring system scrapes them: for promtool and Grafana
    Openmetrics,
    /// A log with vector clocks for ShiViz: what stands around the evidence, or with --full everything
    Shiviz,
}

pub(super) fn replay(args: &ReplayArgs, system: &Arc<dyn System>, color: bool) -> Result<u8, Stop> {
    if live::is_history(&args.scenario) {
        return replay_history(args, system, color);
    }
    if args.again.is_some() {
        return Err(Stop::input(
            "--again is for histories of live runs: a simulated run is the same each time",
        ));
    }
    let defects = args.system.checked(system.as_ref())?;
    let scenario = &load_one(&args.scenario, system.as_ref(), &args.settings)?;
    let monitor = args.monitoring.monitor(std::slice::from_ref(scenario))?;
    for path in args.output.iter().chain(&args.html) {
        writable(path)?;
    }
    let plan = Plan::new(scenario, args.seed, system.as_ref(), &defects);
    let mut worker = Worker::default();
    let mut run = worker.run(&plan).map_err(Stop::broken)?;
    if let Some(monitor) = &monitor {
        monitor.judge(scenario, &mut run, &mut worker).map_err(monitoring::stop)?;
    } else if alerts::asks(scenario) {
        eprintln!("caution: no alert is judged: --rules names no file");
    }
    tell(args, &plan, &run, &mut worker)?;
    if let Some(path) = &args.html {
        let mut report =
            head_of_one(&run, std::slice::from_ref(scenario), system.as_ref(), &defects);
        let replay = replay::command(scenario, run.seed, &defects, &run.hash, system.as_ref());
        report.scenarios[0].runs.push(Run { replay, ..run.clone() });
        write_page(path, report, &mut worker)?;
    }
    let differs = args
        .expect
        .as_ref()
        .filter(|_| !run.hash.is_empty())
        .and_then(|expected| expected.differs(&run.hash, scenario, system.as_ref()));
    let code = match run.verdict {
        Verdict::Passed if differs.is_none() => PASSED,
        _ => NOT_PASSED,
    };
    // A viewer's file that is printed holds nothing else.
    if args.form != HistoryForm::Text && args.output.is_none() {
        if let Some(differs) = &differs {
            eprintln!("caution: {differs}");
        }
        return Ok(code);
    }
    if args.output.is_none() {
        say("\n");
    }
    if args.signals {
        print_signals(&run, system.as_ref());
    }
    print_verdict(&scenario.name, &run, color);
    if args.why {
        let mut pool = Pool::new(workers(None));
        // A run that ended its worker left nothing behind.
        let reached = match run.hash.is_empty() {
            true => Reached::default(),
            false => worker.reached().map_err(Stop::broken)?,
        };
        match why(&plan, &(run, reached), &mut pool).map_err(Stop::broken)? {
            Some(why) => say(&format!("\n{}", why.describe())),
            None => say("\nit does not fail: there is nothing to explain\n"),
        }
    }
    if let Some(differs) = differs {
        say(&format!("  {differs}\n"));
    }
    Ok(code)
}

/// What happened in a live run, from its history: it cannot be made again.
fn replay_history(args: &ReplayArgs, system: &Arc<dyn System>, color: bool) -> Result<u8, Stop> {
    let asks_to_make = args.why || args.expect.is_some() || !args.settings.is_empty();
    if asks_to_make || !args.system.defects.is_empty() || !args.monitoring.rules.is_empty() {
        return Err(Stop::input(
            "a live run cannot be made again: --why, --expect, --set, --defect and --rules are for scenarios",
        ));
    }
    if live::is_maelstrom_history(&args.scenario) {
        return replay_maelstrom(args, color);
    }
    let kept = live::read_header(&args.scenario).map_err(Stop::input)?;
    for path in args.output.iter().chain(&args.html) {
        writable(path)?;
    }
    let mut worker = Worker::default();
    let run = worker.told(&args.scenario).map_err(Stop::broken)?.map_err(Stop::input)?;
    let system = kept.system(system).map_err(Stop::input)?;
    tell(args, &kept.plan, &run, &mut worker)?;
    if let Some(path) = &args.html {
        let report = report_of(&args.scenario, &kept, &run, system.as_ref());
        write_page(path, report, &mut worker)?;
    }
    if args.form == HistoryForm::Text || args.output.is_some() {
        if args.output.is_none() {
            say("\n");
        }
        if args.signals {
            print_signals(&run, system.as_ref());
        }
        print_verdict(&kept.plan.scenario, &run, color);
    }
    if let Some(times) = args.again {
        again(&kept, times.get())?;
    }
    Ok(if run.verdict == Verdict::Passed { PASSED } else { NOT_PASSED })
}

/// What happened in a run of Maelstrom's nodes, from its history: what clients asked and were answered, and what was done.
fn replay_maelstrom(args: &ReplayArgs, color: bool) -> Result<u8, Stop> {
    let more = args.html.is_some() || args.again.is_some() || args.state.is_some();
    let more = more || args.log || args.signals || args.output.is_some();
    if more || args.form != HistoryForm::Text || !args.picked.is_all() {
        return Err(Stop::input(
            "the history of Maelstrom's nodes is told whole, in words: leave the other options out",
        ));
    }
    let (scenario, run) = live::maelstrom_told(&args.scenario).map_err(Stop::input)?;
    for (at, text) in live::maelstrom_lines(&args.scenario).map_err(Stop::input)? {
        say(&format!("{} {}\n", seconds(at), reports::printable(&text)));
    }
    say("\n");
    print_verdict(&scenario, &run, color);
    Ok(if run.verdict == Verdict::Passed { PASSED } else { NOT_PASSED })
}

/// Makes the storm of a live run again, and says how often it failed.
fn again(kept: &live::Kept, times: u32) -> Result<(), Stop> {
    let folder = tempfile::tempdir().map_err(Stop::broken)?;
    let keep = folder.path().to_owned();
    let launch = live::DescribedLaunch::here(kept.described.clone(), true, keep);
    let launch = live::Launch::Described(Box::new(launch));
    let mut counts: BTreeMap<Verdict, u32> = BTreeMap::new();
    for _ in 0..times {
        let run = Worker::default().live(&kept.plan, &launch).map_err(Stop::broken)?;
        *counts.entry(run.verdict).or_default() += 1;
    }
    let failed = counts.get(&Verdict::Failed).copied().unwrap_or(0);
    let others: Vec<String> = counts
        .iter()
        .filter(|(verdict, _)| **verdict != Verdict::Failed)
        .map(|(verdict, count)| format!(", {count} {verdict}"))
        .collect();
    say(&format!(
        "the same storm, not the same run: {failed} of {times} tries failed{}\n",
        others.concat()
    ));
    Ok(())
}

/// Shows what happened in the form that is asked for.
fn tell(args: &ReplayArgs, plan: &Plan, run: &Run, worker: &mut Worker) -> Result<(), Stop> {
    let lines = !args.picked.is_all() || args.log || args.state.is_some();
    if lines && args.form != HistoryForm::Text {
        let message = "error: --event, --node, --key, --from, --to, --around, --log and --state are about lines of text";
        return Err(Stop::Input(message.to_owned()));
    }
    if run.verdict == Verdict::Errored {
        return Ok(());
    }
    let text = match args.form {
        HistoryForm::Text => text(args, plan, run, worker)?,
        HistoryForm::Openmetrics => {
            let series = worker.series(args.monitoring.scrape).map_err(Stop::broken)?;
            reports::openmetrics(&series.map_err(|why| Stop::Input(format!("error: {why}")))?)
        }
        HistoryForm::Perfetto => {
            worker.trace(true).map(|trace| reports::perfetto(&trace)).map_err(Stop::broken)?
        }
        HistoryForm::Shiviz => {
            let trace = worker.trace(args.full).map_err(Stop::broken)?;
            reports::shiviz(&trace)
        }
    };
    show(&text, args.output.as_ref())
}

/// What happened, in the lines that are asked for.
fn text(args: &ReplayArgs, plan: &Plan, run: &Run, worker: &mut Worker) -> Result<String, Stop> {
    if args.state.is_some() && !args.picked.is_all() {
        return Err(Stop::input(
            "--state is of every node, at one time: it takes no --node, --from, …",
        ));
    }
    let nodes = plan.nodes.iter().map(|node| node.name.as_str()).chain(["squall"]);
    let nodes: Vec<&str> = nodes.collect();
    let picked = |lines: Result<Vec<String>, WorkerError>| {
        args.picked.of(lines.map_err(Stop::broken)?, run, &nodes).map_err(Stop::input)
    };
    let lines = match args.state {
        Some(at) => {
            if at.is_some_and(|at| at / 1_000 > run.sim_ms) {
                let (seconds, ms) = (run.sim_ms / 1_000, run.sim_ms % 1_000);
                return Err(Stop::input(format!("--state: the run ends at {seconds}.{ms:03}s")));
            }
            worker.state(at).map_err(Stop::broken)?
        }
        None if args.log => {
            let lines = worker.log().map_err(Stop::broken)?;
            if lines.is_empty() {
                eprintln!(
                    "the system logs nothing here: squall_probe::say and squall_probe::tracing::ReplayLayer show what it says"
                );
            }
            picked(Ok(lines))?
        }
        None if args.picked.is_all() && !args.full => worker.story().map_err(Stop::broken)?,
        None => picked(worker.lines())?,
    };
    Ok(lines.iter().map(|line| format!("{line}\n")).collect())
}

/// A report of the history of a live run alone.
fn report_of(path: &Path, kept: &live::Kept, run: &Run, system: &dyn System) -> Report {
    let mut report = head_of_one(run, &[], system, &kept.plan.defects);
    let replay = format!("squall replay {}", quote(&path.to_string_lossy()));
    // The scenario's file is not in it.
    report.scenarios.push(ScenarioReport {
        name: kept.plan.scenario.clone(),
        planned: 1,
        runs: vec![Run { replay, ..run.clone() }],
        ..ScenarioReport::default()
    });
    report.system.version.clone_from(&kept.system.1);
    report.world = World::Live;
    report.started.clone_from(&kept.started);
    report.machine = kept.machine.clone();
    report
}

/// A report for one run alone, without it.
fn head_of_one(
    run: &Run,
    scenarios: &[Scenario],
    system: &dyn System,
    defects: &[String],
) -> Report {
    let command = reports::CommandInfo {
        first_seed: run.seed,
        runs: Some(1),
        verify: "none".to_owned(),
        rules: Vec::new(),
    };
    batch::head(command, scenarios, system, defects, |_| 1)
}

/// Writes the report of a worker's last run as a page, with what a batch does not keep of it: its numbers over time, and
/// if it did not fail what is drawn of it.
fn write_page(path: &Path, mut report: Report, worker: &mut Worker) -> Result<(), Stop> {
    let run = &mut report.scenarios[0].runs[0];
    let series = match run.verdict {
        // It left nothing behind, or what followed from its mistake.
        Verdict::Errored => Series::default(),
        _ => {
            if run.trace.is_none() {
                run.trace = Some(worker.trace_of_fault().map_err(Stop::broken)?);
            }
            let every = Duration::from_millis((run.sim_ms / SCRAPES).max(1));
            worker.series(every).map_err(Stop::broken)?.unwrap_or_else(|why| {
                eprintln!("caution: the page has no gauges: {why}");
                Series::default()
            })
        }
    };
    // The strip and the diagram have the faults.
    let families = series.families.into_iter().filter(|family| family.name != metrics::FAULT);
    let series = Series { families: families.collect(), ..series };
    replace(path, page_of_one(&report, &series).as_bytes())
}

/// Each signal that was seen, how often, and what it means.
fn print_signals(run: &Run, system: &dyn System) {
    let words = catalogue::signals(system);
    let width = run.signals.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    for (name, count) in &run.signals {
        let meaning = words.iter().find(|word| word.name == *name).map_or("", |word| &word.line);
        say(&format!("{name:<width$}  {count:>6}  {meaning}\n"));
    }
    say("\n");
}

pub(super) fn print_verdict(scenario: &str, run: &Run, color: bool) {
    let style = match run.verdict {
        _ if !color => Style::new(),
        Verdict::Passed => Style::new().green().bold(),
        Verdict::Vacuous | Verdict::Inconclusive => Style::new().yellow().bold(),
        Verdict::Failed | Verdict::Unstable | Verdict::Errored => Style::new().red().bold(),
    };
    let verdict = run.verdict.to_string();
    say(&format!("{} \"{scenario}\" seed {}\n", verdict.style(style), run.seed));
    if let Some(reason) = &run.reason {
        say(&format!("  {reason}\n"));
    }
    for violation in &run.violations {
        let follows = match &violation.consequence_of {
            Some(cause) => format!(" (follows from {cause})"),
            None => String::new(),
        };
        say(&format!("  {}{follows}: {}\n", violation.invariant, violation.summary));
    }
    for (name, at) in &run.alerts {
        let at = seconds(at * 1_000);
        say(&format!("  alert {} fired at {at}\n", reports::printable(name)));
    }
    for (name, facts) in &run.judged {
        let became = match facts {
            _ if run.violations.iter().any(|violation| violation.invariant == *name) => {
                "violated".to_owned()
            }
            0 => "not applicable".to_owned(),
            1 => "held (1 fact)".to_owned(),
            facts => format!("held ({facts} facts)"),
        };
        say(&format!("  {name:<20} {became}\n"));
    }
    if !run.hash.is_empty() {
        say(&format!("  history {}\n", run.hash));
    }
}
