//! A scenario as text: the file that a person would have written, which reads as the same scenario.
//!
//! What is as it is by default is left out. Comments, order and layout of a file that was read are not kept.

use super::{
    alerts::{ANY, Alert, Quiet},
    expect::{Expect, Violates},
    fault::{Fault, default_of_param},
    keys::{NETWORK, WORKLOAD},
    model::{Condition, Network, Scenario, Step, Trigger, Workload},
    values,
};
use crate::{
    injection::{Links, Messages, Target},
    parameters::{Param, ParamKind, Value as Said},
    system::System,
};
use squall_judge::{Bound, QUANTILES, Window};
use std::time::Duration;

/// The longest step that stands on one line, in characters.
const LINE: usize = 100;

impl Scenario {
    /// The scenario as the text of a file.
    #[must_use]
    pub fn write(&self, system: &dyn System) -> String {
        let mut out = format!("name: {}\n", text(&self.name));
        if let Some(system) = &self.system {
            out.push_str(&format!("system: {}\n", text(system)));
        }
        if !self.tags.is_empty() {
            out.push_str(&format!("tags: [{}]\n", list(&self.tags)));
        }
        let roles = self.nodes.iter().zip(system.roles());
        let counts = roles.filter(|((_, count), role)| *count != role.default);
        let counts: Vec<String> =
            counts.map(|((_, count), role)| format!("{}: {count}", role.plural)).collect();
        if !counts.is_empty() {
            out.push_str(&format!("nodes: {{ {} }}\n", counts.join(", ")));
        }
        if !self.zones.is_empty() {
            let zones = self.zones.iter();
            let zones: Vec<String> = zones
                .map(|(zone, nodes)| format!("{}: [{}]", text(zone), nodes.join(", ")))
                .collect();
            out.push_str(&format!("zones: {{ {} }}\n", zones.join(", ")));
        }
        for (key, said) in
            [("network", network(&self.network)), ("workload", workload(&self.workload))]
        {
            if !said.is_empty() {
                out.push_str(&format!("{key}: {{ {} }}\n", said.join(", ")));
            }
        }
        if let Some(runs) = self.runs {
            out.push_str(&format!("runs: {runs}\n"));
        }
        if let Some(settle) = self.settle {
            out.push_str(&format!("settle: {}\n", time(settle)));
        }
        if !self.faults.is_empty() {
            out.push_str("faults:\n");
            for step in &self.faults {
                out.push_str(&entry(&step.said(system)));
            }
        }
        if !(self.expect.is_empty() && self.violates.is_empty()) {
            let holds = self.expect.iter().map(|expect| self.expects(expect));
            let all: Vec<String> = holds.chain(self.violates.iter().map(broken)).collect();
            out.push_str(&format!("expect: [{}]\n", all.join(", ")));
        }
        for (key, signals) in [("must_see", &self.must_see), ("must_not_see", &self.must_not_see)] {
            if !signals.is_empty() {
                out.push_str(&format!("{key}: [{}]\n", list(signals)));
            }
        }
        let alerts: Vec<String> = self.must_alert.iter().map(alert).collect();
        if !alerts.is_empty() {
            out.push_str(&format!("must_alert: [{}]\n", alerts.join(", ")));
        }
        match &self.must_not_alert {
            Quiet::Free => {}
            Quiet::AnyOther => out.push_str(&format!("must_not_alert: {ANY}\n")),
            Quiet::Named(names) => {
                out.push_str(&format!("must_not_alert: [{}]\n", list(names)));
            }
        }
        if !self.allow.is_empty() {
            let allowed: Vec<String> = self.allow.iter().map(ToString::to_string).collect();
            out.push_str(&format!("allow: [{}]\n", list(&allowed)));
        }
        out
    }

    fn expects(&self, expect: &Expect) -> String {
        let window = |step: &u16| {
            let step = self.faults.get(usize::from(*step));
            text(step.and_then(|step| step.name.as_deref()).unwrap_or_default())
        };
        let micros = |us: u64| time(Duration::from_micros(us));
        let limit = match &expect.limit {
            None => return expect.name.clone(),
            Some(Bound::Within(us)) => format!("within: {}", micros(*us)),
            Some(Bound::AtLeast(part)) => format!("at_least: {}", share(*part)),
            Some(Bound::AtLeastIn(part, Window::During(step))) => {
                format!("at_least: {}, during: {}", share(*part), window(step))
            }
            Some(Bound::AtLeastIn(part, Window::Since(step) | Window::After(step))) => {
                format!("at_least: {}, after: {}", share(*part), window(step))
            }
            Some(Bound::Quantile(quantile, us)) => {
                let name = QUANTILES.iter().find(|(_, value)| value == quantile);
                format!("{}: {}", name.map_or("max", |(name, _)| name), micros(*us))
            }
        };
        format!("{}: {{ {limit} }}", expect.name)
    }
}

