//! Histories of live runs in files: what can be judged again, and drawn again, where a run cannot be made again.
//!
//! A file is gzip of lines of JSON: first what is known beside the records, then a record a line, an object each, and what
//! nodes said in words, an array each: when, where, what.

use super::{
    chronicle::{in_a_live_world, tell},
    described::{Described, DescribedSystem, READERS},
    drive::Driven,
};
use crate::{
    outcome::{Destruction, Fates, Recorder, RunOutcome, Verdict, setup, signals, why_vacuous},
    plan::{Micros, Plan, PlannedFault},
    system::System,
};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use squall_judge::Judgement;
use squall_probe::{
    NodeChange, NodeId, Record, What,
    sim::{self, Said},
};
use squall_reports::{Counters, LatencyRecorder, Machine};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// The format's name and version.
const FORMAT: &str = "squall-history/1";

/// A line of a history is no longer than this, in bytes.
const LINE: u64 = 16 << 20;

/// What is known of a live run beside its records.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Always `squall-history/1`.
    pub(crate) format: String,
    /// The plan, in the pace of the system.
    pub(crate) plan: Plan,
    /// The pace.
    pub(crate) pace: f64,
    /// The system's name and version.
    pub(crate) system: (String, String),
    /// The programs, if they are all there is of the system; else it was an executable's own.
    pub(crate) described: Option<Described>,
    /// Names of groups and members, by number.
    pub(crate) names: Vec<String>,
    /// Faults that never began, in words.
    pub(crate) unfired: Vec<String>,
    /// How many occurrences began.
    pub(crate) begun: u64,
    /// Steps of which an occurrence began.
    pub(crate) begun_steps: BTreeSet<u16>,
    /// How often each step's fault was felt.
    pub(crate) felt: BTreeMap<u16, u64>,
    /// How often each fault point was passed.
    pub(crate) passed: BTreeMap<String, u64>,
    /// Disks that were destroyed so that nothing could bring back what they held; whether they were replicas'.
    pub(crate) destruction: Option<(String, bool)>,
    /// What no record says in words.
    pub(crate) notes: Vec<(Micros, NodeId, String)>,
    /// Why nobody can say whether it passed.
    pub(crate) inconclusive: Vec<String>,
    /// How long it took, in microseconds.
    pub(crate) elapsed: Micros,
    /// When it was made, as RFC 3339 has it.
    pub(crate) started: String,
    /// Where.
    pub(crate) machine: Machine,
    /// How many processes wanted a processor of the machine on average, in its last minute.
    pub(crate) load: String,
}

/// Writes a history.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write(path: &Path, kept: &Kept, records: &[Record], said: &[Said]) -> io::Result<()> {
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
        for said in said {
            serde_json::to_writer(&mut out, said)?;
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
        let kept: Kept = self.parse(&line)?;
        if kept.format != FORMAT {
            return Err(self.wrong(format!("expected {FORMAT}, found {:?}", kept.format)));
        }
        Ok(kept)
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
pub(crate) fn read(path: &Path) -> Result<(Kept, Vec<Record>, Vec<Said>), String> {
    let mut lines = Lines::open(path)?;
    let kept = lines.header()?;
    let (mut records, mut said) = (Vec::new(), Vec::new());
    while let Some(line) = lines.next()? {
        match line.first() {
            Some(b'[') => said.push(lines.parse(&line)?),
            _ => records.push(lines.parse(&line)?),
        }
    }
    Ok((kept, records, said))
}

/// The system that a description is all there is of, else this executable's own.
pub(crate) fn system_of(described: Option<&Described>, own: &Arc<dyn System>) -> Arc<dyn System> {
    match described {
        Some(described) => Arc::new(DescribedSystem::new(described.clone())),
        None => Arc::clone(own),
    }
}

/// How many processes want a processor of this machine on average, in its last minute.
fn machine_load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}

impl Kept {
    /// Of a run of a plan, in the pace of the system, that is over: what it left.
    pub(crate) fn new(
        plan: Plan,
        pace: f64,
        system: &dyn System,
        described: Option<Described>,
        driven: Driven,
        names: &sim::Names,
    ) -> Self {
        let Driven { remains, destruction, passed, mut inconclusive, elapsed, nonsense } = driven;
        let trouble = remains.trouble.iter();
        inconclusive.extend(trouble.map(|why| format!("a fault could not be carried out: {why}")));
        if let Some((first, times)) = nonsense {
            inconclusive.push(format!(
                "a client program said {times} times what makes no sense, first: {first}"
            ));
        }
        let started = SystemTime::now() - Duration::from_micros(elapsed);
        Self {
            format: FORMAT.to_owned(),
            plan,
            pace,
            system: (system.name().to_owned(), system.version().to_owned()),
            described,
            names: names.texts().map(str::to_owned).collect(),
            unfired: remains.unfired,
            begun: remains.begun,
            begun_steps: remains.begun_steps,
            felt: remains.felt,
            passed,
            destruction,
            notes: remains.notes,
            inconclusive,
            elapsed,
            started: humantime::format_rfc3339_seconds(started).to_string(),
            machine: Machine::here(),
            load: machine_load(),
        }
    }

