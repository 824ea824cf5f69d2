//! The workload of a live run: what is published when, and what the client programs say.
//!
//! A client is a program that speaks lines of JSON: it is asked on its standard input and answers on its standard output,
//! in any order. What it prints on its standard error is its log.

use super::nemesis::scaled;
use crate::{
    injection::Injection,
    plan::{Micros, Plan, PlannedPublish, micros},
    schedule::{Due, Offer, load_times},
    stream::Stream,
    system::Event,
};
use serde_json::{Value, json};
use squall_probe::{EventId, NodeId, Position};
use std::collections::{BTreeMap, BTreeSet};

/// What a client says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    /// `{"ready": true}`: it can be asked to publish.
    Ready,
    /// `{"ok": 17, "at": [0, 41]}`: the publish of event 17 surely happened; where, if it knows.
    Ok(EventId, Option<Position>),
    /// `{"fail": 17, "why": "…"}`: it surely did not, and never will.
    Fail(EventId),
    /// `{"info": 17, "why": "…"}`: nobody knows.
    Info(EventId),
    /// `{"unsure": 17}`: the caller was told that nobody knows yet; the client goes on asking.
    Unsure(EventId),
    /// `{"delivered": 17, "at": [0, 41], "group": "billing"}`: an event was handed out, and is done.
    Delivered(EventId, Option<Position>, Option<String>),
    /// `{"given": 17, …}`: an event was handed out; its effect is told by itself.
    Given(EventId, Option<Position>, Option<String>),
    /// `{"effect": 17, "number": 3, "group": "billing"}`: an effect stands where effects land; each has its own number.
    Effect(EventId, Option<u64>, Option<String>),
    /// `{"entry": 17, "at": [0, 41]}`: what the system holds, in answer to a question.
    Entry(EventId, Option<Position>),
    /// `{"leader": "server-2"}`: who leads now, by the system's own word.
    Leader(String),
    /// `{"end": true}`, or false with a `why`: all was told that the system holds, proven by the end that it names. With
    /// `"agrees": false`, its nodes do not hold the same yet.
    End(Result<bool, String>),
}

/// Reads a line.
///
/// # Errors
/// It says nothing that is known, in words.
pub(crate) fn read(line: &str) -> Result<Said, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| format!("no JSON: {error}"))?;
    let Value::Object(fields) = &value else { return Err("no JSON object".to_owned()) };
    let event = |name: &str| {
        fields.get(name).map(|id| match id.as_u64() {
            Some(id) => Ok(EventId(id)),
            None => Err(format!("`{name}` is not the number of an event: {id}")),
        })
    };
    let at = match fields.get("at") {
        None | Some(Value::Null) => None,
        Some(Value::Array(items)) => match items.as_slice() {
            [partition, offset] => {
                let partition = partition.as_u64().and_then(|number| u32::try_from(number).ok());
                Some(Position::new(
                    partition.ok_or("`at` is [partition, offset]")?,
                    offset.as_u64().ok_or("`at` is [partition, offset]")?,
                ))
            }
            _ => return Err("`at` is [partition, offset]".to_owned()),
        },
        Some(other) => match other.as_u64() {
            Some(offset) => Some(Position::new(0, offset)),
            None => return Err("`at` is an offset, or [partition, offset]".to_owned()),
        },
    };
    let group = match fields.get("group") {
        None | Some(Value::Null) => None,
        Some(Value::String(group)) => Some(group.clone()),
        Some(other) => return Err(format!("`group` is the name of a group, not {other}")),
    };
    if fields.contains_key("ready") {
        return Ok(Said::Ready);
    }
    if let Some(event) = event("ok") {
        return Ok(Said::Ok(event?, at));
    }
    if let Some(event) = event("fail") {
        return Ok(Said::Fail(event?));
    }
    if let Some(event) = event("info") {
        return Ok(Said::Info(event?));
    }
    if let Some(event) = event("unsure") {
        return Ok(Said::Unsure(event?));
    }
    if let Some(event) = event("delivered") {
        return Ok(Said::Delivered(event?, at, group));
    }
    if let Some(event) = event("given") {
        return Ok(Said::Given(event?, at, group));
    }
    if let Some(event) = event("effect") {
        let number = match fields.get("number") {
            None | Some(Value::Null) => None,
            Some(number) => Some(number.as_u64().ok_or("`number` is a number from 0")?),
        };
        return Ok(Said::Effect(event?, number, group));
    }
    if let Some(event) = event("entry") {
        return Ok(Said::Entry(event?, at));
    }
    match fields.get("leader") {
        Some(Value::String(name)) => return Ok(Said::Leader(name.clone())),
        Some(other) => return Err(format!("`leader` is the name of a node, not {other}")),
        None => {}
    }
    match fields.get("end") {
        Some(Value::Bool(true)) => {
            let agrees = fields.get("agrees").and_then(Value::as_bool).unwrap_or(true);
            Ok(Said::End(Ok(agrees)))
        }
        Some(Value::Bool(false)) => {
            let why = fields.get("why").and_then(Value::as_str).unwrap_or("it does not say why");
            Ok(Said::End(Err(why.to_owned())))
        }
        _ => Err("none of ready, ok, fail, info, delivered, given, effect, entry, leader, end"
            .to_owned()),
    }
}

