//! `squall plan`: the runs, for engines that fan out over a list.

use super::shared::batch::BatchArgs;
use super::shared::stop::Stop;
use super::shared::terminal::say;
use crate::exit::PASSED;
use crate::shell::quote;
use crate::{
    replay,
    runner::Job,
    shard::{Division, weights},
    system::System,
};
use clap::Args;
use serde::Serialize;
use squall_reports::{Report, printable};
use std::{collections::BTreeMap, fmt::Write as _, num::NonZeroU32, time::Duration};

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    batch: BatchArgs,
    /// Say which of N shards each run belongs to
    #[arg(long, value_name = "N")]
    shards: Option<NonZeroU32>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Items<'a> {
    format: &'static str,
    totals: Totals,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    scenario: String,
    name: &'a str,
    hash: &'a str,
    seed: u64,
    /// It is executed twice.
    verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<u32>,
    /// Makes this run alone.
    command: String,
}

/// What a batch amounts to.
#[derive(Debug, Serialize)]
struct Totals {
    /// How many runs there are.
    runs: usize,
    /// How many of them are executed twice.
    verified: usize,
    /// The virtual time of all executions, in milliseconds: as an earlier report has it, else guessed.
    sim_ms: u64,
    /// What that took in the earlier report, in milliseconds of one worker's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    wall_ms: Option<u64>,
    /// Of each shard, how many runs it has and their virtual time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shards: Vec<(usize, u64)>,
}

impl Totals {
    fn of(jobs: &[Job], weights: &[u64], shards: Option<&[u32]>, earlier: Option<&Report>) -> Self {
        let sim_ms = weights.iter().sum();
        let mut loads: BTreeMap<u32, (usize, u64)> = BTreeMap::new();
        for (shard, weight) in shards.into_iter().flatten().zip(weights) {
            let (runs, work) = loads.entry(*shard).or_default();
            *runs += 1;
            *work += weight;
        }
        let wall_ms = earlier.and_then(|report| {
            let (sim, wall) = report.runs().fold((0, 0), |(sim, wall), (_, run)| {
                (sim + run.sim_ms, wall + run.wall_us / 1_000)
            });
            let share = u128::from(sim_ms) * u128::from(wall);
            u64::try_from(share.checked_div(u128::from(sim))?).ok()
        });
        let verified = jobs.iter().filter(|job| job.verify).count();
        Self { runs: jobs.len(), verified, sim_ms, wall_ms, shards: loads.into_values().collect() }
    }

    fn in_words(&self, scenarios: usize) -> String {
        let time = |ms: u64| humantime::format_duration(Duration::from_secs(ms.div_ceil(1_000)));
        let mut out = format!(
            "\n{} runs of {scenarios} scenarios, {} of them executed twice: {} of virtual time",
            self.runs,
            self.verified,
            time(self.sim_ms)
        );
        let _ = match self.wall_ms {
            Some(wall_ms) => {
                writeln!(out, ", {} of one worker's time as it was earlier", time(wall_ms))
            }
            None => writeln!(out, ", by their workloads (--earlier REPORT knows better)"),
        };
        let loads = || self.shards.iter().map(|(_, work)| *work);
        if let (Some(most), Some(least)) = (loads().max(), loads().min()) {
            let runs = self.shards.iter().map(|(runs, _)| *runs);
            let (fewest, more) = (runs.clone().min().unwrap_or(0), runs.max().unwrap_or(0));
            let mean = self.sim_ms as f64 / self.shards.len() as f64;
            let over = (most as f64 / mean.max(1.0) - 1.0) * 100.0;
            let _ = writeln!(
                out,
                "{} shards of {fewest} to {more} runs, {} to {} each: the longest has {over:.0} % more than the mean",
                self.shards.len(),
                time(least),
                time(most)
            );
        }
        out
    }
}

pub(super) fn plan(args: &PlanArgs, system: &dyn System) -> Result<u8, Stop> {
    let scenarios = args.batch.scenarios(system)?;
    let jobs = args.batch.jobs(&scenarios, false)?;
    let earlier = args.batch.earlier()?;
    let shards =
        args.shards.map(|of| Division::new(&jobs, &scenarios, of.get(), earlier.as_ref()).shards);
    let weights = weights(&jobs, &scenarios, earlier.as_ref());
    let totals = Totals::of(&jobs, &weights, shards.as_deref(), earlier.as_ref());
    let items: Vec<Item<'_>> = jobs
        .iter()
        .enumerate()
        .map(|(index, job)| {
            let scenario = &scenarios[job.scenario];
            let verify = if job.verify { "all" } else { "none" };
            Item {
                scenario: scenario.id(),
                name: &scenario.name,
                hash: &scenario.hash,
                seed: job.seed,
                verified: job.verify,
                shard: shards.as_ref().map(|shards| shards[index]),
                command: format!(
                    "squall run {}{} --seed {} --runs 1 --verify {verify}",
                    quote(&scenario.path),
                    replay::settings(scenario),
                    job.seed
                ),
            }
        })
        .collect();
    if args.json {
        let list = Items { format: "squall-plan/1", totals, items };
        let text = serde_json::to_string_pretty(&list).map_err(Stop::broken)?;
        say(&(text + "\n"));
    } else {
        for item in items {
            let shard = item.shard.map(|shard| format!("shard {shard:<4} ")).unwrap_or_default();
            say(&format!("{shard}seed {:<6} {}\n", item.seed, printable(&item.scenario)));
        }
        say(&totals.in_words(scenarios.len()));
    }
    Ok(PASSED)
}
