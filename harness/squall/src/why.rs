//! Why a run fails: which of its faults it takes, and from which moment on it could not be saved any more.

use crate::{
    plan::{Micros, Plan, Start},
    pool::{Done, Pool},
    shrink::Cause,
    worker::{Reached, WorkerError},
};
use std::{collections::BTreeMap, fmt::Write as _};

/// The moment is told as exactly as this, in microseconds.
const EXACT: Micros = 10_000;

/// The time that is left is divided into so many parts, whose ends are tried side by side.
const PARTS: Micros = 4;

/// What was found out about a failing run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// Why it fails.
    cause: Cause,
    /// Each step with its line and what it does, and whether the run passes, or fails otherwise, without it.
    steps: Vec<(u32, String, bool)>,
    /// If everything is healed at the first of these times the cause stays away, at the second it does not.
    inevitable: Option<(Micros, Micros)>,
    /// Runs that it took.
    runs: usize,
}

/// Makes a plan, whose run is `failed`, again without each of its faults in turn, and healed earlier and earlier; `None` if
/// it does not fail.
///
/// # Errors
/// The harness itself failed.
pub fn why(plan: &Plan, failed: &Done, pool: &mut Pool) -> Result<Option<Why>, WorkerError> {
    let never = || false;
    let (run, reached) = failed;
    let Some(cause) = Cause::of(run) else { return Ok(None) };
    let steps: BTreeMap<u16, (u32, String)> = plan
        .faults
        .iter()
        .map(|fault| (fault.step, (fault.line, fault.fault.to_string())))
        .collect();
    let fewer: Vec<Plan> = steps.keys().map(|step| without(plan, *step)).collect();
    let mut runs = 1 + fewer.len();
    let kept = |done: Option<Done>| done.is_some_and(|(run, _)| cause.is_kept_by(&run));
    let needed = pool.run(&fewer, never)?.into_iter().map(|done| !kept(done));
    let steps = steps.into_values().zip(needed).map(|((line, what), needed)| (line, what, needed));
    let steps = steps.collect();
    // From here on the cause comes; before, it does not, as far as halving shows.
    let end = reached.began.iter().map(|began| began.at).max().unwrap_or(0);
    let (mut saved, mut lost) = (0, end.max(plan.workload_us) + 2 * plan.settle_us);
    let mut inevitable = None;
    let healed_late = pool.run(&[healed_at(plan, reached, lost)], never)?.pop().flatten();
    runs += 1;
    if kept(healed_late) {
        while lost - saved > EXACT {
            let moments: Vec<Micros> =
                (1..PARTS).map(|part| saved + (lost - saved) * part / PARTS).collect();
            let plans: Vec<Plan> =
                moments.iter().map(|moment| healed_at(plan, reached, *moment)).collect();
            runs += plans.len();
            let comes = pool.run(&plans, never)?.into_iter().position(kept);
            let first = comes.unwrap_or(moments.len());
            lost = moments.get(first).copied().unwrap_or(lost);
            saved = first.checked_sub(1).map_or(saved, |last| moments[last]);
        }
        inevitable = Some((saved, lost));
    }
    Ok(Some(Why { cause, steps, inevitable, runs }))
}

/// The same without one of the steps.
fn without(plan: &Plan, step: u16) -> Plan {
    let mut plan = plan.clone();
    plan.faults.retain(|fault| fault.step != step);
    plan
}

/// The same, but no fault begins after a moment, and what is wrong then is over.
fn healed_at(plan: &Plan, reached: &Reached, moment: Micros) -> Plan {
    let mut healed = plan.clone();
    healed.faults.retain_mut(|fault| {
        let first = || reached.began.iter().find(|began| began.step == fault.step);
        let start = match &fault.start {
            Start::At(at) => Some(*at),
            Start::When { .. } => first().map(|began| began.at),
        };
        let Some(start) = start.filter(|start| *start <= moment) else { return false };
        let left = (moment - start).max(1_000);
        let sooner = |time: Option<Micros>| Some(time.map_or(left, |time| time.min(left)));
        if fault.fault.kind.lasts {
            fault.lasts = sooner(fault.lasts);
        }
        if fault.fault.injection().takes_restart_after() {
            fault.restart_after = sooner(fault.restart_after);
        }
        true
    });
    healed
}

impl Why {
    /// In words, a line each.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut out = format!("why it fails ({}), found out by {} runs\n", self.cause, self.runs);
        // Writing to a String cannot fail.
        for (line, what, needed) in &self.steps {
            let word = if *needed { "needed     " } else { "dead weight" };
            let _ = writeln!(out, "  {word}  line {line}: {what}");
        }
        if self.steps.iter().all(|(.., needed)| !needed) && self.steps.len() > 1 {
            let _ = writeln!(
                out,
                "  no single fault is needed: without any one of them it fails all the same"
            );
        }
        let seconds = |us: Micros| us as f64 / 1e6;
        let _ = match self.inevitable {
            Some((_, lost)) if lost <= EXACT => {
                writeln!(out, "  inevitable from the start on: it fails without any fault")
            }
            Some((saved, lost)) => writeln!(
                out,
                "  inevitable from {:.3}s on: it fails if everything is healed then, and not if it is healed at {:.3}s",
                seconds(lost),
                seconds(saved)
            ),
            None => writeln!(
                out,
                "  healed at any time, it does not fail: it takes faults that last to the end"
            ),
        };
        out
    }
}
