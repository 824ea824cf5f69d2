//! What is measured: a file a part, one line each.

mod cores;
mod events;
mod floor;
mod judging;
mod rates;
mod simulators;
mod spans;
mod steps;

use crate::{runner::Runner, table::Row};
use bench_common::{Order, SystemJob, SystemNode};
use squall::{
    system::System,
    testing::{Plan, RunOutcome, execute, parse},
};
use squall_command::ReferenceSystem;
use std::sync::Arc;

/// How much is measured.
pub struct Bench {
    /// Less of it, for a pipeline.
    pub short: bool,
    /// turmoil without squall.
    pub turmoil: Runner,
}

impl Bench {
    pub fn rounds(&self) -> usize {
        if self.short { 5 } else { 11 }
    }
}

/// A part of the bench.
pub struct Part {
    /// As on the command line.
    pub name: &'static str,
    /// Above its lines of the table.
    pub title: &'static str,
    /// It is part of the short form.
    pub in_short: bool,
    pub measure: fn(&Bench) -> Vec<Row>,
}

/// Every part, in the order of the table.
pub const PARTS: &[Part] = &[
    floor::PART,
    steps::PART,
    rates::PART,
    spans::PART,
    cores::PART,
    judging::PART,
    simulators::PART,
    events::PART,
];

/// The reference system, for squall.
pub fn reference() -> Arc<dyn System> {
    Arc::new(ReferenceSystem)
}

/// The plan of a scenario. Seed 2: every tenth, from 1 on, is watched for longer.
pub fn plan(scenario: &str, system: &dyn System) -> Plan {
    match parse("bench", scenario.as_bytes(), system) {
        Ok(scenario) => Plan::new(&scenario, 2, system, &[]),
        Err(mistakes) => panic!("{mistakes:?}"),
    }
}

/// A run of a plan, which must pass.
pub fn run(plan: &Plan, system: &Arc<dyn System>) -> RunOutcome {
    let outcome = execute(plan, system).expect("a thread can be started");
    assert_eq!(outcome.violations, [], "{}", plan.scenario);
    outcome
}

/// The standard load, and nothing that goes wrong.
pub fn without_faults(events: u32, rate: &str) -> String {
    format!(
        "name: without faults\nnodes: {{ brokers: 3, producers: 2, consumers: 2 }}\n\
         workload: {{ events: {events}, rate: {rate}, keys: 50 }}\nexpect: [no_loss]\n"
    )
}

/// What a plan asks of the reference system, without its faults.
pub fn bare(plan: &Plan, lasts_us: u64) -> SystemJob {
    let clients = plan.nodes.iter().filter(|node| node.role == "producer").count();
    let publishes = plan.publishes(clients);
    let mut next = 0..clients;
    let nodes = plan.nodes.iter().map(|node| {
        let client = if node.role == "producer" { next.next() } else { None };
        let mine = publishes.iter().filter(|publish| Some(publish.client) == client);
        let order = |publish: &squall::testing::PlannedPublish| {
            let squall::system::Event { id, key, size, .. } = publish.event;
            Order { at_us: publish.at, id: id.0, key, size }
        };
        SystemNode {
            name: node.name.clone(),
            role: node.role.clone(),
            index: node.index,
            orders: mine.map(order).collect(),
        }
    });
    SystemJob {
        nodes: nodes.collect(),
        seed: plan.seed,
        tick_ms: plan.tick_ms,
        latency_ms: (plan.network.min_ms, plan.network.max_ms),
        lasts_us,
    }
}