/// A publish that nobody has answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    /// The client's node.
    pub(crate) node: NodeId,
    /// Its key.
    pub(crate) key: u32,
    /// When it was asked for.
    pub(crate) since: Micros,
    /// It was called indeterminate already.
    pub(crate) informed: bool,
}

/// What is to be published when and by whom, and what is still open.
#[derive(Debug)]
pub(crate) struct Clients {
    /// What is due; faults are known by their index in the plan.
    offer: Offer<usize>,
    /// Clients that can be asked.
    ready: BTreeSet<NodeId>,
    /// Publishes that nobody has answered.
    pub(crate) open: BTreeMap<EventId, Open>,
    /// Of every event that was asked for, its key.
    pub(crate) keys: BTreeMap<EventId, u32>,
}

/// One publish as it is asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    /// By whom.
    pub(crate) node: NodeId,
    /// What, and when it was due.
    pub(crate) publish: PlannedPublish,
    /// The line for the client.
    pub(crate) line: String,
    /// Faults that had a part in it.
    pub(crate) felt: Vec<usize>,
}

impl Clients {
    /// The workload of a plan. No client can be asked yet.
    pub(crate) fn new(plan: &Plan, nodes: &[NodeId]) -> Self {
        Self {
            offer: Offer::new(nodes, &plan.publishes(nodes.len())),
            ready: BTreeSet::new(),
            open: BTreeMap::new(),
            keys: BTreeMap::new(),
        }
    }

    /// The nodes that run clients.
    pub(crate) fn nodes(&self) -> &[NodeId] {
        self.offer.nodes()
    }

    /// A client can be asked, or not any more.
    pub(crate) fn set_ready(&mut self, node: NodeId, ready: bool) {
        if ready {
            self.ready.insert(node);
        } else {
            self.ready.remove(&node);
        }
    }

    /// A client that can be asked.
    pub(crate) fn any_ready(&self) -> Option<NodeId> {
        self.ready.first().copied()
    }

    /// Everything was asked for, but for clients that are down.
    pub(crate) fn offered(&self) -> bool {
        self.offer.is_empty()
    }

    /// When the next publish is due of a client that can be asked, and whose.
    fn next(&self) -> Option<(Micros, NodeId)> {
        self.ready.iter().filter_map(|node| Some((self.offer.next(*node)?, *node))).min()
    }

    /// When the next publish is due of a client that can be asked.
    pub(crate) fn next_due(&self) -> Option<Micros> {
        self.next().map(|(at, _)| at)
    }

    /// The next publish whose time has come.
    pub(crate) fn take(&mut self, now: Micros) -> Option<Asked> {
        let (_, node) = self.next()?;
        let Due { publish, poisoned_by, added_by } = self.offer.take(node, now)?;
        let Event { id, key, size, poison } = publish.event;
        let mut line = json!({ "publish": id.0, "key": key, "size": size });
        if let (Some(poison), Value::Object(fields)) = (poison, &mut line) {
            fields.insert("poison".to_owned(), poison.name().into());
        }
        self.open.insert(id, Open { node, key, since: now, informed: false });
        self.keys.insert(id, key);
        let felt = poisoned_by.into_iter().chain(added_by).collect();
        Some(Asked { node, publish, line: line.to_string(), felt })
    }

    /// A fault that acts on the workload begins: it adds events, or poisons a share of them.
    pub(crate) fn begin(&mut self, plan: &Plan, fault: usize, now: Micros, pace: f64) {
        let planned = &plan.faults[fault];
        match planned.fault.injection() {
            Injection::Poison { share, kind } => {
                self.offer.poison(fault, planned.draw, share, kind);
            }
            Injection::Load(load) => {
                let mut stream = Stream::new(planned.draw, "act", &[]);
                let rate = plan.workload.rate;
                let in_pace = |time| scaled(micros(time), pace);
                let times = load_times(load, rate, now, in_pace, &mut stream);
                self.offer.add(fault, planned.draw, &plan.workload, &times);
            }
            _ => {}
        }
    }

