//! A batch divided over machines: which run belongs to which shard.
//!
//! The division is a function of the scenarios, the seeds, the number of shards and, if given, an
//! earlier report; every machine finds the same one. Work is virtual time, which does not depend on the
//! machine: wall time would make the division swing from one batch to the next.

use crate::{runner::Job, scenario::Scenario};
use squall_reports::{Report, Shard};
use std::{cmp::Reverse, collections::BTreeMap, str::FromStr};
use xxhash_rust::xxh3::Xxh3;

/// The most shards of a batch.
const MOST: u32 = 100_000;

/// Virtual time that a run takes beside its workload, in milliseconds: starting, recovering, draining.
const BESIDE_MS: u64 = 2_000;

/// One of several shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub index: u32,
    /// How many there are.
    pub of: u32,
}

/// Why nobody knows which shard this is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// The text is no part.
    #[error("expected I/N, such as 2/5, or auto")]
    Unreadable,
    /// There are not so many.
    #[error("there is no shard {index} of {of}: they count from 1, up to {MOST}")]
    NoSuch {
        /// Which was asked for.
        index: u64,
        /// Of how many.
        of: u64,
    },
    /// A variable of the environment holds no number.
    #[error("{variable} is \"{text}\", no number")]
    NoNumber {
        /// Its name.
        variable: String,
        /// What it holds.
        text: String,
    },
    /// A variable of the environment holds no number that can follow the first.
    #[error("{variable} is {raw}, and the first is {first}")]
    NotCounted {
        /// Its name.
        variable: &'static str,
        /// What it holds.
        raw: u64,
        /// From which number its engine counts.
        first: u64,
    },
    /// What an engine says makes no sense.
    #[error("{engine}: {error}")]
    Engine {
        /// Which engine.
        engine: &'static str,
        /// What is wrong.
        #[source]
        error: Box<Self>,
    },
    /// An engine says which shard this is, and not of how many.
    #[error("{engine} sets {index}, and nobody says how many shards there are: set {of}")]
    NoCount {
        /// Which engine.
        engine: &'static str,
        /// The variable that it sets.
        index: &'static str,
        /// The variable that is missing.
        of: &'static str,
    },
    /// Nobody says which shard this is.
    #[error("no engine says which shard this is; known are {}", known_engines())]
    NoEngine,
    /// Engines say different things.
    #[error("several engines say which shard this is, and differ: {}", engines_that_differ(.0))]
    Differ(Vec<(&'static str, Part)>),
}

fn known_engines() -> String {
    let all = ENGINES.iter().map(|engine| format!("{} ({})", engine.name, engine.index));
    all.collect::<Vec<_>>().join(", ")
}

fn engines_that_differ(found: &[(&'static str, Part)]) -> String {
    let all = found.iter().map(|(name, part)| format!("{name} {}/{}", part.index, part.of));
    all.collect::<Vec<_>>().join(", ")
}

impl Part {
    /// One of several, if there is such a one.
    ///
    /// # Errors
    /// There is none.
    pub fn new(index: u64, of: u64) -> Result<Self, PartError> {
        match (u32::try_from(index), u32::try_from(of)) {
            (Ok(index), Ok(of)) if (1..=MOST).contains(&of) && (1..=of).contains(&index) => {
                Ok(Self { index, of })
            }
            _ => Err(PartError::NoSuch { index, of }),
        }
    }

    /// What the engine that started this process says in its environment: Kubernetes Indexed Jobs
    /// and GitHub count from 0, GitLab from 1, Slurm from whatever its array begins with.
    ///
    /// # Errors
    /// No engine says it, or several do and differ, or what it says makes no sense.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, PartError> {
        let number = |name: &str| -> Result<Option<u64>, PartError> {
            let Some(text) = variable(name) else { return Ok(None) };
            let no_number =
                |_| PartError::NoNumber { variable: name.to_owned(), text: text.clone() };
            text.trim().parse().map(Some).map_err(no_number)
        };
        let mut found: Vec<(&'static str, Self)> = Vec::new();
        for engine in ENGINES {
            let Some(raw) = number(engine.index)? else { continue };
            let mut of = None;
            for name in engine.of {
                of = of.or(number(name)?);
            }
            let Some(of) = of else {
                let (index, of) = (engine.index, engine.of[0]);
                return Err(PartError::NoCount { engine: engine.name, index, of });
            };
            let first = match engine.first {
                First::Is(first) => first,
                First::In(name) => number(name)?.unwrap_or(0),
            };
            let step = engine.step.map_or(Ok(None), number)?.unwrap_or(1).max(1);
            let index = raw
                .checked_sub(first)
                .filter(|above| above.is_multiple_of(step))
                .and_then(|above| (above / step).checked_add(1));
            let part = index
                .ok_or(PartError::NotCounted { variable: engine.index, raw, first })
                .and_then(|index| Self::new(index, of))
                .map_err(|error| PartError::Engine {
                    engine: engine.name,
                    error: Box::new(error),
                })?;
            found.push((engine.name, part));
        }
        match found.as_slice() {
            [] => Err(PartError::NoEngine),
            [(_, part), others @ ..] if others.iter().all(|(_, other)| other == part) => Ok(*part),
            _ => Err(PartError::Differ(found)),
        }
    }
}

impl FromStr for Part {
    type Err = PartError;

    fn from_str(text: &str) -> Result<Self, PartError> {
        let numbers = text
            .split_once('/')
            .and_then(|(index, of)| Some((index.parse::<u64>().ok()?, of.parse::<u64>().ok()?)));
        let (index, of) = numbers.ok_or(PartError::Unreadable)?;
        Self::new(index, of)
    }
}

/// Where an engine says which part this process is.
struct Engine {
    name: &'static str,
    index: &'static str,
    of: &'static [&'static str],
    first: First,
    step: Option<&'static str>,
}

/// What an engine counts from.
enum First {
    Is(u64),
    In(&'static str),
}

const ENGINES: &[Engine] = &[
    Engine {
        name: "Kubernetes",
        index: "JOB_COMPLETION_INDEX",
        // Kubernetes itself does not tell how many there are.
        of: &["SQUALL_SHARDS", "JOB_COMPLETIONS"],
        first: First::Is(0),
        step: None,
    },
    Engine {
        name: "Slurm",
        index: "SLURM_ARRAY_TASK_ID",
        of: &["SLURM_ARRAY_TASK_COUNT"],
        first: First::In("SLURM_ARRAY_TASK_MIN"),
        step: Some("SLURM_ARRAY_TASK_STEP"),
    },
    Engine {
        name: "GitLab",
        index: "CI_NODE_INDEX",
        of: &["CI_NODE_TOTAL"],
        first: First::Is(1),
        step: None,
    },
    Engine {
        name: "GitHub",
        index: "SQUALL_SHARD_INDEX",
        of: &["SQUALL_SHARD_TOTAL"],
        first: First::Is(0),
        step: None,
    },
];

/// The shard of each job, from 1, and what the report says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Division {
    /// By job.
    pub shards: Vec<u32>,
    /// Hash of all that was divided, in hexadecimal.
    pub hash: String,
}

/// The work of each job, in milliseconds of virtual time: what its scenario took in an earlier report, else the length
/// of its workload and what a run takes beside. One that is executed twice counts twice.
#[must_use]
pub fn weights(jobs: &[Job], scenarios: &[Scenario], earlier: Option<&Report>) -> Vec<u64> {
    let work = work(scenarios, earlier);
    jobs.iter().map(|job| work[job.scenario] * if job.verify { 2 } else { 1 }).collect()
}

impl Division {
    /// Divides jobs into `of` shards of about equal work, by what their scenarios took in an earlier
    /// report, else by the length of their workloads.
    #[must_use]
    pub fn new(jobs: &[Job], scenarios: &[Scenario], of: u32, earlier: Option<&Report>) -> Self {
        let weights = weights(jobs, scenarios, earlier);
        // The heaviest first, each to the shard that has the least (Graham 1969).
        let mut order: Vec<usize> = (0..jobs.len()).collect();
        order.sort_by_key(|index| (Reverse(weights[*index]), *index));
        let mut loads: std::collections::BinaryHeap<Reverse<(u64, u32)>> =
            (1..=of).map(|shard| Reverse((0, shard))).collect();
        let mut shards = vec![1; jobs.len()];
        for index in order {
            if let Some(Reverse((load, shard))) = loads.pop() {
                shards[index] = shard;
                loads.push(Reverse((load.saturating_add(weights[index]), shard)));
            }
        }
        let mut hash = Xxh3::new();
        for (job, shard) in jobs.iter().zip(&shards) {
            let scenario = &scenarios[job.scenario];
            hash.update(scenario.path.as_bytes());
            hash.update(scenario.hash.as_bytes());
            hash.update(&job.seed.to_le_bytes());
            hash.update(&[u8::from(job.verify)]);
            hash.update(&shard.to_le_bytes());
        }
        Self { shards, hash: format!("{:032x}", hash.digest128()) }
    }

    /// What a report says of one part.
    #[must_use]
    pub fn shard(&self, part: Part) -> Shard {
        Shard { index: part.index, of: part.of, division: self.hash.clone() }
    }
}

/// Milliseconds of virtual time of a run of each scenario.
fn work(scenarios: &[Scenario], earlier: Option<&Report>) -> Vec<u64> {
    let known: BTreeMap<&str, u64> = earlier
        .into_iter()
        .flat_map(|report| &report.scenarios)
        .filter(|scenario| !scenario.runs.is_empty())
        .map(|scenario| {
            let sum = scenario.runs.iter().map(|run| run.sim_ms).fold(0, u64::saturating_add);
            (scenario.path.as_str(), sum / scenario.runs.len() as u64)
        })
        .collect();
    scenarios
        .iter()
        .map(|scenario| {
            let offered = f64::from(scenario.workload.events) * 1e3 / scenario.workload.rate;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let guess = offered as u64 + BESIDE_MS;
            // Whatever a report says, nothing overflows.
            known.get(scenario.id().as_str()).copied().unwrap_or(guess).clamp(1, 1 << 40)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(variables: &[(&str, &str)]) -> Result<(u32, u32), PartError> {
        let known: BTreeMap<&str, &str> = variables.iter().copied().collect();
        let variable = |name: &str| known.get(name).map(|text| (*text).to_owned());
        Part::from_environment(variable).map(|part| (part.index, part.of))
    }

    #[test]
    fn every_engine_counts_in_its_own_way() {
        let kubernetes = [("JOB_COMPLETION_INDEX", "0"), ("SQUALL_SHARDS", "4")];
        assert_eq!(auto(&kubernetes), Ok((1, 4)));
        assert_eq!(auto(&[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "4")]), Ok((4, 4)));
        assert_eq!(auto(&[("SQUALL_SHARD_INDEX", "3"), ("SQUALL_SHARD_TOTAL", "4")]), Ok((4, 4)));
        let slurm = |id, min| {
            auto(&[
                ("SLURM_ARRAY_TASK_ID", id),
                ("SLURM_ARRAY_TASK_MIN", min),
                ("SLURM_ARRAY_TASK_COUNT", "3"),
                ("SLURM_ARRAY_TASK_STEP", "2"),
            ])
        };
        assert_eq!(slurm("0", "0"), Ok((1, 3)));
        assert_eq!(slurm("5", "1"), Ok((3, 3)));
        assert!(slurm("4", "1").is_err());
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let told = |variables: &[_]| auto(variables).unwrap_err().to_string();
        let none = told(&[]);
        assert!(none.contains("Kubernetes (JOB_COMPLETION_INDEX)"), "{none}");
        let half = told(&[("JOB_COMPLETION_INDEX", "0")]);
        assert!(half.contains("set SQUALL_SHARDS"), "{half}");
        let word = told(&[("CI_NODE_INDEX", "x"), ("CI_NODE_TOTAL", "4")]);
        assert!(word.contains("CI_NODE_INDEX is \"x\""), "{word}");
        assert!(auto(&[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "4")]).is_err());
        assert!(auto(&[("CI_NODE_INDEX", "5"), ("CI_NODE_TOTAL", "4")]).is_err());
        let two = told(&[
            ("CI_NODE_INDEX", "1"),
            ("CI_NODE_TOTAL", "4"),
            ("JOB_COMPLETION_INDEX", "1"),
            ("SQUALL_SHARDS", "4"),
        ]);
        assert!(two.contains("Kubernetes 2/4, GitLab 1/4"));
        for bad in ["", "1", "0/3", "4/3", "1/0", "a/b", "1/2/3", "-1/2", "1/99999999999999999999"]
        {
            assert!(bad.parse::<Part>().is_err(), "{bad}");
        }
        assert_eq!("2/3".parse(), Ok(Part { index: 2, of: 3 }));
    }

    #[test]
    fn a_division_is_disjoint_whole_and_balanced_by_an_earlier_report() {
        use crate::{sample::Sample, scenario::parse};
        use squall_reports::{Run, ScenarioReport};
        let scenarios: Vec<_> = ["a", "b", "c"]
            .map(|name| {
                let text = format!("name: {name}\n");
                parse(name, text.as_bytes(), &Sample).unwrap()
            })
            .into();
        let jobs: Vec<Job> = (0..3)
            .flat_map(|scenario| (1..=20).map(move |seed| Job { scenario, seed, verify: false }))
            .collect();
        let report = Report {
            scenarios: vec![ScenarioReport {
                path: "a".into(),
                runs: vec![Run { sim_ms: 90_000, ..Run::default() }],
                ..ScenarioReport::default()
            }],
            ..Report::default()
        };
        for earlier in [None, Some(&report)] {
            for of in [1, 2, 3, 7, 61] {
                let division = Division::new(&jobs, &scenarios, of, earlier);
                assert_eq!(division, Division::new(&jobs, &scenarios, of, earlier));
                let work = work(&scenarios, earlier);
                let mut loads = vec![0; of as usize];
                for (job, shard) in jobs.iter().zip(&division.shards) {
                    loads[*shard as usize - 1] += work[job.scenario];
                }
                let (least, most) = (loads.iter().min().unwrap(), loads.iter().max().unwrap());
                assert!(most - least <= *work.iter().max().unwrap(), "{loads:?}");
            }
        }
        let hash = |of| Division::new(&jobs, &scenarios, of, None).hash;
        assert_ne!(hash(2), hash(3));
    }
}
