//! What a scenario that was made small tells at its head.

use crate::{
    plan::{Plan, Start},
    scenario::Scenario,
    system::System,
};
use squall_reports::Run;
use std::time::Duration;

/// The most characters of a line.
const WIDTH: usize = 110;

/// Three lines of a comment: where it comes from, what goes wrong, and what was broken by that.
pub(crate) fn story(
    scenario: &Scenario,
    run: &Run,
    from: &str,
    defects: &[String],
    system: &dyn System,
) -> String {
    let plan = Plan::new(scenario, run.seed, system, defects);
    let defects: String = defects.iter().map(|id| format!(", with the defect {id}")).collect();
    let mut lines = vec![format!("{from}: {} {}{defects}.", system.name(), system.version())];
    let mut faults: Vec<String> = Vec::new();
    let mut told = None;
    for fault in &plan.faults {
        if told.replace(fault.step) == Some(fault.step) {
            continue;
        }
        let when = match &fault.start {
            Start::At(us) => format!("after {}", time(*us)),
            Start::When { condition, .. } => format!("when {condition}"),
        };
        let again = plan.faults.iter().filter(|other| other.step == fault.step).count();
        let again =
            if again > 1 { format!(" and {} times more", again - 1) } else { String::new() };
        faults.push(format!("{when}{again} {}", fault.fault));
    }
    lines.push(match faults.as_slice() {
        [] => "Nothing goes wrong, and yet:".to_owned(),
        all => format!("What goes wrong: {}.", all.join("; ")),
    });
    let root = run.violations.iter().find(|violation| violation.consequence_of.is_none());
    lines.push(match root.or(run.violations.first()) {
        Some(broken) => format!("What it breaks: {}: {}", broken.invariant, broken.summary),
        None => format!("How it ends: {}", run.reason.as_deref().unwrap_or("without an answer")),
    });
    lines
        .iter()
        .map(|line| format!("# {}\n", squall_reports::fit(&line.replace('\n', " "), WIDTH)))
        .collect()
}

fn time(us: u64) -> String {
    humantime::format_duration(Duration::from_millis(us / 1_000)).to_string()
}
