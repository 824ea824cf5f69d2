//! Histories in files: what can be judged again, and told again, where a run cannot be made again.
//!
//! A file is gzip of lines of JSON: first what it is of; then events, messages, faults and troubles as they came; last what is
//! known of the run beside.

use crate::{findings::Anomaly, history::Event};
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
    path::Path,
};

/// The name and major version of the format of histories.
const FORMAT: &str = "squall-maelstrom-history/1";

/// What a history is of: its first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Always `squall-maelstrom-history/1`.
    pub format: String,
    /// What the run is called: the name of a scenario.
    pub title: String,
    /// The workload.
    pub workload: String,
    /// The command of each node.
    pub command: Vec<String>,
    /// Their names.
    pub nodes: Vec<String>,
    /// The seed of what was drawn.
    pub seed: u64,
}

impl Header {
    pub(crate) fn new(
        title: &str,
        workload: &str,
        command: &[String],
        nodes: &[String],
        seed: u64,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            title: title.to_owned(),
            workload: workload.to_owned(),
            command: command.to_vec(),
            nodes: nodes.to_vec(),
            seed,
        }
    }
}

/// What is known of a run beside what happened: the last line of its history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Something was done to messages or nodes.
    pub faults: bool,
    /// How late the network itself was at most, in microseconds.
    pub lateness_us: u64,
    /// How long it took from when nodes were ready, in microseconds.
    pub took_us: u64,
    /// Why it proves nothing, as whoever did the faults knows.
    pub vacuous: Vec<String>,
    /// Why nobody can say whether it passed.
    pub inconclusive: Vec<String>,
}

/// A history that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptHistory {
    /// What it is of.
    pub header: Header,
    /// Operations.
    pub events: Vec<Event>,
    /// What nodes did that the protocol forbids.
    pub troubles: Vec<Anomaly>,
    /// When faults began and ended, in microseconds, and what they did.
    pub faults: Vec<(u64, String)>,
    /// None: the run was killed.
    pub end: Option<End>,
}

/// Whether a file begins as such a history does.
#[must_use]
pub fn is_history(path: &Path) -> bool {
    let first = |path: &Path| -> io::Result<Header> {
        let mut line = String::new();
        BufReader::new(GzDecoder::new(File::open(path)?)).take(1 << 20).read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    };
    first(path).is_ok_and(|header| header.format == FORMAT)
}

/// Reads a history.
///
/// # Errors
/// The file cannot be read, or a line of it is not what it should be: its number, and why.
pub fn read(path: &Path) -> Result<KeptHistory, String> {
    let told = |error: io::Error| format!("{}: {error}", path.display());
    let file = File::open(path).map_err(told)?;
    let mut lines = BufReader::new(GzDecoder::new(BufReader::new(file))).lines();
    let first = lines.next().transpose().map_err(told)?.unwrap_or_default();
    let header: Header = serde_json::from_str(&first)
        .map_err(|error| format!("{}: line 1: no history of ours: {error}", path.display()))?;
    if header.format != FORMAT {
        return Err(format!("{}: line 1: format {}, not {FORMAT}", path.display(), header.format));
    }
    let mut kept = KeptHistory {
        header,
        events: Vec::new(),
        troubles: Vec::new(),
        faults: Vec::new(),
        end: None,
    };
    for (number, line) in (2..).zip(lines) {
        let line = line.map_err(|error| format!("{}: line {number}: {error}", path.display()))?;
        let wrong =
            |error: serde_json::Error| format!("{}: line {number}: {error}", path.display());
        let mut value: Value = serde_json::from_str(&line).map_err(wrong)?;
        let text = |of: &Value, field: &str| of[field].as_str().unwrap_or_default().to_owned();
        if let Some(event) = value.get_mut("event") {
            kept.events.push(serde_json::from_value(event.take()).map_err(wrong)?);
        } else if let Some(trouble) = value.get("trouble") {
            kept.troubles.push(Anomaly::of_node(&text(trouble, "name"), text(trouble, "about")));
        } else if let Some(fault) = value.get("fault") {
            kept.faults.push((fault["time"].as_u64().unwrap_or(0), text(fault, "what")));
        } else if let Some(end) = value.get_mut("end") {
            kept.end = Some(serde_json::from_value(end.take()).map_err(wrong)?);
        }
    }
    Ok(kept)
}
