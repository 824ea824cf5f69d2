//! Files and folders of scenarios.

use super::{
    document::{self, ANOTHER_SYSTEM},
    model::Scenario,
    settings::Setting,
};
use crate::{
    syntax::{self, Diagnostic, Problems},
    system::System,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
};

/// Folders this deep hold no scenarios; links that lead in a circle do.
const MAX_DEPTH: usize = 16;

/// Reads every scenario in `paths`: files, and all `.yaml` and `.yml` files of folders, but for those that name another
/// system.
///
/// # Errors
/// Every mistake in any of them.
pub fn load(paths: &[PathBuf], system: &dyn System) -> Result<Vec<Scenario>, Problems> {
    load_with(paths, system, &[])
}

/// As [`load`], with settings in place of what the files say.
///
/// # Errors
/// Every mistake in any of them.
pub fn load_with(
    paths: &[PathBuf],
    system: &dyn System,
    settings: &[Setting],
) -> Result<Vec<Scenario>, Problems> {
    let mut reading = Reading {
        system,
        settings,
        scenarios: Vec::new(),
        names: BTreeMap::new(),
        seen: BTreeSet::new(),
        mistakes: Vec::new(),
    };
    for path in paths {
        if let Err(diagnostic) = reading.path(path) {
            reading.mistakes.push(diagnostic);
        }
    }
    let Reading { scenarios, mistakes, .. } = reading;
    if mistakes.is_empty() { Ok(scenarios) } else { Err(Problems { diagnostics: mistakes }) }
}

/// What was read so far.
struct Reading<'a> {
    system: &'a dyn System,
    settings: &'a [Setting],
    scenarios: Vec<Scenario>,
    /// Which file has each name.
    names: BTreeMap<String, String>,
    seen: BTreeSet<PathBuf>,
    mistakes: Vec<Diagnostic>,
}

impl Reading<'_> {
    fn path(&mut self, path: &Path) -> Result<(), Diagnostic> {
        let metadata = fs::metadata(path).map_err(|error| refused(path, &error))?;
        if !metadata.is_dir() {
            if self.seen.insert(path.to_owned()) {
                let read = read(path, self.system, self.settings);
                self.take(read);
            }
            return Ok(());
        }
        let mut files = Vec::new();
        walk(path, &mut files, 0)?;
        let mut any = false;
        let mut for_another = None;
        for file in files {
            if self.seen.contains(&file) {
                any = true;
                continue;
            }
            let read = read(&file, self.system, self.settings);
            let another = read.as_ref().err().and_then(|problems| {
                let mut mistakes = problems.diagnostics.iter();
                mistakes.find(|mistake| mistake.code == ANOTHER_SYSTEM)
            });
            if let Some(another) = another {
                for_another.get_or_insert_with(|| another.help.clone().unwrap_or_default());
                continue;
            }
            any = true;
            self.seen.insert(file);
            self.take(read);
        }
        if any {
            return Ok(());
        }
        let message = match for_another {
            None => "no scenario is in this folder (*.yaml or *.yml)".to_owned(),
            Some(_) => format!("no scenario in this folder is for {}", self.system.name()),
        };
        let mut nothing = Diagnostic::of_file(&path.to_string_lossy(), "squall::nothing", message);
        if let Some(help) = for_another {
            nothing.help(help);
        }
        Err(nothing)
    }

    fn take(&mut self, read: Result<Scenario, Problems>) {
        let scenario = match read {
            Ok(scenario) => scenario,
            Err(problems) => {
                self.mistakes.extend(problems.diagnostics);
                return;
            }
        };
        let (name, path) = (&scenario.name, &scenario.path);
        if let Some(other) = self.names.insert(name.clone(), path.clone()) {
            let message = format!("there is another scenario \"{name}\", in {other}");
            self.mistakes.push(Diagnostic::of_file(path, "squall::same_name", message));
        }
        self.scenarios.push(scenario);
    }
}

fn refused(path: &Path, error: &io::Error) -> Diagnostic {
    let message = format!("cannot be read: {error}");
    Diagnostic::of_file(&path.to_string_lossy(), "squall::unreadable", message)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>, depth: usize) -> Result<(), Diagnostic> {
    if depth > MAX_DEPTH {
        let message = "folders are nested too deep; does a link lead in a circle?";
        return Err(Diagnostic::of_file(&folder.to_string_lossy(), "squall::too_deep", message));
    }
    let entries = fs::read_dir(folder).map_err(|error| refused(folder, &error))?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(|error| refused(folder, &error))?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, files, depth + 1)?;
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            files.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path, system: &dyn System, settings: &[Setting]) -> Result<Scenario, Problems> {
    let fail = |diagnostic| Problems { diagnostics: vec![diagnostic] };
    let file = fs::File::open(path).map_err(|error| fail(refused(path, &error)))?;
    let name = path.to_string_lossy();
    let length = file.metadata().map(|metadata| metadata.len()).unwrap_or(0);
    if length > syntax::MAX_FILE {
        return Err(fail(syntax::too_large(&name, length)));
    }
    let mut bytes = Vec::new();
    // A pipe has no length: it is cut one byte beyond what is accepted.
    file.take(syntax::MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| fail(refused(path, &error)))?;
    document::parse_with(&name, &bytes, system, settings)
}
