//! The `squall` command: parses, dispatches, and turns results into exit codes.
//!
//! It knows nothing of simulating or judging. A system of one's own gets the same command with
//! `fn main() -> ExitCode { squall::main(Arc::new(MySystem)) }`.

mod audit;
mod check;
mod compare;
mod corpus;
mod doctor;
mod explain;
mod explore;
mod init;
mod init_system;
mod judge;
mod list;
mod merge;
mod new;
mod plan;
mod replay;
mod report;
mod run;
mod schema;
mod shared;
mod shrink;
mod watch;

use crate::{
    exit,
    live::{self, Described, KnownSystem},
    system::System,
    worker,
};
use clap::{Parser, Subcommand};
use shared::{platform, stop::Stop, terminal::Color};
use std::{io::IsTerminal as _, path::PathBuf, process::ExitCode, sync::Arc};

#[derive(Debug, Parser)]
#[command(
    name = "squall",
    version,
    about = "Chaos testing for event systems: deterministic, seeded, judged",
    after_help = "Exit codes: 0 all passed; 1 something failed, was vacuous, unstable or errored; \
                  2 bad usage or bad input; 3 the harness itself failed."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The system that FILE describes, whose nodes are programs, in place of this command's own; or one that is known by its
    /// name (squall list systems)
    #[arg(long = "system", value_name = "FILE|NAME", global = true)]
    described: Option<PathBuf>,
    /// Set up that system as this variant of it says
    #[arg(long, value_name = "NAME", global = true, requires = "described")]
    variant: Option<String>,
    /// Colour the output
    #[arg(long, value_enum, default_value_t, global = true)]
    color: Color,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios against the system, each with many seeds, and judge what happened
    Run(run::RunArgs),
    /// Make one run again and print what happened
    Replay(replay::ReplayArgs),
    /// Judge histories of live runs again
    Judge(judge::JudgeArgs),
    /// Tell what can be done to real processes on this machine, and clear away what dead runs left
    Doctor(doctor::DoctorArgs),
    /// Switch on each known defect in turn, and see who notices
    Audit(audit::AuditArgs),
    /// Draw scenarios that nobody wrote, run them, and hand over small ones that fail
    Explore(explore::ExploreArgs),
    /// Make the scenario of a failing run as small as it can be
    Shrink(shrink::ShrinkArgs),
    /// Merge what explorers have kept
    Corpus(corpus::CorpusArgs),
    /// Show a report: as tables, a page, JUnit XML, Markdown, …
    Report(report::ReportArgs),
    /// Compare two versions by their reports
    Compare(compare::CompareArgs),
    /// Show the history of versions by their reports
    Trend(compare::TrendArgs),
    /// Make one report of those of several shards
    Merge(merge::MergeArgs),
    /// List the runs that `run` would make
    Plan(plan::PlanArgs),
    /// Read and check scenarios, run nothing
    Check(check::CheckArgs),
    /// Begin a crate: a service to test, with scenarios, CI, and a bug to find; or with --system NAME a folder for a broker
    Init(init::InitArgs),
    /// Begin a scenario, from a template for what goes wrong
    New(new::NewArgs),
    /// Run scenarios whenever their files are saved
    Watch(watch::WatchArgs),
    /// Show the words that scenarios are made of
    List(list::ListArgs),
    /// Say all that is known of a word: a fault, invariant, signal, key, role, message, scenario, …
    Explain(explain::ExplainArgs),
    /// Print the JSON Schema of a file
    Schema(schema::SchemaArgs),
}

/// The command for a system, with the arguments of this process.
#[must_use]
pub fn main(system: Arc<dyn System>) -> ExitCode {
    main_with(system, &[])
}

/// The argument that makes the executable a client program of a system that it knows by name.
const CLIENT_ARGUMENT: &str = "__client";

