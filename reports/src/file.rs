//! Reading and writing reports.

use crate::{
    format::{FORMAT, Report},
    text::printable,
};
use serde::Deserialize;
use std::{
    fs::{self, File},
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
    #[error("{path}: the format is {found:?}, and only {FORMAT} can be read")]
    Format {
        /// The file.
        path: PathBuf,
        /// What it says it is.
        found: String,
    },
}

/// Links to links that are followed.
const LINKS: usize = 40;

pub(crate) fn refused(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    |source| Error::Io { path, source }
}

/// Reads a report. Fields that are not known are passed over.
///
/// # Errors
/// It is not there, not whole, not ours.
pub fn read(path: &Path) -> Result<Report, Error> {
    let text = fs::read(path).map_err(refused(path))?;
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
        // It may repeat what stands in the file.
        message: printable(&error.to_string()),
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

/// Writes a file, whole or not at all. A device, a pipe or what the process has open is written
/// into, not replaced.
///
/// # Errors
/// The file system refused; what stood there before still stands.
pub fn write_atomically(path: &Path, text: &[u8]) -> Result<(), Error> {
    let written = place(path).and_then(|place| match place {
        Place::File(path) => replace(&path, text),
        Place::Stream(path) => write_into(&path, text),
    });
    written.map_err(refused(path))
}

/// Whether a path leads to a file, there or not, and not to a device, a pipe or something open.
#[must_use]
pub fn is_replaceable(path: &Path) -> bool {
    matches!(place(path), Ok(Place::File(_)))
}

/// Reads the report that will be replaced; none if there is no file, or an empty one.
///
/// # Errors
/// What stands there is no report, or a damaged one.
pub fn read_if_there(path: &Path) -> Result<Option<Report>, Error> {
    match fs::read(path) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => parse(path, &text).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refused(path)(error)),
    }
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// A file, there or not, that may be replaced; the links that lead to it stay.
    File(PathBuf),
    /// A device, a pipe, something open: to be written into.
    Stream(PathBuf),
}

fn place(path: &Path) -> io::Result<Place> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let found = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::File(path)),
            found => found?.file_type(),
        };
        if found.is_file() {
            return Ok(Place::File(path));
        }
        if !found.is_symlink() {
            return Ok(Place::Stream(path));
        }
        // /dev/stdout, /dev/fd/3: these links lead to what is open, which no renaming reaches.
        let parent = folder(&path).canonicalize()?;
        if parent == Path::new("/dev") || parent.starts_with("/proc") {
            return Ok(Place::Stream(path));
        }
        path = folder(&path).join(fs::read_link(&path)?);
    }
    Err(io::Error::other("too many links"))
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = folder(path);
    // A temporary file of the same folder is of the same file system: renaming it is atomic.
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(text)?;
    temporary.as_file().sync_all()?;
    readable_by_all(temporary.as_file())?;
    temporary.persist(path)?;
    File::open(folder)?.sync_all()
}

fn write_into(path: &Path, text: &[u8]) -> io::Result<()> {
    // Opened again, a file would be written from its beginning, over what was printed before.
    if path == Path::new("/dev/stdout") {
        let mut stream = io::stdout().lock();
        return stream.write_all(text).and_then(|()| stream.flush());
    }
    if path == Path::new("/dev/stderr") {
        return io::stderr().lock().write_all(text);
    }
    File::options().append(true).open(path)?.write_all(text)
}

