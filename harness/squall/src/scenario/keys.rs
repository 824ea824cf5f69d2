//! The keys of scenarios: one line a key, with its type, unit, bounds, default and an example. Reading, `list keys`,
//! `explain`, the JSON Schema and the reference follow from these tables; the keys of faults stand with the faults.

use crate::parameters::{ParamKind, Span};
use ParamKind::{Number, Rate, Share, Size, Text, Time};

/// A key that a mapping of a scenario can have.
#[derive(Debug)]
pub struct Key {
    /// As scenarios write it.
    pub name: &'static str,
    /// What it says, in a line.
    pub about: &'static str,
    /// What can stand behind it.
    pub takes: Takes,
    /// What counts without it.
    pub default: Absent,
    /// Lines of a scenario with it.
    pub example: &'static str,
}

/// What counts where a key is not said.
#[derive(Clone, Copy, Debug)]
pub enum Absent {
    /// It must be said.
    Never,
    /// This value, as scenarios write it.
    Is(&'static str),
    /// This, in words.
    Means(&'static str),
}

/// What can stand behind a key.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// One value.
    One(ParamKind),
    /// Keys of its own.
    Keys(&'static Table),
    /// How many nodes there are, by role.
    Counts,
    /// Names of nodes, by zone.
    Zones,
    /// Steps.
    Steps,
    /// Invariants, with their limits.
    Expectations,
    /// Signals.
    Signals,
    /// Alerts, with their times.
    Alerts,
    /// Alerts, or all others.
    NoAlerts,
    /// What may get past the simulation.
    Allowed,
    /// Words of the author's own.
    Tags,
    /// A fault point of the system.
    Point,
    /// One signal.
    Signal,
    /// The name of a step.
    Step,
}

/// The keys of one mapping.
#[derive(Debug)]
pub struct Table {
    /// What it is, for messages: `a scenario`.
    pub what: &'static str,
    /// How one says that a key stands in it: `at the top`.
    pub place: &'static str,
    /// The keys.
    pub keys: &'static [Key],
}

/// Every table.
pub const TABLES: &[&Table] = &[&SCENARIO, &WORKLOAD, &NETWORK, &STEP, &CONDITION];

/// Of the document.
pub const SCENARIO: Table = Table {
    what: "a scenario",
    place: "at the top of a scenario",
    keys: &[
        Key {
            name: "name",
            about: "What it is called, in one line of at most 120 characters; reports name it so",
            takes: Takes::One(Text),
            default: Absent::Never,
            example: "name: the leader is cut off",
        },
        Key {
            name: "system",
            about: "The system that it is written for, by its name (`--system`): with another one it is left out of its folder, and refused when it is named itself",
            takes: Takes::One(Text),
            default: Absent::Means("whichever has its roles"),
            example: "system: reference-system",
        },
        Key {
            name: "tags",
            about: "Words of your own by which `--filter 'tag(slow)'` chooses",
            takes: Takes::Tags,
            default: Absent::Means("none"),
            example: "tags: [slow, nightly]",
        },
        Key {
            name: "nodes",
            about: "How many nodes of each role there are; at most 50 in all",
            takes: Takes::Counts,
            default: Absent::Means("what `squall list roles` says of each role"),
            example: "nodes: { brokers: 3, consumers: 2 }",
        },
        Key {
            name: "zones",
            about: "Nodes that fail together, by the name of their zone, for `zone east` and `any zone`",
            takes: Takes::Zones,
            default: Absent::Means("no node is in a zone"),
            example: "zones: { east: [broker-1], west: [broker-2, broker-3] }",
        },
        Key {
            name: "network",
            about: "How the network is when nothing is wrong with it",
            takes: Takes::Keys(&NETWORK),
            default: Absent::Means("the defaults of its keys"),
            example: "network: { latency: 2ms..10ms }",
        },
        Key {
            name: "workload",
            about: "What the clients publish",
            takes: Takes::Keys(&WORKLOAD),
            default: Absent::Means("the defaults of its keys"),
            example: "workload: { events: 500, rate: 250/s }",
        },
        Key {
            name: "runs",
            about: "How many seeds it is run with, if the command does not say (`--runs`)",
            takes: Takes::One(Number { low: 1, high: 1_000_000 }),
            default: Absent::Is("20"),
            example: "runs: 100",
        },
        Key {
            name: "settle",
            about: "How long the system is watched after it has converged, so that what comes late still shows",
            takes: Takes::One(Time(Span::FROM_ZERO)),
            default: Absent::Means("2s, and 10s for every tenth seed"),
            example: "settle: 5s",
        },
        Key {
            name: "faults",
            about: "What goes wrong: a list of steps, each with a trigger, a fault, and how long",
            takes: Takes::Steps,
            default: Absent::Means("nothing goes wrong"),
            example: "faults:\n  - { at: 500ms, crash: leader, restart_after: 1s }",
        },
        Key {
            name: "expect",
            about: "Invariants that matter here: one that had nothing to judge makes the run vacuous. Some take a limit. With `violates: no_loss` a run fails in which no_loss is kept, as of a weakness that is known; `with:` names variants of the system of which that is known, or `unless:` those that keep it",
            takes: Takes::Expectations,
            default: Absent::Means("all that hold always are judged all the same"),
            example: "expect: [no_loss, drains: { within: 10s }]",
        },
        Key {
            name: "must_see",
            about: "Signals without which the run proves nothing: if one is never seen, it is vacuous",
            takes: Takes::Signals,
            default: Absent::Means("that each fault was felt suffices"),
            example: "faults: [{ at: 500ms, crash: leader }]\nmust_see: [leader_changed]",
        },
        Key {
            name: "must_not_see",
            about: "Signals that fail the run if they are seen, from the first fault on",
            takes: Takes::Signals,
            default: Absent::Means("any signal may be seen"),
            example: "faults: [{ at: 500ms, pause: any consumer, for: 500ms }]\nmust_not_see: [leader_changed]",
        },
        Key {
            name: "must_alert",
            about: "Alerts of the rules given by `run --rules` that must fire after the first fault has begun, each by a time if one is said; else the run fails",
            takes: Takes::Alerts,
            default: Absent::Means("no alert need fire"),
            example: "faults: [{ at: 30s, crash: consumers, restart_after: 3m }]\nworkload: { events: 3000, rate: 20/s }\nmust_alert: [ConsumerLagHigh: { within: 2m }]",
        },
        Key {
            name: "must_not_alert",
            about: "Alerts of those rules that fail the run if they fire: a list of names, or `any`, which is every one that `must_alert` does not name",
            takes: Takes::NoAlerts,
            default: Absent::Means("any alert may fire"),
            example: "must_not_alert: any",
        },
        Key {
            name: "allow",
            about: "What the system may do past the simulation, which is an error otherwise",
            takes: Takes::Allowed,
            default: Absent::Means("nothing"),
            example: "allow: [read /etc/app.conf, clock]",
        },
    ],
};

/// Of `workload`.
pub const WORKLOAD: Table = Table {
    what: "workload",
    place: "under `workload`",
    keys: &[
        Key {
            name: "events",
            about: "How many events are published",
            takes: Takes::One(Number { low: 1, high: 1_000_000 }),
            default: Absent::Is("1000"),
            example: "workload: { events: 500 }",
        },
        Key {
            name: "rate",
            about: "How many are published a second, by all clients together",
            takes: Takes::One(Rate),
            default: Absent::Is("200/s"),
            example: "workload: { rate: 250/s }",
        },
        Key {
            name: "keys",
            about: "Over how many keys; order is kept for each key",
            takes: Takes::One(Number { low: 1, high: 1_000_000 }),
            default: Absent::Is("50"),
            example: "workload: { keys: 10 }",
        },
        Key {
            name: "size",
            about: "How large each event is",
            takes: Takes::One(Size { zero: true }),
            default: Absent::Is("100B"),
            example: "workload: { size: 4KiB }",
        },
        Key {
            name: "poison",
            about: "The share of events that nobody can handle, from the first event on",
            takes: Takes::One(Share { zero: true }),
            default: Absent::Is("0%"),
            example: "workload: { poison: 2% }",
        },
    ],
};

/// Of `network`.
pub const NETWORK: Table = Table {
    what: "network",
    place: "under `network`",
    keys: &[
        Key {
            name: "latency",
            about: "How long a message takes, from node to node and one way: each a time drawn from the range",
            takes: Takes::One(ParamKind::Delay(Span { least_ms: 1, most_ms: 10_000 })),
            default: Absent::Is("4ms..12ms"),
            example: "network: { latency: 2ms..10ms }",
        },
        Key {
            name: "between zones",
            about: "How long a message takes between nodes of two zones, one way, always",
            takes: Takes::One(ParamKind::Delay(Span { least_ms: 1, most_ms: 10_000 })),
            default: Absent::Means("as long as any other"),
            example: "zones: { east: [broker-1], west: [broker-2] }\nnetwork: { between zones: 80ms }",
        },
    ],
};

/// The keys of a step that say when its fault begins: it has one of them.
pub const TRIGGERS: &[&str] = &["at", "between", "every", "when", "after"];

/// Of a step, beside its fault.
pub const STEP: Table = Table {
    what: "a fault",
    place: "in a step, beside its fault",
    keys: &[
        Key {
            name: "at",
            about: "It begins at this time, from the start of the run",
            takes: Takes::One(Time(Span::FROM_ZERO)),
            default: Absent::Means("one of the other triggers is said"),
            example: "faults: [{ at: 1s, crash: leader }]",
        },
        Key {
            name: "between",
            about: "It begins at a time that is drawn from the seed",
            takes: Takes::One(ParamKind::Range),
            default: Absent::Means("one of the other triggers is said"),
            example: "faults: [{ between: 1s..3s, crash: leader }]",
        },
        Key {
            name: "every",
            about: "It begins again and again, the first time after one period, to `until` or the end of the workload",
            takes: Takes::One(Time(Span { least_ms: 10, ..Span::ABOVE_ZERO })),
            default: Absent::Means("one of the other triggers is said"),
            example: "faults: [{ every: 500ms, reset: { isolate: leader } }]",
        },
        Key {
            name: "when",
            about: "It begins once a condition is met",
            takes: Takes::Keys(&CONDITION),
            default: Absent::Means("one of the other triggers is said"),
            example: "faults: [{ when: { acked: 100 }, crash: leader }]",
        },
        Key {
            name: "after",
            about: "It begins when the step of this name is over (the first time): when what lasts has ended, or at once after what happens at once",
            takes: Takes::Step,
            default: Absent::Means("one of the other triggers is said"),
            example: "faults:\n  - { name: the cut, at: 500ms, partition: { isolate: leader }, for: 500ms }\n  - { after: the cut, crash: leader }",
        },
        Key {
            name: "name",
            about: "What `after`, `began`, `during` and reports call the step; it moves no draw",
            takes: Takes::One(Text),
            default: Absent::Means("it has none"),
            example: "faults: [{ name: power fails, at: 1s, crash: leader }]",
        },
        Key {
            name: "delay",
            about: "It begins so much later than `when` or `after` says",
            takes: Takes::One(Time(Span::ABOVE_ZERO)),
            default: Absent::Means("it begins at once"),
            example: "faults: [{ when: { acked: 100 }, delay: 300ms, crash: leader }]",
        },
        Key {
            name: "for",
            about: "How long it lasts, if it is a fault that lasts",
            takes: Takes::One(Time(Span::ABOVE_ZERO)),
            default: Absent::Means("until everything is healed; under `every`, half of the period"),
            example: "faults: [{ at: 1s, partition: { isolate: leader }, for: 1s }]",
        },
        Key {
            name: "restart_after",
            about: "How long a node that the fault takes down is down",
            takes: Takes::One(Time(Span::FROM_ZERO)),
            default: Absent::Means("until everything is healed"),
            example: "faults: [{ at: 1s, crash: leader, restart_after: 500ms }]",
        },
        Key {
            name: "until",
            about: "`every` ends here, from the start of the run",
            takes: Takes::One(Time(Span::ABOVE_ZERO)),
            default: Absent::Means("the end of the workload"),
            example: "faults: [{ every: 500ms, until: 2s, reset: { isolate: leader } }]",
        },
        Key {
            name: "within",
            about: "How long `when` or `after` waits, from the start of the run; if it waited in vain, the run is vacuous",
            takes: Takes::One(Time(Span::ABOVE_ZERO)),
            default: Absent::Means(
                "10s after the end of the workload, and as long as what `after` waits for may last",
            ),
            example: "faults: [{ when: { acked: 100 }, within: 4s, crash: leader }]",
        },
    ],
};

/// Of `when`.
pub const CONDITION: Table = Table {
    what: "a condition",
    place: "under `when`",
    keys: &[
        Key {
            name: "acked",
            about: "So many publishes have been acknowledged, over all clients",
            takes: Takes::One(Number { low: 1, high: u32::MAX }),
            default: Absent::Means("one of the other conditions is said"),
            example: "faults: [{ when: { acked: 100 }, crash: leader }]",
        },
        Key {
            name: "delivered",
            about: "So many events have been delivered, over all consumer groups",
            takes: Takes::One(Number { low: 1, high: u32::MAX }),
            default: Absent::Means("one of the other conditions is said"),
            example: "faults: [{ when: { delivered: 100 }, crash: any consumer }]",
        },
        Key {
            name: "applied",
            about: "So many effects are durable, over all consumer groups",
            takes: Takes::One(Number { low: 1, high: u32::MAX }),
            default: Absent::Means("one of the other conditions is said"),
            example: "faults: [{ when: { applied: 100 }, crash: any consumer }]",
        },
        Key {
            name: "reaches",
            about: "The system's code passes this fault point",
            takes: Takes::Point,
            default: Absent::Means("one of the other conditions is said"),
            example: "faults: [{ when: { reaches: broker.appended }, crash: leader }]",
        },
        Key {
            name: "signal",
            about: "This signal was seen, counted from the first fault on; where every fault waits for another, from the start",
            takes: Takes::Signal,
            default: Absent::Means("one of the other conditions is said"),
            example: "faults:\n  - { at: 500ms, crash: leader, restart_after: 1s }\n  - { when: { signal: leader_changed }, crash: leader }",
        },
        Key {
            name: "began",
            about: "The step of this name has begun (the first time)",
            takes: Takes::Step,
            default: Absent::Means("one of the other conditions is said"),
            example: "faults:\n  - { name: power fails, at: 500ms, crash: leader }\n  - { when: { began: power fails }, delay: 100ms, pause: any follower, for: 1s }",
        },
        Key {
            name: "hit",
            about: "For the how many-th time the point is passed or the signal seen, over all nodes",
            takes: Takes::One(Number { low: 1, high: 1_000_000 }),
            default: Absent::Is("1"),
            example: "faults: [{ when: { reaches: broker.appended, hit: 3 }, crash: leader }]",
        },
    ],
};

impl Table {
    /// The names of its keys.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.keys.iter().map(|key| key.name).collect()
    }

    /// The key of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The type of a key that takes one value.
    pub(super) fn kind(&self, name: &str) -> &'static ParamKind {
        match self.find(name) {
            Some(Key { takes: Takes::One(kind), .. }) => kind,
            _ => unreachable!("{} takes one value for {name}: see its table", self.what),
        }
    }

    /// What counts where a key is not said, as scenarios write it.
    pub(super) fn default(&self, name: &str) -> &'static str {
        match self.find(name) {
            Some(Key { default: Absent::Is(value), .. }) => value,
            _ => unreachable!("{name} has a value for where it is not said: see its table"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario::parse};

    #[test]
    fn each_example_is_read_and_has_its_key() {
        for key in TABLES.iter().flat_map(|table| table.keys) {
            let name = if key.example.starts_with("name:") { "" } else { "name: x\n" };
            let read = parse("x", format!("{name}{}\n", key.example).as_bytes(), &Sample);
            let told = read.err().map(|told| told.render(false));
            assert_eq!(told, None, "{}", key.example);
            assert!(key.example.contains(&format!("{}:", key.name)), "{}", key.example);
        }
    }

    #[test]
    fn each_default_is_a_value_of_its_type() {
        for key in TABLES.iter().flat_map(|table| table.keys) {
            if let (Absent::Is(value), Takes::One(kind)) = (key.default, &key.takes) {
                let read = super::super::values::parse(kind, value);
                assert!(read.is_ok(), "{}: {value}: {read:?}", key.name);
            }
        }
    }
}
