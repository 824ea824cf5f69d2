//! Lists of tests that must name each of some cases once: a case that no test names fails, and so does a stale name.

use std::collections::BTreeSet;

/// A test's name is the case's with underscores, where cases have hyphens.
pub fn case(test: &str) -> String {
    test.replace('_', "-")
}

/// Fails with the names that are missing in `list`, and those that stand for nothing any more.
pub fn all_and_no_others(list: &str, cases: BTreeSet<String>, tests: BTreeSet<String>) {
    let missing: Vec<_> = cases.difference(&tests).collect();
    let stale: Vec<_> = tests.difference(&cases).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "{list}: without a test: {missing:?}; there is no such case: {stale:?}"
    );
}

#[test]
fn a_case_without_a_test_and_a_test_without_a_case_are_told() {
    let names = |text: &str| -> BTreeSet<String> { text.split(' ').map(case).collect() };
    all_and_no_others("list", names("a b_c"), names("b-c a"));
    let told = |cases: &str, tests: &str| {
        let failed = std::panic::catch_unwind(|| {
            all_and_no_others("list", names(cases), names(tests));
        });
        failed.unwrap_err().downcast_ref::<String>().unwrap().clone()
    };
    assert_eq!(told("a b_c", "a"), r#"list: without a test: ["b-c"]; there is no such case: []"#);
    assert_eq!(told("a", "a b_c"), r#"list: without a test: []; there is no such case: ["b-c"]"#);
}
