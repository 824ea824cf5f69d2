//! The journal of a batch: beside the report, every finished run as it comes, so that a batch that is
//! killed loses nothing that was finished.
//!
//! A text file. Each line is a checksum (CRC-32 of the rest, eight hexadecimal digits), a blank and a
//! JSON value: first the report without its runs, then runs. A line that was not written whole, or that
//! was damaged since, is known by its checksum; its run is made again.

use crate::{
    file::{Error, refused},
    format::{Report, Run},
};
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// What was appended is safe from the power going out after this.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// How long a journal that somebody holds is tried for.
const PATIENCE: Duration = Duration::from_secs(1);

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    synced: Instant,
}

/// A finished run.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// Path of the scenario.
    scenario: String,
    run: Run,
}

/// What a journal holds.
#[derive(Debug)]
pub struct Kept {
    /// The report with the runs that were finished.
    pub report: Report,
    /// Lines that are damaged, the last one excepted if it was cut off.
    pub damaged: usize,
    /// Bytes that are whole; a journal that is continued is continued here.
    whole: u64,
}

/// Where the journal of a report is.
#[must_use]
pub fn journal_path(report: &Path) -> PathBuf {
    let mut name: OsString = report.as_os_str().to_owned();
    name.push(".journal");
    PathBuf::from(name)
}

impl Journal {
    /// Begins the journal of the report at `report`; runs in `head` are its first entries.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn create(report: &Path, head: &Report) -> Result<Self, Error> {
        let path = journal_path(report);
        let mut bare = head.clone();
        for scenario in &mut bare.scenarios {
            scenario.runs.clear();
        }
        let mut text = line(&bare);
        for (scenario, run) in head.runs() {
            text.extend(line(&Entry { scenario: scenario.path.clone(), run: run.clone() }));
        }
        // Whole or not at all: a journal without its first line is good for nothing.
        crate::file::write_atomically(&path, &text)?;
        let open = || locked(File::options().append(true).open(&path)?);
        let file = open().map_err(refused(&path))?;
        Ok(Self { path, file, synced: Instant::now() })
    }

    /// Goes on with a journal that was read.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn resume(report: &Path, kept: &Kept) -> Result<Self, Error> {
        let path = journal_path(report);
        let open = || -> io::Result<File> {
            let mut file = locked(File::options().write(true).open(&path)?)?;
            file.set_len(kept.whole)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        };
        let file = open().map_err(refused(&path))?;
        Ok(Self { path, file, synced: Instant::now() })
    }

    /// Adds a finished run.
    ///
    /// # Errors
    /// The file system refuses, for instance because the disk is full; what was added before stands.
    pub fn append(&mut self, scenario: &str, run: &Run) -> Result<(), Error> {
        let text = line(&Entry { scenario: scenario.to_owned(), run: run.clone() });
        let mut write = || -> io::Result<()> {
            self.file.write_all(&text)?;
            if self.synced.elapsed() >= SYNC_EVERY {
                self.synced = Instant::now();
                self.file.sync_data()?;
            }
            Ok(())
        };
        write().map_err(refused(&self.path))
    }

    /// The report is written: the journal is not needed any more.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn remove(self) -> Result<(), Error> {
        fs::remove_file(&self.path).map_err(refused(&self.path))
    }
}

/// Reads the journal of the report at `report`; none if there is no journal.
///
/// # Errors
/// It cannot be read, or its first line is damaged or not ours.
pub fn read_journal(report: &Path) -> Result<Option<Kept>, Error> {
    let path = journal_path(report);
    let open = || -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        locked(File::open(&path)?)?.read_to_end(&mut text)?;
        Ok(text)
    };
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        text => kept(&path, &text.map_err(refused(&path))?).map(Some),
    }
}

/// A batch that has no report yet.
#[derive(Debug)]
pub struct UnderWay {
    /// The report with the runs that are finished; it is partial.
    pub report: Report,
    /// A process is at work on it.
    pub writing: bool,
}

