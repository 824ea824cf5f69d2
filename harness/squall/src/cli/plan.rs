//! `squall plan`: the runs, for engines that fan out over a list.

use super::shared::batch::BatchArgs;
use super::shared::stop::Stop;
use super::shared::terminal::say;
use crate::exit::PASSED;
use crate::shell::quote;
use crate::{replay, shard::Division, system::System};
use clap::Args;
use serde::Serialize;
use std::num::NonZeroU32;

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
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    scenario: &'a str,
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

pub(super) fn plan(args: &PlanArgs, system: &dyn System) -> Result<u8, Stop> {
    let scenarios = args.batch.scenarios(system)?;
    let jobs = args.batch.jobs(&scenarios)?;
    let earlier = args.batch.earlier()?;
    let shards =
        args.shards.map(|of| Division::new(&jobs, &scenarios, of.get(), earlier.as_ref()).shards);
    let items: Vec<Item<'_>> = jobs
        .iter()
        .enumerate()
        .map(|(index, job)| {
            let scenario = &scenarios[job.scenario];
            let verify = if job.verify { "all" } else { "none" };
            Item {
                scenario: &scenario.path,
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
        let list = Items { format: "squall-plan/1", items };
        let text = serde_json::to_string_pretty(&list).map_err(Stop::broken)?;
        say(&(text + "\n"));
    } else {
        for item in items {
            let shard = item.shard.map(|shard| format!("shard {shard:<4} ")).unwrap_or_default();
            say(&format!("{shard}seed {:<6} {}\n", item.seed, item.scenario));
        }
    }
    Ok(PASSED)
}
