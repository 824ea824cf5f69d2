//! `squall watch`: a scenario is run whenever its file is saved.

use super::shared::{interrupts::watch_interrupts, stop::Stop, terminal::say};
use crate::exit::PASSED;
use clap::Args;
use std::{
    collections::BTreeMap,
    fs,
    num::NonZeroU32,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::Ordering,
    thread,
    time::{Duration, SystemTime},
};

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// Scenario files and folders
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Seeds per scenario
    #[arg(long, default_value = "3")]
    runs: NonZeroU32,
    /// More options of `squall run`, behind --
    #[arg(last = true, value_name = "OPTION")]
    options: Vec<String>,
}

pub(super) fn watch(args: &WatchArgs) -> Result<u8, Stop> {
    let stop = watch_interrupts();
    let program = std::env::current_exe().map_err(Stop::broken)?;
    for path in &args.paths {
        fs::metadata(path).map_err(|error| Stop::input(format!("{}: {error}", path.display())))?;
    }
    let mut known: Option<BTreeMap<PathBuf, SystemTime>> = None;
    while !stop.load(Ordering::Relaxed) {
        let found = saved(&args.paths);
        let changed: Vec<PathBuf> = match &known {
            None => args.paths.clone(),
            Some(known) => {
                let news = found.iter().filter(|(path, at)| known.get(*path) != Some(*at));
                news.map(|(path, _)| path.clone()).collect()
            }
        };
        known = Some(found);
        if changed.is_empty() {
            thread::sleep(LOOK);
            continue;
        }
        // In a process of its own: what a run leaves behind ends with it.
        let runs = args.runs.to_string();
        let status = Command::new(&program)
            .arg("run")
            .args(&changed)
            .args(["--runs", &runs, "--no-progress"])
            .args(&args.options)
            .status()
            .map_err(Stop::broken)?;
        if status.code().is_none() {
            break;
        }
        say("\nwaiting for a file to be saved; Ctrl-C ends\n");
    }
    Ok(PASSED)
}

/// The scenarios, and when each was saved.
fn saved(paths: &[PathBuf]) -> BTreeMap<PathBuf, SystemTime> {
    let mut all = BTreeMap::new();
    let mut open: Vec<PathBuf> = paths.to_vec();
    while let Some(path) = open.pop() {
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_dir() {
            let inside = fs::read_dir(&path).into_iter().flatten().flatten();
            open.extend(
                inside.map(|entry| entry.path()).filter(|path| path.is_dir() || is_scenario(path)),
            );
        } else if let Ok(at) = metadata.modified() {
            all.insert(path, at);
        }
    }
    all
}

fn is_scenario(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "yaml" || end == "yml")
}
