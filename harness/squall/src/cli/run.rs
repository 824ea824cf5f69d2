//! `squall run`

use super::shared::batch::{BatchArgs, ShardArg};
use super::shared::files::writable;
use super::shared::interrupts::watch_interrupts;
use super::shared::live::{self, LiveArgs};
use super::shared::maelstrom::MaelstromArgs;
use super::shared::monitoring::{self, Monitoring};
use super::shared::outputs::Outputs;
use super::shared::progress::{progress_bar, workers};
use super::shared::scenarios::{SystemArgs, advise, each_ran};
use super::shared::stop::Stop;
use super::shared::terminal::{program, reader, say};
use crate::exit::{NOT_PASSED, PASSED};
use crate::{
    canary,
    enough::Enough,
    live::{Described, Launch},
    plan::Plan,
    replay,
    runner::{self, Batch, BatchError, Budget, Job},
    scenario::Scenario,
    shard::Division,
    shell::quote,
    system::System,
};
use clap::{Args, ValueEnum};
use squall_reports::{self as reports, Journal, Report, TimeBudget, Verdict};
use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    batch: BatchArgs,
    /// Worker processes side by side [default: the number of cores]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Write the report (JSON) to this file; finished runs are kept beside it meanwhile
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Go on with the batch of --report that was interrupted or killed
    #[arg(long, requires = "report")]
    resume: bool,
    #[command(flatten)]
    outputs: Outputs,
    /// What is printed: tables at the end, or a line of JSON for each result as it comes
    #[arg(long, value_enum, default_value_t)]
    message_format: MessageFormat,
    /// Only one part of the runs, I/N (from 1) or `auto`: as the engine says that started this process
    #[arg(long, value_name = "I/N")]
    shard: Option<ShardArg>,
    /// Begin no run after TIME (5m), and spend the time where it teaches most
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    time_budget: Option<Duration>,
    /// Make some runs with a known defect as well [default: the system's], and fail if nobody notices it
    #[arg(long, value_name = "DEFECT", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    canary: Option<String>,
    /// Begin no further run after one that did not pass
    #[arg(long)]
    fail_fast: bool,
    /// Make no further runs of a scenario after N that did not pass for one cause
    #[arg(long, value_name = "N")]
    max_failures: Option<NonZeroUsize>,
    /// Print only what did not pass
    #[arg(long, short)]
    quiet: bool,
    /// Show no progress bar
    #[arg(long)]
    no_progress: bool,
    /// Print the faults of the first seed of each scenario as they are drawn, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// With --dry-run: every drawn value, and each publish
    #[arg(long, requires = "dry_run")]
    publishes: bool,
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    maelstrom: MaelstromArgs,
    #[command(flatten)]
    monitoring: Monitoring,
    #[command(flatten)]
    system: SystemArgs,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum MessageFormat {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
}

impl RunArgs {
    /// Whether anything is run, or only told.
    pub(super) fn runs_something(&self) -> bool {
        !self.dry_run
    }
}

