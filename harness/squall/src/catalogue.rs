//! The words that scenarios are made of, from the lists that define them: what `squall list` and `squall explain` print,
//! and what the JSON Schema tells.

use crate::{
    faults::{self, FaultKind},
    metrics,
    parameters::ParamKind,
    scenario::{Absent, Allow, Key, TABLES, Table, Takes},
    signals,
    system::{Defect, Promises, Role, System},
};
use serde::Serialize;

/// A word and what it means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Word {
    /// What it is: `fault`, `invariant`, `signal`, `fault point`, `key`, `role`, `message`, `escape`, `defect`,
    /// `metric`.
    pub kind: &'static str,
    /// As scenarios write it.
    pub name: String,
    /// What it means, in a line.
    pub line: String,
    /// More of it, a sentence or two each.
    pub about: Vec<String>,
    /// What can be said of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Parameter>,
    /// Lines of a scenario with it, or a command.
    pub example: String,
    /// What happens at its edges, or what it proves and what it cannot, in paragraphs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<String>,
    /// Other words that have to do with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<String>,
}

/// What can be said of a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// As scenarios write it.
    pub name: String,
    /// Its type, with units and bounds.
    pub takes: String,
    /// What counts without it; `None`: it must be said.
    pub default: Option<String>,
    /// What it says.
    pub about: String,
}

/// What `squall list` can list: what it is called, what it lists, and the words.
pub type List = (&'static str, &'static str, fn(&dyn System) -> Vec<Word>);

/// Every list of words.
pub const LISTS: &[List] = &[
    ("faults", "What can go wrong", |_| faults()),
    ("invariants", "What is judged", invariants),
    ("signals", "What `must_see` can name", signals),
    ("points", "The places in the system's code that `reaches` can name", points),
    ("keys", "What scenarios can say, beside the parameters of faults", |_| keys()),
    ("roles", "The roles of the system's nodes", roles),
    ("messages", "The kinds of message that `on` can name", messages),
    (
        "escapes",
        "What `allow` can name: what gets past the simulation, which is an error otherwise",
        |_| escapes(),
    ),
    ("metrics", "The numbers that rules for alerts can ask for", self::metrics),
    ("defects", "The known mistakes that `--defect` can switch on", defects),
];

/// Every word.
#[must_use]
pub fn all(system: &dyn System) -> Vec<Word> {
    LISTS.iter().flat_map(|(_, _, words)| words(system)).collect()
}

/// What can go wrong.
#[must_use]
pub fn faults() -> Vec<Word> {
    faults::CATALOGUE.iter().map(|kind| fault(kind)).collect()
}

/// What is judged.
#[must_use]
pub fn invariants(system: &dyn System) -> Vec<Word> {
    let promises = system.promises();
    squall_judge::CATALOGUE.iter().map(|entry| invariant(entry, &promises)).collect()
}

/// What `must_see` can name: read off any system's history, the system's own, its fault points, and that a fault was
/// felt.
#[must_use]
pub fn signals(system: &dyn System) -> Vec<Word> {
    let signal = |name: &str, line: String| Word {
        kind: "signal",
        name: name.to_owned(),
        line,
        about: vec![
            "Counted from the first fault on. The report tells how often it was seen (`signals`)."
                .to_owned(),
        ],
        example: format!("must_see: [{name}]"),
        related: vec!["must_see".to_owned()],
        ..Word::default()
    };
    let built_in = signals::BUILT_IN.iter().map(|(name, about)| signal(name, (*about).to_owned()));
    let own = system.signals().iter().map(|name| signal(name, meaning(system, name)));
    let felt = faults::CATALOGUE.iter().map(|kind| {
        let line = format!("{} was felt: {}", kind.key, kind.felt_when);
        let related = vec![kind.key.to_owned(), "must_see".to_owned()];
        Word { related, ..signal(&kind.signal(), line) }
    });
    built_in.chain(own).chain(points(system)).chain(felt).collect()
}

