//! Scenarios that reached something first, kept in memory and, if asked, in a folder.
//!
//! In the folder each is a scenario's file like any other, named by the hash of its text; what it reached stands in a
//! comment at its head. Files are written whole or not at all and never changed, so explorers can share a folder, and
//! folders are merged by copying what is not there yet.

use super::coverage::Coverage;
use crate::{
    scenario::{Scenario, parse},
    system::System,
    worker::Reached,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};
use xxhash_rust::xxh3::xxh3_64;

/// The most entries that a corpus has; beyond it, those go that reached nothing that no other did.
const MOST: usize = 2_000;

/// What stands at the head of a file.
const HEAD: &str = "# squall-corpus/1";

/// A scenario, and what it reached.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) scenario: Scenario,
    /// What it reached first.
    pub(super) features: Vec<u64>,
    /// When it reached any of that first, in microseconds.
    pub(super) moments: Vec<u64>,
    /// Which step began when, in microseconds.
    pub(super) began: Vec<(u16, u64)>,
    /// The text of its file.
    text: String,
}

/// Scenarios that reached something first.
#[derive(Debug, Default)]
pub struct Corpus {
    entries: BTreeMap<String, Entry>,
    folder: Option<PathBuf>,
    /// Scenarios' files in the folder that are no entries for this system.
    passed_over: BTreeSet<String>,
}

impl Corpus {
    /// The corpus of a folder, which is made if it is not there. Files that are no entries for this system are left as
    /// they are.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn of_folder(folder: &Path, system: &dyn System) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut corpus = Self { folder: Some(folder.to_owned()), ..Self::default() };
        corpus.refresh(system)?;
        Ok(corpus)
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The names of the scenarios in the folder that are no entries for this system: damaged, of another system, or
    /// nothing that an explorer wrote. They are left as they are.
    #[must_use]
    pub fn passed_over(&self) -> &BTreeSet<String> {
        &self.passed_over
    }

    /// Takes in what others have put into the folder since; returns how many entries came.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn refresh(&mut self, system: &dyn System) -> io::Result<usize> {
        let Some(folder) = &self.folder else { return Ok(0) };
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
        paths.sort();
        let before = self.entries.len();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !name.ends_with(".yaml") || self.entries.contains_key(&name) || !path.is_file() {
                continue;
            }
            let text = match fs::read_to_string(&path) {
                // One that another explorer has just dropped is no mistake.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                text => text,
            };
            match text.ok().and_then(|text| Entry::read(&text, system)) {
                Some(entry) => {
                    self.entries.insert(name, entry);
                }
                None => {
                    self.passed_over.insert(name);
                }
            }
        }
        Ok(self.entries.len() - before)
    }

    /// Takes a scenario in that reached `new` first.
    ///
    /// # Errors
    /// Its file cannot be written.
    pub(super) fn add(
        &mut self,
        scenario: &Scenario,
        written: &str,
        reached: &Reached,
        new: &[u64],
    ) -> io::Result<()> {
        let moments: BTreeSet<u64> =
            new.iter().filter_map(|feature| *reached.features.get(feature)?).collect();
        let began = reached.began.iter().map(|began| (began.step, began.at)).collect();
        let mut entry = Entry {
            scenario: scenario.clone(),
            features: new.to_vec(),
            moments: moments.into_iter().collect(),
            began,
            text: String::new(),
        };
        entry.text = entry.write(written);
        let name = format!("{:016x}.yaml", xxh3_64(written.as_bytes()));
        if let Some(folder) = &self.folder {
            squall_reports::write_atomically(&folder.join(&name), entry.text.as_bytes())
                .map_err(io::Error::other)?;
        }
        self.entries.insert(name, entry);
        if self.entries.len() > MOST {
            self.thin_out();
            self.cut_to(MOST);
        }
        Ok(())
    }

    /// Copies every entry into another corpus's folder that it has not.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn copy_into(&self, other: &mut Self) -> io::Result<usize> {
        let mut copied = 0;
        for (name, entry) in &self.entries {
            if other.entries.contains_key(name) {
                continue;
            }
            if let Some(folder) = &other.folder {
                squall_reports::write_atomically(&folder.join(name), entry.text.as_bytes())
                    .map_err(io::Error::other)?;
            }
            other.entries.insert(name.clone(), entry.clone());
            copied += 1;
        }
        Ok(copied)
    }

    /// Drops entries all of whose features others have, too; returns how many.
    pub fn thin_out(&mut self) -> usize {
        let mut owners: BTreeMap<u64, usize> = BTreeMap::new();
        for entry in self.entries.values() {
            for feature in &entry.features {
                *owners.entry(*feature).or_default() += 1;
            }
        }
        let before = self.entries.len();
        // Longer ones go first: what is short is changed with more effect.
        let mut names: Vec<(usize, String)> =
            self.entries.iter().map(|(name, entry)| (entry.text.len(), name.clone())).collect();
        names.sort_by(|a, b| b.cmp(a));
        for (_, name) in names {
            let Some(entry) = self.entries.get(&name) else { continue };
            let needed = entry.features.iter().any(|feature| owners.get(feature) == Some(&1));
            if needed {
                continue;
            }
            for feature in &entry.features {
                *owners.entry(*feature).or_default() -= 1;
            }
            self.drop_entry(&name);
        }
        before - self.entries.len()
    }

    /// Drops the longest entries beyond a number.
    fn cut_to(&mut self, most: usize) {
        while self.entries.len() > most {
            let longest = self.entries.iter().max_by_key(|(name, entry)| (entry.text.len(), *name));
            let Some(name) = longest.map(|(name, _)| name.clone()) else { return };
            self.drop_entry(&name);
        }
    }

    fn drop_entry(&mut self, name: &str) {
        self.entries.remove(name);
        if let Some(folder) = &self.folder {
            // What is not removed now is dropped again next time.
            let _ = fs::remove_file(folder.join(name));
        }
    }

    /// The entries, by the names of their files.
    pub(super) fn entries(&self) -> Vec<&Entry> {
        self.entries.values().collect()
    }

    /// What is known to have been reached.
    pub(super) fn tell(&self, coverage: &mut Coverage) {
        for entry in self.entries.values() {
            coverage.know(&entry.features);
        }
    }
}

