//! Reading and writing reports.

use crate::{FORMAT, Report};
use serde::Deserialize;
use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};
use thiserror::Error;

/// Why a report cannot be read or written.
#[derive(Debug, Error)]
pub enum Error {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// It is no JSON, or not all of it.
    #[error("{path}:{line}:{column}: not a whole report: {message}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Counts from 1.
        line: usize,
        /// Counts from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// It is another format, or a version of it that this program does not know.
    #[error("{path}: the format is \"{found}\", and only {FORMAT} can be read")]
    Format {
        /// The file.
        path: PathBuf,
        /// What it says it is.
        found: String,
    },
}

fn refused(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    |source| Error::Io { path, source }
}

/// Reads a report. Fields that are not known are passed over.
///
/// # Errors
/// It is not there, not whole, not ours.
pub fn read(path: &Path) -> Result<Report, Error> {
    let text = std::fs::read(path).map_err(refused(path))?;
    parse(path, &text)
}

/// As [`read`], from its bytes; `path` is for the error.
///
/// # Errors
/// It is not whole, not ours.
pub fn parse(path: &Path, text: &[u8]) -> Result<Report, Error> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(default)]
        format: Option<String>,
    }
    let malformed = |error: serde_json::Error| Error::Malformed {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
        message: error.to_string(),
    };
    let head: Head = serde_json::from_slice(text).map_err(malformed)?;
    let found = head.format.unwrap_or_else(|| "none".to_owned());
    if found != FORMAT {
        return Err(Error::Format { path: path.to_owned(), found });
    }
    serde_json::from_slice(text).map_err(malformed)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a report, whole or not at all.
///
/// # Errors
/// The file system refused; what stood there before still stands.
pub fn write(path: &Path, report: &Report) -> Result<(), Error> {
    let mut text =
        serde_json::to_vec_pretty(report).map_err(io::Error::other).map_err(refused(path))?;
    text.push(b'\n');
    write_atomically(path, &text)
}

/// Writes a file, whole or not at all. A device or a pipe is written to, not replaced.
///
/// # Errors
/// The file system refused; what stood there before still stands.
pub fn write_atomically(path: &Path, text: &[u8]) -> Result<(), Error> {
    if is_special(path) {
        let mut special = File::options().write(true).open(path).map_err(refused(path))?;
        return special.write_all(text).map_err(refused(path));
    }
    let folder = folder(path);
    // A temporary file of the same folder is of the same file system: renaming it is atomic.
    let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(refused(path))?;
    temporary.write_all(text).map_err(refused(path))?;
    temporary.as_file().sync_all().map_err(refused(path))?;
    readable_by_all(temporary.as_file()).map_err(refused(path))?;
    temporary.persist(path).map_err(|error| refused(path)(error.error))?;
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(refused(path))
}

/// There is something that is neither a file nor a folder.
fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Temporary files are private; a report is not.
#[cfg(unix)]
fn readable_by_all(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &File) -> io::Result<()> {
    Ok(())
}

/// Finds out whether a report could be written there, leaving no trace.
///
/// # Errors
/// It could not: the folder is missing or closed, or the path is a folder.
pub fn probe_writable(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Err(refused(path)(io::Error::other("is a folder")));
    }
    if path.file_name().is_none() {
        return Err(refused(path)(io::Error::other("is not the name of a file")));
    }
    if is_special(path) {
        return Ok(());
    }
    tempfile::NamedTempFile::new_in(folder(path)).map(drop).map_err(refused(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Report {
        parse(Path::new("sample"), include_bytes!("../tests/report-1.json")).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        let report = sample();
        assert!(!report.scenarios.is_empty());
        write(&path, &report).unwrap();
        assert_eq!(read(&path).unwrap(), report);
        // Nothing but the report is left behind.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn half_a_report_is_refused_at_every_length() {
        let text = serde_json::to_vec(&sample()).unwrap();
        for cut in (0..text.len()).step_by(7) {
            assert!(matches!(parse(Path::new("r"), &text[..cut]), Err(Error::Malformed { .. })));
        }
    }

    #[test]
    fn what_is_not_ours_is_refused_and_what_is_new_is_passed_over() {
        let other = parse(Path::new("r"), br#"{"format": "squall-report/2"}"#).unwrap_err();
        assert_eq!(
            other.to_string(),
            "r: the format is \"squall-report/2\", and only squall-report/1 can be read"
        );
        assert!(matches!(parse(Path::new("r"), b"{}"), Err(Error::Format { .. })));
        let mut value = serde_json::to_value(sample()).unwrap();
        value["of_tomorrow"] = serde_json::json!({"a": 1});
        let text = serde_json::to_vec(&value).unwrap();
        assert_eq!(parse(Path::new("r"), &text).unwrap(), sample());
    }

    #[cfg(unix)]
    #[test]
    fn a_device_stays_one() {
        let null = Path::new("/dev/null");
        probe_writable(null).unwrap();
        write(null, &sample()).unwrap();
        assert!(!std::fs::metadata(null).unwrap().is_file());
    }

    #[test]
    fn what_cannot_be_written_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no/r.json");
        assert!(write(&missing, &sample()).is_err());
        assert!(probe_writable(&missing).is_err());
        assert!(probe_writable(folder.path()).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