pub(super) fn run(
    args: &RunArgs,
    system: &Arc<dyn System>,
    described: Option<&Described>,
    color: bool,
) -> Result<u8, Stop> {
    let maelstrom = args.maelstrom.programs()?;
    let (maelstrom, system) = match maelstrom {
        Some((programs, itself)) => (Some(programs), &(Arc::new(itself) as Arc<dyn System>)),
        None => (None, system),
    };
    let defects = args.system.checked(system.as_ref())?;
    let canary = canary_defect(args, system.as_ref(), &defects)?;
    let calm = maelstrom.is_some() && args.batch.paths.is_empty();
    let mut scenarios = if calm {
        vec![args.maelstrom.calm(system.as_ref())?]
    } else {
        args.batch.scenarios(system.as_ref())?
    };
    if maelstrom.is_some() {
        args.maelstrom.set_load(&mut scenarios, calm);
    }
    advise(&scenarios);
    if args.dry_run {
        dry_run(args, &scenarios, system.as_ref(), &defects);
        return Ok(PASSED);
    }
    let report_file = args.report.as_deref();
    let launch = match maelstrom {
        Some(programs) => Some(args.live.maelstrom(programs, report_file)?),
        None => args.live.launch(system.as_ref(), described, report_file)?,
    };
    if launch.is_some() && canary.is_some() {
        return Err(Stop::input(
            "--canary is for simulations: run with --defect, and see whether it fails",
        ));
    }
    let monitor = args.monitoring.monitor_or_stop(&scenarios)?;
    let earlier = args.batch.earlier()?;
    let mut jobs = args.batch.jobs(&scenarios, launch.is_some())?;
    let mut report = args.batch.head(&scenarios, system.as_ref(), &defects);
    if let Some(launch) = &launch {
        live::skip(&mut report, &mut jobs, &scenarios, system.as_ref(), launch);
    }
    report.command.rules =
        args.monitoring.rules.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    if let Some(shard) = args.shard {
        let part = shard.part()?;
        let division = Division::new(&jobs, &scenarios, part.of, earlier.as_ref());
        report.shard = Some(division.shard(part));
        let mut shards = division.shards.iter();
        jobs.retain(|_| shards.next() == Some(&part.index));
    }
    args.outputs.check()?;
    let planned = jobs.len();
    let mut journal = match &args.report {
        Some(path) => open(path, args.resume, &mut report, &mut jobs)?,
        None => None,
    };
    let enough = args.max_failures.map(|most| Mutex::new(enough(most, &jobs, &report)));
    let failed_earlier = failed(&scenarios, [earlier.as_ref(), Some(&report)]);

    let bar = progress_bar(args.quiet || args.no_progress, jobs.len() as u64, "runs");
    let batch = Batch {
        scenarios: &scenarios,
        jobs: &jobs,
        defects: &defects,
        // Real processes share the machine's processors with each other already.
        workers: if launch.is_some() {
            args.jobs.map_or(1, NonZeroUsize::get)
        } else {
            workers(args.jobs)
        },
        launch: launch.as_ref(),
        stop: watch_interrupts(),
        budget: args
            .time_budget
            .map(|time| Budget { until: Instant::now() + time, failed_earlier: &failed_earlier }),
        monitor: monitor.as_ref(),
        enough: enough.as_ref(),
    };
    let json = args.message_format == MessageFormat::Json;
    if json {
        say(&(reports::render::started_line(&report, jobs.len() as u64) + "\n"));
    }
    let result = runner::run(&batch, system, |job, mut run| {
        bar.inc(1);
        let scenario = &scenarios[job.scenario];
        run.replay = match &run.history {
            _ if matches!(launch, Some(Launch::Maelstrom(..))) => {
                args.maelstrom.again(scenario, run.seed, calm)
            }
            Some(history) => format!("squall replay {}", quote(history)),
            // It left no history: it never began.
            None if launch.is_some() => {
                let how = match described {
                    Some(described) => {
                        let variant = described.variant.iter();
                        let variant = variant.map(|name| format!(" --variant {}", quote(name)));
                        format!(
                            "--system {}{}",
                            quote(&described.file),
                            variant.collect::<String>()
                        )
                    }
                    None => "--world live".to_owned(),
                };
                let (seed, path) = (run.seed, quote(&scenario.path));
                let set = replay::settings(scenario);
                format!("squall run {how}{set} --seed {seed} --runs 1 {path}")
            }
            None => replay::command(scenario, run.seed, &defects, &run.hash, system.as_ref()),
        };
        run.replay += &monitor.as_ref().map_or_else(String::new, |m| m.options(scenario));
        if run.verdict != Verdict::Passed {
            // Hidden bars print nothing; what did not pass is told at the end anyway.
            bar.println(format!("{} \"{}\" seed {}", run.verdict, scenario.name, run.seed));
            if args.fail_fast {
                batch.stop.store(true, Ordering::Relaxed);
            }
        }
        if json {
            say(&(reports::render::run_line(&report.scenarios[job.scenario], &run) + "\n"));
        }
        if let Some(Err(error)) = journal.as_mut().map(|j| j.append(&scenario.id(), &run)) {
            // Told once; the runs go on, and the report may be written in the end.
            eprintln!("warning: {error}; if squall is killed now, what follows is lost");
            journal = None;
        }
        report.scenarios[job.scenario].runs.push(run);
    });
    bar.finish_and_clear();
    let first_part = report.shard.as_ref().is_none_or(|shard| shard.index == 1);
    let result = result.and_then(|()| {
        if let Some(defect) = canary.as_deref().filter(|_| first_part && report.canary.is_none()) {
            let seed = args.batch.seed;
            report.canary = Some(canary::sing(&scenarios, defect, seed, system, batch.stop)?);
        }
        Ok(())
    });
    let enough =
        enough.as_ref().map(|enough| enough.lock().unwrap_or_else(PoisonError::into_inner));
    for (index, scenario) in report.scenarios.iter_mut().enumerate() {
        scenario.runs.sort_by_key(|run| run.seed);
        if let Some(enough) = &enough {
            // Of what was under way when it had failed often enough, as of what was not begun.
            scenario.runs.retain(|run| enough.wants(index, run.seed));
            scenario.left_out = enough.left_out(index);
        }
    }
    let made: usize = report.scenarios.iter().map(|scenario| scenario.runs.len()).sum();
    report.partial = made < planned;
    let stopped = batch.stop.load(Ordering::Relaxed);
    report.time_budget = args.time_budget.map(|time| TimeBudget {
        wall_ms: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
        // What an interrupt left out was not the budget's choice.
        left_out: if stopped { 0 } else { planned.saturating_sub(made + left_out(&report)) as u64 },
    });
    // Told before the report is written: a disk that is full must not take the results with it.
    if json {
        say(&(reports::render::finished_line(&report) + "\n"));
    } else if !args.quiet || !report.all_passed() {
        say(&reports::render::summary(&report, reader(&program(), color)));
    }
    if let Some(path) = &args.report {
        reports::write(path, &report).map_err(Stop::broken)?;
        // Only now: until then it is all there is.
        if let Some(journal) = journal {
            journal.remove().map_err(Stop::broken)?;
        }
    }
    args.outputs.write(&report)?;
    result.map_err(|error| match error {
        BatchError::Alerts(error) => monitoring::stop(error),
        BatchError::Worker(error) => Stop::broken(error),
    })?;
    Ok(verdict(&report, planned, made, stopped))
}