/// What is known to be violated, as an entry of `expect`.
fn broken(violates: &Violates) -> String {
    let variants = |key: &str, variants: &[String]| match variants {
        [] => String::new(),
        variants => format!(", {key}: [{}]", list(variants)),
    };
    let (with, unless) = (variants("with", &violates.with), variants("unless", &violates.unless));
    format!("{{ violates: [{}]{with}{unless} }}", list(&violates.names))
}

impl Step {
    /// Its keys and what stands behind each, in the order in which people write them.
    fn said(&self, system: &dyn System) -> Vec<(String, String)> {
        let mut said = Vec::new();
        let mut say = |key: &str, value: String| said.push((key.to_owned(), value));
        if let Some(name) = &self.name {
            say("name", text(name));
        }
        match &self.trigger {
            Trigger::At(at) => say("at", time(*at)),
            Trigger::Between(from, to) => say("between", format!("{}..{}", time(*from), time(*to))),
            Trigger::Every(period) => say("every", time(*period)),
            Trigger::When(Condition::Over(step)) => say("after", text(&step.name)),
            Trigger::When(condition) => say("when", format!("{{ {} }}", when(condition))),
        }
        let times = [("delay", self.delay), ("until", self.until), ("within", self.within)];
        for (key, value) in times {
            if let Some(value) = value {
                say(key, time(value));
            }
        }
        say(self.fault.kind.key, fault(&self.fault, system));
        for (key, value) in [("for", self.lasts), ("restart_after", self.restart_after)] {
            if let Some(value) = value {
                say(key, time(value));
            }
        }
        said
    }
}

fn alert(alert: &Alert) -> String {
    let name = text(&alert.name);
    alert.within.map_or(name.clone(), |within| format!("{name}: {{ within: {} }}", time(within)))
}

/// An entry of a list: on one line if it is short.
fn entry(said: &[(String, String)]) -> String {
    let parts: Vec<String> = said.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    let line = format!("  - {{ {} }}\n", parts.join(", "));
    if line.len() <= LINE { line } else { format!("  - {}\n", parts.join("\n    ")) }
}

fn when(condition: &Condition) -> String {
    let times = |hit: u32| if hit == 1 { String::new() } else { format!(", hit: {hit}") };
    match condition {
        Condition::Acked(count) => format!("acked: {count}"),
        Condition::Delivered(count) => format!("delivered: {count}"),
        Condition::Applied(count) => format!("applied: {count}"),
        Condition::Reaches { point, hit } => format!("reaches: {}{}", text(point), times(*hit)),
        Condition::Signal { signal, hit } => format!("signal: {}{}", text(signal), times(*hit)),
        Condition::Began(step) | Condition::Over(step) => format!("began: {}", text(&step.name)),
    }
}

/// What stands behind a fault's key.
fn fault(fault: &Fault, system: &dyn System) -> String {
    let said: Vec<(&Param, &Said)> = fault.kind.params.iter().zip(fault.given.values()).collect();
    let (first, rest) = said.split_first().expect("every fault says whom or what it hits");
    let rest: Vec<String> =
        rest.iter().filter_map(|(param, said)| one(param, said, system)).collect();
    let alone = match first.1 {
        Said::Target(whom) => Some(target(whom, system)),
        Said::Share(part) => Some(share(*part)),
        _ => None,
    };
    match alone {
        Some(alone) if rest.is_empty() => alone,
        _ => {
            let first = one(first.0, first.1, system);
            let all: Vec<String> = first.into_iter().chain(rest).collect();
            if all.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", all.join(", ")) }
        }
    }
}

