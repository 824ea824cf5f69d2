//! A plan: a scenario with every draw made. With it, nothing about a run is left open.
//!
//! Whom a fault hits can depend on what happens (`leader`): then the plan holds the draw by which the
//! choice will be made among the candidates of that moment.

use crate::{
    scenario::{Allow, Condition, Expect, Fault, Network, Scenario, Trigger, Workload},
    stream::Stream,
    system::{Event, Poison, System},
};
use serde::{Deserialize, Serialize};
use squall_probe::EventId;
use std::{collections::BTreeMap, fmt::Write as _, time::Duration};
use xxhash_rust::xxh3::xxh3_64;

/// Microseconds of virtual time.
pub type Micros = u64;

/// A run, fully determined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The seed of every stream.
    pub seed: u64,
    /// The scenario's name.
    pub scenario: String,
    /// The nodes, in the order of their ids.
    pub nodes: Vec<PlannedNode>,
    /// Link latency.
    pub network: Network,
    /// How far virtual time moves in one step, in milliseconds.
    pub tick_ms: u32,
    /// What the clients do.
    pub workload: Workload,
    /// How long offering the workload takes.
    pub workload_us: Micros,
    /// How long the system is watched after it has converged.
    pub settle_us: Micros,
    /// Every occurrence of every fault.
    pub faults: Vec<PlannedFault>,
    /// Limits of the liveness invariants.
    pub expect: Vec<Expect>,
    /// Of each of these lists of invariants one must be violated, and all may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violates: Vec<Vec<String>>,
    /// Signals without which the run proves nothing.
    pub must_see: Vec<String>,
    /// Signals that fail the run if they are seen.
    #[serde(default)]
    pub must_not_see: Vec<String>,
    /// What may get past the simulation.
    #[serde(default)]
    pub allow: Vec<Allow>,
    /// Defects switched on in the system.
    pub defects: Vec<String>,
}

/// A node of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedNode {
    /// `broker-1`
    pub name: String,
    /// `broker`
    pub role: String,
    /// Counts from 1 within the role.
    pub index: u32,
    /// The zone it is in, if it is in one.
    pub zone: Option<String>,
}

/// One occurrence of a fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedFault {
    /// Index of the step in the scenario; what records call the fault.
    pub step: u16,
    /// Which occurrence of the step this is, from 0.
    pub occurrence: u32,
    /// The step's line in the scenario file.
    pub line: u32,
    /// When it begins.
    pub start: Start,
    /// How long it lasts; `None`: until everything is healed.
    pub lasts: Option<Micros>,
    /// A crashed node is started again after this; `None`: when everything is healed.
    pub restart_after: Option<Micros>,
    /// The draw that chooses among the candidates for the target.
    pub draw: u64,
    /// What goes wrong.
    pub fault: Fault,
}

/// When a fault begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Start {
    /// At this time.
    At(Micros),
    /// When a condition is met, if it is met by the limit.
    When {
        /// The condition.
        condition: Condition,
        /// If it has not been met by then, the run proves nothing.
        limit: Micros,
        /// So much later it begins.
        #[serde(default)]
        delay: Micros,
    },
}

impl Start {
    /// How much later than its condition is met a fault begins.
    pub(crate) fn delay(&self) -> Micros {
        match self {
            Self::At(_) => 0,
            Self::When { delay, .. } => *delay,
        }
    }
}

/// A publish that a client will be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedPublish {
    /// When.
    pub at: Micros,
    /// Index of the client among the nodes that run clients.
    pub client: usize,
    /// What.
    pub event: Event,
}

/// A trigger that waits is given up this long after the workload has been offered.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a system is watched after it has converged, if the scenario does not say.
const SETTLE: Duration = Duration::from_secs(2);

/// Every seed of this many, the first included, is watched longer, so that a timer that is later still shows in
/// a batch without every run paying for it.
const LONG_SETTLE_EVERY: u64 = 10;

/// How long.
const LONG_SETTLE: Duration = Duration::from_secs(10);

fn settle(scenario: &Scenario, seed: u64) -> Micros {
    let usual = if seed % LONG_SETTLE_EVERY == 1 { LONG_SETTLE } else { SETTLE };
    micros(scenario.settle.unwrap_or(usual))
}

/// A time of a scenario, or of a run, in microseconds.
pub(crate) fn micros(duration: Duration) -> Micros {
    u64::try_from(duration.as_micros()).expect("no time in a scenario or a run is 500,000 years")
}

