//! What a violation looks like, so that the same bug looks the same in every run: the invariant, and
//! the set of what its evidence is made of.
//!
//! Coarse on purpose. Of each record of evidence there remains the role of its node (the name without
//! its number) and its kind; how many there are, in which order, when, and of which events, groups and
//! partitions, differs from run to run of one bug. Two bugs that break one invariant through the same
//! records are told apart by nothing here, and then it is the rate that must tell.

use crate::format::{Evidence, Violation};
use std::collections::BTreeSet;

/// Words that remain of a text, and characters of each.
const WORDS: usize = 16;
const LETTERS: usize = 24;

/// How evidence is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// By its kind.
    Kind,
    /// By its text without numbers: some of it is from a version that told no kind.
    Text,
}

/// The shape of a violation: `broker append, consumer apply`.
pub(super) fn signature(violation: &Violation, by: By) -> String {
    let shapes: BTreeSet<String> = violation
        .evidence
        .iter()
        .map(|evidence| format!("{} {}", role(&evidence.node), what(evidence, by)))
        .collect();
    if shapes.is_empty() {
        return "no evidence".to_owned();
    }
    shapes.into_iter().collect::<Vec<_>>().join(", ")
}

/// A node's name without its number: `broker-2` is a `broker`.
fn role(node: &str) -> &str {
    let name = node.trim_end_matches(|c: char| c.is_ascii_digit());
    match name.strip_suffix('-') {
        Some(role) if name.len() < node.len() && !role.is_empty() => role,
        _ => node,
    }
}

fn what(evidence: &Evidence, by: By) -> String {
    match by {
        By::Kind => evidence.kind.clone(),
        By::Text => plain(&evidence.text),
    }
}

/// A text without what differs from run to run: words with digits (ids, offsets, times, names of
/// nodes) are `#`, and several of them one.
pub(super) fn plain(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = if word.contains(|c: char| c.is_numeric()) {
            "#".to_owned()
        } else {
            word.trim_matches(|c: char| c.is_ascii_punctuation()).chars().take(LETTERS).collect()
        };
        let again = word == "#" && words.last().is_some_and(|last| last == "#");
        if !word.is_empty() && !again {
            words.push(word);
        }
        if words.len() == WORDS {
            break;
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(evidence: &[(&str, &str, &str)]) -> Violation {
        let evidence = evidence.iter().enumerate().map(|(index, (node, kind, text))| Evidence {
            index: index as u64,
            at_us: 17,
            node: (*node).to_owned(),
            kind: (*kind).to_owned(),
            text: (*text).to_owned(),
        });
        Violation { evidence: evidence.collect(), ..Violation::default() }
    }

    #[test]
    fn order_number_times_and_nodes_do_not_matter() {
        let one = violation(&[("broker-1", "append", "a"), ("consumer-2", "apply", "b")]);
        let other = violation(&[
            ("consumer-12", "apply", "c"),
            ("broker-3", "append", "d"),
            ("broker-2", "append", "e"),
        ]);
        assert_eq!(signature(&one, By::Kind), "broker append, consumer apply");
        assert_eq!(signature(&one, By::Kind), signature(&other, By::Kind));
        assert_eq!(signature(&violation(&[]), By::Kind), "no evidence");
    }

    #[test]
    fn text_is_read_without_its_numbers() {
        let old = violation(&[("broker-1", "", "appends e12 at p0@17, in term 3")]);
        let same = violation(&[("broker-2", "", "appends e7 at p3@2, in term 12")]);
        assert_eq!(signature(&old, By::Text), "broker appends # at # in term #");
        assert_eq!(signature(&old, By::Text), signature(&same, By::Text));
        assert_eq!(plain("consumer-1 consumer-2 lag"), "# lag");
        assert_eq!(plain(&"x ".repeat(1_000)).len(), 2 * WORDS - 1);
    }

    #[test]
    fn a_role_is_a_name_without_its_number() {
        for (node, expected) in [
            ("broker-1", "broker"),
            ("order-service-12", "order-service"),
            ("gateway", "gateway"),
            ("s3", "s3"),
            ("-1", "-1"),
            ("", ""),
        ] {
            assert_eq!(role(node), expected);
        }
    }
}