/// A parameter and what is said of it; `None` if that is its default.
fn one(param: &Param, said: &Said, system: &dyn System) -> Option<String> {
    match said {
        Said::Links(Links::Every) => return None,
        Said::Links(chosen) => return Some(links(chosen, system)),
        Said::Messages(chosen) => return Some(messages(chosen, system)),
        _ => {}
    }
    if default_of_param(param).as_ref() == Some(said) {
        return None;
    }
    let value = match said {
        Said::Target(whom) => target(whom, system),
        Said::Time(value) => time(*value),
        Said::Delay(from, to) => delay(*from, *to),
        Said::Number(number) => number.to_string(),
        Said::Share(part) => share(*part),
        Said::Size(bytes) => size(*bytes),
        Said::Throughput(bytes) => format!("{}/s", size(*bytes)),
        Said::Range(from, to) => format!("{}..{}", time(*from), time(*to)),
        Said::Rate(rate) => format!("{rate}/s"),
        Said::Text(line) => text(line),
        Said::Choice(index) => match param.kind {
            ParamKind::Choice(choice) => choice.words[*index].0.to_owned(),
            _ => unreachable!("a value fits its parameter"),
        },
        Said::Links(_) | Said::Messages(_) => unreachable!("these are written above"),
    };
    Some(format!("{}: {value}", param.name))
}

fn plural<'a>(role: &'a str, system: &'a dyn System) -> &'a str {
    system.roles().iter().find(|known| known.name == role).map_or(role, |known| known.plural)
}

fn target(whom: &Target, system: &dyn System) -> String {
    match whom {
        Target::Node(name) => name.clone(),
        Target::Role(role) => plural(role, system).to_owned(),
        Target::Leader => "leader".to_owned(),
        Target::AnyFollower => "any follower".to_owned(),
        Target::Followers => "followers".to_owned(),
        Target::Any(role) => format!("any {role}"),
        Target::Some(count, role) => format!("{count} of {}", plural(role, system)),
        Target::Majority(role) => format!("majority of {}", plural(role, system)),
        Target::Minority(role) => format!("minority of {}", plural(role, system)),
        Target::All => "all".to_owned(),
        Target::Zone(zone) => format!("zone {zone}"),
        Target::AnyZone => "any zone".to_owned(),
        Target::Each(all) => {
            let all: Vec<String> = all.iter().map(|one| target(one, system)).collect();
            format!("[{}]", all.join(", "))
        }
    }
}

fn links(chosen: &Links, system: &dyn System) -> String {
    let whom = |who: &Target| target(who, system);
    match chosen {
        Links::Every => String::new(),
        Links::Isolate { who, from: None } => format!("isolate: {}", whom(who)),
        Links::Isolate { who, from: Some(from) } => {
            format!("isolate: {}, from: {}", whom(who), whom(from))
        }
        Links::Between(a, b) => format!("between: [{}, {}]", whom(a), whom(b)),
        Links::OneWay { from, to } => format!("from: {}, to: {}", whom(from), whom(to)),
        Links::Halves(who) => format!("halves: {}", whom(who)),
        Links::Majority(who) => format!("majority: {}", whom(who)),
        Links::Bridge(who) => format!("bridge: {}", whom(who)),
        Links::Ring(who) => format!("ring: {}", whom(who)),
    }
}

fn messages(chosen: &Messages, system: &dyn System) -> String {
    let mut said = format!("messages: {}", share(chosen.share));
    match chosen.on.as_slice() {
        [] => {}
        [kind] => said.push_str(&format!(", on: {}", text(kind))),
        kinds => said.push_str(&format!(", on: [{}]", list(kinds))),
    }
    let links = links(&chosen.links, system);
    if links.is_empty() { said } else { format!("{said}, {links}") }
}

/// What is not as it is by default.
fn network(network: &Network) -> Vec<String> {
    let mut said = Vec::new();
    if values::default_of(&NETWORK, "latency") != Said::Delay(network.min_ms, network.max_ms) {
        said.push(format!("latency: {}", delay(network.min_ms, network.max_ms)));
    }
    if let Some((least, most)) = network.between_zones {
        said.push(format!("between zones: {}", delay(least, most)));
    }
    said
}

fn workload(workload: &Workload) -> Vec<String> {
    let all = [
        ("events", Said::Number(workload.events), workload.events.to_string()),
        ("rate", Said::Rate(workload.rate), format!("{}/s", workload.rate)),
        ("keys", Said::Number(workload.keys), workload.keys.to_string()),
        ("size", Said::Size(workload.size), size(workload.size)),
        ("poison", Said::Share(workload.poison), share(workload.poison)),
    ];
    all.into_iter()
        .filter(|(key, said, _)| values::default_of(&WORKLOAD, key) != *said)
        .map(|(key, _, text)| format!("{key}: {text}"))
        .collect()
}

