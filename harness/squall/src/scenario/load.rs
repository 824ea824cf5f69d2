//! Files and folders of scenarios.

use super::{document, model::Scenario, settings::Setting};
use crate::{
    syntax::{self, Diagnostic, Problems},
    system::System,
};
use std::{
    collections::BTreeMap,
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
    let mut problems = Problems::default();
    let mut files = Vec::new();
    for path in paths {
        if let Err(diagnostic) = find(path, system.name(), &mut files) {
            problems.diagnostics.push(diagnostic);
        }
    }
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut seen: Vec<PathBuf> = Vec::new();
    for file in files {
        if seen.contains(&file) {
            continue;
        }
        seen.push(file.clone());
        match read(&file, system, settings) {
            Ok(scenario) => {
                if let Some(other) = names.insert(scenario.name.clone(), scenario.path.clone()) {
                    let message =
                        format!("there is another scenario \"{}\", in {other}", scenario.name);
                    let path = &scenario.path;
                    let diagnostic = Diagnostic::of_file(path, "squall::same_name", message);
                    problems.diagnostics.push(diagnostic);
                }
                scenarios.push(scenario);
            }
            Err(more) => problems.diagnostics.extend(more.diagnostics),
        }
    }
    if problems.diagnostics.is_empty() { Ok(scenarios) } else { Err(problems) }
}

fn refused(path: &Path, error: &io::Error) -> Diagnostic {
    let message = format!("cannot be read: {error}");
    Diagnostic::of_file(&path.to_string_lossy(), "squall::unreadable", message)
}

/// The system that a file says it is for, if it is another one.
fn another_system(path: &Path, system: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let said = text.lines().find_map(|line| line.strip_prefix("system:"))?;
    let said = said.split(" #").next()?.trim().trim_matches(['"', '\'']);
    (said != system).then(|| said.to_owned())
}

fn find(path: &Path, system: &str, files: &mut Vec<PathBuf>) -> Result<(), Diagnostic> {
    let metadata = fs::metadata(path).map_err(|error| refused(path, &error))?;
    if !metadata.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut found = Vec::new();
    walk(path, &mut found, 0)?;
    let (others, own): (Vec<PathBuf>, Vec<PathBuf>) =
        found.into_iter().partition(|file| another_system(file, system).is_some());
    let none = own.is_empty();
    files.extend(own);
    if none {
        let message = match others.first().and_then(|file| another_system(file, system)) {
            None => "no scenario is in this folder (*.yaml or *.yml)".to_owned(),
            Some(other) => format!("what is in this folder is for {other}: use --system {other}"),
        };
        return Err(Diagnostic::of_file(&path.to_string_lossy(), "squall::nothing", message));
    }
    Ok(())
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