impl Plan {
    /// Draws the plan of `scenario` for `seed`.
    #[must_use]
    pub fn new(scenario: &Scenario, seed: u64, system: &dyn System, defects: &[String]) -> Self {
        let nodes = scenario
            .nodes
            .iter()
            .flat_map(|(role, count)| (1..=*count).map(move |index| (role, index)))
            .map(|(role, index)| {
                let name = system.node_name(role, index);
                let zone = scenario.zones.iter().find(|(_, members)| members.contains(&name));
                let zone = zone.map(|(zone, _)| zone.clone());
                PlannedNode { name, role: role.clone(), index, zone }
            })
            .collect();
        debug_assert!(
            scenario.nodes.iter().all(|(r, _)| system.roles().iter().any(|s| s.name == r))
        );
        let workload_us = workload_length(&scenario.workload);
        let mut faults = Vec::new();
        let mut alike: BTreeMap<u64, u64> = BTreeMap::new();
        for (index, step) in scenario.faults.iter().enumerate() {
            // A fault's draws follow from what the scenario says of it, not from where it stands or how it is read:
            // another one before it moves nothing. Of faults that say the same, each has its own.
            let text = xxh3_64(step.text.as_bytes());
            let twin = alike.entry(text).or_default();
            let identity = [text, *twin];
            *twin += 1;
            let starts = match &step.trigger {
                Trigger::At(at) => vec![Start::At(micros(*at))],
                Trigger::Between(from, to) => {
                    let mut stream = Stream::new(seed, "start", &identity);
                    vec![Start::At(stream.between(micros(*from), micros(*to)))]
                }
                Trigger::Every(period) => {
                    let period = micros(*period).max(1);
                    let until = step.until.map_or(workload_us, micros).min(workload_us);
                    (1..).map(|k| k * period).take_while(|at| *at < until).map(Start::At).collect()
                }
                Trigger::When(condition) => vec![Start::When {
                    condition: condition.clone(),
                    limit: limit(scenario, index, workload_us),
                    delay: step.delay.map_or(0, micros),
                }],
            };
            let lasts = step.lasts.map(micros).or(match &step.trigger {
                Trigger::Every(period) if step.fault.kind.lasts => Some(micros(*period) / 2),
                _ => None,
            });
            for (occurrence, start) in starts.into_iter().enumerate() {
                let draw = Stream::new(seed, "target", &[text, identity[1], occurrence as u64])
                    .between(0, u64::MAX);
                faults.push(PlannedFault {
                    step: u16::try_from(index).expect("a scenario has fewer than 65,536 steps"),
                    occurrence: u32::try_from(occurrence)
                        .expect("a run has time for fewer than 2^32 occurrences"),
                    line: step.line,
                    start,
                    lasts,
                    restart_after: step.restart_after.map(micros),
                    draw,
                    fault: step.fault.clone(),
                });
            }
        }
        let (known, kept): (Vec<_>, Vec<_>) =
            scenario.violates.iter().partition(|known| known.holds_for(system.variant()));
        let mut expect = scenario.expect.clone();
        let names = kept.into_iter().flat_map(|kept| &kept.names);
        expect.extend(names.map(|name| Expect { name: name.clone(), limit: None }));
        Self {
            seed,
            scenario: scenario.name.clone(),
            nodes,
            network: scenario.network.clone(),
            // A tick above the smallest latency would stretch round trips.
            tick_ms: shortest(&scenario.network).clamp(1, 5),
            workload: scenario.workload.clone(),
            workload_us,
            settle_us: settle(scenario, seed),
            faults,
            expect,
            violates: known.into_iter().map(|known| known.names.clone()).collect(),
            must_see: scenario.must_see.clone(),
            must_not_see: scenario.must_not_see.clone(),
            allow: scenario.allow.clone(),
            defects: defects.to_vec(),
        }
    }

