//! What the processes of a node write down, read as it comes; and what they are told of fault points, which they write down.

use crate::{
    live::beside::Beside,
    plan::{Plan, Start},
    scenario::Condition,
};
use squall_probe::{
    Name, Record,
    live::{self, Part},
};
use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

/// The file to which all processes of a node append.
#[derive(Debug)]
pub(super) struct Tape {
    path: PathBuf,
    /// As soon as a process has made it.
    file: Option<File>,
    /// The begin of what is not written to its end yet.
    rest: Vec<u8>,
    /// The names in what was read, by their numbers there.
    names: BTreeMap<Name, Name>,
}

/// What was read since the last time.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// In the order in which they were written.
    pub(super) records: Vec<Record>,
    /// In words and in numbers, with times of the machine's monotonic clock.
    pub(super) beside: Beside,
    /// Passed fault points, one entry a passage.
    pub(super) passed: Vec<Name>,
    /// Faults, by their index in the plan, that wait for a passage that has come: the process stands still.
    pub(super) reached: Vec<usize>,
}

impl Tape {
    /// Nothing has been written yet.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: None, rest: Vec::new(), names: BTreeMap::new() }
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what was written since the last call; `name` numbers the names in it.
    pub(super) fn read(&mut self, name: &mut dyn FnMut(&str) -> Name) -> Heard {
        let mut heard = Heard::default();
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        // What cannot be read now may be the next time: nothing that was read is read again.
        let _ = self.file.as_mut().map(|file| file.read_to_end(&mut self.rest));
        let (parts, read) = live::parts(&self.rest);
        self.rest.drain(..read);
        for part in parts {
            match part {
                Part::Name(number, text) => {
                    self.names.insert(number, name(&text));
                }
                Part::Record { at, node, mut what } => {
                    for number in what.names_mut() {
                        *number = self.names.get(number).copied().unwrap_or(*number);
                    }
                    heard.records.push(Record { at, node, what });
                }
                Part::Passed(number) => {
                    heard.passed.push(self.names.get(&number).copied().unwrap_or(number));
                }
                Part::Reached { trigger } => heard.reached.push(trigger as usize),
                Part::Said { at, node, text } => heard.beside.said.push((at, node, text)),
                Part::Measured(measured) => heard.beside.measured.push(measured),
            }
        }
        heard
    }
}

/// Faults that wait at a fault point, as processes are told of them.
pub(super) fn armed(plan: &Plan, folder: &Path) -> String {
    let lines = plan.faults.iter().enumerate().filter_map(|(index, planned)| {
        let Start::When { condition: Condition::Reaches { point, hit }, .. } = &planned.start
        else {
            return None;
        };
        let counter = folder.join(format!("passages-{index}"));
        Some(format!("{index} {hit} {point} {}", counter.display()))
    });
    lines.collect::<Vec<String>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_probe::{NodeId, What};
    use std::io::Write as _;

    /// A part as a process writes it.
    fn written(part: &Part) -> Vec<u8> {
        let bytes = postcard::to_stdvec(part).expect("it can be written");
        let length = u32::try_from(bytes.len()).expect("it is short");
        [&length.to_le_bytes(), bytes.as_slice()].concat()
    }

    #[test]
    fn what_is_written_in_pieces_is_heard_once_and_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut tape = Tape::new(folder.path().join("records"));
        let mut names = Vec::new();
        let mut heard = |tape: &mut Tape| {
            tape.read(&mut |text| {
                names.push(text.to_owned());
                Name(7)
            })
        };
        assert!(heard(&mut tape).records.is_empty(), "no process has run yet");
        let signal = What::Signal { signal: Name(0) };
        let bytes = [
            written(&Part::Name(Name(0), "billing".to_owned())),
            written(&Part::Record { at: 5, node: NodeId(1), what: signal }),
            written(&Part::Said { at: 6, node: NodeId(1), text: "so".to_owned() }),
            written(&Part::Passed(Name(0))),
            written(&Part::Reached { trigger: 3 }),
        ]
        .concat();
        let mut file = File::create(tape.path()).expect("a file");
        let mut all = Heard::default();
        for byte in bytes {
            file.write_all(&[byte]).expect("it is written");
            let Heard { records, beside, passed, reached } = heard(&mut tape);
            all.beside.extend(beside);
            all.records.extend(records);
            all.passed.extend(passed);
            all.reached.extend(reached);
        }
        let what = What::Signal { signal: Name(7) };
        assert_eq!(all.beside.said, [(6, NodeId(1), "so".to_owned())]);
        assert_eq!(all.records, [Record { at: 5, node: NodeId(1), what }]);
        assert_eq!(
            (all.passed.as_slice(), all.reached.as_slice()),
            ([Name(7)].as_slice(), [3].as_slice())
        );
        assert_eq!(names, ["billing"]);
    }
}
