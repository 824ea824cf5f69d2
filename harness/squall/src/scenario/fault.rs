//! A fault with the values that a step gives it: reading it, by the table of its kind, and printing it.

use super::{links, messages, reader::Reader, values};
use crate::{
    faults::{CATALOGUE, FaultKind},
    injection::{Injection, Links},
    parameters::{Given, Param, ParamKind, Value as Said},
    syntax::{Fields, Node, Value},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

/// A kind of fault, and what a step says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What kind.
    pub kind: &'static FaultKind,
    /// What is said of it.
    pub given: Given,
}

impl Fault {
    /// What it wants done.
    #[must_use]
    pub fn injection(&self) -> Injection {
        (self.kind.injection)(&self.given)
    }

    /// Reads what a step says under a fault's key, telling every mistake.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        kind: &'static FaultKind,
        node: &Node,
    ) -> Option<Self> {
        let values = match kind.params {
            // What says whom it hits and no more is written without a name.
            [only @ Param { kind: ParamKind::Target, .. }] => {
                let said = without_name(reader, kind, only, node);
                vec![values::read(reader, &only.kind, said)?]
            }
            [first, rest @ ..] if stands_alone(first, node) => {
                let first = values::read(reader, &first.kind, node);
                let rest = all(reader, kind, rest, &mut Fields::none(node.span));
                std::iter::once(first?).chain(rest?).collect()
            }
            params => {
                // Of a single value the help says whose value it may be.
                let fits = |param: &&Param| match (&node.value, &param.kind) {
                    (_, ParamKind::Links | ParamKind::Messages | ParamKind::Target) => false,
                    (Value::Scalar(text), kind) => values::parse(kind, text).is_ok(),
                    _ => false,
                };
                let (first, rest): (Vec<_>, Vec<_>) = params.iter().partition(fits);
                let keys: Vec<_> = first.into_iter().chain(rest).flat_map(keys).collect();
                let mut fields = reader.fields(node, kind.key, &keys, "list keys")?;
                all(reader, kind, params, &mut fields)?
            }
        };
        let given = kind.given(values).expect("each value was read by its parameter's type");
        Some(Self { kind, given })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.print(&self.given, f)
    }
}

/// As the workers are sent it: its key and its values.
#[derive(Serialize, Deserialize)]
struct Wire {
    fault: String,
    given: Vec<Said>,
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let given = self.given.values().to_vec();
        Wire { fault: self.kind.key.to_owned(), given }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Fault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { fault, given } = Wire::deserialize(deserializer)?;
        let kind = CATALOGUE.iter().copied().find(|kind| kind.key == fault);
        let kind = kind.ok_or_else(|| D::Error::custom(format!("there is no fault `{fault}`")))?;
        let given = kind.given(given);
        let given = given.ok_or_else(|| D::Error::custom(format!("no parameters of `{fault}`")))?;
        Ok(Self { kind, given })
    }
}

/// The keys that can be said of a kind of fault.
pub(super) fn keys_of(kind: &FaultKind) -> Vec<&'static str> {
    kind.params.iter().flat_map(keys).collect()
}

/// The keys that a parameter is written with.
fn keys(param: &'static Param) -> Vec<&'static str> {
    match param.kind {
        ParamKind::Links => links::KEYS.to_vec(),
        ParamKind::Messages => [messages::KEYS, links::KEYS].concat(),
        _ => vec![param.name],
    }
}

/// Whether this is a single value, which is given to the first parameter: `slow_node: broker-1`, `poison: 20%`.
fn stands_alone(first: &Param, node: &Node) -> bool {
    match first.kind {
        ParamKind::Target => !matches!(node.value, Value::Mapping(_)),
        ParamKind::Share { .. } => matches!(node.value, Value::Scalar(_)),
        _ => false,
    }
}

/// What is said of the only parameter of a fault, which has no name: if it was given one, that is told.
fn without_name<'n>(
    reader: &mut Reader<'_>,
    kind: &FaultKind,
    only: &Param,
    node: &'n Node,
) -> &'n Node {
    let Value::Mapping(entries) = &node.value else { return node };
    let Some((_, said)) = entries.iter().find(|(key, _)| key.text == only.name) else {
        return node;
    };
    let message = format!("{} takes whom it hits, and no key", kind.key);
    let others: Vec<String> = entries
        .iter()
        .filter(|(key, _)| key.text != only.name)
        .map(|(key, value)| format!("\n{}: {}", key.text, value.flow()))
        .collect();
    reader.tell("squall::wrong_type", node.span, message, "expected a target").help(format!(
        "{}: {}{}",
        kind.key,
        said.flow(),
        others.concat()
    ));
    said
}

