//! `squall judge`

use super::replay::print_verdict;
use super::shared::stop::Stop;
use crate::{
    exit::{NOT_PASSED, PASSED},
    live,
    worker::Worker,
};
use clap::Args;
use squall_reports::Verdict;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(super) struct JudgeArgs {
    /// Files of histories, as live runs keep them: history.gz, history.jsonl.gz
    #[arg(required = true, value_name = "HISTORY")]
    histories: Vec<PathBuf>,
}

pub(super) fn judge(args: &JudgeArgs, color: bool) -> Result<u8, Stop> {
    let mut code = PASSED;
    for path in &args.histories {
        let (scenario, run) = if live::is_maelstrom_history(path) {
            live::maelstrom_told(path).map_err(Stop::input)?
        } else {
            let kept = live::read_header(path).map_err(Stop::input)?;
            let told = Worker::default().told(path).map_err(Stop::broken)?;
            (kept.plan.scenario, told.map_err(Stop::input)?)
        };
        print_verdict(&scenario, &run, color);
        if run.verdict != Verdict::Passed {
            code = NOT_PASSED;
        }
    }
    Ok(code)
}