/// As [`main`], for a command that knows other systems by name, too.
#[must_use]
pub fn main_with(system: Arc<dyn System>, known: &[KnownSystem]) -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|first| first == CLIENT_ARGUMENT) {
        let name = std::env::args().nth(2).unwrap_or_default();
        return match known.iter().find(|system| system.name == name) {
            Some(system) => (system.client)(),
            None => ExitCode::from(exit::BROKEN),
        };
    }
    if std::env::args_os().nth(1).is_some_and(|first| first == worker::HIDDEN_ARGUMENT) {
        return match worker::serve(&system) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::from(exit::BROKEN),
        };
    }
    if std::env::args_os().nth(1).is_some_and(|first| first == live::NODE_ARGUMENT) {
        return live::node(&system);
    }
    let cli = Cli::parse();
    let color = cli.color.wanted(std::io::stdout().is_terminal());
    if matches!(
        cli.command,
        Command::Run(_)
            | Command::Replay(_)
            | Command::Audit(_)
            | Command::Explore(_)
            | Command::Shrink(_)
    ) {
        platform::warn();
    }
    let (system, described) = match described(&cli, known) {
        Ok(None) => (system, None),
        Ok(Some(described)) => {
            let system: Arc<dyn System> = Arc::new(live::DescribedSystem::new(described.clone()));
            (system, Some(described))
        }
        Err(stop) => {
            return ExitCode::from(stop.tell(cli.color.wanted(std::io::stderr().is_terminal())));
        }
    };
    let simulates = matches!(
        cli.command,
        Command::Audit(_) | Command::Explore(_) | Command::Shrink(_) | Command::Corpus(_)
    );
    if let (true, Some(described)) = (simulates, &described) {
        let stop = Stop::input(format!(
            "{} is described by its programs, which no simulator hosts: squall run --system is for it",
            described.name
        ));
        return ExitCode::from(stop.tell(cli.color.wanted(std::io::stderr().is_terminal())));
    }
    let result = match &cli.command {
        Command::Run(args) => run::run(args, &system, described.as_ref(), color),
        Command::Judge(args) => judge::judge(args, color),
        Command::Doctor(args) => doctor::doctor(args),
        Command::Replay(args) => replay::replay(args, &system, color),
        Command::Audit(args) => audit::audit(args, &system),
        Command::Explore(args) => explore::explore(args, &system, cli.color),
        Command::Shrink(args) => shrink::shrink(args, &system),
        Command::Corpus(args) => corpus::corpus(args, system.as_ref()),
        Command::Report(args) => report::report(args, color),
        Command::Compare(args) => compare::compare(args, color),
        Command::Trend(args) => compare::trend(args, color),
        Command::Merge(args) => merge::merge(args, color),
        Command::Plan(args) => plan::plan(args, system.as_ref()),
        Command::Schema(args) => schema::schema(args, system.as_ref()),
        Command::Check(args) => check::check(args, system.as_ref()),
        Command::List(args) => list::list(args, system.as_ref(), known),
        Command::Init(args) => match &cli.described {
            None => init::init(args),
            Some(name) => match known.iter().find(|system| name.as_os_str() == system.name) {
                Some(system) => init_system::init(&args.dir, args.squall.as_deref(), system),
                None => Err(Stop::input(
                    "squall init --system takes the name of a system that is known (squall list systems)",
                )),
            },
        },
        Command::New(args) => new::new(args, system.as_ref()),
        Command::Watch(args) => watch::watch(args),
        Command::Explain(args) => explain::explain(args, system.as_ref()),
    };
    let code = result
        .unwrap_or_else(|stop: Stop| stop.tell(cli.color.wanted(std::io::stderr().is_terminal())));
    ExitCode::from(code)
}

/// The system that is asked for in place of the command's own. Its programs are looked for when it is to run.
fn described(cli: &Cli, known: &[KnownSystem]) -> Result<Option<Described>, Stop> {
    let Some(path) = &cli.described else { return Ok(None) };
    let mut described = live::load(path, known).map_err(Stop::Mistakes)?;
    if let Some(variant) = &cli.variant {
        described = described.in_variant(variant).map_err(Stop::input)?;
    }
    if matches!(&cli.command, Command::Run(args) if args.runs_something()) {
        described = described.with_programs().map_err(Stop::input)?;
    }
    Ok(Some(described))
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_reports::render::RENDERINGS;

    #[test]
    fn every_rendering_is_a_form_of_report_and_some_are_options_of_run_and_merge() {
        let read = |arguments: &[&str]| Cli::try_parse_from([&["squall"], arguments].concat());
        for rendering in RENDERINGS {
            assert!(read(&["report", "r.json", "--as", rendering.name]).is_ok());
            let option = format!("--{}", rendering.name);
            for command in [&["run"][..], &["merge", "--report", "all.json", "r.json"]] {
                let found = read(&[command, &[option.as_str(), "file"]].concat()).is_ok();
                assert_eq!(found, rendering.option.is_some(), "{command:?} {option}");
            }
        }
    }
}
