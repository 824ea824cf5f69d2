//! Links stall, each for a time of its own.
//!
//! At its edges: each link is as with `hold`, until its own release.

use super::{Inject, Kind, Links, links, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::Node,
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// Each of these links is held, and released at a random time of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clog {
    /// Which.
    pub links: Links,
    /// Each is released within so long.
    pub within: Duration,
}

impl Kind for Clog {
    const KEY: &'static str = "clog";
    const ABOUT: &'static str = "Stalls links, every link unless said, and releases them one by one in random order `within` (1s); what waits arrives then, as with hold";
    const EXAMPLE: &'static str = "{ at: 500ms, clog: { within: 1500ms }, for: 2s }";
    const OUTAGE: &'static str =
        "Stands for congestion that dissolves; FoundationDB's simulator clogs so";
    const FELT: &'static str = "something that was held was released";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let keys: Vec<&str> = [&["within"], links::KEYS].concat();
        let mut fields = reader.fields(node, "clog", &keys)?;
        let links = Links::take(reader, &mut fields)?.unwrap_or(Links::Every);
        let within = parts::time(reader, &mut fields, "within", Duration::from_secs(1));
        Some(Self { links, within: within? })
    }
}

impl Inject for Clog {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.clog_links(&self.links, parts::us(self.within), act)
    }
}

impl fmt::Display for Clog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, released within {:?}", self.links, self.within)
    }
}