    /// A fault publishes no more poison.
    pub(crate) fn stop_poisoning(&mut self, fault: usize) {
        self.offer.stop_poisoning(fault);
    }

    /// Each client is asked for a few events more, at once. Which.
    pub(crate) fn probe(&mut self, plan: &Plan, now: Micros) -> Vec<EventId> {
        // Who is down is asked when it is back.
        self.offer.probe(now, &BTreeSet::new(), &plan.workload)
    }

    /// The open publishes of a node's client, of which nobody will hear any more.
    pub(crate) fn abandon(&mut self, node: NodeId) -> Vec<(EventId, Open)> {
        let of_node =
            |(event, open): (&EventId, &Open)| (open.node == node).then_some((*event, *open));
        let gone: Vec<(EventId, Open)> = self.open.iter().filter_map(of_node).collect();
        self.open.retain(|_, open| open.node != node);
        gone
    }

    /// Open publishes that were asked for before `then` and have not been called indeterminate.
    pub(crate) fn silent_since(&self, then: Micros) -> Vec<EventId> {
        let silent = |(event, open): (&EventId, &Open)| {
            (open.since < then && !open.informed).then_some(*event)
        };
        self.open.iter().filter_map(silent).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sample::Sample, scenario};

    /// When all events are due that a fault adds which begins when a second has passed.
    fn added(fault: &str, pace: f64) -> Vec<Micros> {
        let text = format!("name: x\nworkload: {{ events: 1, rate: 100/s }}\nfaults: [{fault}]\n");
        let scenario = scenario::parse("x", text.as_bytes(), &Sample).map_err(|p| p.render(false));
        let plan = Plan::new(&scenario.expect("it is right"), 7, &Sample, &[]);
        let nodes = [NodeId(0)];
        let mut clients = Clients::new(&plan, &nodes);
        clients.set_ready(nodes[0], true);
        clients.begin(&plan, 0, 1_000_000, pace);
        let all = std::iter::from_fn(|| clients.take(Micros::MAX));
        all.filter(|asked| asked.felt == [0]).map(|asked| asked.publish.at).collect()
    }

    #[test]
    fn what_faults_add_comes_in_the_pace_of_the_system() {
        for (fault, count, lasts) in [
            ("{ at: 0ms, burst: { events: 200, within: 1s } }", [200, 200], 1_000_000),
            ("{ at: 0ms, spike: { factor: 3, lasting: 2s } }", [400, 1_600], 2_000_000),
        ] {
            for (pace, count) in [1, 4].into_iter().zip(count) {
                let times = added(fault, f64::from(u32::try_from(pace).expect("a small number")));
                assert_eq!(times.len(), count, "{fault} {pace}");
                let (first, last) = (times[0] - 1_000_000, times[count - 1] - 1_000_000);
                assert!(first < pace * lasts / 20, "{fault} {pace}: {first}");
                let end = pace * lasts;
                assert!((end * 19 / 20..end).contains(&last), "{fault} {pace}: {last}");
            }
        }
    }

    #[test]
    fn a_line_says_one_thing_and_what_it_does_not_know_of_is_told() {
        let at = Some(Position::new(2, 41));
        for (line, said) in [
            (r#"{"ready": true}"#, Said::Ready),
            (r#"{"ok": 17}"#, Said::Ok(EventId(17), None)),
            (r#"{"ok": 17, "at": [2, 41]}"#, Said::Ok(EventId(17), at)),
            (r#"{"entry": 17, "at": 41}"#, Said::Entry(EventId(17), Some(Position::new(0, 41)))),
            (
                r#"{"delivered": 1, "group": "billing"}"#,
                Said::Delivered(EventId(1), None, Some("billing".to_owned())),
            ),
            (r#"{"effect": 1, "number": 3}"#, Said::Effect(EventId(1), Some(3), None)),
            (r#"{"end": true}"#, Said::End(Ok(true))),
            (r#"{"end": false, "why": "cut"}"#, Said::End(Err("cut".to_owned()))),
        ] {
            assert_eq!(read(line), Ok(said), "{line}");
        }
        for line in
            ["", "x", "[]", "{}", r#"{"ok": -1}"#, r#"{"ok": 1, "at": [1]}"#, r#"{"end": 1}"#]
        {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
