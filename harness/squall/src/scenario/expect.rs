//! `expect:`: which invariants matter here, and the limits of those that take one.

use super::{named, reader::Reader, values};
use crate::{
    parameters::{ParamKind, Span as Bounds},
    syntax::{Fields, Node, Span, Value, Words, value},
};
use serde::{Deserialize, Serialize};
use squall_judge::{Bound, CATALOGUE, Limit, QUANTILES, Window};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// An invariant that a scenario names. Those that hold always are judged in every run, named or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expect {
    /// The invariant.
    pub name: String,
    /// The limit that is set; `None`: what the invariant declares.
    pub limit: Option<Bound>,
}

/// Invariants that the system is known to violate here: a run in which it keeps one of them fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violates {
    /// Their names.
    pub names: Vec<String>,
    /// Variants of the system that violate them; none: all do.
    pub with: Vec<String>,
    /// Variants of the system that keep them.
    pub unless: Vec<String>,
}

impl Violates {
    /// Whether the system is known to violate them when it is set up in this variant.
    #[must_use]
    pub fn holds_for(&self, variant: Option<&str>) -> bool {
        let among =
            |names: &[String]| variant.is_some_and(|it| names.iter().any(|name| name == it));
        (self.with.is_empty() || among(&self.with)) && !among(&self.unless)
    }
}

/// What is expected to be violated, beside what is expected to hold.
const VIOLATES: &str = "violates";

/// Reads the list; `lines` learns where each invariant is named.
pub(super) fn read(
    reader: &mut Reader<'_>,
    node: &Node,
    lines: &mut BTreeMap<String, u32>,
) -> (Vec<Expect>, Vec<Violates>) {
    let mut seen = BTreeSet::new();
    let (mut all, mut broken) = (Vec::new(), Vec::new());
    let is_violates = |item: &Node| {
        let Value::Mapping(entries) = &item.value else { return false };
        entries.iter().any(|(key, _)| key.text == VIOLATES)
    };
    // `expect: { violates: no_loss }` is a list of one.
    let items = if is_violates(node) {
        std::slice::from_ref(node)
    } else {
        reader.list(node, "expect").unwrap_or_default()
    };
    for item in items {
        if is_violates(item) {
            broken.extend(violates(reader, item, &mut seen, lines));
            continue;
        }
        let (name, span, limit) = match &item.value {
            Value::Scalar(name) => (name, item.span, None),
            Value::Mapping(entries) if entries.len() == 1 => {
                let (key, limit) = &entries[0];
                (&key.text, key.span, Some(limit))
            }
            other => {
                let message = format!("expected the name of an invariant, found {}", other.kind());
                let label = "such as no_loss, drains: { within: 10s } or violates: no_loss";
                reader.tell("squall::wrong_type", item.span, message, label);
                continue;
            }
        };
        let names: Vec<_> = CATALOGUE.iter().map(|entry| entry.name).collect();
        let known = Words { all: &names, list: "list invariants" };
        if !reader.known(span, name, "invariant", "squall::unknown_invariant", known) {
            continue;
        }
        if !seen.insert(name.clone()) {
            reader.tell("squall::twice", span, format!("{name} is named twice"), "again");
            continue;
        }
        lines.insert(name.clone(), reader.line(span));
        let declared = CATALOGUE.iter().find(|entry| entry.name == name).and_then(|e| e.limit);
        if let Some(limit) = one(reader, name, span, declared, limit) {
            all.push(Expect { name: name.clone(), limit });
        }
    }
    (all, broken)
}

/// `violates: no_loss`, or a list of invariants; beside it `with:` or `unless:` and a variant, or a list of them.
fn violates(
    reader: &mut Reader<'_>,
    item: &Node,
    seen: &mut BTreeSet<String>,
    lines: &mut BTreeMap<String, u32>,
) -> Option<Violates> {
    let mut fields = reader.fields(
        item,
        "what is violated",
        &[VIOLATES, "with", "unless"],
        "list invariants",
    )?;
    let mut names = Vec::new();
    let (_, node) = fields.take(VIOLATES)?;
    for item in one_or_more(node) {
        let name = reader.text(item, "the name of an invariant")?.to_owned();
        let known: Vec<_> = CATALOGUE.iter().map(|entry| entry.name).collect();
        let known = Words { all: &known, list: "list invariants" };
        if !reader.known(item.span, &name, "invariant", "squall::unknown_invariant", known) {
            continue;
        }
        if !seen.insert(name.clone()) {
            reader.tell("squall::twice", item.span, format!("{name} is named twice"), "again");
            continue;
        }
        lines.insert(name.clone(), reader.line(item.span));
        names.push(name);
    }
    let with = fields.take("with").map(|(_, node)| variants(reader, node));
    let unless = fields.take("unless").map(|(_, node)| variants(reader, node));
    let (with, unless) = (with.unwrap_or_default(), unless.unwrap_or_default());
    (!names.is_empty()).then_some(Violates { names, with, unless })
}

