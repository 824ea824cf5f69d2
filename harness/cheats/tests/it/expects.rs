//! What was named under `expect` and judged nothing.

use crate::{explain, runs};
use squall_reports::Verdict;

#[test]
fn what_judges_nothing_proves_nothing() {
    let named = |name: &str| {
        format!(
            "name: named\nworkload: {{ events: 60, rate: 100/s, poison: 10% }}\nexpect: [no_loss, {name}]\n"
        )
    };
    for (name, because) in [
        ("retry_policy", "the system does not promise that `retries` has a policy"),
        (
            "dead_letters",
            "the system does not promise that `storage` is a log, with `dead_letters`",
        ),
        ("no_skip", "no Deliver was recorded"),
        ("conserved", "it judges each sum that a node tells at the end"),
    ] {
        for run in runs(&named(name), "no-sync.honest", 1, &[]) {
            assert_eq!(run.verdict, Verdict::Vacuous, "{}", explain(&run));
            let reason = run.reason.clone().unwrap_or_default();
            let said = format!("{name} was named under expect and judged nothing: {because}");
            assert!(reason.contains(&said), "{}", explain(&run));
            assert!(run.judged.get(name).is_none_or(|facts| *facts == 0), "{:?}", run.judged);
            assert!(
                run.judged.get("no_loss").is_some_and(|facts| *facts >= 60),
                "{:?}",
                run.judged
            );
        }
    }
    for run in runs(&named("idempotency"), "no-sync.honest", 1, &[]) {
        assert_eq!(run.verdict, Verdict::Passed, "{}", explain(&run));
    }
}
