//! One entry of `faults:`: a trigger, a fault, and how long.

use super::{
    fault::Fault,
    keys::{CONDITION, STEP, TRIGGERS},
    model::{Condition, Step, Trigger},
    named::awaited,
    reader::Reader,
    values,
};
use crate::{
    faults,
    parameters::Value as Said,
    signals,
    syntax::{Fields, Key, Node, Span, Value, Words},
};
use std::time::Duration;

/// What a step says, but for its name: its identity.
fn identity(node: &Node) -> String {
    let Value::Mapping(entries) = &node.value else { return node.canonical() };
    let said = entries.iter().filter(|(key, _)| key.text != "name").cloned().collect();
    Node { value: Value::Mapping(said), ..node.clone() }.canonical()
}

pub(super) fn read(reader: &mut Reader<'_>, node: &Node, index: u16) -> Option<Step> {
    let kinds: Vec<&'static str> = faults::CATALOGUE.iter().map(|kind| kind.key).collect();
    let known: Vec<&'static str> = [&STEP.names()[..], &kinds].concat();
    let before = reader.mistakes();
    let mut fields = reader.fields(node, STEP.what, &known, "list faults")?;
    let trigger = exactly_one(reader, &mut fields, TRIGGERS, "trigger", "list keys");
    let kind = exactly_one(reader, &mut fields, &kinds, "kind of fault", "list faults");
    // Each part is read, whatever is wrong with the others.
    let trigger =
        trigger.map(|(name, key, node)| (name, key, node.span, timing(reader, name, node, index)));
    let kind = kind.and_then(|(name, key, node)| {
        let kind = faults::CATALOGUE.iter().copied().find(|kind| kind.key == name)?;
        Some((kind, key, Fault::read(reader, kind, node)))
    });
    fields.take("name");
    let said = ["for", "restart_after", "until", "within", "delay"].map(|name| {
        let (key, node) = fields.take(name)?;
        let time = values::read(reader, STEP.kind(name), node).as_ref().map(values::time);
        Some((key, node.span, time))
    });
    let triggered_by = |name: &str| trigger.as_ref().is_none_or(|(found, ..)| *found == name);
    let [lasts, restart_after, until, within, delay] = &said;
    if let (Some((key, ..)), Some((kind, ..))) = (lasts, &kind) {
        belongs(reader, key, kind.lasts, "a fault that lasts; this one happens at once");
    }
    if let (Some((key, ..)), Some((kind, _, Some(fault)))) = (restart_after, &kind) {
        let has = |name| kind.params.iter().any(|param| param.name == name);
        if has("node") && has("down") {
            let message = format!("`{}` says by `down` for how long its nodes are down", kind.key);
            let label = format!("put it inside: `{}: {{ node: …, down: … }}`", kind.key);
            reader.tell("squall::misplaced", key.span, message, label);
        } else {
            let crashes = fault.injection().takes_restart_after();
            belongs(reader, key, crashes, "a fault that brings nodes down, such as crash");
        }
    }
    if let Some((key, ..)) = until {
        belongs(reader, key, triggered_by("every"), "every");
    }
    let waits = triggered_by("when") || triggered_by("after");
    for (key, ..) in [within, delay].into_iter().flatten() {
        belongs(reader, key, waits, "when or after");
    }
    let time = |said: &SaidTime<'_>| said.as_ref().and_then(|said| said.2);
    if let Some((_, key, span, Some(trigger))) = &trigger {
        fits(reader, trigger, *span, lasts, until);
        in_time(reader, trigger, key.span, *span);
    }
    for (what, said) in [("fault", lasts), ("node's absence", restart_after)] {
        if let Some((_, span, Some(time))) = said {
            beyond_the_workload(reader, what, *span, *time);
        }
    }
    let (Some((.., Some(trigger))), Some((_, kind_key, Some(fault)))) = (trigger, kind) else {
        debug_assert!(reader.mistakes() > before);
        return None;
    };
    let step = Step {
        line: reader.line(kind_key.span),
        text: identity(node),
        name: reader
            .steps
            .iter()
            .find(|(_, _, step)| *step == index)
            .map(|(name, ..)| name.clone()),
        trigger,
        delay: time(delay),
        until: time(until),
        within: time(within),
        lasts: time(lasts),
        restart_after: time(restart_after),
        fault,
    };
    (reader.mistakes() == before).then_some(step)
}

