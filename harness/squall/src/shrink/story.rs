//! What a scenario that was made small tells at its head.

use crate::{
    plan::{Plan, Start},
    scenario::{Scenario, Trigger},
    system::System,
};
use squall_reports::Run;
use std::{collections::BTreeMap, time::Duration};

/// The most characters of a line.
const WIDTH: usize = 150;

/// Before each defect that is switched on.
const WITH: &str = ", with the defect ";

/// Before what is broken.
const BREAKS: &str = "What it breaks: ";

/// Three lines of a comment: where it comes from, what goes wrong, and what was broken by that.
pub(crate) fn story(
    scenario: &Scenario,
    run: &Run,
    from: &str,
    defects: &[String],
    system: &dyn System,
) -> String {
    let plan = Plan::new(scenario, run.seed, system, defects);
    let defects: String = defects.iter().map(|id| format!("{WITH}{id}")).collect();
    let mut lines = vec![format!("{from}: {} {}{defects}.", system.name(), system.version())];
    // In the order of time; what waits for something comes behind.
    let mut faults: BTreeMap<(u64, u16), String> = BTreeMap::new();
    let times = |step: u16| plan.faults.iter().filter(|fault| fault.step == step).count();
    for fault in plan.faults.iter().rev() {
        let trigger = scenario.faults.get(usize::from(fault.step)).map(|step| &step.trigger);
        let (at, when) = match (&fault.start, trigger) {
            (Start::At(us), Some(Trigger::Every(period))) => {
                let times = match times(fault.step) {
                    1 => "once".to_owned(),
                    many => format!("{many} times"),
                };
                (*us, format!("every {} ({times})", time(*period)))
            }
            (Start::At(us), _) => (*us, format!("after {}", time(Duration::from_micros(*us)))),
            (Start::When { condition, .. }, _) => (u64::MAX, format!("when {condition}")),
        };
        faults.retain(|(_, step), _| *step != fault.step);
        let back = fault.restart_after.map(|us| time(Duration::from_micros(us)));
        let back = back.map_or(String::new(), |after| format!(", back after {after}"));
        faults.insert((at, fault.step), format!("{when} {}{back}", fault.fault));
    }
    let faults: Vec<String> = faults.into_values().collect();
    lines.push(match faults.as_slice() {
        [] => "Nothing goes wrong, and yet:".to_owned(),
        all => format!("What goes wrong: {}.", all.join("; ")),
    });
    let root = run.violations.iter().find(|violation| violation.consequence_of.is_none());
    lines.push(match root.or(run.violations.first()) {
        Some(broken) => format!("{BREAKS}{}: {}", broken.invariant, broken.summary),
        None => format!("How it ends: {}", run.reason.as_deref().unwrap_or("without an answer")),
    });
    // What it takes to see it again is told whole.
    let widths = [usize::MAX, WIDTH, WIDTH];
    let lines = lines.iter().zip(widths);
    lines
        .map(|(line, width)| {
            format!("# {}\n", squall_reports::fit(&line.replace('\n', " "), width))
        })
        .collect()
}

/// The defects that the first line of a story names.
pub(crate) fn defects_of(line: &str) -> Vec<String> {
    let named = line.split(WITH).skip(1).map(|id| id.trim_end_matches('.').to_owned());
    named.collect()
}

/// The invariant that is broken, if a line of a story tells it.
pub(crate) fn broken_by(line: &str) -> Option<&str> {
    let said = line.strip_prefix("# ")?.strip_prefix(BREAKS)?;
    said.split_once(':').map(|(invariant, _)| invariant)
}

/// As somebody would say it: 0.5s, 1.25s, 40ms.
fn time(time: Duration) -> String {
    match time.as_millis() {
        ms if ms < 100 => format!("{ms}ms"),
        ms => format!("{}s", ms as f64 / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario::parse};

    #[test]
    fn what_goes_wrong_is_told_in_the_order_of_time() {
        let text = "name: x
workload: { events: 200, rate: 100/s }
faults:
  - { when: { acked: 7 }, pause: broker-2 }
  - { at: 1250ms, crash: broker-1, restart_after: 200ms }
  - { every: 600ms, crash: leader }
  - { at: 40ms, pause: broker-3 }
";
        let scenario = parse("x", text.as_bytes(), &Sample).unwrap();
        let run = Run { seed: 1, ..Run::default() };
        let defects = ["is-told-whole-however-long-its-name-is", "lies"].map(str::to_owned);
        let told = story(&scenario, &run, "Found by hand", &defects, &Sample);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 3, "{told}");
        assert!(
            lines[0].starts_with("# Found by hand: ")
                && lines[0].ends_with(", with the defect lies.")
        );
        assert_eq!(defects_of(lines[0]), defects);
        assert_eq!((broken_by(lines[2]), broken_by("# What it breaks: a: b")), (None, Some("a")));
        let places: Vec<usize> = [
            "after 40ms pause: ",
            "every 0.6s (3 times) crash: leader",
            "after 1.25s crash: broker-1, back after 0.2s",
            "when acked: 7 pause: ",
        ]
        .iter()
        .map(|part| lines[1].find(part).unwrap_or_else(|| panic!("{part} in {}", lines[1])))
        .collect();
        assert!(places.is_sorted(), "{}", lines[1]);
        let text = "name: x\nworkload: { events: 200, rate: 100/s }\nfaults: [{ every: 1500ms, crash: leader }]\n";
        let scenario = parse("x", text.as_bytes(), &Sample).unwrap();
        let told = story(&scenario, &run, "Found by hand", &[], &Sample);
        assert!(told.contains(": every 1.5s (once) crash: leader."), "{told}");
    }
}
