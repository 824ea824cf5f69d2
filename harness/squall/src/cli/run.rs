//! `squall run`

use super::{NOT_PASSED, PASSED, Stop, SystemArgs, load, quote, say};
use crate::{
    plan::Plan,
    runner::{self, Batch, Job, Verify},
    scenario::Scenario,
    system::System,
};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use squall_reports as reports;
use std::{
    num::{NonZeroU32, NonZeroUsize},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// Seeds per scenario, when neither the command nor the scenario says.
const DEFAULT_RUNS: u32 = 20;

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Scenario files and folders [default: scenarios]
    paths: Vec<PathBuf>,
    /// Seeds per scenario [default: what the scenario says, else 20]
    #[arg(long)]
    runs: Option<NonZeroU32>,
    /// The first seed; the seeds are N, N+1, …
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Worker processes side by side [default: the number of cores]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Write the report (JSON) to this file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Which runs to execute twice, to prove that they are deterministic
    #[arg(long, value_enum, default_value_t = VerifyArg::Sample)]
    verify: VerifyArg,
    /// Begin no further run after one that did not pass
    #[arg(long)]
    fail_fast: bool,
    /// Print only what did not pass
    #[arg(long, short)]
    quiet: bool,
    /// Show no progress bar
    #[arg(long)]
    no_progress: bool,
    /// Print the plan of the first seed of each scenario, and run nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    system: SystemArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum VerifyArg {
    /// The first of every ten
    Sample,
    /// Every run
    All,
    /// None
    None,
}

pub(super) fn run(args: &RunArgs, system: &Arc<dyn System>, color: bool) -> Result<u8, Stop> {
    let defects = args.system.checked(system.as_ref())?;
    let scenarios = load(&args.paths, system.as_ref())?;
    if args.dry_run {
        dry_run(args, &scenarios, system.as_ref(), &defects);
        return Ok(PASSED);
    }
    if let Some(path) = &args.report {
        writable(path)?;
    }
    let jobs = jobs(args, &scenarios)?;
    let stop = AtomicBool::new(false);
    let mut report = empty_report(args, &scenarios, system.as_ref(), &defects);
    let interrupted = watch_interrupts();
    let bar = progress_bar(args.quiet || args.no_progress, jobs.len() as u64, "runs");
    let batch = Batch {
        scenarios: &scenarios,
        jobs: &jobs,
        defects: &defects,
        workers: workers(args.jobs),
        stop: interrupted.unwrap_or(&stop),
    };
    let result = runner::run(&batch, system, |job, mut run| {
        bar.inc(1);
        run.replay = replay_command(&scenarios[job.scenario], &run, &defects);
        if run.verdict != reports::Verdict::Passed {
            let name = &scenarios[job.scenario].name;
            // Hidden bars print nothing; what did not pass is told at the end anyway.
            bar.println(format!("{} \"{name}\" seed {}", run.verdict, run.seed));
            if args.fail_fast {
                batch.stop.store(true, Ordering::Relaxed);
            }
        }
        report.scenarios[job.scenario].runs.push(run);
    });
    bar.finish_and_clear();
    for scenario in &mut report.scenarios {
        scenario.runs.sort_by_key(|run| run.seed);
    }
    // Told before the report is written: a disk that is full must not take the results with it.
    let made: usize = report.scenarios.iter().map(|scenario| scenario.runs.len()).sum();
    if !args.quiet || !report.all_passed() {
        say(&reports::summary(&report, &program(), color));
    }
    if let Some(path) = &args.report {
        reports::write(path, &report).map_err(|error| Stop::Broken(error.to_string()))?;
    }
    result.map_err(Stop::Broken)?;
    if made < jobs.len() {
        eprintln!("stopped early: {made} of {} runs were made", jobs.len());
        return Ok(NOT_PASSED);
    }
    Ok(if report.all_passed() { PASSED } else { NOT_PASSED })
}

fn dry_run(args: &RunArgs, scenarios: &[Scenario], system: &dyn System, defects: &[String]) {
    for scenario in scenarios {
        let plan = Plan::new(scenario, args.seed, system, defects);
        let clients: Vec<&str> = plan
            .nodes
            .iter()
            .filter(|node| system.roles().iter().any(|r| r.name == node.role && r.client))
            .map(|node| node.name.as_str())
            .collect();
        say(&format!("{}\n", plan.describe(&clients)));
    }
}

