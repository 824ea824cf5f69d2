//! A link goes up and down.
//!
//! At its edges: every cut and every healing is as those of `partition`.

use super::{Inject, Kind, Links, links, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// These links are cut and healed, again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flap {
    /// Which.
    pub links: Links,
    /// They are up for so long.
    pub up: Duration,
    /// And then down for so long.
    pub down: Duration,
}

impl Kind for Flap {
    const KEY: &'static str = "flap";
    const ABOUT: &'static str = "Cuts links for `down` (200ms), heals them for `up` (300ms), and so on until it is over; each cut is as that of partition, and each healing resets";
    const EXAMPLE: &'static str =
        "{ at: 500ms, flap: { isolate: broker-1, up: 100ms, down: 100ms }, for: 600ms }";
    const OUTAGE: &'static str = "Stands for a flapping switch port, a route that comes and goes";
    const FELT: &'static str =
        "something on the wire or sent was lost, or somebody tried to connect";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let keys: Vec<&str> = [&["up", "down"], links::KEYS].concat();
        let mut fields = reader.fields(node, "flap", &keys)?;
        let links = Links::take(reader, &mut fields)?;
        if links.is_none() {
            let label = "such as isolate: leader";
            reader.tell("squall::missing", fields.span, "between whom?", label);
        }
        let up = parts::time(reader, &mut fields, "up", Duration::from_millis(300));
        let down = parts::time(reader, &mut fields, "down", Duration::from_millis(200));
        Some(Self { links: links?, up: up?, down: down? })
    }
}

impl Inject for Flap {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.flap_links(&self.links, parts::us(self.up), parts::us(self.down), act)
    }
}

impl fmt::Display for Flap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, up {:?}, down {:?}", self.links, self.up, self.down)
    }
}