/// The places in the system's code that `reaches` can name, and `must_see` too.
#[must_use]
pub fn points(system: &dyn System) -> Vec<Word> {
    let point = |name: &&'static str| Word {
        kind: "fault point",
        name: (*name).to_owned(),
        line: meaning(system, name),
        about: vec![format!(
            "A fault can begin there: between two steps of which the first may happen alone. `must_see` counts it, too."
        )],
        example: format!(
            "faults:\n  - {{ when: {{ reaches: {name}, hit: 3 }}, crash: any {} }}",
            any_role(system, name)
        ),
        related: vec!["reaches".to_owned(), "hit".to_owned(), "when".to_owned()],
        ..Word::default()
    };
    system.points().iter().map(point).collect()
}

/// The role that a point belongs to by its name, else the first.
fn any_role(system: &dyn System, point: &str) -> &'static str {
    let begins = |role: &&Role| point.split('.').next() == Some(role.name);
    let roles = system.roles();
    roles.iter().find(begins).or(roles.first()).map_or("node", |role| role.name)
}

/// What scenarios can say, beside the parameters of faults.
#[must_use]
pub fn keys() -> Vec<Word> {
    TABLES.iter().flat_map(|table| table.keys.iter().map(|key| self::key(table, key))).collect()
}

/// The roles of the system's nodes.
#[must_use]
pub fn roles(system: &dyn System) -> Vec<Word> {
    system.roles().iter().map(role).collect()
}

/// The kinds of message that `on` can name.
#[must_use]
pub fn messages(system: &dyn System) -> Vec<Word> {
    let message = |name: &&'static str| Word {
        kind: "message",
        name: (*name).to_owned(),
        line: meaning(system, name),
        about: vec![
            "A kind of message of the system: faults on messages can be limited to it.".to_owned(),
        ],
        example: format!(
            "faults:\n  - {{ at: 500ms, lose: {{ messages: 20%, on: {name} }}, for: 500ms }}"
        ),
        related: ["lose", "duplicate", "reorder", "corrupt"].map(str::to_owned).to_vec(),
        ..Word::default()
    };
    system.messages().iter().map(message).collect()
}

/// What `allow` can name: what gets past the simulation, which is an error otherwise.
#[must_use]
pub fn escapes() -> Vec<Word> {
    let escape = |(kind, about): &(&'static str, &'static str)| {
        let said = kind.replace("PATH", "/etc/app.conf").replace("NAME", "getrusage");
        Word {
            kind: "escape",
            name: (*kind).to_owned(),
            line: (*about).to_owned(),
            about: vec!["What reaches past the simulation ends a run as `errored`, unless the scenario allows it.".to_owned()],
            example: format!("allow: [{said}]"),
            related: vec!["allow".to_owned()],
            ..Word::default()
        }
    };
    Allow::KINDS.iter().map(escape).collect()
}

/// The numbers that rules for alerts can ask for: of any system, and the system's own.
#[must_use]
pub fn metrics(system: &dyn System) -> Vec<Word> {
    let metric = |name: &str, line: String| {
        Word {
        kind: "metric",
        name: name.to_owned(),
        line,
        about: vec![
            "A number of the run over virtual time, with the labels job, instance and role if it is a node's. A counter's \
             name ends with `_total` where it is written and asked for."
                .to_owned(),
        ],
        example: "squall replay SCENARIO --seed 1 --as openmetrics".to_owned(),
        related: vec!["must_alert".to_owned(), "must_not_alert".to_owned()],
        ..Word::default()
    }
    };
    let built_in = metrics::BUILT_IN
        .iter()
        .map(|(name, kind, about)| metric(name, format!("{}: {about}", kind.name())));
    built_in
        .chain(system.metrics().iter().map(|name| metric(name, meaning(system, name))))
        .collect()
}

/// The known mistakes that `--defect` can switch on.
#[must_use]
pub fn defects(system: &dyn System) -> Vec<Word> {
    let defect = |defect: &Defect| Word {
        kind: "defect",
        name: defect.id.to_owned(),
        line: defect.about.to_owned(),
        about: vec![format!("Breaks {}.", defect.breaks.join(" or "))],
        example: format!("squall run --defect {}", defect.id),
        related: defect
            .breaks
            .iter()
            .filter(|name| is_invariant(name))
            .map(|name| (*name).to_owned())
            .collect(),
        ..Word::default()
    };
    system.defects().iter().map(defect).collect()
}