/// A report that cannot be written is a mistake that is better told before the runs than after.
pub(super) fn writable(path: &Path) -> Result<(), Stop> {
    reports::probe_writable(path)
        .map_err(|error| Stop::Input(format!("error: the report cannot be written: {error}")))
}

fn jobs(args: &RunArgs, scenarios: &[Scenario]) -> Result<Vec<Job>, Stop> {
    let verify = match args.verify {
        VerifyArg::Sample => Verify::Sample,
        VerifyArg::All => Verify::All,
        VerifyArg::None => Verify::None,
    };
    let mut jobs = Vec::new();
    for (index, scenario) in scenarios.iter().enumerate() {
        let runs = args.runs.map(NonZeroU32::get).or(scenario.runs).unwrap_or(DEFAULT_RUNS);
        if args.seed.checked_add(u64::from(runs)).is_none() {
            return Err(Stop::Input(format!(
                "error: --seed {} leaves no room for {runs} seeds",
                args.seed
            )));
        }
        jobs.extend((0..u64::from(runs)).map(|run| Job {
            scenario: index,
            seed: args.seed + run,
            verify: verify.includes(run),
        }));
    }
    Ok(jobs)
}

/// Ctrl-C ends the batch, not the report: what is finished is kept.
pub(super) fn watch_interrupts() -> Option<&'static AtomicBool> {
    static INTERRUPTED: AtomicBool = AtomicBool::new(false);
    let mut first: Option<Instant> = None;
    ctrlc::set_handler(move || {
        INTERRUPTED.store(true, Ordering::Relaxed);
        // One interrupt may arrive twice, for the process and for its group.
        let since = first.get_or_insert_with(Instant::now).elapsed();
        if since > Duration::from_millis(300) {
            std::process::exit(130);
        }
        eprintln!("\ninterrupted: finishing what has begun (again to stop at once)");
    })
    .ok()
    .map(|()| &INTERRUPTED)
}

pub(super) fn progress_bar(hidden: bool, count: u64, what: &str) -> ProgressBar {
    if hidden {
        return ProgressBar::hidden();
    }
    // indicatif draws nothing where standard error is no terminal.
    let bar = ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::stderr());
    let template = format!("{{bar:30}} {{pos}}/{{len}} {what}  {{elapsed}}, {{eta}} left");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}

/// Worker processes side by side: as many as there are cores, unless said.
pub(super) fn workers(jobs: Option<NonZeroUsize>) -> usize {
    jobs.map_or_else(
        || std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        NonZeroUsize::get,
    )
}

/// The command as anybody has it; how this process was started is for the terminal.
fn replay_command(scenario: &Scenario, run: &reports::Run, defects: &[String]) -> String {
    let defects: String = defects.iter().map(|id| format!(" --defect {id}")).collect();
    format!("squall replay {} --seed {}{defects}", quote(&scenario.path), run.seed)
}

/// What was typed to start this process.
fn program() -> String {
    let program = std::env::args().next().unwrap_or_else(|| "squall".to_owned());
    // Cargo's own target folder means that cargo started it.
    match program.as_str() {
        "target/release/squall" => "cargo run --release --".to_owned(),
        "target/debug/squall" => "cargo run --".to_owned(),
        other => quote(other),
    }
}

fn empty_report(
    args: &RunArgs,
    scenarios: &[Scenario],
    system: &dyn System,
    defects: &[String],
) -> reports::Report {
    reports::Report {
        format: reports::FORMAT.to_owned(),
        tool: reports::Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        system: reports::SystemInfo {
            name: system.name().to_owned(),
            version: system.version().to_owned(),
            config: system.config().into_iter().collect(),
            defects: defects.to_vec(),
        },
        command: reports::CommandInfo {
            first_seed: args.seed,
            runs: args.runs.map(NonZeroU32::get),
            verify: format!("{:?}", args.verify).to_lowercase(),
        },
        started: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        machine: reports::Machine {
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, NonZeroUsize::get) as u32,
        },
        scenarios: scenarios
            .iter()
            .map(|scenario| reports::ScenarioReport {
                name: scenario.name.clone(),
                path: scenario.path.clone(),
                hash: scenario.hash.clone(),
                ..reports::ScenarioReport::default()
            })
            .collect(),
        ..reports::Report::default()
    }
}