/// What a step says of a time: where, and the time.
type SaidTime<'n> = Option<(&'n Key, Span, Option<Duration>)>;

/// Whether what lasts, and what ends, fits what triggers it.
fn fits(
    reader: &mut Reader<'_>,
    trigger: &Trigger,
    trigger_span: Span,
    lasts: &SaidTime<'_>,
    until: &SaidTime<'_>,
) {
    let Trigger::Every(period) = trigger else { return };
    if let Some((_, span, Some(lasts))) = lasts
        && lasts > period
    {
        let message = "the fault would begin again before it is over";
        reader
            .tell("squall::overlap", *span, message, "longer than the period")
            .related(Some(trigger_span), "the period");
    }
    let Some((_, span, Some(until))) = until else { return };
    if until <= period {
        let message = "it ends before it has begun once";
        reader
            .tell("squall::never", *span, message, "not after the first time")
            .related(Some(trigger_span), "the first time");
    }
    let (length, defined) = reader.workload;
    if *until > length {
        let over = format!("over after {}", humantime::format_duration(length));
        let message = "`until` is beyond the end of the workload, where `every` ends anyhow";
        reader
            .tell("squall::no_effect", *span, message, &over)
            .related(defined, over)
            .help("leave it out, or offer more events");
    }
}

/// What goes on this long after the workload is over is hardly meant.
const IDLE: Duration = Duration::from_secs(10);

fn beyond_the_workload(reader: &mut Reader<'_>, what: &str, span: Span, time: Duration) {
    let (length, _) = reader.workload;
    if time > length + IDLE {
        let message = format!(
            "the {what} outlasts the workload: clients publish for {} in all, and then nothing \
             happens until it is over",
            humantime::format_duration(length)
        );
        reader.advise("squall::idle", span, message, "is that meant?");
    }
}

fn belongs(reader: &mut Reader<'_>, key: &Key, does: bool, to: &str) {
    if !does {
        let message = format!("`{}` belongs to {to}", key.text);
        reader.tell("squall::misplaced", key.span, message, "leave this out");
    }
}

fn exactly_one<'n>(
    reader: &mut Reader<'_>,
    fields: &mut Fields<'n>,
    keys: &[&'static str],
    what: &str,
    list: &'static str,
) -> Option<(&'static str, &'n Key, &'n Node)> {
    let mut found: Vec<_> = keys
        .iter()
        .filter_map(|name| fields.take(name).map(|(key, node)| (*name, key, node)))
        .collect();
    found.sort_by_key(|(_, key, _)| key.span.start);
    let mut found = found.into_iter();
    let Some(first) = found.next() else {
        let message =
            format!("this {} has no {what}", if what == "condition" { "trigger" } else { "fault" });
        let label = if keys.len() > 8 {
            format!("expected one, such as {}: squall {list}", keys[..3].join(", "))
        } else {
            format!("expected one of: {}", keys.join(", "))
        };
        reader.tell("squall::missing", fields.span, message, label);
        return None;
    };
    for (_, key, _) in found {
        let message = format!("a fault has one {what}, and this one has two");
        reader
            .tell("squall::two_of_a_kind", key.span, message, "the second")
            .related(Some(first.1.span), "the first")
            .help("write a second entry of the list");
    }
    Some(first)
}

fn timing(reader: &mut Reader<'_>, name: &str, node: &Node, index: u16) -> Option<Trigger> {
    match name {
        "when" => return condition(reader, node, index).map(Trigger::When),
        "after" => {
            return awaited(reader, node, index).map(|step| Trigger::When(Condition::Over(step)));
        }
        _ => {}
    }
    match (name, values::read(reader, STEP.kind(name), node)?) {
        ("at", Said::Time(at)) => Some(Trigger::At(at)),
        ("every", Said::Time(period)) => Some(Trigger::Every(period)),
        (_, Said::Range(from, to)) => Some(Trigger::Between(from, to)),
        (_, other) => {
            unreachable!("the table says a time for `{name}`, and this was read: {other:?}")
        }
    }
}

