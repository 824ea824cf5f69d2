//! Traces in few bytes: texts stand once in a table of the page, with their numbers taken out, and
//! times as differences. `script/data.js` unpacks them.

use crate::{
    format::{Trace, TraceRecord},
    text,
};
use std::{collections::BTreeMap, fmt::Write as _};

/// Stands in a text of the table for a number. No text has it: it would be told in words.
const NUMBER: char = '\u{1}';

/// JavaScript counts no further than this exactly.
const EXACT: u64 = (1 << 53) - 1;

/// Characters of a text that are shown.
const TEXT: usize = 300;

/// The texts of a page, as JSON.
#[derive(Default)]
pub(super) struct Texts {
    places: BTreeMap<String, usize>,
    /// In the order of their places.
    list: Vec<String>,
}

impl Texts {
    fn place(&mut self, text: String) -> usize {
        if let Some(place) = self.places.get(&text) {
            return *place;
        }
        self.list.push(text.clone());
        self.places.insert(text, self.list.len() - 1);
        self.list.len() - 1
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Bytes of those from a place on.
    pub(super) fn bytes_since(&self, place: usize) -> usize {
        self.list[place..].iter().map(|text| text.len() + 1).sum()
    }

    /// Forgets those from a place on.
    pub(super) fn truncate(&mut self, place: usize) {
        for text in self.list.drain(place..) {
            self.places.remove(&text);
        }
    }

    /// A JSON array.
    pub(super) fn json(&self) -> String {
        format!("[{}]", self.list.join(","))
    }
}

/// Parts of a run's course that are drawn.
const PARTS: usize = 400;

/// How much of a trace is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Full,
    /// Evidence and faults.
    Evidence,
}

/// A trace as JSON; the texts go to the table.
pub(super) fn pack(trace: &Trace, extent: Extent, texts: &mut Texts) -> String {
    let kept = |record: &&TraceRecord| extent == Extent::Full || record.evidence;
    let records: Vec<&TraceRecord> = trace.records.iter().filter(kept).collect();
    let messages = if extent == Extent::Full { trace.messages.as_slice() } else { &[] };
    let mut out = String::from("{\"n\":");
    list(&mut out, &trace.nodes, |out, node| number(out, texts.place(quoted(node)) as u64));
    out.push_str(",\"f\":");
    list(&mut out, &trace.faults, |out, fault| {
        let place = texts.place(quoted(&fault.text));
        let lasts = fault.to_us.map_or(-1, |to| to.min(EXACT).saturating_sub(fault.from_us) as i64);
        let from = fault.from_us.min(EXACT);
        // Writing to a String cannot fail, here and below.
        let _ = write!(out, "[{place},{},{from},{lasts},", fault.line);
        list(out, &fault.nodes, |out, node| number(out, u64::from(*node)));
        out.push(']');
    });
    let (mut index, mut at) = (0, 0);
    out.push_str(",\"r\":");
    list(&mut out, &records, |out, record| {
        let (template, numbers) = template(&record.text);
        let (kind, template) = (texts.place(quoted(&record.kind)), texts.place(template));
        let node = record.node.map_or(-1, i32::from);
        let (by, after) = (step(&mut index, record.index), step(&mut at, record.at_us));
        let _ = write!(out, "[{by},{after},{node},{kind},{template},{}", u8::from(record.evidence));
        for id in [record.event, record.key] {
            out.push(',');
            match id {
                Some(id) => number(out, id),
                None => out.push_str("-1"),
            }
        }
        for number in numbers {
            let _ = write!(out, ",{number}");
        }
        out.push(']');
    });
    let mut at = 0;
    out.push_str(",\"m\":");
    list(&mut out, messages, |out, message| {
        let kind = texts.place(quoted(&message.kind));
        let after = step(&mut at, message.sent_us);
        let takes = message
            .read_us
            .map_or(-1, |read| read.min(EXACT).saturating_sub(message.sent_us) as i64);
        let _ = write!(out, "[{},{},{after},{takes},{kind}]", message.from, message.to);
    });
    let left_out = [trace.records.len() - records.len(), trace.messages.len() - messages.len()];
    let _ = write!(out, ",\"o\":[{},{}]", left_out[0], left_out[1]);
    if let Some(course) = trace.course.as_ref().filter(|_| extent == Extent::Full) {
        let _ = write!(out, ",\"c\":[{}", course.part_us.min(EXACT));
        for values in [&course.published, &course.applied, &course.latency_us, &course.lag] {
            out.push(',');
            list(&mut out, &values[..values.len().min(PARTS)], |out, value| {
                let _ = write!(out, "{}", value.min(&EXACT));
            });
        }
        out.push(']');
    }
    let _ = write!(out, ",\"l\":{}}}", trace.left_out.min(EXACT));
    out
}