/// Whether it is in the catalogue: that nothing panics is judged by the harness itself.
fn is_invariant(name: &str) -> bool {
    squall_judge::CATALOGUE.iter().any(|entry| entry.name == name)
}

/// What a system says that a word of its own means.
fn meaning(system: &dyn System, word: &str) -> String {
    let found = system.meanings().iter().find(|(known, _)| *known == word);
    found.map_or("the system does not say what it means", |(_, meaning)| meaning).to_owned()
}

/// A type with its bounds.
pub(crate) fn type_of(kind: &ParamKind) -> String {
    match kind {
        ParamKind::Number { .. } | ParamKind::Choice(_) | ParamKind::Text => kind.to_string(),
        _ => format!("{kind}: {}", kind.bounds()),
    }
}

fn fault(kind: &FaultKind) -> Word {
    let FaultKind { key, does, stands_for, felt_when, params, example, .. } = kind;
    let short = does.split([':', ';']).next().unwrap_or(does);
    let ends = if kind.lasts {
        "Lasts as long as `for` says, else until everything is healed."
    } else {
        "Happens at once."
    };
    let parameters = params.iter().map(|param| Parameter {
        name: param.written().to_owned(),
        takes: type_of(&param.kind),
        default: param.default.map(str::to_owned),
        about: param.about.to_owned(),
    });
    let beside = if kind.lasts {
        "for"
    } else if example.contains("restart_after") {
        "restart_after"
    } else {
        "at"
    };
    let zones = if example.contains("any zone") { "zones: { east: [broker-1] }\n" } else { "" };
    let alike = faults::CATALOGUE
        .iter()
        .filter(|other| other.group() == kind.group() && other.key != *key)
        .map(|other| other.key.to_owned());
    Word {
        kind: "fault",
        name: (*key).to_owned(),
        line: short.to_owned(),
        about: vec![
            format!("{does}."),
            format!("Stands for {stands_for}."),
            ends.to_owned(),
            format!("Felt (`{}`) when {felt_when}.", kind.signal()),
            format!("Acts on {}.", kind.group()),
        ],
        parameters: parameters.collect(),
        example: format!("{zones}faults:\n  - {example}"),
        edges: kind.edges(),
        related: [beside.to_owned(), kind.signal()].into_iter().chain(alike).collect(),
    }
}

/// What an invariant says, and when it has something to say.
fn invariant(entry: &squall_judge::Entry, promises: &Promises) -> Word {
    let records = entry.needed(str::to_owned);
    let promise = entry.promise.map_or("none", |promise| promise.words);
    let given = match (entry.promise, entry.is_promised(promises)) {
        (None, _) => "It is judged of every system, whatever that promises.",
        (Some(_), true) => "This system promises that.",
        (Some(_), false) => "This system does not promise that: it is not judged.",
    };
    let idle = "Without its records it is not applicable.";
    let when = match (entry.safety, entry.limit) {
        (true, _) => "Judged in every run.".to_owned(),
        (false, Some(limit)) if limit.default().is_some() => "Judged in every run.".to_owned(),
        (false, _) => "Judged where it is named under `expect`.".to_owned(),
    };
    let example = match entry.limit {
        Some(limit) => format!("expect: [{}: {{ {} }}]", entry.name, limit.example()),
        None => format!("expect: [{}]", entry.name),
    };
    let alike = squall_judge::CATALOGUE
        .iter()
        .filter(|other| other.layer == entry.layer && other.name != entry.name)
        .map(|other| other.name.to_owned());
    let limit = entry.limit.map(|limit| format!("Limit: {limit}."));
    let judged = format!("Judged: {}.", entry.judged);
    let about = [when, given.to_owned(), idle.to_owned(), judged];
    Word {
        kind: "invariant",
        name: entry.name.to_owned(),
        line: format!("{} Records: {records}. Promise: {promise}", entry.about),
        about: about.into_iter().chain(limit).collect(),
        example,
        related: std::iter::once("expect".to_owned()).chain(alike).collect(),
        edges: squall_judge::head(entry.name),
        ..Word::default()
    }
}