/// Looks into the journal of the report at `report` without holding up who writes it; none if there is no journal.
///
/// # Errors
/// As [`read_journal`], but not because somebody writes it.
pub fn peek_journal(report: &Path) -> Result<Option<UnderWay>, Error> {
    let path = journal_path(report);
    let open = || -> io::Result<(Vec<u8>, bool)> {
        let mut file = File::open(&path)?;
        let writing = match file.try_lock_shared() {
            Ok(()) => {
                file.unlock()?;
                false
            }
            Err(TryLockError::WouldBlock) => true,
            // Where the file system has no locks, nobody knows.
            Err(TryLockError::Error(_)) => false,
        };
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        Ok((text, writing))
    };
    let (text, writing) = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(refused(&path))?,
    };
    let mut report = kept(&path, &text)?.report;
    report.partial = true;
    Ok(Some(UnderWay { report, writing }))
}

/// What stands in a journal.
fn kept(path: &Path, text: &[u8]) -> Result<Kept, Error> {
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let head = checked(first).ok_or_else(|| Error::Malformed {
        path: path.to_owned(),
        line: 1,
        column: 1,
        message: "the first line of the journal is damaged; nothing of it can be continued"
            .to_owned(),
    })?;
    let mut report = crate::file::parse(path, head)?;
    let (mut damaged, mut whole) = (0, first.len() as u64);
    for line in lines {
        let entry = checked(line).and_then(|json| serde_json::from_slice::<Entry>(json).ok());
        let place = entry.as_ref().and_then(|entry| {
            report.scenarios.iter_mut().find(|scenario| scenario.path == entry.scenario)
        });
        match (entry, place) {
            (Some(entry), Some(scenario)) => {
                scenario.runs.retain(|run| run.seed != entry.run.seed);
                scenario.runs.push(entry.run);
            }
            _ if line.ends_with(b"\n") => damaged += 1,
            // It was being written when the batch was killed.
            _ => break,
        }
        whole += line.len() as u64;
    }
    for scenario in &mut report.scenarios {
        scenario.runs.sort_by_key(|run| run.seed);
    }
    Ok(Kept { report, damaged, whole })
}

/// The file, for this process alone as long as it is open.
///
/// Of a writer that was killed while it started a process, that process holds the lock until it has become the program
/// that it was to be: so it is tried for a while.
fn locked(file: File) -> io::Result<File> {
    let since = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if since.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::other("another squall is writing it"));
            }
            // Where the file system has no locks, it is done without.
            Err(TryLockError::Error(_)) => return Ok(file),
        }
    }
}

fn line(value: &impl Serialize) -> Vec<u8> {
    // Our own types have no keys that are not text, and nothing else can go wrong in memory.
    let json = serde_json::to_vec(value).unwrap_or_default();
    let mut line = format!("{:08x} ", crc32fast::hash(&json)).into_bytes();
    line.extend(json);
    line.push(b'\n');
    line
}