/// A time is told in whole milliseconds.
fn time(time: Duration) -> String {
    match time.as_millis() {
        ms if ms > 0 && ms.is_multiple_of(1_000) => format!("{}s", ms / 1_000),
        ms => format!("{ms}ms"),
    }
}

fn delay(from: u32, to: u32) -> String {
    let told = |ms: u32| time(Duration::from_millis(u64::from(ms)));
    if from == to { told(from) } else { format!("{}..{}", told(from), told(to)) }
}

fn size(bytes: u32) -> String {
    match bytes {
        bytes if bytes > 0 && bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        bytes if bytes > 0 && bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
        bytes if bytes > 0 && bytes.is_multiple_of(1_000) => format!("{}kB", bytes / 1_000),
        bytes => format!("{bytes}B"),
    }
}

/// In percent, with as few digits as read as the same number.
fn share(share: f64) -> String {
    let percent = (0..17)
        .map(|digits| format!("{:.digits$}%", share * 100.0))
        .find(|text| crate::syntax::value::percent(text) == Ok(share));
    percent.unwrap_or_else(|| format!("{}%", share * 100.0))
}

fn list(all: &[String]) -> String {
    all.iter().map(|one| text(one)).collect::<Vec<_>>().join(", ")
}

/// Plain where YAML reads it as it stands, else as JSON writes it, which is YAML too.
fn text(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " -_./".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_word = word.contains(&text.to_ascii_lowercase().as_str());
    if begins && text.chars().all(plain) && text.trim() == text && !is_word {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{faults::CATALOGUE, sample::Sample, scenario::parse};

    /// Without what follows from the file alone.
    fn meaning(mut scenario: Scenario) -> Scenario {
        scenario.hash.clear();
        scenario.lines.clear();
        // It shows the text.
        scenario.advice.diagnostics.clear();
        for alert in &mut scenario.must_alert {
            alert.line = 0;
        }
        for step in &mut scenario.faults {
            step.line = 0;
            step.text.clear();
        }
        scenario
    }

    fn is_read_as_the_same(written: &str) {
        let read = |text: &str| {
            let read = parse("x", text.as_bytes(), &Sample);
            meaning(read.unwrap_or_else(|told| panic!("{text}\n{}", told.render(false))))
        };
        let first = read(written);
        let again = first.write(&Sample);
        assert_eq!(read(&again), first, "{written}\n{again}");
    }

    #[test]
    fn every_fault_s_example_is_read_as_the_same_when_it_is_written() {
        for kind in CATALOGUE {
            is_read_as_the_same(&format!(
                "name: x\nzones: {{ a: [broker-1] }}\nfaults:\n  - {}\n",
                kind.example
            ));
        }
    }

    #[test]
    fn every_key_s_example_is_read_as_the_same_when_it_is_written() {
        for table in crate::scenario::TABLES {
            for key in table.keys {
                let name = if key.example.starts_with("name:") { "" } else { "name: \"a: b\"\n" };
                is_read_as_the_same(&format!("{name}{}\n", key.example));
            }
        }
    }

    #[test]
    fn limits_targets_and_links_are_read_as_the_same() {
        is_read_as_the_same(
            "name: 'yes'\n\
             zones: { a: [broker-1, broker-2], b: [broker-3] }\n\
             network: { latency: 7ms, between zones: 80ms..90ms }\n\
             workload: { events: 300, rate: 12.5/s, keys: 1, size: 4KiB, poison: 0.7% }\n\
             faults:\n\
             \x20 - { name: it, at: 1s, partition: { from: leader, to: followers }, for: 1s 500ms }\n\
             \x20 - { every: 1s, lose: { messages: 7%, on: [publish_ack], between: [broker-1, brokers] } }\n\
             \x20 - { at: 1s, slow_node: [broker-1, zone b, 2 of brokers] }\n\
             \x20 - { when: { began: it }, delay: 5ms, within: 9s, crash: minority of brokers }\n\
             expect: [no_loss, drains: { within: 12s }, latency: { p99: 2s },\n\
             \x20 available: { at_least: 12.3%, during: it }]\n",
        );
    }
}
