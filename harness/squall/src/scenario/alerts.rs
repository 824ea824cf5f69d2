//! `must_alert` and `must_not_alert`: which alerts a monitoring system must raise, and which it must not.

use super::{reader::Reader, values};
use crate::{
    parameters::{ParamKind, Span as Bounds},
    syntax::{Node, Value},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An alert that must fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its name in the rules.
    pub name: String,
    /// So long after the first fault has begun at the latest; `None`: before the run is over.
    pub within: Option<Duration>,
    /// Its line in the file, from 1.
    pub line: u32,
}

/// Alerts that must not fire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quiet {
    /// Any may.
    #[default]
    Free,
    /// These must not.
    Named(Vec<String>),
    /// None may but those that must.
    AnyOther,
}

/// What `must_not_alert` says of every alert that `must_alert` does not name.
pub const ANY: &str = "any";

/// `must_alert: [BrokerDown, ConsumerLagHigh: { within: 2m }]`
pub(super) fn must(reader: &mut Reader<'_>, node: &Node) -> Vec<Alert> {
    let mut all: Vec<Alert> = Vec::new();
    for item in reader.list(node, "must_alert").unwrap_or_default() {
        let (name, span, within) = match &item.value {
            Value::Scalar(name) => (name, item.span, None),
            Value::Mapping(entries) if entries.len() == 1 => {
                let (key, within) = &entries[0];
                (&key.text, key.span, Some(within))
            }
            other => {
                let message = format!("expected the name of an alert, found {}", other.kind());
                let label = "such as ConsumerLagHigh, or ConsumerLagHigh: { within: 2m }";
                reader.tell("squall::wrong_type", item.span, message, label);
                continue;
            }
        };
        let within = match within {
            None => None,
            Some(said) => {
                let time = match said.value {
                    Value::Scalar(_) => Some(said),
                    _ => reader.fields(said, name, &["within"], "explain must_alert").and_then(
                        |mut fields| {
                            let within = fields.take("within").map(|(_, time)| time);
                            if within.is_none() {
                                let label = "such as within: 2m";
                                reader.tell(
                                    "squall::missing",
                                    said.span,
                                    "a time is missing",
                                    label,
                                );
                            }
                            within
                        },
                    ),
                };
                let Some(time) = time else { continue };
                let kind = ParamKind::Time(Bounds::ABOVE_ZERO);
                let Some(said) = values::read(reader, &kind, time) else { continue };
                Some(values::time(&said))
            }
        };
        let known = |alert: &Alert| alert.name == *name;
        if is_name(reader, item, name) && !is_twice(reader, item, name, all.iter().any(known)) {
            all.push(Alert { name: name.clone(), within, line: reader.line(span) });
        }
    }
    all
}

/// `must_not_alert: any`, or a list of names.
pub(super) fn must_not(reader: &mut Reader<'_>, node: &Node, must: &[Alert]) -> Quiet {
    if matches!(&node.value, Value::Scalar(word) if word == ANY) {
        return Quiet::AnyOther;
    }
    let mut all: Vec<String> = Vec::new();
    for item in reader.list(node, "must_not_alert").unwrap_or_default() {
        let Value::Scalar(name) = &item.value else {
            let message = format!("expected the name of an alert, found {}", item.value.kind());
            reader.tell("squall::wrong_type", item.span, message, "such as BrokerDown");
            continue;
        };
        if name == ANY {
            let label = "without the list: must_not_alert: any";
            reader.tell("squall::wrong_type", item.span, "`any` stands alone", label);
        } else if must.iter().any(|alert| alert.name == *name) {
            let message = format!("{name} must alert and must not");
            reader.tell("squall::never", item.span, message, "and must_alert names it");
        } else if is_name(reader, item, name) && !is_twice(reader, item, name, all.contains(name)) {
            all.push(name.clone());
        }
    }
    Quiet::Named(all)
}

fn is_name(reader: &mut Reader<'_>, item: &Node, name: &str) -> bool {
    let fits = !name.is_empty() && name.len() <= 200 && !name.chars().any(char::is_control);
    if !fits {
        let label = "the name of an alert in the rules, in one line";
        reader.tell("squall::bad_value", item.span, "this is no name of an alert", label);
    }
    fits
}

fn is_twice(reader: &mut Reader<'_>, item: &Node, name: &str, known: bool) -> bool {
    if known {
        reader.tell("squall::twice", item.span, format!("{name} is named twice"), "again");
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        sample::Sample,
        scenario::{Scenario, parse},
    };

    fn read(lines: &str) -> Result<Scenario, String> {
        parse("x", format!("name: x\n{lines}\n").as_bytes(), &Sample)
            .map_err(|told| told.render(false))
    }

    #[test]
    fn alerts_are_names_that_may_have_a_time() {
        let scenario =
            read("must_alert:\n  - Down\n  - Lag: { within: 2m }\n  - Slow: 30s").unwrap();
        let told: Vec<(&str, Option<u64>, u32)> = scenario
            .must_alert
            .iter()
            .map(|alert| (&*alert.name, alert.within.map(|time| time.as_secs()), alert.line))
            .collect();
        assert_eq!(told, [("Down", None, 3), ("Lag", Some(120), 4), ("Slow", Some(30), 5)]);
        assert_eq!(scenario.must_not_alert, Quiet::Free);
        assert_eq!(read("must_not_alert: any").unwrap().must_not_alert, Quiet::AnyOther);
        let named = read("must_not_alert: [Down]").unwrap().must_not_alert;
        assert_eq!(named, Quiet::Named(vec!["Down".to_owned()]));
    }

    #[test]
    fn mistakes_are_told_at_their_places() {
        for (lines, told) in [
            ("must_alert: Down", "must_alert"),
            ("must_alert: [Down, Down]", "named twice"),
            ("must_alert: [[Down]]", "expected the name of an alert"),
            ("must_alert: [Down: { witin: 2m }]", "did you mean `within`"),
            ("must_alert: [Down: {}]", "a time is missing"),
            ("must_alert: [Down: { within: 0s }]", "0s"),
            ("must_alert: [\"\"]", "no name of an alert"),
            ("must_not_alert: [any]", "stands alone"),
            ("must_alert: [Down]\nmust_not_alert: [Down]", "must alert and must not"),
            ("must_not_alert: [Down, Down]", "named twice"),
        ] {
            let found = read(lines).expect_err(lines);
            assert!(found.contains(told), "{lines}: {found}");
        }
    }
}
