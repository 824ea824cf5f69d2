//! A link becomes slow.

use super::{Inject, Kind, Links, links};
use crate::{
    scenario::{Node, Reader, value},
    sim::{Act, Began, Effect, Storm},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// These links take longer than they should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Which.
    pub links: Links,
    /// At least so long, in milliseconds.
    pub min_ms: u32,
    /// At most so long, in milliseconds.
    pub max_ms: u32,
}

impl Kind for Latency {
    const KEY: &'static str = "latency";
    const ABOUT: &'static str =
        "Makes links slow: each message takes `delay`, drawn anew; in both directions";
    const OUTAGE: &'static str = "Stands for a congested or rerouted path";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let keys: Vec<&str> = [&["delay"], links::KEYS].concat();
        let mut fields = reader.fields(node, "latency", &keys)?;
        let delay = match fields.take("delay") {
            Some((_, node)) => {
                let (min_ms, max_ms) = reader.scalar(node, "a latency", value::range_or_one)?;
                if min_ms == 0 {
                    let label = "at least 1ms";
                    reader.tell("squall::bad_value", node.span, "a latency of zero", label);
                    return None;
                }
                Some((min_ms, max_ms))
            }
            None => {
                let label = "such as delay: 50ms..200ms";
                reader.tell("squall::missing", fields.span, "how slow?", label);
                None
            }
        };
        let links = Links::take(reader, &mut fields)?.unwrap_or(Links::Every);
        let (min_ms, max_ms) = delay?;
        Some(Self { links, min_ms, max_ms })
    }
}

impl Inject for Latency {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.disturb_links(Effect::Slow(self.min_ms, self.max_ms), &self.links, act)
    }

    fn heal(&self, storm: &mut Storm<'_>, act: &mut Act) {
        storm.undisturb(act);
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms..{}ms on {}", self.min_ms, self.max_ms, self.links)
    }
}
