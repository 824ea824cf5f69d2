//! Histories of live runs in files: what can be judged again, and drawn again, where a run cannot be made again.
//!
//! A file is gzip of lines of JSON: first what is known beside the records, then a record a line, an object each. What nodes
//! said in words is an array each: when, where, what; what they measured, too: when, where, its name, its labels, whether
//! it only grows, and its value (`null`: it is not a number).

use super::{
    beside::Beside,
    kept::{FORMAT, Kept},
};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Deserialize, de::DeserializeOwned};
use squall_probe::{NodeId, Record, live::Measured, sim::Said};
use std::{
    fmt::Display,
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
};

/// A line of a history is no longer than this, in bytes.
const LINE: u64 = 16 << 20;

/// A line that is an array.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Measured(u64, NodeId, String, Vec<(String, String)>, bool, Option<f64>),
    Said(Said),
}

/// Writes a history.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write(
    path: &Path,
    kept: &Kept,
    records: &[Record],
    beside: &Beside,
) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    {
        let mut out =
            GzEncoder::new(io::BufWriter::new(file.as_file_mut()), Compression::default());
        serde_json::to_writer(&mut out, kept)?;
        out.write_all(b"\n")?;
        for record in records {
            serde_json::to_writer(&mut out, record)?;
            out.write_all(b"\n")?;
        }
        for said in &beside.said {
            serde_json::to_writer(&mut out, said)?;
            out.write_all(b"\n")?;
        }
        for Measured { at, node, name, labels, counts, value } in &beside.measured {
            let value = value.is_finite().then_some(value);
            serde_json::to_writer(&mut out, &(at, node, name, labels, counts, value))?;
            out.write_all(b"\n")?;
        }
        out.finish()?.flush()?;
    }
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Whether a file begins as a history does.
pub(crate) fn is_history(path: &Path) -> bool {
    let mut magic = [0; 2];
    File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok()
        && magic == [0x1f, 0x8b]
}

/// What the first line of every version says.
#[derive(Deserialize)]
struct Format {
    format: String,
}

/// The lines of a history, read one by one.
struct Lines<'p> {
    path: &'p Path,
    reader: BufReader<GzDecoder<File>>,
    number: u64,
}

impl<'p> Lines<'p> {
    fn open(path: &'p Path) -> Result<Self, String> {
        let file = File::open(path)
            .map_err(|error| format!("{}: cannot be read: {error}", path.display()))?;
        Ok(Self { path, reader: BufReader::new(GzDecoder::new(file)), number: 0 })
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        self.number += 1;
        let mut line = Vec::new();
        match self.reader.by_ref().take(LINE).read_until(b'\n', &mut line) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(line)),
            Err(error) => Err(self.wrong(format!("this is no whole history: {error}"))),
        }
    }

    /// What is in the line that was read last.
    fn parse<T: DeserializeOwned>(&self, line: &[u8]) -> Result<T, String> {
        serde_json::from_slice(line).map_err(|error| self.wrong(error))
    }

    fn wrong(&self, why: impl Display) -> String {
        format!("{}: line {}: {why}", self.path.display(), self.number)
    }

    fn header(&mut self) -> Result<Kept, String> {
        let Some(line) = self.next()? else { return Err(self.wrong("the file is empty")) };
        // What another version has written may look otherwise.
        let Format { format } = self.parse(&line)?;
        if format != FORMAT {
            return Err(self.wrong(format!("expected {FORMAT}, found {format:?}")));
        }
        self.parse(&line)
    }
}

/// Reads what a history says beside its records; those may still be wrong.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn read_header(path: &Path) -> Result<Kept, String> {
    Lines::open(path)?.header()
}

/// Reads a history.
///
/// # Errors
/// What is wrong with it, in words, by its line.
pub(crate) fn read(path: &Path) -> Result<(Kept, Vec<Record>, Beside), String> {
    let mut lines = Lines::open(path)?;
    let kept = lines.header()?;
    let (mut records, mut beside) = (Vec::new(), Beside::default());
    while let Some(line) = lines.next()? {
        match line.first() {
            Some(b'[') => match lines.parse(&line)? {
                Told::Said(said) => beside.said.push(said),
                Told::Measured(at, node, name, labels, counts, value) => {
                    let value = value.unwrap_or(f64::NAN);
                    let measured = Measured { at, node, name, labels, counts, value };
                    beside.measured.push(measured);
                }
            },
            _ => records.push(lines.parse(&line)?),
        }
    }
    Ok((kept, records, beside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{live::drive::Driven, plan::Plan, sample::Sample, scenario};
    use squall_probe::sim;

    /// A history of a run of the sample system in which nothing happened, with this after its first line.
    fn history(rest: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let scenario = scenario::parse("x", b"name: x\n", &Sample).expect("it is right");
        let plan = Plan::new(&scenario, 1, &Sample, &[]);
        let names = sim::Names::default();
        let kept = Kept::new(plan, 1.0, &Sample, None, Driven::default(), &names);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("history.gz");
        let mut out = GzEncoder::new(File::create(&path).expect("a file"), Compression::fast());
        serde_json::to_writer(&mut out, &kept).expect("it is written");
        out.write_all(rest).and_then(|()| out.finish()).expect("it is written");
        (folder, path)
    }

    #[test]
    fn the_header_is_read_without_the_records_and_what_is_wrong_with_them_is_told_by_its_line() {
        let (_folder, path) = history(b"\nno record\n");
        assert_eq!(read_header(&path).expect("the first line is right").plan.scenario, "x");
        let why = read(&path).expect_err("the second is not");
        assert!(why.contains("line 2: expected"), "{why}");
        let (_folder, path) = history(b"\n");
        assert!(read(&path).expect("nothing happened").1.is_empty());
    }

    #[test]
    fn what_nodes_told_beside_their_records_is_read_again() {
        let (_folder, path) = history(
            b"\n[5,1,\"so\"]\n[6,1,\"lag\",[[\"group\",\"a\"]],false,2.5]\n[7,0,\"lag\",[],false,null]\n",
        );
        let (kept, records, beside) = read(&path).expect("it is right");
        assert_eq!(beside.said, [(5, NodeId(1), "so".to_owned())]);
        let again = path.with_extension("again");
        write(&again, &kept, &records, &beside).expect("it is written");
        let (_, _, again) = read(&again).expect("it is read");
        let told = |beside: &Beside| format!("{beside:?}");
        assert_eq!(told(&again), told(&beside));
        let measured = &again.measured;
        let labels = [("group".to_owned(), "a".to_owned())];
        assert_eq!((measured[0].labels.as_slice(), measured[0].value), (labels.as_slice(), 2.5));
        assert!(measured[1].value.is_nan() && !measured[1].counts);
        let (_folder, path) = history(b"\n[6,1,\"lag\",[],false]\n");
        assert!(read(&path).expect_err("a value is missing").contains("line 2"));
    }

    #[test]
    fn another_version_is_told_as_such() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("history.gz");
        let mut out = GzEncoder::new(File::create(&path).expect("a file"), Compression::fast());
        let line = b"{\"format\":\"squall-history/7\"}\n";
        out.write_all(line).and_then(|()| out.finish()).expect("it is written");
        let why = read_header(&path).expect_err("it is another version");
        assert!(
            why.ends_with("line 1: expected squall-history/1, found \"squall-history/7\""),
            "{why}"
        );
    }
}