fn one_or_more(node: &Node) -> &[Node] {
    match &node.value {
        Value::Sequence(items) => items,
        _ => std::slice::from_ref(node),
    }
}

/// A variant of the system, or a list of them.
fn variants(reader: &mut Reader<'_>, node: &Node) -> Vec<String> {
    let system = reader.system;
    let mut all = Vec::new();
    for item in one_or_more(node) {
        let Some(name) = reader.text(item, "the name of a variant").map(str::to_owned) else {
            continue;
        };
        let known = system.variants();
        if known.is_empty() {
            let message = format!("{} has no variants", system.name());
            let help = "a scenario of another system is read with --system";
            reader.tell("squall::unknown_variant", item.span, message, "leave this out").help(help);
            continue;
        }
        let words = Words { all: &known, list: "list systems" };
        if reader.known(item.span, &name, "variant", "squall::unknown_variant", words) {
            all.push(name);
        }
    }
    all
}

/// The limit that is set on an invariant; the inner `None` if it is left to what is declared.
fn one(
    reader: &mut Reader<'_>,
    name: &str,
    span: Span,
    declared: Option<Limit>,
    said: Option<&Node>,
) -> Option<Option<Bound>> {
    match (declared, said) {
        (None, None) => Some(None),
        (None, Some(said)) => {
            let message = format!("{name} holds always: it takes no limit");
            reader.tell("squall::bad_value", said.span, message, "leave this out");
            None
        }
        (Some(limit), None) if limit.default().is_some() => Some(None),
        (Some(limit), None) => {
            let label = format!("such as {name}: {{ {} }}", limit.example());
            reader.tell("squall::missing", span, format!("{name} needs a limit"), label);
            None
        }
        (Some(limit), Some(said)) => bound(reader, name, limit, said).map(Some),
    }
}

fn bound(reader: &mut Reader<'_>, name: &str, limit: Limit, said: &Node) -> Option<Bound> {
    match limit {
        Limit::Within { .. } => {
            let time = match said.value {
                Value::Scalar(_) => said,
                _ => {
                    let mut fields = reader.fields(said, name, &["within"], "list invariants")?;
                    let within = fields.take("within").map(|(_, time)| time);
                    within.or_else(|| missing(reader, fields.span, limit))?
                }
            };
            longer_than_zero(reader, time).map(|time| Bound::Within(micros(time)))
        }
        Limit::AtLeast => {
            let keys = ["at_least", "during", "after"];
            let mut fields = reader.fields(said, name, &keys, "list invariants")?;
            let window = window(reader, &mut fields);
            let share = fields.take("at_least").map(|(_, share)| share);
            let share = share.or_else(|| missing(reader, fields.span, limit))?;
            let share = reader.scalar(share, "a share", value::percent)?;
            Some(window?.map_or(Bound::AtLeast(share), |window| Bound::AtLeastIn(share, window)))
        }
        Limit::Quantile => {
            let names = QUANTILES.map(|(name, _)| name);
            let mut fields = reader.fields(said, name, &names, "list invariants")?;
            let mut found = QUANTILES
                .into_iter()
                .filter_map(|(name, quantile)| Some((fields.take(name)?, quantile)));
            let (first, second) = (found.next(), found.next());
            let Some(((_, time), quantile)) = first else {
                return missing(reader, fields.span, limit);
            };
            if let Some(((key, _), _)) = second {
                let message = "one limit is judged, and here are two";
                reader.tell("squall::two_of_a_kind", key.span, message, "the second");
                return None;
            }
            let time = longer_than_zero(reader, time)?;
            Some(Bound::Quantile(quantile, micros(time)))
        }
    }
}

