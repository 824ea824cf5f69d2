//! `squall audit`: what it says of a suite. That the library notices every defect is shown in `defects.rs`.

use crate::squall;

#[test]
fn a_suite_that_does_not_look_is_found_out() {
    let arguments = [
        "audit",
        "scenarios/broker/crash-loop.yaml",
        "--defect",
        "timeout-is-failure",
        "--runs",
        "1",
        "--at-least",
        "100",
        "--no-progress",
    ];
    let said = squall(&arguments);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.out.contains("Nobody noticed: timeout-is-failure"), "{}", said.out);
}

/// What an audit says follows from scenarios, seeds and defects: not from the machine, nor from who finished first.
#[test]
fn an_audit_says_the_same_whoever_finishes_first() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        let text = format!(
            "name: {name}\nworkload: {{ events: 60, rate: 100/s }}\nsettle: 0s\n\
             faults:\n  - {{ at: 200ms, restart: any consumer }}\n"
        );
        std::fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    let suite = folder.path().to_string_lossy().into_owned();
    let audit = |jobs: &str| {
        let path = folder.path().join(format!("audit-{jobs}.json"));
        let arguments = [
            "audit",
            &suite,
            "--defect",
            "commit-off-by-one",
            "--runs",
            "1",
            "--jobs",
            jobs,
            "--no-progress",
            "--report",
            &path.to_string_lossy(),
        ];
        let said = squall(&arguments);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
        (said.out, std::fs::read_to_string(&path).unwrap())
    };
    let (alone, beside) = (audit("1"), audit("3"));
    assert_eq!(alone, beside);
    assert!(alone.0.contains("by commit_after_apply, run 1"), "{}", alone.0);
}