impl Entry {
    fn write(&self, written: &str) -> String {
        let hex: Vec<String> =
            self.features.iter().map(|feature| format!("{feature:016x}")).collect();
        let moments: Vec<String> = self.moments.iter().map(ToString::to_string).collect();
        let began: Vec<String> =
            self.began.iter().map(|(step, at)| format!("{step}@{at}")).collect();
        format!(
            "{HEAD}\n# reached: {}\n# at: {}\n# began: {}\n{written}",
            hex.join(" "),
            moments.join(" "),
            began.join(" ")
        )
    }

    fn read(text: &str, system: &dyn System) -> Option<Self> {
        if !text.starts_with(HEAD) {
            return None;
        }
        let of = |key: &str| text.lines().take(8).find_map(|line| line.strip_prefix(key));
        let words = |key: &str| of(key).unwrap_or_default().split_whitespace();
        let features = words("# reached:").filter_map(|hex| u64::from_str_radix(hex, 16).ok());
        let moments = words("# at:").filter_map(|us| us.parse().ok());
        let began = words("# began:").filter_map(|said| {
            let (step, at) = said.split_once('@')?;
            Some((step.parse().ok()?, at.parse().ok()?))
        });
        Some(Self {
            // Of another system, or another version of squall: nobody's mistake, and of no use.
            scenario: parse("corpus", text.as_bytes(), system).ok()?,
            features: features.collect(),
            moments: moments.collect(),
            began: began.collect(),
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, worker::Began};

    fn put(corpus: &mut Corpus, name: &str, new: &[u64]) {
        let written = format!("name: {name}\nfaults:\n  - {{ at: 1s, crash: leader }}\n");
        let scenario = parse("x", written.as_bytes(), &Sample).unwrap();
        let reached = Reached {
            features: new.iter().map(|feature| (*feature, Some(feature * 10))).collect(),
            began: vec![Began { step: 0, at: 1_000_000, nodes: vec!["broker-1".to_owned()] }],
            ..Reached::default()
        };
        corpus.add(&scenario, &written, &reached, new).unwrap();
    }

    #[test]
    fn what_one_explorer_puts_into_a_folder_another_takes_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut one = Corpus::of_folder(folder.path(), &Sample).unwrap();
        let mut two = Corpus::of_folder(folder.path(), &Sample).unwrap();
        put(&mut one, "a", &[1, 2]);
        fs::write(folder.path().join("other.yaml"), "name: nobody's\n").unwrap();
        fs::write(folder.path().join("half.yaml"), "# squall-corpus/1\nname: [").unwrap();
        assert_eq!(two.refresh(&Sample).unwrap(), 1);
        assert!(two.passed_over().iter().eq(["half.yaml", "other.yaml"]));
        let (mine, theirs) = (one.entries(), two.entries());
        assert_eq!(mine[0].features, theirs[0].features);
        assert_eq!((&mine[0].moments, &mine[0].began), (&theirs[0].moments, &theirs[0].began));
        assert_eq!(theirs[0].began, [(0, 1_000_000)]);
    }

    #[test]
    fn what_others_reached_too_is_dropped_and_nothing_reached_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let mut corpus = Corpus::of_folder(folder.path(), &Sample).unwrap();
        put(&mut corpus, "a", &[1, 2]);
        put(&mut corpus, "b", &[2, 3]);
        put(&mut corpus, "longer", &[1, 3]);
        assert_eq!(corpus.thin_out(), 1);
        let left: BTreeSet<u64> =
            corpus.entries().iter().flat_map(|entry| entry.features.clone()).collect();
        assert_eq!((corpus.len(), left), (2, BTreeSet::from([1, 2, 3])));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_corpus_does_not_grow_without_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut corpus = Corpus::of_folder(folder.path(), &Sample).unwrap();
        for number in 0..5 {
            put(&mut corpus, &format!("{}x", "long ".repeat(number)), &[number as u64]);
        }
        corpus.cut_to(3);
        let left: Vec<u64> = corpus.entries().iter().flat_map(|e| e.features.clone()).collect();
        assert_eq!(left.iter().copied().max(), Some(2), "{left:?}");
        assert_eq!((corpus.len(), fs::read_dir(folder.path()).unwrap().count()), (3, 3));
    }

    #[test]
    fn merging_copies_what_is_not_there() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut from = Corpus::of_folder(from.path(), &Sample).unwrap();
        let mut into = Corpus::of_folder(to.path(), &Sample).unwrap();
        put(&mut from, "a", &[1]);
        put(&mut from, "b", &[2]);
        put(&mut into, "b", &[2]);
        assert_eq!(from.copy_into(&mut into).unwrap(), 1);
        assert_eq!(Corpus::of_folder(to.path(), &Sample).unwrap().len(), 2);
    }
}