    /// What the clients publish, in the order of time. A key belongs to one client, because order is
    /// promised for each key of a producer.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn publishes(&self, clients: usize) -> Vec<PlannedPublish> {
        let mut times = Stream::new(self.seed, "arrival", &[]);
        let mut keys = Stream::new(self.seed, "key", &[]);
        let mut poisons = Stream::new(self.seed, "poison", &[]);
        let mut kinds = Stream::new(self.seed, "kind of poison", &[]);
        let gap = 1e6 / self.workload.rate;
        (0..self.workload.events)
            .map(|index| {
                let key = keys.between(0, u64::from(self.workload.keys.max(1)) - 1) as u32;
                PlannedPublish {
                    at: ((f64::from(index) + times.share()) * gap) as Micros,
                    client: key as usize % clients.max(1),
                    event: Event {
                        id: EventId(u64::from(index) + 1),
                        key,
                        size: self.workload.size,
                        poison: (poisons.share() < self.workload.poison)
                            .then(|| Poison::by_draw(kinds.between(0, u64::MAX))),
                    },
                }
            })
            .collect()
    }

    /// The plan in words: its faults, and of the publishes how many there are; or in `full`, with every drawn value.
    #[must_use]
    pub fn describe(&self, clients: &[&str], full: bool) -> String {
        let mut out = String::new();
        let nodes: Vec<_> = self.nodes.iter().map(|node| node.name.as_str()).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "plan of \"{}\", seed {}", self.scenario, self.seed);
        let _ = writeln!(out, "nodes: {}", nodes.join(" "));
        let between = self.network.between_zones.map_or(String::new(), |(min_ms, max_ms)| {
            format!(", between zones {min_ms}ms..{max_ms}ms")
        });
        let _ = writeln!(
            out,
            "network: {}ms..{}ms{between}, steps of {}ms",
            self.network.min_ms, self.network.max_ms, self.tick_ms
        );
        if !self.defects.is_empty() {
            let _ = writeln!(out, "defects: {}", self.defects.join(" "));
        }
        let _ = writeln!(out, "watched for {} after converging", seconds(self.settle_us));
        let _ = writeln!(out, "faults: {}", self.faults.len());
        let mut told: BTreeMap<u16, usize> = BTreeMap::new();
        for fault in &self.faults {
            let told = told.entry(fault.step).or_default();
            *told += 1;
            if full || *told <= TOLD {
                let _ = writeln!(out, "  {}", fault.describe(full));
            } else if *told == TOLD + 1 {
                let rest = self.faults.iter().filter(|other| other.step == fault.step).count();
                let _ = writeln!(out, "  line {}: … and {} times more", fault.line, rest - TOLD);
            }
        }
        let publishes = self.publishes(clients.len());
        let poison = publishes.iter().filter(|publish| publish.event.poison.is_some()).count();
        let poison = if poison > 0 { format!(", {poison} of them poison") } else { String::new() };
        let _ = writeln!(
            out,
            "publishes: {} over {}{poison}",
            publishes.len(),
            seconds(self.workload_us)
        );
        for publish in publishes.iter().filter(|_| full) {
            let poison = publish
                .event
                .poison
                .map(|kind| format!("  poison: {}", kind.name()))
                .unwrap_or_default();
            let client = clients.get(publish.client).copied().unwrap_or("nobody");
            let _ = writeln!(
                out,
                "  {} {client} e{} key {}{poison}",
                seconds(publish.at),
                publish.event.id.0,
                publish.event.key
            );
        }
        out
    }
}

/// So many occurrences of a step are told one by one.
const TOLD: usize = 5;

fn seconds(us: Micros) -> String {
    format!("{}.{:06}s", us / 1_000_000, us % 1_000_000)
}

impl PlannedFault {
    fn describe(&self, full: bool) -> String {
        let start = match &self.start {
            Start::At(at) => format!("at {}", seconds(*at)),
            Start::When { condition, limit, delay } => {
                let later = match delay {
                    0 => String::new(),
                    _ => format!(" and {} later", seconds(*delay)),
                };
                format!("when {condition}{later}, waiting until {}", seconds(*limit))
            }
        };
        let lasts = match self.lasts {
            Some(lasts) => format!(" for {}", seconds(lasts)),
            None if self.fault.kind.lasts => " until healed".to_owned(),
            None => String::new(),
        };
        let restart = self
            .restart_after
            .map(|after| format!(", restart after {}", seconds(after)))
            .unwrap_or_default();
        let draw = if full { format!("  (draw {:#018x})", self.draw) } else { String::new() };
        format!("line {}: {start}{lasts} {}{restart}{draw}", self.line, self.fault)
    }
}

/// The shortest time that a message takes, in milliseconds.
fn shortest(network: &Network) -> u32 {
    network.between_zones.map_or(network.min_ms, |(least, _)| least.min(network.min_ms))
}

