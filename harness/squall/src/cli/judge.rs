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
    /// Files of histories, as `run --world live` keeps them: history.gz
    #[arg(required = true, value_name = "HISTORY")]
    histories: Vec<PathBuf>,
}

pub(super) fn judge(args: &JudgeArgs, color: bool) -> Result<u8, Stop> {
    let mut code = PASSED;
    for path in &args.histories {
        let (kept, _) = live::read(path).map_err(Stop::input)?;
        let run = Worker::default().told(path).map_err(Stop::broken)?;
        print_verdict(&kept.plan.scenario, &run, color);
        if run.verdict != Verdict::Passed {
            code = NOT_PASSED;
        }
    }
    Ok(code)
}
