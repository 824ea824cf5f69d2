//! Reports that are read, and files that are written: whole, or not at all.

use super::{stop::Stop, terminal::say};
use squall_reports::{self as reports, Report};
use std::path::{Path, PathBuf};

/// Reads a report that an argument names.
pub(in crate::cli) fn read(path: &Path) -> Result<Report, Stop> {
    reports::read(path).map_err(Stop::input)
}

/// A report that cannot be written is a mistake that is better told before the runs than after.
pub(in crate::cli) fn writable(path: &Path) -> Result<(), Stop> {
    reports::probe_writable(path)
        .map_err(|error| Stop::input(format!("the report cannot be written: {error}")))
}

/// The same of a folder, which is made if it is not there.
pub(in crate::cli) fn writable_folder(folder: &Path) -> Result<(), Stop> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Stop::input(format!("{}: {error}", folder.display())))?;
    reports::probe_writable(&folder.join("probe.yaml")).map_err(|error| {
        Stop::input(format!("nothing can be written in {}: {error}", folder.display()))
    })
}

/// Writes a file; what stood there before is replaced.
pub(in crate::cli) fn replace(path: &Path, text: &[u8]) -> Result<(), Stop> {
    reports::write_atomically(path, text).map_err(Stop::broken)
}

/// Prints, or writes to a file.
pub(in crate::cli) fn show(text: &str, output: Option<&PathBuf>) -> Result<(), Stop> {
    let Some(path) = output else {
        say(text);
        return Ok(());
    };
    writable(path)?;
    replace(path, text.as_bytes())
}