/// The values of all these parameters; `None` if one of them is wrong or missing.
fn all(
    reader: &mut Reader<'_>,
    kind: &FaultKind,
    params: &'static [Param],
    fields: &mut Fields<'_>,
) -> Option<Vec<Said>> {
    let values: Vec<_> =
        params.iter().map(|param| of_fields(reader, kind, param, fields)).collect();
    values.into_iter().collect()
}

fn of_fields(
    reader: &mut Reader<'_>,
    kind: &FaultKind,
    param: &Param,
    fields: &mut Fields<'_>,
) -> Option<Said> {
    let said = match param.kind {
        ParamKind::Links => links::take(reader, fields)?.map(Said::Links),
        ParamKind::Messages => messages::take(reader, fields)?.map(Said::Messages),
        _ => match fields.take(param.name) {
            Some((_, node)) => Some(values::read(reader, &param.kind, node)?),
            None => None,
        },
    };
    let said = said.or_else(|| default_of_param(param));
    if said.is_none() {
        let (what, such_as) = match param.kind {
            ParamKind::Target => ("of whom?", format!("node: {}", reader.any_node())),
            ParamKind::Links => ("between whom?", "isolate: leader".to_owned()),
            ParamKind::Messages => ("how many messages?", "messages: 20%".to_owned()),
            _ => (param.about, format!("{}: {}", param.name, values::example(&param.kind))),
        };
        let message = format!("{}: {what}", kind.key);
        reader.tell("squall::missing", fields.span, message, format!("such as {such_as}"));
    }
    said
}

