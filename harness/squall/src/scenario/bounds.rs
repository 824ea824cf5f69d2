//! What can be said for a parameter, in words. The bounds are those by which it is read.

use crate::{
    parameters::{ParamKind, Span},
    syntax::value::{largest, longest, units},
};
use std::time::Duration;

fn from(zero: bool) -> &'static str {
    if zero { "from" } else { "above" }
}

fn times(span: &Span) -> String {
    let told = |ms| humantime::format_duration(Duration::from_millis(ms)).to_string();
    let most = if span.most_ms == u64::MAX { longest() } else { told(span.most_ms) };
    match span.least_ms {
        0 => format!("from 0 up to {most}"),
        1 => format!("above 0 and up to {most}"),
        least => format!("from {} up to {most}", told(least)),
    }
}

impl ParamKind {
    /// What can be said for it: units and bounds, with an example.
    #[must_use]
    pub fn bounds(&self) -> String {
        match self {
            Self::Target => {
                "a node (`broker-1`), a role (`brokers`), `any broker`, `leader`, `any follower`, `followers`, `2 of brokers`, \
                 `majority of brokers`, `minority of brokers`, `all`, `zone east`, `any zone`, or a list of these"
                    .to_owned()
            }
            Self::Links => {
                "`isolate: leader`, also with `from: brokers`; `from: leader` and `to: followers`; \
                 `between: [broker-1, stores]`; `halves: all`; `majority: brokers`; `bridge: brokers`; `ring: brokers`"
                    .to_owned()
            }
            Self::Messages => {
                "`messages: 20%`, above 0 % and up to 100 %; `on: publish_ack` limits it to a kind of message, and the \
                 keys of links to links"
                    .to_owned()
            }
            Self::Time(span) => {
                format!("{}, in whole milliseconds: `250ms`, `3s`, `1m 30s`", times(span))
            }
            Self::Delay(span) => format!(
                "{}, in whole milliseconds, or a range from which each is drawn: `50ms`, `10ms..50ms`",
                times(span)
            ),
            Self::Range => format!("two times, up to {}, in order: `2s..5s`", longest()),
            Self::Number { .. } => "a whole number within the bounds that are given".to_owned(),
            Self::Share { zero } => format!("{} 0 % and up to 100 %: `20%`", from(*zero)),
            Self::Size { zero } => {
                format!("{} 0 and up to {}, in {}: `100B`, `4KiB`", from(*zero), largest(), units())
            }
            Self::Rate => "events a second, from 0.01/s to 100000/s: `400/s`".to_owned(),
            Self::Text => "a line of text".to_owned(),
            Self::Throughput => {
                format!("a size a second, above 0 and up to {}/s: `20kB/s`", largest())
            }
            Self::Choice(_) => "one of the words that are given".to_owned(),
        }
    }
}