/// Temporary files are private; a report is not.
#[cfg(unix)]
fn readable_by_all(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
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
    let probed = place(path).and_then(|place| match place {
        Place::File(path) if !folder(&path).is_dir() => Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("there is no folder {}", folder(&path).display()),
        )),
        Place::File(path) => tempfile::NamedTempFile::new_in(folder(&path)).map(drop),
        // Whoever opens a pipe is its writer, and waits for its reader.
        Place::Stream(_) => Ok(()),
    });
    probed.map_err(refused(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(unix)]
    use std::process::Command;

    fn sample() -> Report {
        parse(Path::new("sample"), include_bytes!("../tests/samples/1-first.json")).unwrap()
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
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
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
        let clears = parse(Path::new("r"), br#"{"format": "\u001b[2J"}"#).unwrap_err().to_string();
        assert!(clears.contains(r#""\u{1b}[2J""#), "{clears}");
        let mut value = serde_json::to_value(sample()).unwrap();
        value["of_tomorrow"] = serde_json::json!({"a": 1});
        let text = serde_json::to_vec(&value).unwrap();
        assert_eq!(parse(Path::new("r"), &text).unwrap(), sample());
        value["scenarios"][0]["runs"][0]["verdict"] = "\u{1b}[2J".into();
        let text = serde_json::to_vec(&value).unwrap();
        let unknown = parse(Path::new("r"), &text).unwrap_err().to_string();
        assert!(unknown.contains(r"`\u{1b}[2J`"), "{unknown}");
    }

    /// A sample of each version that a released squall has written stays there for ever.
    #[test]
    fn reports_of_every_earlier_version_are_read_and_lose_nothing() {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples");
        let mut read_back = 0;
        for sample in fs::read_dir(samples).unwrap() {
            let path = sample.unwrap().path();
            let report = read(&path).unwrap();
            assert!(report.runs().count() > 0, "{}", path.display());
            let old: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let new = serde_json::to_value(&report).unwrap();
            assert!(holds(&new, &old), "{}", path.display());
            read_back += 1;
        }
        assert!(read_back >= 2);
    }

    /// Everything of `old` stands in `new` as well.
    fn holds(new: &serde_json::Value, old: &serde_json::Value) -> bool {
        use serde_json::Value::{Array, Object};
        match (new, old) {
            (Object(new), Object(old)) => {
                old.iter().all(|(key, old)| new.get(key).is_some_and(|new| holds(new, old)))
            }
            (Array(new), Array(old)) => {
                new.len() == old.len() && new.iter().zip(old).all(|(new, old)| holds(new, old))
            }
            (new, old) => new == old,
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_device_stays_one() {
        let null = Path::new("/dev/null");
        // Asked before it is tried: whoever is root would lose the device.
        assert_eq!(place(null).unwrap(), Place::Stream(null.to_owned()));
        probe_writable(null).unwrap();
        write(null, &sample()).unwrap();
        assert!(!fs::metadata(null).unwrap().is_file());
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_stays_one_and_its_reader_reads_the_report() {
        let folder = tempfile::tempdir().unwrap();
        let (pipe, link) = (folder.path().join("pipe"), folder.path().join("link"));
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        std::os::unix::fs::symlink("pipe", &link).unwrap();
        for path in [&pipe, &link] {
            assert_eq!(place(path).unwrap(), Place::Stream(pipe.clone()));
            probe_writable(path).unwrap();
            let from = path.clone();
            let reader = std::thread::spawn(move || read(&from).unwrap());
            write(path, &sample()).unwrap();
            assert_eq!(reader.join().unwrap(), sample());
        }
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link"), folder.path().join("target"));
        std::os::unix::fs::symlink("target", &link).unwrap();
        // It leads nowhere at first, then to what is longer than a report.
        for _ in 0..2 {
            probe_writable(&link).unwrap();
            write(&link, &sample()).unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(read(&target).unwrap(), sample());
            fs::write(&target, "x".repeat(100_000)).unwrap();
        }
        let round = folder.path().join("round");
        std::os::unix::fs::symlink("round", &round).unwrap();
        assert!(probe_writable(&round).is_err());
        assert!(write(&round, &sample()).is_err());
    }

    /// No test of its own: the next one starts it, with its standard output in a file.
    #[cfg(unix)]
    #[test]
    #[ignore = "prints a report"]
    fn print_to_the_standard_output() {
        for path in ["/dev/stdout", "/dev/fd/1"].map(Path::new) {
            assert_eq!(place(path).unwrap(), Place::Stream(path.to_owned()));
        }
        println!("before");
        write(Path::new("/dev/stdout"), &sample()).unwrap();
        println!("after");
    }

    #[cfg(unix)]
    #[test]
    fn the_standard_output_goes_on_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture"])
            .arg("file::tests::print_to_the_standard_output")
            .stdout(File::create(&path).unwrap())
            .status();
        assert!(status.unwrap().success());
        let text = fs::read_to_string(&path).unwrap();
        let (_, rest) = text.split_once("before\n").unwrap();
        let (report, _) = rest.split_once("after\n").unwrap();
        assert_eq!(parse(&path, report.as_bytes()).unwrap(), sample());
    }

    #[test]
    fn what_cannot_be_written_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no/r.json");
        assert!(write(&missing, &sample()).is_err());
        assert!(probe_writable(&missing).is_err());
        assert!(write(folder.path(), &sample()).is_err());
        assert!(probe_writable(folder.path()).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