/// What counts if the parameter is not said.
#[must_use]
pub fn default_of_param(param: &Param) -> Option<Said> {
    let text = param.default?;
    Some(match param.kind {
        ParamKind::Links => Said::Links(Links::Every),
        _ => values::parse(&param.kind, text).expect("a test reads every default"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Sample;
    use std::collections::BTreeSet;

    /// The only fault of a scenario with this step.
    fn fault(step: &str) -> Fault {
        let text = format!("name: x\nzones: {{ a: [broker-1] }}\nfaults:\n  - {step}\n");
        let scenario = crate::scenario::parse("x", text.as_bytes(), &Sample);
        let mut scenario = scenario.unwrap_or_else(|told| panic!("{}", told.render(false)));
        scenario.faults.remove(0).fault
    }

    #[test]
    fn the_help_for_a_single_value_names_the_parameter_that_it_fits() {
        let help = |step: &str| {
            let text = format!("name: x\nfaults:\n  - {step}\n");
            let told = crate::scenario::parse("x", text.as_bytes(), &Sample).unwrap_err();
            told.render(false).lines().find(|line| line.contains("help:")).unwrap().to_owned()
        };
        assert!(help("{ at: 1s, latency: 200ms }").contains("latency: { delay: 200ms }"));
        assert!(help("{ at: 1s, bandwidth: 1MiB/s }").contains("bandwidth: { limit: 1MiB/s }"));
        assert!(help("{ at: 1s, partition: leader }").contains("partition: { isolate: leader }"));
    }

    /// What the example of a fault wants, as it is recorded.
    fn wants(kind: &FaultKind) -> String {
        let read = fault(kind.example);
        format!("{}\n  {read}\n  {:?}\n", kind.example, read.injection())
    }

    #[test]
    fn each_example_is_a_step_that_says_what_it_wants() {
        insta::assert_snapshot!(CATALOGUE.iter().map(|kind| wants(kind)).collect::<String>());
    }

    /// What holds of each fault by itself. Its file is called as its key.
    fn holds(key: &str) {
        let kind = CATALOGUE.iter().find(|kind| kind.key == key);
        let kind = kind.unwrap_or_else(|| panic!("no fault has the key of the file {key}.rs"));
        assert_eq!(fault(kind.example).kind, *kind, "{}", kind.example);
        wants_what_is_recorded(kind);
        is_the_same_when_a_worker_reads_it(kind);
        has_defaults_that_are_values_and_choices_that_matter(kind);
        names_its_parameters_once(kind);
    }

    macro_rules! holds {
        ($($file:ident::$_constant:ident,)*) => {
            mod each {
                $(
                    #[test]
                    fn $file() {
                        super::holds(stringify!($file));
                    }
                )*
            }
        };
    }

    crate::each_fault!(holds);

    fn wants_what_is_recorded(kind: &FaultKind) {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/scenario/snapshots/squall__scenario__fault__tests__",
            "each_example_is_a_step_that_says_what_it_wants.snap"
        );
        let (recorded, wants) = (std::fs::read_to_string(path).unwrap(), wants(kind));
        assert!(
            recorded.contains(&wants),
            "what the example wants is not recorded (INSTA_UPDATE=always cargo test -p squall --lib fault records it; \
             read it):\n{wants}"
        );
    }

    fn is_the_same_when_a_worker_reads_it(kind: &FaultKind) {
        let read = fault(kind.example);
        let line = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Fault>(&line).unwrap(), read, "{line}");
    }

    /// A default that is no value, or a choice that a fault overlooks, would show in nobody's scenario at first.
    fn has_defaults_that_are_values_and_choices_that_matter(kind: &FaultKind) {
        let example = fault(kind.example);
        let scalar = |param: &&Param| !matches!(param.kind, ParamKind::Links);
        for (index, param) in kind.params.iter().enumerate().filter(|(_, p)| scalar(p)) {
            if let Some(text) = param.default {
                let value = values::parse(&param.kind, text);
                assert!(value.is_ok(), "{}: {}: {text}: {value:?}", kind.key, param.name);
            }
            if let ParamKind::Choice(choice) = param.kind {
                let wanted = (0..choice.words.len()).map(|word| {
                    let mut values = example.given.values().to_vec();
                    values[index] = Said::Choice(word);
                    format!("{:?}", (kind.injection)(&kind.given(values).unwrap()))
                });
                assert_eq!(wanted.collect::<BTreeSet<_>>().len(), choice.words.len());
            }
        }
    }

    fn names_its_parameters_once(kind: &FaultKind) {
        let names: BTreeSet<&str> = kind.params.iter().map(|param| param.name).collect();
        assert_eq!(names.len(), kind.params.len(), "{}", kind.key);
        let named = kind.says.split(['{', '}']).skip(1).step_by(2);
        for name in named.flat_map(|name| name.split('+')) {
            assert!(names.contains(name), "{}: {{{name}}}", kind.key);
        }
    }

    #[test]
    fn two_faults_have_two_keys() {
        let keys: BTreeSet<&str> = CATALOGUE.iter().map(|kind| kind.key).collect();
        assert_eq!(keys.len(), CATALOGUE.len());
    }

    #[test]
    fn what_is_no_fault_is_refused_by_the_workers() {
        for bad in [
            r#"{"fault":"nonsense","given":[]}"#,
            r#"{"fault":"crash","given":[]}"#,
            r#"{"fault":"crash","given":[{"Number":3}]}"#,
            r#"{"fault":"bit_rot","given":[{"Target":"Leader"},{"Number":0}]}"#,
        ] {
            assert!(serde_json::from_str::<Fault>(bad).is_err(), "{bad}");
        }
    }
}