/// The JSON of a line that is whole.
fn checked(line: &[u8]) -> Option<&[u8]> {
    let (sum, rest) = line.split_at_checked(8)?;
    let json = rest.strip_prefix(b" ")?.strip_suffix(b"\n")?;
    let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    (sum == crc32fast::hash(json)).then_some(json)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FORMAT, ScenarioReport};

    fn head() -> Report {
        let scenario = |path: &str| ScenarioReport { path: path.into(), ..Default::default() };
        Report {
            format: FORMAT.into(),
            scenarios: vec![scenario("a"), scenario("b")],
            ..Report::default()
        }
    }

    fn run(seed: u64) -> Run {
        Run { seed, hash: format!("{seed:032x}"), ..Run::default() }
    }

    fn written(folder: &tempfile::TempDir) -> (PathBuf, Vec<u8>) {
        let report = folder.path().join("r.json");
        let mut journal = Journal::create(&report, &head()).unwrap();
        for (scenario, seed) in [("a", 2), ("b", 1), ("a", 1)] {
            journal.append(scenario, &run(seed)).unwrap();
        }
        let text = fs::read(journal_path(&report)).unwrap();
        (report, text)
    }

    #[test]
    fn what_was_appended_is_read_in_the_order_of_a_report() {
        let folder = tempfile::tempdir().unwrap();
        let (report, _) = written(&folder);
        let kept = read_journal(&report).unwrap().unwrap();
        assert_eq!(kept.damaged, 0);
        assert_eq!(kept.report.scenarios[0].runs, [run(1), run(2)]);
        assert_eq!(kept.report.scenarios[1].runs, [run(1)]);
        Journal::resume(&report, &kept).unwrap().append("b", &run(2)).unwrap();
        let kept = read_journal(&report).unwrap().unwrap();
        assert_eq!(kept.report.scenarios[1].runs, [run(1), run(2)]);
        Journal::resume(&report, &kept).unwrap().remove().unwrap();
        assert!(read_journal(&report).unwrap().is_none());
    }

    #[test]
    fn a_batch_under_way_can_be_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("r.json");
        assert!(peek_journal(&report).unwrap().is_none());
        let mut journal = Journal::create(&report, &head()).unwrap();
        journal.append("b", &run(7)).unwrap();
        let batch = peek_journal(&report).unwrap().unwrap();
        assert!(batch.writing && batch.report.partial);
        assert_eq!(batch.report.scenarios[1].runs, [run(7)]);
        // Who looks does not hold it up, and who is gone is not at work.
        journal.append("b", &run(8)).unwrap();
        drop(journal);
        let batch = peek_journal(&report).unwrap().unwrap();
        assert!(!batch.writing && batch.report.runs().count() == 2);
        // What was being written is not told.
        let text = fs::read(journal_path(&report)).unwrap();
        fs::write(journal_path(&report), &text[..text.len() - 3]).unwrap();
        assert_eq!(peek_journal(&report).unwrap().unwrap().report.runs().count(), 1);
    }

    #[test]
    fn two_do_not_write_one_journal() {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("r.json");
        let journal = Journal::create(&report, &head()).unwrap();
        let error = read_journal(&report).unwrap_err().to_string();
        assert!(error.ends_with("another squall is writing it"), "{error}");
        drop(journal);
        assert!(read_journal(&report).unwrap().is_some());
    }

    #[test]
    fn who_holds_it_for_a_moment_longer_than_its_writer_lived_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let report = folder.path().join("r.json");
        let journal = Journal::create(&report, &head()).unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| read_journal(&report));
            // Were it not waited for, the reader would have ended by then.
            std::thread::sleep(Duration::from_millis(100));
            drop(journal);
            assert!(reader.join().unwrap().unwrap().is_some());
        });
    }

    #[test]
    fn cut_at_any_byte_it_keeps_all_that_was_whole_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let (report, text) = written(&folder);
        let first = text.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for cut in 0..text.len() {
            fs::write(journal_path(&report), &text[..cut]).unwrap();
            let whole = text[..cut].iter().filter(|byte| **byte == b'\n').count();
            if cut < first {
                read_journal(&report).unwrap_err();
                continue;
            }
            let kept = read_journal(&report).unwrap().unwrap();
            assert_eq!((kept.report.runs().count(), kept.damaged), (whole - 1, 0));
            Journal::resume(&report, &kept).unwrap().append("b", &run(9)).unwrap();
            let kept = read_journal(&report).unwrap().unwrap();
            assert_eq!((kept.report.runs().count(), kept.damaged), (whole, 0));
        }
    }

    #[test]
    fn a_damaged_byte_costs_one_run_at_most_and_changes_none() {
        let folder = tempfile::tempdir().unwrap();
        let (report, text) = written(&folder);
        let first = text.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for at in first..text.len() {
            let mut bad = text.clone();
            bad[at] ^= 0x11;
            fs::write(journal_path(&report), bad).unwrap();
            let kept = read_journal(&report).unwrap().unwrap();
            // A damaged end of a line costs the next one as well.
            assert!(kept.report.runs().count() >= 1, "byte {at}");
            for (_, kept) in kept.report.runs() {
                assert_eq!(*kept, run(kept.seed));
            }
        }
    }
}
