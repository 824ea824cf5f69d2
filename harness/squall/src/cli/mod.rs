//! The `squall` command: parses, dispatches, and turns results into exit codes.
//!
//! It knows nothing of simulating or judging. A system of one's own gets the same command with
//! `fn main() -> ExitCode { squall::cli::main(Arc::new(MySystem)) }`.

mod audit;
mod batch;
mod check;
mod compare;
mod list;
mod merge;
mod outputs;
mod plan;
mod replay;
mod report;
mod run;
mod schema;

use crate::{
    scenario::{self, Problems, Scenario},
    system::System,
    worker,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

/// All passed.
const PASSED: u8 = 0;
/// Something failed, was vacuous, unstable or errored.
const NOT_PASSED: u8 = 1;
/// Bad usage or bad input.
const BAD_INPUT: u8 = 2;
/// The harness itself failed.
const BROKEN: u8 = 3;

/// Why a command ends early.
enum Stop {
    /// The user's input; the text is ready to be printed.
    Input(String),
    /// The user's scenarios.
    Mistakes(Problems),
    /// The harness itself.
    Broken(String),
}

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
    /// Switch on each known defect in turn, and see who notices
    Audit(audit::AuditArgs),
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
    /// Show the words that scenarios are made of
    List(list::ListArgs),
    /// Print the JSON Schema of a file
    Schema(schema::SchemaArgs),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Color {
    /// If standard output is a terminal and NO_COLOR is not set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Color {
    fn wanted(self, terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            // no-color.org: set and not empty.
            Self::Auto => {
                terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }
}

/// Options shared by the commands that run something.
#[derive(Debug, Args)]
struct SystemArgs {
    /// Switch a known defect on in the system (repeatable; see `squall list defects`)
    #[arg(long = "defect", value_name = "ID")]
    defects: Vec<String>,
}

impl SystemArgs {
    fn checked(&self, system: &dyn System) -> Result<Vec<String>, Stop> {
        for id in &self.defects {
            let known = system.defects();
            if known.iter().any(|defect| defect.id == id) {
                continue;
            }
            let near = known
                .iter()
                .map(|defect| (strsim::jaro_winkler(defect.id, id), defect.id))
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .filter(|(likeness, _)| *likeness > 0.8)
                .map(|(_, near)| format!(" Did you mean `{near}`?"))
                .unwrap_or_default();
            let all: Vec<_> = known.iter().map(|defect| defect.id).collect();
            return Err(Stop::Input(format!(
                "error: {} has no defect `{id}`.{near}\n  it has: {}",
                system.name(),
                all.join(", ")
            )));
        }
        let mut defects = self.defects.clone();
        defects.sort();
        defects.dedup();
        Ok(defects)
    }
}

/// The command for a system, with the arguments of this process.
#[must_use]
pub fn main(system: Arc<dyn System>) -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|first| first == worker::HIDDEN_ARGUMENT) {
        return match worker::serve(&system) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::from(BROKEN),
        };
    }
    let cli = Cli::parse();
    let color = cli.color.wanted(std::io::stdout().is_terminal());
    if cfg!(not(tokio_unstable))
        && matches!(cli.command, Command::Run(_) | Command::Replay(_) | Command::Audit(_))
    {
        eprintln!(
            "warning: built without `--cfg tokio_unstable`: an unbiased `tokio::select!` in the system \
             is not deterministic"
        );
    }
    let result = match &cli.command {
        Command::Run(args) => run::run(args, &system, color),
        Command::Replay(args) => replay::replay(args, &system, color),
        Command::Audit(args) => audit::audit(args, &system),
        Command::Report(args) => report::report(args, color),
        Command::Compare(args) => compare::compare(args, color),
        Command::Trend(args) => compare::trend(args, color),
        Command::Merge(args) => merge::merge(args, color),
        Command::Plan(args) => plan::plan(args, system.as_ref()),
        Command::Schema(args) => schema::schema(args),
        Command::Check(args) => check::check(args, system.as_ref()),
        Command::List(args) => Ok(list::list(args, system.as_ref())),
    };
    let code = match result {
        Ok(code) => code,
        Err(Stop::Input(text)) => {
            eprintln!("{}", text.trim_end());
            BAD_INPUT
        }
        Err(Stop::Mistakes(problems)) => {
            let color = cli.color.wanted(std::io::stderr().is_terminal());
            eprintln!("{}", explain(&problems, color));
            BAD_INPUT
        }
        Err(Stop::Broken(text)) => {
            eprintln!("error: the harness failed: {text}");
            BROKEN
        }
    };
    ExitCode::from(code)
}

fn load(paths: &[PathBuf], system: &dyn System) -> Result<Vec<Scenario>, Stop> {
    let paths = if paths.is_empty() { &[PathBuf::from("scenarios")] } else { paths };
    scenario::load(paths, system).map_err(Stop::Mistakes)
}

fn explain(problems: &Problems, color: bool) -> String {
    let count = problems.diagnostics.len();
    let plural = if count == 1 { "mistake" } else { "mistakes" };
    format!("{}\n{count} {plural}; nothing was run.", problems.render(color).trim_end())
}

/// Prints. A reader that has gone away (`squall list faults | head -1`) is no reason to panic.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
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

/// Quotes an argument for a shell, if it needs it.
pub(crate) fn quote(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}