fn list<T>(out: &mut String, all: &[T], mut each: impl FnMut(&mut String, &T)) {
    out.push('[');
    for (place, one) in all.iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        each(out, one);
    }
    out.push(']');
}

/// A number that JavaScript would not hold exactly is a text.
fn number(out: &mut String, number: u64) {
    let _ = if number <= EXACT { write!(out, "{number}") } else { write!(out, "\"{number}\"") };
}

/// The difference to the last.
fn step(last: &mut i64, next: u64) -> i64 {
    let next = next.min(EXACT) as i64;
    next - std::mem::replace(last, next)
}

/// A text as a JSON string that neither ends a script nor begins a comment in one.
fn quoted(text: &str) -> String {
    quote(&text::clip(text, TEXT))
}

fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '<' | '>' | '&' | '\'' | '\u{0}'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text without its numbers, and these.
fn template(text: &str) -> (String, Vec<&str>) {
    let mut numbers = Vec::new();
    // What is no plain text is told as it is: its escapes would change with it.
    if text.len() > TEXT || !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return (quoted(text), numbers);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let end =
            rest[start..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |n| start + n);
        let digits = &rest[start..end];
        out.push_str(&rest[..start]);
        if digits.len() <= 15 && (digits == "0" || !digits.starts_with('0')) {
            out.push(NUMBER);
            numbers.push(digits);
        } else {
            out.push_str(digits);
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    // `printable` would tell the placeholder in words: it has been asked of the text already,
    // which has no control characters.
    (quote(&out), numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Course, TraceFault, TraceMessage};

    #[test]
    fn numbers_are_taken_out_of_a_text() {
        assert_eq!(
            template("e7 at 0:12, 007"),
            (r#""e\u0001 at \u0001:\u0001, 007""#.into(), vec!["7", "0", "12"])
        );
        assert_eq!(template("漢字 7"), ("\"漢字 7\"".into(), vec![]));
        assert_eq!(template("1\u{1}2").1, Vec::<&str>::new());
    }

    #[test]
    fn no_text_ends_the_script() {
        let text = quoted("</script><!--\u{202e}\0\"\\");
        assert!(!text.contains(['<', '>', '\u{202e}', '\0']), "{text}");
        let back: String = serde_json::from_str(&text).unwrap();
        assert_eq!(back, r#"</script><!--\u{202e}\u{0}"\"#);
    }

    #[test]
    fn a_trace_is_packed_whole_or_in_its_evidence() {
        let record = |index, evidence| TraceRecord {
            index,
            at_us: index * 1_000,
            node: Some(1),
            kind: "append".into(),
            text: format!("has e{index} at 0:1"),
            event: Some(u64::MAX),
            evidence,
            ..TraceRecord::default()
        };
        let trace = Trace {
            nodes: vec!["a".into(), "b".into()],
            faults: vec![TraceFault { nodes: vec![0, 1], to_us: Some(9), ..TraceFault::default() }],
            records: vec![record(3, true), record(5, false)],
            messages: vec![TraceMessage {
                to: 1,
                sent_us: 7,
                read_us: Some(9),
                ..TraceMessage::default()
            }],
            left_out: 4,
            course: Some(Course { part_us: 9, published: vec![1, 0], ..Course::default() }),
        };
        let mut texts = Texts::default();
        let full = pack(&trace, Extent::Full, &mut texts);
        assert_eq!(
            full,
            r#"{"n":[0,1],"f":[[2,0,0,9,[0,1]]],"r":[[3,3000,1,3,4,1,"18446744073709551615",-1,3,0,1],[2,2000,1,3,4,0,"18446744073709551615",-1,5,0,1]],"m":[[0,1,7,2,2]],"o":[0,0],"c":[9,[1,0],[],[],[]],"l":4}"#
        );
        assert_eq!(texts.json(), r#"["a","b","","append","has e\u0001 at \u0001:\u0001"]"#);
        let part = pack(&trace, Extent::Evidence, &mut texts);
        assert!(part.ends_with(r#""m":[],"o":[1,1],"l":4}"#), "{part}");
        let (before, bytes) = (texts.len(), texts.bytes_since(0));
        texts.place(quoted("new"));
        assert_eq!(texts.bytes_since(before), 6);
        texts.truncate(before);
        assert_eq!((texts.len(), texts.bytes_since(0)), (before, bytes));
    }
}
