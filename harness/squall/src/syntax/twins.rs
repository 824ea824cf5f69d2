//! Keys that stand in a mapping twice, and the trees with one value of each.

use super::{
    diagnostic::Span,
    node::{Key, Node, Value},
};

/// So many choices among values of the same keys are read.
const MOST_CHOICES: usize = 64;

/// The trees with one value of each key that has several; `most` is the most that a key has.
pub(super) fn choices(root: &Node, most: usize) -> Vec<Node> {
    let all = most.saturating_pow(levels(root)).min(MOST_CHOICES);
    (0..all).map(|which| chosen(root, which, most)).collect()
}

/// Hands over each key that stands in its mapping already: the key, where it stood first, and the how many-th it is.
pub(super) fn twice(node: &Node, tell: &mut impl FnMut(&Key, Span, usize)) {
    match &node.value {
        Value::Mapping(entries) => {
            for (at, (key, value)) in entries.iter().enumerate() {
                let mut before = entries[..at].iter().filter(|(other, _)| other.text == key.text);
                if let Some((first, _)) = before.next() {
                    tell(key, first.span, before.count() + 2);
                }
                twice(value, tell);
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| twice(item, tell)),
        Value::Scalar(_) | Value::Null => {}
    }
}

/// Whether a key stands in a mapping twice.
fn has_twice(entries: &[(Key, Node)]) -> bool {
    let twin = |at: usize| entries[..at].iter().any(|(key, _)| key.text == entries[at].0.text);
    (0..entries.len()).any(twin)
}

/// In how many mappings, one within the other, keys stand twice.
fn levels(node: &Node) -> u32 {
    match &node.value {
        Value::Mapping(entries) => {
            let below = entries.iter().map(|(_, value)| levels(value)).max().unwrap_or(0);
            below + u32::from(has_twice(entries))
        }
        Value::Sequence(items) => items.iter().map(levels).max().unwrap_or(0),
        Value::Scalar(_) | Value::Null => 0,
    }
}

/// The tree with one value of each key that has several: a digit of `which` to the base `most` says for each mapping
/// on the way down which one, or the last.
fn chosen(node: &Node, which: usize, most: usize) -> Node {
    let value = match &node.value {
        Value::Mapping(entries) => {
            let (digit, rest) =
                if has_twice(entries) { (which % most, which / most) } else { (0, which) };
            let same = |key: &Key, among: &[(Key, Node)]| {
                among.iter().filter(|(other, _)| other.text == key.text).count()
            };
            let kept = entries.iter().enumerate().filter(|(at, (key, _))| {
                same(key, &entries[..*at]) == digit.min(same(key, entries) - 1)
            });
            let below = kept.map(|(_, (key, value))| (key.clone(), chosen(value, rest, most)));
            Value::Mapping(below.collect())
        }
        Value::Sequence(items) => {
            Value::Sequence(items.iter().map(|item| chosen(item, which, most)).collect())
        }
        other => other.clone(),
    };
    Node { value, ..node.clone() }
}