/// How long a step waits for its condition: as long as it says; else so long after the workload, and as long as the
/// steps may last for which it waits.
fn limit(scenario: &Scenario, index: usize, workload_us: Micros) -> Micros {
    let mut limit = workload_us + micros(PATIENCE);
    let mut at = index;
    // Steps that wait for each other in a circle are refused when they are read.
    for _ in 0..scenario.faults.len() {
        let Some(step) = scenario.faults.get(at) else { break };
        if let Some(within) = step.within {
            return if at == index { micros(within) } else { limit.max(micros(within)) };
        }
        let Trigger::When(Condition::Over(awaited) | Condition::Began(awaited)) = &step.trigger
        else {
            break;
        };
        at = usize::from(awaited.step);
        let awaited = scenario.faults.get(at);
        let lasts = awaited.and_then(|awaited| Some(micros(awaited.lasts?)));
        let delay = awaited.and_then(|awaited| Some(micros(awaited.delay?)));
        limit += lasts.unwrap_or(0) + delay.unwrap_or(0);
    }
    limit
}

/// How long offering a workload takes.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn workload_length(workload: &Workload) -> Micros {
    (f64::from(workload.events) * 1e6 / workload.rate).ceil() as Micros
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario::parse};

    fn plan(faults: &str, seed: u64) -> Plan {
        let text = format!("name: x\nfaults:\n{faults}");
        let scenario = parse("x", text.as_bytes(), &Sample).unwrap();
        Plan::new(&scenario, seed, &Sample, &[])
    }

    const CRASH: &str = "  - { between: 1s..3s, crash: any broker }\n";
    const LOSE: &str = "  - { every: 500ms, lose: { messages: 10% } }\n";

    #[test]
    fn a_plan_printed_and_read_again_is_the_same() {
        let plan = plan(&format!("{CRASH}{LOSE}"), 7);
        let text = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
    }

    #[test]
    fn another_fault_moves_no_draw() {
        let draws = |plan: &Plan, key: &str| -> Vec<(Start, u64)> {
            let of = |fault: &&PlannedFault| fault.fault.to_string().starts_with(key);
            plan.faults.iter().filter(of).map(|f| (f.start.clone(), f.draw)).collect()
        };
        let alone = plan(CRASH, 7);
        for both in [plan(&format!("{CRASH}{LOSE}"), 7), plan(&format!("{LOSE}{CRASH}"), 7)] {
            assert_eq!(draws(&both, "crash"), draws(&alone, "crash"));
            assert_eq!(both.publishes(2), alone.publishes(2));
        }
        assert_ne!(draws(&plan(CRASH, 8), "crash"), draws(&alone, "crash"));
        let twice = plan(&format!("{CRASH}{CRASH}"), 7);
        assert_ne!(twice.faults[0].draw, twice.faults[1].draw);
    }

    #[test]
    fn draws_follow_from_what_a_step_says_and_not_from_how_it_is_written() {
        let written = plan("  - restart_after: 1s\n    crash: 'any broker'\n    at: 1s\n", 7);
        let again = plan("  - { at: 1s, crash: any broker, restart_after: 1s }  # again\n", 7);
        assert_eq!(written.faults[0].draw, again.faults[0].draw);
        let other = plan("  - { at: 1s, crash: any consumer, restart_after: 1s }\n", 7);
        assert_ne!(written.faults[0].draw, other.faults[0].draw);
    }

    #[test]
    fn the_plan_in_words_has_every_draw() {
        let plan = plan(CRASH, 7);
        let words = plan.describe(&["producer-1", "producer-2"], true);
        assert!(words.contains(&format!("{:#018x}", plan.faults[0].draw)), "{words}");
        for publish in plan.publishes(2) {
            let told = format!("e{} key {}", publish.event.id.0, publish.event.key);
            assert!(words.lines().any(|line| line.contains(&told)), "{told} is not in\n{words}");
        }
    }

    #[test]
    fn the_plan_in_short_fits_a_screen() {
        let often = "  - { every: 10ms, lose: { messages: 10% } }\n";
        let words = plan(&format!("{CRASH}{often}"), 7).describe(&["producer-1"], false);
        assert!(words.lines().count() < 20, "{words}");
        assert!(
            words.contains("… and 494 times more") && words.contains("publishes: 1000 over"),
            "{words}"
        );
    }
}
