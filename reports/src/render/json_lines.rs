//! A batch as it goes, for programs: a JSON object on a line when it starts, for each run, and when
//! it ends.
//!
//! ```json
//! {"type":"started","format":"squall-report/1","tool":{…},"system":{…},"command":{…},"started":"…","scenarios":98,"planned":1960}
//! {"type":"run","scenario":"scenarios/consumer/poison.yaml","name":"…","seed":1,"verdict":"passed",…}
//! {"type":"finished","all_passed":false,"partial":false,"scenarios":98,"runs":1960,"verdicts":{"passed":1956,"failed":4,"vacuous":0,"unstable":0,"errored":0},"sim_ms":…,"wall_us":…}
//! ```
//!
//! The fields of a run are those of the report, without the trace. Fields are never renamed or
//! removed in this version of the format; new ones may come, as may new types of lines: pass over
//! those that you do not know. No line contains a line end, and none of a scenario's words is taken
//! by a pipeline for an order.

use crate::{
    digest::{sum, tally},
    format::{
        Canary, CommandInfo, FORMAT, Report, Run, ScenarioReport, Shard, SystemInfo, Tool, Verdict,
    },
    render::rendering::Rendering,
};
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) const RENDERING: Rendering = Rendering {
    name: "json-lines",
    help: "A line of JSON for each run",
    option: None,
    render: |report, _| json_lines(report),
};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Started {
        format: &'a str,
        tool: &'a Tool,
        system: &'a SystemInfo,
        command: &'a CommandInfo,
        started: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        shard: Option<&'a Shard>,
        scenarios: usize,
        planned: u64,
    },
    Run {
        scenario: &'a str,
        name: &'a str,
        #[serde(flatten)]
        run: &'a Run,
    },
    Finished {
        all_passed: bool,
        partial: bool,
        scenarios: usize,
        runs: usize,
        verdicts: BTreeMap<Verdict, usize>,
        sim_ms: u64,
        wall_us: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        canary: Option<&'a Canary>,
    },
}

impl Line<'_> {
    fn print(&self) -> String {
        // Nothing of it can fail to be written.
        let text = serde_json::to_string(self).unwrap_or_default();
        // GitHub takes `##[error]` anywhere in a line for an order. Outside of strings there is no `#`.
        text.replace("##", r"#\u0023")
    }
}

/// The first line, without its line end: what is tested and how; `planned` is how many runs are to
/// come. The runs of the report do not matter.
#[must_use]
pub fn started_line(report: &Report, planned: u64) -> String {
    Line::Started {
        format: FORMAT,
        tool: &report.tool,
        system: &report.system,
        command: &report.command,
        started: &report.started,
        shard: report.shard.as_ref(),
        scenarios: report.scenarios.len(),
        planned,
    }
    .print()
}

/// The line of a run, without its line end: its fields as in the report, but for the trace, with
/// the scenario's file and name. The runs of `scenario` do not matter.
#[must_use]
pub fn run_line(scenario: &ScenarioReport, run: &Run) -> String {
    let mut slim = None;
    if run.trace.is_some() {
        slim = Some(Run { trace: None, ..run.clone() });
    }
    let run = slim.as_ref().unwrap_or(run);
    Line::Run { scenario: &scenario.path, name: &scenario.name, run }.print()
}

/// The last line, without its line end: how many runs have which verdict, each verdict named;
/// virtual time without what was executed twice, in milliseconds, and wall time, in microseconds.
#[must_use]
pub fn finished_line(report: &Report) -> String {
    let runs = || report.runs().map(|(_, run)| run);
    let mut verdicts: BTreeMap<Verdict, usize> =
        crate::digest::ORDER.into_iter().map(|verdict| (verdict, 0)).collect();
    verdicts.extend(tally(runs()));
    Line::Finished {
        all_passed: report.all_passed(),
        partial: report.partial,
        scenarios: report.scenarios.len(),
        runs: runs().count(),
        verdicts,
        sim_ms: sum(runs(), |run| run.sim_ms),
        wall_us: sum(runs(), |run| run.wall_us),
        canary: report.canary.as_ref(),
    }
    .print()
}

/// What `run --message-format json` prints while a report is made, in the report's order.
fn json_lines(report: &Report) -> String {
    let runs = report.runs().count() as u64;
    let mut lines = vec![started_line(report, runs)];
    lines.extend(report.runs().map(|(scenario, run)| run_line(scenario, run)));
    lines.push(finished_line(report));
    lines.join("\n") + "\n"
}