/// The exit code, and on standard error why it is not what the table says.
fn verdict(report: &Report, planned: usize, made: usize, stopped: bool) -> u8 {
    let mut passed = report.all_passed();
    let left_out = left_out(report);
    if left_out > 0 {
        eprintln!("max failures: {left_out} of {planned} runs were left out");
    }
    let planned = planned - left_out;
    if made < planned && (stopped || report.time_budget.is_none()) {
        eprintln!("stopped early: {made} of {planned} runs were made");
        passed = false;
    } else if made < planned {
        eprintln!("time budget: {made} of {planned} runs were made, {} left out", planned - made);
        passed &= report.shard.is_some() || each_ran(report);
    }
    if let Some(canary) = report.canary.as_ref().filter(|canary| canary.noticed_by.is_none()) {
        eprintln!("canary: nobody noticed {}: this pipeline cannot go red", canary.defect);
        passed = false;
    }
    if made == 0 && planned == 0 && report.shard.is_some() {
        eprintln!("this shard has no runs: there are more shards than runs");
        return PASSED;
    }
    if passed { PASSED } else { NOT_PASSED }
}

/// When scenarios have failed often enough, counting what the report has already.
fn enough(most: NonZeroUsize, jobs: &[Job], report: &Report) -> Enough {
    let made = || {
        let scenarios = report.scenarios.iter().enumerate();
        scenarios.flat_map(|(index, scenario)| scenario.runs.iter().map(move |run| (index, run)))
    };
    let planned = jobs.iter().map(|job| (job.scenario, job.seed));
    let all = planned.chain(made().map(|(scenario, run)| (scenario, run.seed)));
    let mut enough = Enough::new(most.get(), all);
    made().for_each(|(scenario, run)| enough.note(scenario, run));
    enough
}

/// Runs that were left out because their scenarios had failed often enough.
fn left_out(report: &Report) -> usize {
    let all = report.scenarios.iter().map(|scenario| scenario.left_out);
    usize::try_from(all.sum::<u64>()).expect("no more than were planned")
}

