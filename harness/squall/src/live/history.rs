//! Histories of live runs in files: what can be judged again, and drawn again, where a run cannot be made again.
//!
//! A file is gzip of lines of JSON: first what is known beside the records, then a record a line.

use super::{
    chronicle::{in_a_live_world, tell},
    described::{Described, DescribedSystem, READERS},
};
use crate::{
    outcome::{Destruction, Fates, Recorder, RunOutcome, Verdict, setup, signals, why_vacuous},
    plan::{Micros, Plan},
    system::System,
};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Deserialize, Serialize};
use squall_judge::Judgement;
use squall_probe::{NodeId, Record, sim};
use squall_reports::{Counters, LatencyRecorder};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
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
    /// How it was run.
    pub(crate) described: Described,
    /// The description is all there is of the system.
    pub(crate) alone: bool,
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
    /// How many processes wanted a processor of the machine on average, in its last minute.
    pub(crate) load: String,
}

/// Writes a history.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write(path: &Path, kept: &Kept, records: &[Record]) -> io::Result<()> {
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

/// Reads a history.
///
/// # Errors
/// What is wrong with it, in words, by its line.
pub(crate) fn read(path: &Path) -> Result<(Kept, Vec<Record>), String> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| format!("{shown}: cannot be read: {error}"))?;
    let mut lines = BufReader::new(GzDecoder::new(file));
    let (mut kept, mut records) = (None, Vec::new());
    for number in 1_u64.. {
        let mut line = Vec::new();
        let read = lines.by_ref().take(LINE).read_until(b'\n', &mut line);
        match read {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                return Err(format!("{shown}: line {number}: this is no whole history: {error}"));
            }
        }
        let wrong = |error: serde_json::Error| format!("{shown}: line {number}: {error}");
        if number == 1 {
            let first: Kept = serde_json::from_slice(&line).map_err(wrong)?;
            if first.format != FORMAT {
                return Err(format!("{shown}: expected {FORMAT}, found {:?}", first.format));
            }
            kept = Some(first);
        } else {
            records.push(serde_json::from_slice(&line).map_err(wrong)?);
        }
    }
    let kept = kept.ok_or_else(|| format!("{shown}: it is empty"))?;
    Ok((kept, records))
}

impl Kept {
    /// The format's name and version.
    pub(crate) fn format() -> String {
        FORMAT.to_owned()
    }

    /// What a run with these records came to, by the judges of this version. `system` is the one that this executable is
    /// for; a system that is nothing but its description brings itself.
    pub(crate) fn judged(&self, records: &[Record], system: &dyn System) -> RunOutcome {
        let alone = self.alone.then(|| DescribedSystem::new(self.described.clone()));
        let system = alone.as_ref().map_or(system, |alone| alone as &dyn System);
        let plan = &self.plan;
        let mut names = sim::Names::default();
        let setup = in_a_live_world(plan, setup(plan, system, &mut names), self.pace, self.alone);
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
        let vacuous =
            why_vacuous(plan, fates, &signals, counters.acknowledged, &judgement, |_| None);
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
            latency: match self.described.groups.as_slice() {
                [only] if self.alone && only == READERS => LatencyRecorder::default(),
                _ => recorder.latency,
            },
            recovery,
            notes: self.notes.clone(),
            said: Vec::new(),
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
