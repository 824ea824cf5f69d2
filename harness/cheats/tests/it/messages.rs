//! What happens to messages: copies, order, resets.

use crate::{explain, found_out, runs};
use squall_reports::Verdict;

fn messages(fault: &str) -> String {
    format!(
        "name: messages\nworkload: {{ events: 200, rate: 100/s }}\nfaults:\n  - {{ {fault} }}\n"
    )
}

#[test]
fn a_copy_that_comes_after_it_is_forgotten() {
    let late = messages("at: 300ms, duplicate: { messages: 30%, on: send, by: 6s }, for: 1s");
    found_out(&late, "forgets-copies", &["idempotency", "no_duplicate_append"], 3, 3);
    // Sooner it is known again: the lie needs a run that waits for what was injected.
    let soon = messages("at: 300ms, duplicate: { messages: 30%, on: send, by: 1s }, for: 1s");
    for run in runs(&soon, "forgets-copies", 3, &[]) {
        assert_eq!(run.verdict, Verdict::Passed, "{}", explain(&run));
    }
}

#[test]
fn messages_that_overtake_each_other() {
    let scenario =
        messages("at: 300ms, reorder: { messages: 20%, on: send, by: 30ms..80ms }, for: 1s");
    // Order is promised for each key: of few keys neighbours have the same.
    let scenario = scenario.replace("rate: 100/s", "rate: 100/s, keys: 4");
    found_out(&scenario, "takes-gaps", &["order"], 3, 3);
}

#[test]
fn what_was_read_and_answered_for_when_the_connection_was_reset() {
    let scenario = messages("every: 130ms, reset: { isolate: server-1 }");
    found_out(&scenario, "answers-first", &["no_loss"], 3, 3);
    found_out(&scenario, "reset-is-failure", &["no_phantom"], 3, 3);
}

#[test]
fn a_datagram_that_was_sent_is_none_that_arrived() {
    let lost = messages("at: 300ms, lose: { messages: 20% }, for: 1s");
    found_out(&lost, "trusts-datagrams", &["no_loss"], 3, 3);
    found_out(crate::CUT, "trusts-datagrams", &["no_loss"], 3, 3);
    // Copies and what overtakes are no loss; and the server's tasks are tokio's own.
    let calm = messages(
        "at: 300ms, duplicate: { messages: 20% }, for: 1s }\n  - { at: 500ms, pause: server-1, for: 300ms",
    );
    for id in ["trusts-datagrams", "trusts-datagrams.honest"] {
        for run in runs(&calm, id, 3, &["--verify", "all"]) {
            assert_eq!(run.verdict, Verdict::Passed, "{}", explain(&run));
        }
    }
}