/// The canary's defect, if one was asked for.
fn canary_defect(
    args: &RunArgs,
    system: &dyn System,
    defects: &[String],
) -> Result<Option<String>, Stop> {
    let Some(asked) = &args.canary else { return Ok(None) };
    if !defects.is_empty() {
        return Err(Stop::Input(
            "error: --canary switches a defect on by itself; leave --defect out".to_owned(),
        ));
    }
    if asked.is_empty() {
        return system.canary().map(|id| Some(id.to_owned())).ok_or_else(|| {
            Stop::Input(format!("error: --canary: {} knows no defects", system.name()))
        });
    }
    let one = SystemArgs { defects: vec![asked.clone()] };
    Ok(one.checked(system)?.into_iter().next())
}

/// Begins the journal of a report, or goes on with it: then what was made is taken from the jobs into the
/// report. None if the report is no file.
fn open(
    path: &Path,
    resume: bool,
    report: &mut Report,
    jobs: &mut Vec<Job>,
) -> Result<Option<Journal>, Stop> {
    let input = |text: String| Stop::Input(format!("error: {text}"));
    writable(path)?;
    if !reports::is_replaceable(path) {
        return Ok(None);
    }
    let old = reports::read_if_there(path)
        .map_err(|error| input(format!("{error}; it is not overwritten")))?;
    let kept = reports::read_journal(path).map_err(|error| input(error.to_string()))?;
    let place = reports::journal_path(path).display().to_string();
    if !resume {
        if let Some(kept) = kept {
            let runs = kept.report.runs().count();
            return Err(input(format!(
                "{place} holds {runs} finished runs of a batch that was killed: go on with --resume, or \
                 remove it"
            )));
        }
        return Journal::create(path, report).map(Some).map_err(|error| input(error.to_string()));
    }
    if let Some(damaged) = kept.as_ref().map(|kept| kept.damaged).filter(|damaged| *damaged > 0) {
        eprintln!("warning: {damaged} lines of {place} are damaged; their runs are made again");
    }
    let (from, what) = match (&kept, old) {
        (Some(kept), _) => (kept.report.clone(), place),
        (None, Some(old)) => (old, path.display().to_string()),
        (None, None) => {
            return Journal::create(path, report)
                .map(Some)
                .map_err(|error| input(error.to_string()));
        }
    };
    if let Some(difference) = reports::batch_difference(&from, report) {
        return Err(input(format!("{what} is of another batch: {difference} differs")));
    }
    let made: BTreeSet<(usize, u64)> = from
        .scenarios
        .iter()
        .enumerate()
        .flat_map(|(index, scenario)| scenario.runs.iter().map(move |run| (index, run.seed)))
        .collect();
    jobs.retain(|job| !made.contains(&(job.scenario, job.seed)));
    *report = Report { partial: false, time_budget: None, ..from };
    // What was left out is made now, unless it is left out again.
    report.scenarios.iter_mut().for_each(|scenario| scenario.left_out = 0);
    let journal = match &kept {
        Some(kept) => Journal::resume(path, kept),
        None => Journal::create(path, report),
    };
    journal.map(Some).map_err(|error| input(error.to_string()))
}

/// Scenarios that did not pass in reports, by index.
fn failed<const N: usize>(scenarios: &[Scenario], reports: [Option<&Report>; N]) -> Vec<usize> {
    let mut paths = BTreeSet::new();
    for (scenario, run) in reports.into_iter().flatten().flat_map(Report::runs) {
        if run.verdict != Verdict::Passed {
            paths.insert(scenario.path.as_str());
        }
    }
    let all = scenarios.iter().enumerate();
    all.filter(|(_, s)| paths.contains(s.id().as_str())).map(|(index, _)| index).collect()
}

fn dry_run(args: &RunArgs, scenarios: &[Scenario], system: &dyn System, defects: &[String]) {
    for scenario in scenarios {
        let plan = Plan::new(scenario, args.batch.seed, system, defects);
        let clients: Vec<&str> = plan
            .nodes
            .iter()
            .filter(|node| system.roles().iter().any(|r| r.name == node.role && r.client))
            .map(|node| node.name.as_str())
            .collect();
        say(&format!("{}\n", plan.describe(&clients, args.publishes)));
    }
}
