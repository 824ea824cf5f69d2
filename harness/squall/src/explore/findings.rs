//! What was found: one finding a cause, with the smallest scenario that shows it.

use crate::{scenario::Scenario, shrink::Cause};
use serde::Serialize;
use std::{collections::BTreeSet, path::PathBuf};

/// Of one cause at most this many are made small: they can hide different mistakes, and many hide none.
const OF_A_CAUSE: usize = 3;

/// A failure that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Why it fails.
    pub cause: Cause,
    /// What was violated, in words.
    pub summary: String,
    /// The scenario that shows it.
    pub file: PathBuf,
    /// Its faults' kinds.
    pub faults: BTreeSet<String>,
    /// How many steps the scenario has, and had when it was found.
    pub steps: (usize, usize),
    /// How many events it publishes.
    pub events: u32,
    /// Scenarios that were tried to make it small.
    pub tried: u32,
    /// Whether nothing simpler is left to be tried.
    pub complete: bool,
    /// With how many seeds of how many it fails for this cause.
    pub fails: (u32, u32),
    /// With how many of these seeds it fails otherwise.
    pub fails_otherwise: u32,
    /// Whether it was interrupted, or the time was over, before it was small: exploring again with the same folder goes on
    /// with it.
    pub unfinished: bool,
    /// The seed and the number of the run that found it.
    pub found_by: String,
    /// That number, counted from 1; none if an earlier explorer found it.
    pub after_runs: Option<u64>,
    /// How long it took to find, in milliseconds.
    pub after_ms: Option<u64>,
    /// Runs that showed it.
    pub runs: u64,
    /// What the scenario was drawn from.
    pub drawn_from: String,
    /// Why it is not to be trusted: it did not replay.
    pub unstable: Option<String>,
}

impl Finding {
    /// How firmly it stands, in words.
    #[must_use]
    pub fn firmness(&self) -> String {
        let (fails, of) = self.fails;
        let otherwise = match self.fails_otherwise {
            0 => String::new(),
            more => format!(", otherwise with {more}"),
        };
        format!("fails with {fails} of {of} seeds{otherwise}")
    }
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// A run failed: whether a finding explains it already. One does whose cause it shares and whose faults it has.
    pub(super) fn explains(&mut self, cause: &Cause, scenario: &Scenario) -> bool {
        let kinds = kinds(scenario);
        let alike = |finding: &&mut Finding| finding.cause.first == cause.first;
        let of_cause = self.0.iter().filter(|finding| finding.cause.first == cause.first).count();
        let mut same = self.0.iter_mut().filter(alike);
        let explained = if of_cause >= OF_A_CAUSE {
            same.next()
        } else {
            same.find(|finding| finding.faults.is_subset(&kinds))
        };
        explained.map(|finding| finding.runs += 1).is_some()
    }

    /// Puts a finding in; one of the same cause and the same faults is the same, and the smaller stays. Tells whether it
    /// is new.
    pub(super) fn add(&mut self, finding: Finding) -> bool {
        let same = self.0.iter_mut().find(|known| {
            known.cause.first == finding.cause.first && known.faults == finding.faults
        });
        match same {
            Some(known) => {
                known.runs += finding.runs;
                false
            }
            None => {
                self.0.push(finding);
                true
            }
        }
    }

    /// All of them, in the order in which they were found.
    pub(super) fn all(&self) -> &[Finding] {
        &self.0
    }
}

/// The kinds of a scenario's faults.
pub(super) fn kinds(scenario: &Scenario) -> BTreeSet<String> {
    scenario.faults.iter().map(|step| step.fault.kind.key.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario::parse};

    fn finding(first: &str, faults: &[&str]) -> Finding {
        Finding {
            cause: Cause { first: first.to_owned(), all: BTreeSet::from([first.to_owned()]) },
            summary: String::new(),
            file: PathBuf::new(),
            faults: faults.iter().map(|fault| (*fault).to_owned()).collect(),
            steps: (1, 3),
            events: 10,
            tried: 0,
            complete: true,
            fails: (10, 10),
            fails_otherwise: 0,
            unfinished: false,
            found_by: "seed 1, run 1".to_owned(),
            after_runs: Some(1),
            after_ms: Some(1),
            runs: 1,
            drawn_from: String::new(),
            unstable: None,
        }
    }

    fn scenario(faults: &str) -> Scenario {
        parse("x", format!("name: x\nfaults: [{faults}]\n").as_bytes(), &Sample).unwrap()
    }

    #[test]
    fn how_firmly_it_stands_says_what_fails_otherwise() {
        let firm = finding("no_loss", &["crash"]);
        assert_eq!(firm.firmness(), "fails with 10 of 10 seeds");
        let rare = Finding { fails: (1, 10), fails_otherwise: 9, ..firm };
        assert_eq!(rare.firmness(), "fails with 1 of 10 seeds, otherwise with 9");
    }

    #[test]
    fn a_failure_is_explained_by_a_finding_whose_faults_it_has() {
        let mut findings = Findings::default();
        assert!(findings.add(finding("no_loss", &["crash"])));
        assert!(!findings.add(finding("no_loss", &["crash"])));
        let cause = finding("no_loss", &[]).cause;
        let more = scenario("{ at: 1s, crash: leader }, { at: 1s, pause: leader }");
        assert!(findings.explains(&cause, &more));
        assert!(!findings.explains(&cause, &scenario("{ at: 1s, pause: leader }")));
        assert!(!findings.explains(&finding("order", &[]).cause, &more));
        assert_eq!(findings.all()[0].runs, 3);
    }
}
