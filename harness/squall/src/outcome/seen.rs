//! What was seen in a run, by name, and why a run proves nothing in which too little was.

use super::recorder::Recorder;
use crate::plan::{Plan, PlannedFault};
use squall_judge::Judgement;
use squall_probe::sim;
use std::collections::{BTreeMap, BTreeSet};

/// What became of a plan's faults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fates<'r> {
    /// Those that never began, in words.
    pub(crate) unfired: &'r [String],
    /// Steps of which an occurrence began.
    pub(crate) begun_steps: &'r BTreeSet<u16>,
    /// How often each step's fault was felt.
    pub(crate) felt: &'r BTreeMap<u16, u64>,
}

/// What was seen, by name: signals of the harness and of the system, fault points by how often they were passed, and faults
/// by how often they were felt, by their steps.
pub(crate) fn signals<'p>(
    plan: &Plan,
    recorder: &Recorder,
    names: &sim::Names,
    points: impl Iterator<Item = (&'p String, u64)>,
    felt: &BTreeMap<u16, u64>,
) -> BTreeMap<String, u64> {
    let mut signals = recorder.signals.seen(|name| names.text(name).to_owned());
    for (point, count) in points {
        *signals.entry(point.clone()).or_default() += count;
    }
    for (signal, count) in felt_signals(plan, felt) {
        *signals.entry(signal).or_default() += count;
    }
    signals
}

/// How often faults were felt, by the signals of their kinds.
pub(crate) fn felt_signals(plan: &Plan, felt: &BTreeMap<u16, u64>) -> BTreeMap<String, u64> {
    let kinds: BTreeMap<u16, String> =
        plan.faults.iter().map(|fault| (fault.step, fault.fault.kind.signal())).collect();
    let mut signals = BTreeMap::new();
    for (step, count) in felt.iter().filter(|(_, count)| **count > 0) {
        if let Some(signal) = kinds.get(step) {
            *signals.entry(signal.clone()).or_default() += count;
        }
    }
    signals
}

/// Why a run proves nothing: nothing went on, its faults prove nothing, or a judge had nothing to judge. `near` says how near
/// a fault came that nothing felt.
pub(crate) fn why_vacuous(
    plan: &Plan,
    fates: Fates<'_>,
    signals: &BTreeMap<String, u64>,
    acknowledged: u64,
    judgement: &Judgement,
    near: impl Fn(&PlannedFault) -> Option<String>,
) -> Vec<String> {
    let idle = (acknowledged == 0).then(|| "no publish was acknowledged".to_owned());
    let faults = why_faults_prove_nothing(plan, fates, signals, near);
    let named = plan.expect.iter().filter_map(|expect| judgement.why_idle(&expect.name));
    // Of what may be violated together one that was judged is enough.
    let known = plan.violates.iter().flat_map(|names| {
        let idle: Vec<_> = names.iter().filter_map(|name| judgement.why_idle(name)).collect();
        if idle.len() == names.len() { idle } else { Vec::new() }
    });
    let judges = named.chain(known);
    idle.into_iter().chain(faults).chain(judges).collect()
}

/// Why the faults of a run prove nothing: one did not begin or was not felt, or what must be seen was not.
pub(crate) fn why_faults_prove_nothing(
    plan: &Plan,
    fates: Fates<'_>,
    signals: &BTreeMap<String, u64>,
    near: impl Fn(&PlannedFault) -> Option<String>,
) -> Vec<String> {
    let mut why = fates.unfired.to_vec();
    why.extend(never_felt(plan, fates, near));
    why.extend(never_seen(plan, signals));
    why
}

/// Steps of the scenario that began and were never felt, and how near they came.
fn never_felt(
    plan: &Plan,
    fates: Fates<'_>,
    near: impl Fn(&PlannedFault) -> Option<String>,
) -> Vec<String> {
    let felt = |step: &u16| fates.felt.get(step).is_some_and(|count| *count > 0);
    let steps: BTreeMap<u16, &PlannedFault> =
        plan.faults.iter().map(|fault| (fault.step, fault)).collect();
    steps
        .into_iter()
        .filter(|(step, _)| fates.begun_steps.contains(step) && !felt(step))
        .map(|(_, fault)| {
            let near = near(fault).map(|near| format!(" ({near})")).unwrap_or_default();
            format!(
                "line {}: the fault began and nothing ever felt it: {}{near}",
                fault.line, fault.fault
            )
        })
        .collect()
}

/// Signals that must be seen and were not, and what was seen instead.
fn never_seen(plan: &Plan, signals: &BTreeMap<String, u64>) -> impl Iterator<Item = String> {
    plan.must_see.iter().filter(|signal| !signals.contains_key(*signal)).map(|signal| {
        let others: Vec<&str> = signals
            .keys()
            .map(String::as_str)
            .filter(|other| !other.contains('.') && !other.ends_with("_felt"))
            .collect();
        let instead = match others.as_slice() {
            [] => "no other was".to_owned(),
            others => format!("seen were {}", others.join(", ")),
        };
        format!("must_see: {signal} was never seen ({instead})")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario};

    const STEPS: &str = "must_see: [leader_changed]\nfaults:\n  - { at: 1s, crash: broker-1 }\n  \
                         - { at: 2s, for: 1s, pause: broker-2 }\n  - { at: 3s, crash: broker-3 }\n";

    fn plan() -> Plan {
        let text = format!("name: x\n{STEPS}");
        let scenario = scenario::parse("x", text.as_bytes(), &Sample).map_err(|p| p.render(false));
        Plan::new(&scenario.expect("it is right"), 1, &Sample, &[])
    }

    /// Why the faults of that plan prove nothing, where the steps of these have begun and were felt so often.
    fn why(unfired: &[&str], begun: &[u16], felt: &[(u16, u64)], seen: &[&str]) -> Vec<String> {
        let plan = plan();
        let unfired: Vec<String> = unfired.iter().map(|why| (*why).to_owned()).collect();
        let (begun, felt) = (begun.iter().copied().collect(), felt.iter().copied().collect());
        let fates = Fates { unfired: &unfired, begun_steps: &begun, felt: &felt };
        let seen = seen.iter().map(|signal| ((*signal).to_owned(), 1)).collect();
        why_faults_prove_nothing(&plan, fates, &seen, |_| Some("near".to_owned()))
    }

    #[test]
    fn faults_that_all_began_and_were_felt_prove_something_if_what_must_be_seen_was() {
        let felt = [(0, 1), (1, 3), (2, 1)];
        assert_eq!(why(&[], &[0, 1, 2], &felt, &["leader_changed"]), [""; 0]);
    }

    #[test]
    fn who_did_not_begin_was_not_felt_or_not_seen_is_told_in_this_order() {
        let why = why(&["one did not"], &[0, 1], &[(0, 1), (1, 0)], &["redriven"]);
        assert_eq!(why[0], "one did not");
        let felt = "line 5: the fault began and nothing ever felt it: ";
        assert!(why[1].starts_with(felt) && why[1].ends_with(" (near)"), "{why:?}");
        let seen = "must_see: leader_changed was never seen (seen were redriven)";
        assert_eq!(why[2..], [seen]);
    }

    #[test]
    fn a_kind_of_fault_was_felt_as_often_as_all_its_steps() {
        let felt = felt_signals(&plan(), &BTreeMap::from([(0, 2), (1, 0), (2, 3)]));
        assert_eq!(felt, BTreeMap::from([("crash_felt".to_owned(), 5)]));
    }
}
