//! One entry of `faults:`: a trigger, a fault, and how long.

use super::{
    fault::Fault,
    model::{Condition, Step, Trigger},
    reader::Reader,
};
use crate::{
    faults,
    syntax::{Fields, Key, Node, Span, value},
};
use std::time::Duration;

const TRIGGERS: &[&str] = &["at", "between", "every", "when"];
const MODIFIERS: &[&str] = &["for", "restart_after", "until", "within"];

pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Step> {
    let kinds: Vec<&str> = faults::CATALOGUE.iter().map(|kind| kind.key).collect();
    let known: Vec<&str> = [TRIGGERS, &kinds, MODIFIERS].concat();
    let before = reader.mistakes();
    let mut fields = reader.fields(node, "a fault", &known)?;
    let trigger = exactly_one(reader, &mut fields, TRIGGERS, "trigger");
    let kind = exactly_one(reader, &mut fields, &kinds, "kind of fault");
    // An unknown key may well be the one that is missing: it has been told.
    let trigger = trigger.and_then(|(key, node)| read_trigger(reader, key, node));
    let fault = kind.and_then(|(key, node)| {
        let kind = faults::CATALOGUE.iter().find(|kind| kind.key == key.text)?;
        Some((key, Fault::read(reader, kind, node)?))
    });
    let (Some((trigger, trigger_key, trigger_span)), Some((kind_key, fault))) = (trigger, fault)
    else {
        debug_assert!(reader.mistakes() > before);
        return None;
    };
    let mut step = Step {
        line: reader.line(kind_key.span),
        text: node.canonical(),
        trigger,
        until: None,
        within: None,
        lasts: None,
        restart_after: None,
        fault,
    };
    let every = matches!(step.trigger, Trigger::Every(_));
    if let Some((key, node)) = fields.take("for") {
        belongs(reader, key, step.fault.kind.lasts, "a fault that lasts; this one happens at once");
        step.lasts = reader.positive(node, "a time");
        if let (Trigger::Every(period), Some(lasts)) = (&step.trigger, step.lasts)
            && lasts > *period
        {
            let message = "the fault would begin again before it is over";
            reader
                .tell("squall::overlap", node.span, message, "longer than the period")
                .related(Some(trigger_span), "the period");
        }
    }
    if let Some((key, node)) = fields.take("restart_after") {
        let crashes = step.fault.injection().takes_restart_after();
        belongs(reader, key, crashes, "a fault that brings nodes down, such as crash");
        step.restart_after = reader.scalar(node, "a time", value::duration);
    }
    if let Some((key, node)) = fields.take("until") {
        belongs(reader, key, every, "every");
        step.until = reader.positive(node, "a time");
        if let (Trigger::Every(period), Some(until)) = (&step.trigger, step.until)
            && until <= *period
        {
            let message = "it ends before it has begun once";
            reader
                .tell("squall::never", node.span, message, "not after the first time")
                .related(Some(trigger_span), "the first time");
        }
    }
    if let Some((key, node)) = fields.take("within") {
        belongs(reader, key, matches!(step.trigger, Trigger::When(_)), "when");
        step.within = reader.positive(node, "a time");
    }
    in_time(reader, &step.trigger, trigger_key.span, trigger_span);
    (reader.mistakes() == before).then_some(step)
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
    keys: &[&str],
    what: &str,
) -> Option<(&'n Key, &'n Node)> {
    let mut found: Vec<_> = keys.iter().filter_map(|key| fields.take(key)).collect();
    found.sort_by_key(|(key, _)| key.span.start);
    let mut found = found.into_iter();
    let Some(first) = found.next() else {
        let message = format!("this fault has no {what}");
        let label = format!("expected one of: {}", keys.join(", "));
        reader.tell("squall::missing", fields.span, message, label);
        return None;
    };
    for (key, _) in found {
        let message = format!("a fault has one {what}, and this one has two");
        reader
            .tell("squall::two_of_a_kind", key.span, message, "the second")
            .related(Some(first.0.span), "the first")
            .help("write a second entry of the list");
    }
    Some(first)
}

fn read_trigger<'n>(
    reader: &mut Reader<'_>,
    key: &'n Key,
    node: &'n Node,
) -> Option<(Trigger, &'n Key, Span)> {
    let trigger = match key.text.as_str() {
        "at" => Trigger::At(reader.scalar(node, "a time", value::duration)?),
        "between" => {
            let (from, to) = reader.scalar(node, "a range of time", value::range)?;
            Trigger::Between(from, to)
        }
        "every" => {
            let period = reader.positive(node, "a period")?;
            if period < Duration::from_millis(10) {
                let message = "a period this short leaves no room between two faults";
                reader.tell("squall::bad_value", node.span, message, "at least 10ms");
                return None;
            }
            Trigger::Every(period)
        }
        _ => Trigger::When(condition(reader, node)?),
    };
    Some((trigger, key, node.span))
}

/// How many events there are in the log, at most, for each that a client publishes.
const FOLLOWING: u32 = 4;

fn condition(reader: &mut Reader<'_>, node: &Node) -> Option<Condition> {
    let known = ["acked", "delivered", "applied", "reaches", "hit"];
    let mut fields = reader.fields(node, "a condition", &known)?;
    let hit = fields.take("hit");
    let (key, value) = exactly_one(reader, &mut fields, &known[..4], "condition")?;
    if let Some((hit_key, _)) = hit
        && key.text != "reaches"
    {
        reader.tell(
            "squall::misplaced",
            hit_key.span,
            "`hit` belongs to reaches",
            "leave this out",
        );
    }
    if key.text == "reaches" {
        let point = reader.text(value, "a fault point")?;
        let points = reader.system.points();
        if !reader.known(value.span, point, "fault point", "squall::unknown_point", points) {
            return None;
        }
        let hit = match hit {
            Some((_, node)) => reader.number(node, "a number", 1, 1_000_000)?,
            None => 1,
        };
        return Some(Condition::Reaches { point: point.to_owned(), hit });
    }
    let count = reader.number(value, "a number", 1, u32::MAX)?;
    let events = reader.events;
    let groups = u32::try_from(reader.system.groups().len()).unwrap_or(u32::MAX);
    // Services may make events of events, a few of each.
    let all = events.saturating_mul(groups).saturating_mul(FOLLOWING);
    let (most, condition) = match key.text.as_str() {
        "acked" => (events, Condition::Acked(count)),
        "delivered" => (all, Condition::Delivered(count)),
        _ => (all, Condition::Applied(count)),
    };
    if count > most {
        let message = format!("{} can never reach {count}", key.text);
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