/// The part of the run that is meant, by a fault of it; the inner `None`: all of it.
fn window(reader: &mut Reader<'_>, fields: &mut Fields<'_>) -> Option<Option<Window>> {
    let during = fields.take("during");
    let after = fields.take("after");
    if let (Some((first, _)), Some((second, _))) = (during, after) {
        let message = "a window is during a fault or after it, and this one both";
        reader
            .tell("squall::two_of_a_kind", second.span, message, "the second")
            .related(Some(first.span), "the first");
        return None;
    }
    let Some((_, node)) = during.or(after) else { return Some(None) };
    let step = named::step_named(reader, node)?;
    let lasts = reader.lasting.get(usize::from(step.step)).copied().unwrap_or(true);
    if during.is_some() && !lasts {
        let message = format!("\"{}\" happens at once, and nothing is during it", step.name);
        let label = "say after, or give it a fault that lasts";
        reader.tell("squall::misplaced", node.span, message, label);
        return None;
    }
    Some(Some(match (during, lasts) {
        (Some(_), _) => Window::During(step.step),
        (None, true) => Window::After(step.step),
        (None, false) => Window::Since(step.step),
    }))
}

fn missing<T>(reader: &mut Reader<'_>, span: Span, limit: Limit) -> Option<T> {
    reader.tell("squall::missing", span, "a limit is missing", limit.example());
    None
}

fn longer_than_zero(reader: &mut Reader<'_>, node: &Node) -> Option<Duration> {
    values::read(reader, &ParamKind::Time(Bounds::ABOVE_ZERO), node).map(|said| values::time(&said))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).expect("the longest time is a week")
}

#[cfg(test)]
mod tests {
    use super::super::document::parse;
    use super::*;
    use crate::{sample::Sample, scenario::Scenario};

    fn read(expect: &str) -> Result<Scenario, String> {
        let text = format!("name: x\nexpect: {expect}\n");
        parse("x", text.as_bytes(), &Sample).map_err(|told| told.render(false))
    }

    #[test]
    fn what_is_known_to_be_violated_stands_beside_what_must_hold() {
        let known = |names: &[&str]| Violates {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            with: Vec::new(),
            unless: Vec::new(),
        };
        for (text, wanted) in [
            ("{ violates: no_loss }", known(&["no_loss"])),
            ("[{ violates: no_loss }]", known(&["no_loss"])),
            ("[{ violates: [no_loss, order] }]", known(&["no_loss", "order"])),
        ] {
            let read = read(text).unwrap();
            assert_eq!(read.violates, [wanted], "{text}");
            assert!(read.expect.is_empty());
        }
        let both = read("[durability, { violates: no_loss }]").unwrap();
        assert_eq!((both.expect.len(), both.violates.len()), (1, 1));
    }

    #[test]
    fn mistakes_in_it_are_told() {
        for (text, wanted) in [
            ("[no_loss, { violates: no_loss }]", "no_loss is named twice"),
            ("[{ violates: [order, order] }]", "order is named twice"),
            ("[{ violates: no_los }]", "no_loss"),
            ("[{ violates: }]", "the name of an invariant"),
            ("[{ violates: no_loss, untill: x }]", "unless"),
            ("[{ violates: no_loss, unless: x }]", "has no variants"),
            ("[{ violates: no_loss, with: [x] }]", "has no variants"),
            ("[{ unless: x }]", "unless"),
        ] {
            let told = read(text).expect_err(text);
            assert!(told.contains(wanted), "{text}: {told}");
        }
    }

    #[test]
    fn it_is_known_of_some_variants() {
        let of = |with: &[&str], unless: &[&str]| Violates {
            names: vec!["no_loss".to_owned()],
            with: with.iter().map(|name| (*name).to_owned()).collect(),
            unless: unless.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert!(of(&[], &[]).holds_for(None) && of(&[], &[]).holds_for(Some("a")));
        assert!(of(&[], &["a"]).holds_for(None) && !of(&[], &["a"]).holds_for(Some("a")));
        assert!(!of(&["a"], &[]).holds_for(None) && of(&["a"], &[]).holds_for(Some("a")));
        assert!(!of(&["a"], &[]).holds_for(Some("b")));
    }
}