fn key(table: &Table, key: &Key) -> Word {
    let default = match key.default {
        Absent::Never => None,
        Absent::Is(value) => Some(value.to_owned()),
        Absent::Means(words) => Some(words.to_owned()),
    };
    let without = default
        .as_ref()
        .map_or("It must be said.".to_owned(), |default| format!("Without it: {default}."));
    let inner: Vec<Parameter> = match key.takes {
        Takes::Keys(inner) => inner.keys.iter().map(parameter).collect(),
        _ => Vec::new(),
    };
    let beside = table.keys.iter().filter(|other| other.name != key.name);
    Word {
        kind: "key",
        name: key.name.to_owned(),
        line: key.about.to_owned(),
        about: vec![
            format!("Stands {}.", table.place),
            format!("Takes {}.", takes(&key.takes)),
            without,
        ],
        parameters: inner,
        example: key.example.to_owned(),
        related: beside.map(|other| other.name.to_owned()).collect(),
        ..Word::default()
    }
}

fn parameter(key: &Key) -> Parameter {
    Parameter {
        name: key.name.to_owned(),
        takes: takes(&key.takes),
        default: match key.default {
            Absent::Never => None,
            Absent::Is(value) | Absent::Means(value) => Some(value.to_owned()),
        },
        about: key.about.to_owned(),
    }
}

/// What can stand behind a key, in words.
#[must_use]
pub(crate) fn takes(takes: &Takes) -> String {
    match takes {
        Takes::One(kind) => type_of(kind),
        Takes::Keys(table) => format!("a mapping of {}", table.names().join(", ")),
        Takes::Counts => {
            "a mapping from roles to numbers of nodes (`squall list roles`)".to_owned()
        }
        Takes::Zones => "a mapping from names of zones to lists of nodes".to_owned(),
        Takes::Steps => {
            "a list of steps, each with a trigger and a fault (`squall list faults`)".to_owned()
        }
        Takes::Expectations => "a list of invariants (`squall list invariants`)".to_owned(),
        Takes::Signals => "a list of signals (`squall list signals`)".to_owned(),
        Takes::Alerts => {
            "a list of names of alerts, each with the time within which it must fire or without"
                .to_owned()
        }
        Takes::NoAlerts => "`any`, or a list of names of alerts".to_owned(),
        Takes::Allowed => {
            "a list of what gets past the simulation (`squall list escapes`)".to_owned()
        }
        Takes::Tags => "a list of words of letters, digits and - _ . / :".to_owned(),
        Takes::Signal => "a signal (`squall list signals`)".to_owned(),
        Takes::Step => "the name of a step".to_owned(),
        Takes::Point => "a fault point (`squall list points`)".to_owned(),
    }
}

fn role(role: &Role) -> Word {
    let Role { name, plural, default, min, max, .. } = role;
    let mut about = vec![
        format!(
            "{default} unless `nodes` says otherwise, from {min} to {max}: {name}-1, {name}-2, …"
        ),
        format!(
            "Whom a fault hits: `{plural}` (all), `any {name}`, `{name}-1`, `2 of {plural}`, `majority of {plural}`."
        ),
    ];
    if role.replica {
        about.push("`leader`, `followers` and `any follower` are among them.".to_owned());
    }
    if role.client {
        about.push("The workload is published from them.".to_owned());
    }
    Word {
        kind: "role",
        name: (*plural).to_owned(),
        line: role.about.to_owned(),
        about,
        example: format!(
            "nodes: {{ {plural}: {default} }}\nfaults:\n  - {{ at: 500ms, pause: any {name}, for: 500ms }}"
        ),
        related: vec!["nodes".to_owned(), "zones".to_owned()],
        ..Word::default()
    }
}
