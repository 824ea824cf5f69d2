//! `squall explore`

use super::corpus::corpus_of;
use super::shared::files::{replace, writable, writable_folder};
use super::shared::interrupts::watch_interrupts;
use super::shared::progress::workers;
use super::shared::scenarios::{Settings, SystemArgs, load_one};
use super::shared::stop::Stop;
use super::shared::terminal::{Color, program, say};
use crate::exit::{NOT_PASSED, PASSED};
use crate::{
    explore::{self, Corpus, Explored, Finding, Questions, Told},
    pool::Pool,
    shell::{defect_options, quote},
    system::System,
};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use owo_colors::{OwoColorize as _, Style};
use serde::Serialize;
use squall_reports::{plural, printable};
use std::{
    num::NonZeroUsize,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// What is being made small when the time is over has this part of it more.
const GRACE: u32 = 10;

#[derive(Debug, Args)]
pub(super) struct ExploreArgs {
    /// How long to explore, and to make small what is found [default: 60s, if --runs is not given either]; what is being
    /// made small when the time is over has a tenth of it more, and is gone on with by the next start
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    time: Option<Duration>,
    /// How many scenarios to run at most; with it and without --time the same is found by every machine
    #[arg(long, value_name = "N")]
    runs: Option<u64>,
    /// Draw from this scenario: its topology, workload and faults, and faults beside them [default: from nothing]
    #[arg(long, value_name = "SCENARIO")]
    base: Option<PathBuf>,
    /// The seed of what is drawn
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write the scenarios that fail to this folder, made small
    #[arg(long, value_name = "DIR", default_value = "explored")]
    out: PathBuf,
    /// Begin with the scenarios of this folder, and keep in it what reaches something new; explorers can share it
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// End with so many findings
    #[arg(long, value_name = "N", default_value_t = NonZeroUsize::MAX, hide_default_value = true)]
    max_findings: NonZeroUsize,
    /// Try at most so many simpler scenarios for each finding; 0 leaves it as it was found
    #[arg(long, value_name = "N", default_value_t = 600)]
    shrink: u32,
    /// Draw every fault as often as every other and learn nothing: what guidance is to be compared with
    #[arg(long)]
    uniform: bool,
    /// Print each run: what it was drawn from, and its verdict
    #[arg(long)]
    show: bool,
    /// Write what was found, and after how many runs, to this file as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Worker processes side by side [default: the number of cores]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Do not show how far it is
    #[arg(long)]
    no_progress: bool,
    #[command(flatten)]
    system: SystemArgs,
}

/// What --report writes.
#[derive(Serialize)]
struct Report<'a> {
    format: &'static str,
    system: (&'a str, &'a str),
    defects: &'a [String],
    seed: u64,
    runs: u64,
    vacuous: u64,
    trimmed: u64,
    failed: u64,
    features: usize,
    took_ms: u64,
    findings: &'a [Finding],
}

pub(super) fn explore(
    args: &ExploreArgs,
    system: &Arc<dyn System>,
    color: Color,
) -> Result<u8, Stop> {
    let defects = args.system.checked(system.as_ref())?;
    let base = args.base.as_ref().map(|path| load_one(path, system.as_ref(), &Settings::default()));
    let base = base.transpose()?;
    if let Some(path) = &args.report {
        writable(path)?;
    }
    writable_folder(&args.out)?;
    args.corpus.as_deref().map(writable_folder).transpose()?;
    let mut corpus = match &args.corpus {
        None => Corpus::default(),
        Some(folder) => corpus_of(folder, system.as_ref())?,
    };
    let time = args.time.or(args.runs.is_none().then_some(Duration::from_secs(60)));
    let now = Instant::now();
    let questions = Questions {
        base: base.as_ref(),
        defects: &defects,
        seed: args.seed,
        until: time.map(|time| now + time),
        latest: time.map(|time| now + time + time / GRACE),
        runs: args.runs.unwrap_or(u64::MAX),
        findings: args.max_findings.get(),
        tries: args.shrink,
        uniform: args.uniform,
        out: &args.out,
        stop: watch_interrupts(),
    };
    let mut pool = Pool::new(workers(args.jobs));
    let bar = spinner(args.no_progress);
    let color = color.wanted(std::io::IsTerminal::is_terminal(&std::io::stdout()));
    let explored =
        explore::explore(&questions, &mut corpus, &mut pool, system, |told| match told {
            Told::Ran(number, from, run) if args.show => {
                let reason =
                    run.reason.as_ref().map_or(String::new(), |reason| format!(": {reason}"));
                let line = format!("run {number} {}{reason}; {from}", run.verdict);
                bar.suspend(|| say(&format!("{}\n", printable(&line))));
            }
            Told::Ran(..) => {}
            Told::Progress(explored) => bar.set_message(progress(explored)),
            Told::Shrinks(cause, faults, tried) => {
                bar.set_message(format!(
                    "making {cause} small: {faults} faults left after {tried} tries"
                ));
            }
            Told::Late(cause, latest) => {
                let left = latest.map_or(0.0, |latest| (latest - Instant::now()).as_secs_f64());
                let line =
                    format!("the time is over; {cause} is made small for {left:.0}s more at most");
                bar.suspend(|| eprintln!("{line}"));
            }
            Told::Left(file, why) => {
                let line =
                    format!("{} was not small yet, and {why}: it stays as it is", file.display());
                bar.suspend(|| eprintln!("{}", printable(&line)));
            }
            Told::Found(finding) => bar.suspend(|| say(&found(finding, &defects, color))),
        })
        .map_err(Stop::broken)?;
    bar.finish_and_clear();
    say(&summary(&explored));
    if let Some(path) = &args.report {
        let report = Report {
            format: "squall-explored/1",
            system: (system.name(), system.version()),
            defects: &defects,
            seed: args.seed,
            runs: explored.runs,
            vacuous: explored.vacuous,
            trimmed: explored.trimmed,
            failed: explored.failed,
            features: explored.features,
            took_ms: u64::try_from(explored.took.as_millis()).unwrap_or(u64::MAX),
            findings: &explored.findings,
        };
        replace(path, &serde_json::to_vec_pretty(&report).map_err(Stop::broken)?)?;
    }
    Ok(if explored.findings.is_empty() { PASSED } else { NOT_PASSED })
}

