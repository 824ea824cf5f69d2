//! What can be said for a parameter, in words. The bounds are those by which it is read.

use crate::{
    parameters::ParamKind,
    syntax::value::{largest, longest, units},
};

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
            Self::Time => format!(
                "above 0 and up to {}, in whole milliseconds: `250ms`, `3s`, `1m 30s`",
                longest()
            ),
            Self::Delay => format!(
                "above 0 and up to {}, in whole milliseconds, or a range from which each is drawn: `50ms`, `10ms..50ms`",
                longest()
            ),
            Self::Number { .. } => "a whole number within the bounds that are given".to_owned(),
            Self::Share => "above 0 % and up to 100 %: `20%`".to_owned(),
            Self::Size => {
                format!("above 0 and up to {}, in {}: `100B`, `4KiB`", largest(), units())
            }
            Self::Throughput => {
                format!("a size a second, above 0 and up to {}/s: `20kB/s`", largest())
            }
            Self::Choice(_) => "one of the words that are given".to_owned(),
        }
    }
}
