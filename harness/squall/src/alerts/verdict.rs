//! What a scenario asks of alerts, held against those that were raised.

use super::promtool::Raised;
use crate::scenario::{Alert, Quiet, Scenario};
use squall_reports::Violation;

/// What was to fire and did not, or not in time, or of itself; and what fired and was not to. The first fault began
/// `fault_ms` after the start of the run, if any did.
pub(super) fn violations(
    scenario: &Scenario,
    raised: &Raised,
    fault_ms: Option<u64>,
) -> Vec<Violation> {
    let missed = scenario.must_alert.iter().filter_map(|alert| {
        missed(alert, raised, fault_ms).map(|summary| violation("must_alert", summary))
    });
    let forbidden = |name: &String| match &scenario.must_not_alert {
        Quiet::Free => false,
        Quiet::Named(names) => names.contains(name),
        Quiet::AnyOther => !scenario.must_alert.iter().any(|alert| alert.name == *name),
    };
    let unwanted = raised.firing.iter().filter(|(name, _)| forbidden(name)).map(|(name, at)| {
        violation("must_not_alert", format!("{} fired at {}", told(name), seconds(*at)))
    });
    missed.chain(unwanted).collect()
}

fn missed(alert: &Alert, raised: &Raised, fault_ms: Option<u64>) -> Option<String> {
    let (name, begin) = (told(&alert.name), fault_ms.unwrap_or(0));
    let Some(at) = raised.firing.get(&alert.name).copied() else {
        let why = match raised.pending.get(&alert.name) {
            Some(at) => {
                format!("its condition held from {} on, and not for long enough", seconds(*at))
            }
            None => "its condition never held".to_owned(),
        };
        let others: Vec<String> = raised
            .firing
            .iter()
            .map(|(name, at)| format!("{} at {}", told(name), seconds(*at)))
            .collect();
        let others = match others.as_slice() {
            [] => "no other alert fired".to_owned(),
            others => format!("there fired {}", others.join(", ")),
        };
        return Some(format!("{name} never fired: {why}; {others}"));
    };
    if at < begin {
        return Some(format!(
            "{name} fired at {}, before the first fault began at {}: it tells nothing of it",
            seconds(at),
            seconds(begin)
        ));
    }
    let within = u64::try_from(alert.within?.as_millis()).unwrap_or(u64::MAX);
    (at - begin > within).then(|| {
        let since = match fault_ms {
            Some(_) => "after the first fault began",
            None => "after the start of the run",
        };
        format!("{name} fired {} {since}, not within {}", seconds(at - begin), seconds(within))
    })
}

fn violation(invariant: &str, summary: String) -> Violation {
    Violation { invariant: invariant.to_owned(), summary, ..Violation::default() }
}

fn told(name: &str) -> String {
    squall_reports::printable(name)
}

fn seconds(ms: u64) -> String {
    squall_judge::seconds(ms * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario::parse};

    fn judged(
        lines: &str,
        firing: &[(&str, u64)],
        pending: &[(&str, u64)],
        fault: Option<u64>,
    ) -> Vec<String> {
        let scenario = parse("x", format!("name: x\n{lines}\n").as_bytes(), &Sample).unwrap();
        let all =
            |told: &[(&str, u64)]| told.iter().map(|(n, at)| ((*n).to_owned(), *at)).collect();
        let raised = Raised { firing: all(firing), pending: all(pending) };
        let told = violations(&scenario, &raised, fault).into_iter();
        told.map(|broken| format!("{}: {}", broken.invariant, broken.summary)).collect()
    }

    const LAG: &str = "must_alert: [Lag: { within: 1m }]";

    #[test]
    fn an_alert_fires_after_the_fault_and_in_time() {
        assert_eq!(judged(LAG, &[("Lag", 70_000)], &[], Some(10_000)), [""; 0]);
        let late = judged(LAG, &[("Lag", 70_001)], &[], Some(10_000));
        assert_eq!(
            late,
            ["must_alert: Lag fired 60.001s after the first fault began, not within 60.000s"]
        );
        let before = judged(LAG, &[("Lag", 9_999)], &[], Some(10_000));
        assert!(before[0].contains("before the first fault began"), "{before:?}");
        assert_eq!(judged(LAG, &[("Lag", 60_000)], &[], None), [""; 0]);
        let late = judged(LAG, &[("Lag", 61_000)], &[], None);
        assert!(late[0].contains("after the start of the run"), "{late:?}");
    }

    #[test]
    fn one_that_never_fires_says_how_near_it_was_and_what_fired_instead() {
        let silent = judged(LAG, &[], &[], Some(0));
        assert_eq!(
            silent,
            ["must_alert: Lag never fired: its condition never held; no other alert fired"]
        );
        let near = judged(LAG, &[("Down", 5_000)], &[("Lag", 4_000)], Some(0));
        assert!(near[0].ends_with(
            "its condition held from 4.000s on, and not for long enough; there fired Down at 5.000s"
        ), "{near:?}");
    }

    #[test]
    fn what_must_not_fire_fails_the_run_and_what_must_is_no_other() {
        let calm = "must_not_alert: any";
        assert_eq!(judged(calm, &[], &[("Down", 1)], None), [""; 0]);
        assert_eq!(
            judged(calm, &[("Down", 1_500)], &[], None),
            ["must_not_alert: Down fired at 1.500s"]
        );
        let both = format!("{LAG}\nmust_not_alert: any");
        assert_eq!(judged(&both, &[("Lag", 1)], &[], None), [""; 0]);
        assert_eq!(judged("must_not_alert: [Down]", &[("Lag", 1)], &[], None), [""; 0]);
        assert_eq!(judged("must_not_alert: [Down]", &[("Down", 1)], &[], None).len(), 1);
    }
}