fn spinner(hidden: bool) -> ProgressBar {
    if hidden {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed}  {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn progress(explored: &Explored) -> String {
    let rate = explored.runs as f64 / explored.took.as_secs_f64().max(0.001);
    format!(
        "{} runs, {rate:.0} a second, {} features, {} findings",
        explored.runs,
        explored.features,
        explored.findings.len()
    )
}

/// What was found, in a few lines.
fn found(finding: &Finding, defects: &[String], color: bool) -> String {
    let cause = finding.cause.to_string();
    let cause = if color { cause.style(Style::new().red().bold()).to_string() } else { cause };
    let mut out = match (finding.after_runs, finding.after_ms) {
        (Some(runs), Some(ms)) => {
            format!("{cause}, found by run {runs} after {:.1}s\n", ms as f64 / 1e3)
        }
        _ => format!("{cause}, found by an earlier explorer ({})\n", finding.found_by),
    };
    out.push_str(&format!("  {}\n", printable(&finding.summary)));
    if let Some(why) = &finding.unstable {
        out.push_str(&format!("  UNSTABLE: it does not replay: {}\n", printable(why)));
    }
    let (after, before) = finding.steps;
    let small = match (finding.complete, finding.unfinished) {
        _ if finding.unstable.is_some() => String::new(),
        (_, true) => "; not small yet".to_owned(),
        (true, false) => format!("; {}", finding.firmness()),
        (false, false) => format!("; more could be tried; {}", finding.firmness()),
    };
    out.push_str(&format!(
        "  {after} of {before} faults, {} events, after {} tries{small}\n",
        finding.events, finding.tried
    ));
    out.push_str(&format!("  drawn from {}\n", printable(&finding.drawn_from)));
    let defects = defect_options(defects);
    let file = quote(&finding.file.display().to_string());
    out.push_str(&format!("  {} run {file} --runs 1{defects}\n\n", program()));
    out
}

fn summary(explored: &Explored) -> String {
    let seconds = explored.took.as_secs_f64();
    let share = |runs: u64| runs as f64 * 100.0 / explored.runs.max(1) as f64;
    let (vacuous, trimmed) = (share(explored.vacuous), share(explored.trimmed));
    let findings = plural(explored.findings.len(), "finding");
    let runs = usize::try_from(explored.runs).unwrap_or(usize::MAX);
    let mut out = format!(
        "{} in {seconds:.1}s ({:.0} a second)\n\
         {vacuous:.0}% of them were vacuous and are dropped; in {trimmed:.0}% some faults were not felt and are left out\n\
         {} reached, {} kept in the corpus, {} of fault felt\n\
         {} of the runs failed, {findings}\n",
        plural(runs, "scenario"),
        explored.runs as f64 / seconds.max(0.001),
        plural(explored.features, "feature"),
        plural(explored.corpus, "scenario"),
        plural(explored.felt, "kind"),
        explored.failed
    );
    let unfinished = explored.findings.iter().filter(|finding| finding.unfinished).count();
    if unfinished > 0 {
        out.push_str(&format!(
            "{unfinished} of them not small yet: exploring again with the same --out goes on there\n"
        ));
    }
    out
}
