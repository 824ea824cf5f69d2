//! What a step's text was when faults were structs. Draws still follow from it, so that this commit moves none; the
//! commit that gives steps an identity of their own deletes it.

use crate::{
    faults::Value,
    scenario::{Fault, Step},
};

/// Fields of the struct that a fault was; without a colon: a struct with one nameless field.
const FIELDS: &[(&str, &str)] = &[
    ("bandwidth", "links: {links}, bytes_per_second: {limit}"),
    ("bit_rot", "node: {node}, bits: {bits}"),
    ("burst", "events: {events}, within: {within}"),
    ("clock_drift", "node: {node}, by: {by}, behind: {direction}"),
    ("clock_jump", "node: {node}, by: {by}, behind: {direction}"),
    ("clock_offset", "node: {node}, by: {by}, behind: {direction}"),
    ("clog", "links: {links}, within: {within}"),
    ("connection_limit", "node: {node}, most: {most}"),
    ("corrupt", "messages: {messages}"),
    ("crash", "{node}"),
    ("crash_loop", "node: {node}, times: {times}, up: {up}, down: {down}"),
    ("dependency_down", "{node}"),
    ("dependency_fails", "node: {node}, share: {share}"),
    ("dependency_late", "node: {node}, share: {share}, by: {by}"),
    ("dependency_slow", "node: {node}, by: {by}"),
    ("disk_full", "{node}"),
    ("duplicate", "messages: {messages}, {by}"),
    ("fail_sync", "{node}"),
    ("flap", "links: {links}, up: {up}, down: {down}"),
    ("hold", "{links}"),
    ("io_error", "node: {node}, on: {on}"),
    ("late", "messages: {messages}, {by}"),
    ("latency", "links: {links}, {delay}, distribution: {distribution}"),
    ("lose", "messages: {messages}"),
    ("lose_unsynced", "{node}"),
    ("memory_limit", "node: {node}, bytes: {bytes}"),
    ("partition", "{links}"),
    ("pause", "{node}"),
    ("poison", "share: {share}, kind: {kind}"),
    ("power_failure", "node: {node}, within: {within}"),
    ("ramp", "factor: {factor}, lasting: {lasting}"),
    ("reorder", "messages: {messages}, {by}"),
    ("replay", "messages: {messages}"),
    ("reset", "{links}"),
    ("restart", "{node}"),
    ("restore", "node: {node}, age: {age}"),
    ("rolling_restart", "node: {node}, every: {every}, grace: {grace}, down: {down}"),
    ("slow_close", "node: {node}, by: {by}"),
    ("slow_consumer", "node: {node}, by: {by}"),
    ("slow_disk", "node: {node}, by: {by}"),
    ("slow_node", "node: {node}, one_in: {one_in}"),
    ("spike", "factor: {factor}, lasting: {lasting}"),
    ("stop", "node: {node}, grace: {grace}, down: {down}"),
    ("torn_write", "{node}"),
    ("truncate", "node: {node}, bytes: {bytes}"),
    ("wipe", "{node}"),
    ("zone_failure", "node: {node}, within: {within}"),
];

pub(crate) fn text(step: &Step) -> String {
    let Step { trigger, until, within, lasts, restart_after, fault, .. } = step;
    format!(
        "Step {{ line: 0, trigger: {trigger:?}, until: {until:?}, within: {within:?}, \
         lasts: {lasts:?}, restart_after: {restart_after:?}, fault: {} }}",
        of_fault(fault)
    )
}

fn pascal(word: &str) -> String {
    let mut upper = true;
    word.chars()
        .filter_map(|c| {
            let now = std::mem::replace(&mut upper, c == '_');
            (c != '_').then(|| if now { c.to_ascii_uppercase() } else { c })
        })
        .collect()
}

fn of_fault(fault: &Fault) -> String {
    let key = fault.kind.key;
    let (_, fields) = FIELDS.iter().find(|(known, _)| *known == key).expect("an old fault");
    let mut text = (*fields).to_owned();
    let values = fault.given.values();
    for (param, value) in fault.kind.params.iter().zip(values) {
        let word = match value {
            Value::Target(value) => format!("{value:?}"),
            Value::Links(value) => format!("{value:?}"),
            Value::Messages(value) => format!("{value:?}"),
            Value::Time(value) => format!("{value:?}"),
            Value::Delay(min, max) => {
                let jitter = fault.kind.params.iter().position(|param| param.name == "jitter");
                let jitter = jitter.map_or(0, |at| match values[at] {
                    Value::Time(time) => time.as_millis() as u32,
                    _ => 0,
                });
                format!("min_ms: {min}, max_ms: {}", max + jitter)
            }
            Value::Number(value) | Value::Size(value) | Value::Throughput(value) => {
                format!("{value:?}")
            }
            Value::Share(value) => format!("{value:?}"),
            Value::Choice(_) => match (param.name, fault.given.choice(param.name)) {
                ("direction", word) => (word == "behind").to_string(),
                ("kind", "any") => "None".to_owned(),
                ("kind", word) => format!("Some({})", pascal(word)),
                (_, word) => pascal(word),
            },
        };
        text = text.replace(&format!("{{{}}}", param.name), &word);
    }
    let name = pascal(key);
    if fields.contains(':') || fields.contains(',') {
        format!("{name}({name} {{ {text} }})")
    } else {
        format!("{name}({name}({text}))")
    }
}