    /// The system that was run. `own` is the one that this executable is for.
    ///
    /// # Errors
    /// It was another executable's, in words.
    pub(crate) fn system(&self, own: &Arc<dyn System>) -> Result<Arc<dyn System>, String> {
        let system = system_of(self.described.as_ref(), own);
        if system.name() == self.system.0 {
            return Ok(system);
        }
        Err(format!(
            "it is the history of a run of {}, which the command of that system judges; this one is for {}",
            self.system.0,
            own.name()
        ))
    }

    /// What a run of the [system](Self::system) with these records came to, by the judges of this version.
    pub(crate) fn judged(
        &self,
        records: &[Record],
        said: Vec<Said>,
        system: &dyn System,
    ) -> RunOutcome {
        let outside = self.described.is_some();
        let plan = &self.plan;
        let mut names = sim::Names::default();
        let setup = in_a_live_world(plan, setup(plan, system, &mut names), self.pace, outside);
        for name in &self.names {
            names.intern(name);
        }
        let mut recorder = Recorder::new(plan, &setup);
        let mut last = None;
        for record in records {
            tell(&mut recorder, last, record);
            last = Some(record);
        }
        let recovery = recorder.recovery();
        let points = self.passed.iter().map(|(point, times)| (point, *times));
        let signals = signals(plan, &recorder, &names, points, &self.felt);
        let counters = Counters { faults: self.begun, ..recorder.counters };
        let judgement = recorder.judge.finish(&|name| names.text(name).to_owned());
        let nodes: Vec<String> = plan.nodes.iter().map(|node| node.name.clone()).collect();

        let Self { unfired, begun_steps, felt, .. } = self;
        let fates = Fates { unfired, begun_steps, felt };
        let near = |fault: &PlannedFault| were_down(plan, records, fault.step);
        let vacuous = why_vacuous(plan, fates, &signals, counters.acknowledged, &judgement, near);
        let Judgement { violations, judged, history, loss, .. } = judgement;
        let mut verdict = Verdict { violations, vacuous, note: None };
        verdict.add_forbidden(plan, &signals);
        if let Some((disks, replicated)) = &self.destruction {
            let (disks, replicated) = (disks.clone(), *replicated);
            verdict.excuse_destruction(&Destruction { disks, replicated });
        }
        if let Some(loss) = loss {
            verdict.tell_loss(&loss, &nodes);
        }
        if !self.inconclusive.is_empty() {
            // What is missing may be where nobody looked.
            verdict.excuse_what_is_missing();
        }
        verdict.expect_violations(plan, self.inconclusive.is_empty());
        let Verdict { violations, vacuous, mut note } = verdict;
        if !violations.is_empty() && !self.load.is_empty() {
            let load = format!("the machine's load was {}", self.load);
            note = Some(note.map_or(load.clone(), |note| format!("{note}; {load}")));
        }
        RunOutcome {
            hash: String::new(),
            elapsed: self.elapsed,
            violations,
            judged,
            vacuous,
            inconclusive: self.inconclusive.clone(),
            note,
            signals,
            felt: self.felt.keys().copied().collect(),
            counters,
            // What is read in the end took effect whenever it did.
            latency: if outside && system.groups() == [READERS] {
                LatencyRecorder::default()
            } else {
                recorder.latency
            },
            recovery,
            notes: self.notes.clone(),
            said,
            measures: sim::Measures::default(),
            escape: None,
            unwatched: None,
            history,
            flights: Vec::new(),
            names,
            nodes,
        }
    }
}

/// Why nobody felt a step's fault, if all whom it hit were down when it began.
fn were_down(plan: &Plan, records: &[Record], step: u16) -> Option<String> {
    let (mut down, mut hit) = (BTreeSet::new(), BTreeSet::new());
    for record in records {
        match record.what {
            What::Node { change: NodeChange::Up } => {
                down.remove(&record.node);
            }
            What::Node { .. } => {
                down.insert(record.node);
            }
            What::FaultBegan { fault, target } if fault == step => {
                hit.insert(*down.get(&target)?);
            }
            _ => {}
        }
    }
    let names = hit.iter().map(|node| plan.nodes[node.index()].name.as_str());
    let names: Vec<&str> = names.collect();
    (!names.is_empty()).then(|| format!("down when it began: {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario};

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
    fn the_history_of_another_executables_system_is_refused() {
        let (_folder, path) = history(b"\n");
        let mut kept = read_header(&path).expect("it is right");
        let own: Arc<dyn System> = Arc::new(Sample);
        assert!(kept.system(&own).is_ok());
        kept.system.0 = "another".to_owned();
        let why = kept.system(&own).map(|system| system.name().to_owned()).expect_err("refused");
        assert!(why.contains("a run of another"), "{why}");
    }
}