/// How many events there are in the log, at most, for each that a client publishes.
const FOLLOWING: u32 = 4;

fn condition(reader: &mut Reader<'_>, node: &Node, index: u16) -> Option<Condition> {
    let known = CONDITION.names();
    let mut fields = reader.fields(node, CONDITION.what, &known, "list keys")?;
    let hit = fields.take("hit");
    let conditions: Vec<&'static str> = known.into_iter().filter(|name| *name != "hit").collect();
    let found = exactly_one(reader, &mut fields, &conditions, "condition", "list keys");
    let times = match hit {
        Some((_, node)) => values::read(reader, CONDITION.kind("hit"), node),
        None => Some(values::default_of(&CONDITION, "hit")),
    };
    let (name, _, value) = found?;
    if let Some((key, _)) = hit
        && !["reaches", "signal"].contains(&name)
    {
        let message = "`hit` belongs to reaches or signal";
        reader.tell("squall::misplaced", key.span, message, "leave this out");
    }
    if name == "began" {
        return awaited(reader, value, index).map(Condition::Began);
    }
    if name == "signal" {
        let signal = reader.text(value, "a signal")?;
        let felt: Vec<String> = faults::CATALOGUE.iter().map(|kind| kind.signal()).collect();
        let known: Vec<&str> = signals::BUILT_IN
            .iter()
            .map(|(name, _)| *name)
            .chain(reader.system.signals().iter().copied())
            .chain(felt.iter().map(String::as_str))
            .collect();
        let words = Words { all: &known, list: "list signals" };
        if !reader.known(value.span, signal, "signal", "squall::unknown_signal", words) {
            return None;
        }
        return Some(Condition::Signal { signal: signal.to_owned(), hit: values::number(&times?) });
    }
    if name == "reaches" {
        let point = reader.text(value, "a fault point")?;
        let points = Words { all: reader.system.points(), list: "list points" };
        if !reader.known(value.span, point, "fault point", "squall::unknown_point", points) {
            return None;
        }
        return Some(Condition::Reaches { point: point.to_owned(), hit: values::number(&times?) });
    }
    let count = values::number(&values::read(reader, CONDITION.kind(name), value)?);
    let events = reader.events;
    let groups = u32::try_from(reader.system.groups().len()).unwrap_or(u32::MAX);
    // Services may make events of events, a few of each.
    let all = events.saturating_mul(groups).saturating_mul(FOLLOWING);
    let (most, condition) = match name {
        "acked" => (events, Condition::Acked(count)),
        "delivered" => (all, Condition::Delivered(count)),
        _ => (all, Condition::Applied(count)),
    };
    if count > most {
        let message = format!("{name} can never reach {count}");
        reader.too_many.push((value.span, message, format!("at most {most}")));
    }
    Some(condition)
}

/// Tells of counts that the workload never comes to, unless a fault publishes beside it; a step that could not be read
/// may be such a one.
pub(super) fn check_counts(reader: &mut Reader<'_>, steps: &[Step], written: usize) {
    let more = steps.iter().any(|step| step.fault.injection().adds_load());
    if more || steps.len() < written {
        return;
    }
    let (workload, events) = (reader.workload.1, reader.events);
    for (span, message, label) in std::mem::take(&mut reader.too_many) {
        reader
            .tell("squall::never", span, message, label)
            .related(workload, format!("{events} events"));
    }
}

/// A fault that starts when the workload is over proves nothing.
fn in_time(reader: &mut Reader<'_>, trigger: &Trigger, key: Span, value: Span) {
    let (length, defined) = reader.workload;
    let (start, late) = match trigger {
        Trigger::At(start) | Trigger::Every(start) => (*start, *start >= length),
        // The last moment of a range is drawn as good as never.
        Trigger::Between(_, to) => (*to, *to > length),
        Trigger::When(_) => return,
    };
    if late {
        let message = format!(
            "this fault can start at {}, and by then the workload is over",
            humantime::format_duration(start)
        );
        let over = format!("over after {}", humantime::format_duration(length));
        let defined = defined.filter(|span| *span != key);
        reader
            .tell("squall::too_late", value, message, &over)
            .related(defined, over)
            .help("start it earlier, or offer more events");
    }
}
