//! A link carries little.
//!
//! At its edges: what is on the wire when it begins arrives as it would have. While it lasts, messages of a direction
//! leave one after the other, each when all its bytes have had their time; connecting and closing take no time. What waits
//! when it ends leaves at once. What waits in a node that crashes is gone, and takes no room any more. It acts on frames
//! (`into_frames`), not on the bytes of other connections.

use super::{Inject, Kind, Links, links};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Storm},
    syntax::{Node, value},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// These links carry so many bytes a second.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bandwidth {
    /// Which.
    pub links: Links,
    /// How many bytes a second, in each direction.
    pub bytes_per_second: u32,
}

impl Kind for Bandwidth {
    const KEY: &'static str = "bandwidth";
    const ABOUT: &'static str = "Limits what each direction of a link carries to `limit` (20kB) a second, over all of its connections; the rest waits its turn, until the limit ends";
    const EXAMPLE: &'static str =
        "{ at: 500ms, bandwidth: { limit: 400B/s, isolate: broker-1 }, for: 400ms }";
    const OUTAGE: &'static str = "Stands for a saturated uplink, a throttled instance";
    const FELT: &'static str = "a message had waited its turn";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let keys: Vec<&str> = [&["limit"], links::KEYS].concat();
        let mut fields = reader.fields(node, "bandwidth", &keys)?;
        let limit = match fields.take("limit") {
            Some((_, node)) => reader.scalar(node, "a size a second", |text| {
                match value::size(text.strip_suffix("/s").unwrap_or(text))? {
                    0 => Err("at least 1B".to_owned()),
                    size => Ok(size),
                }
            }),
            None => Some(20_000),
        };
        let links = Links::take(reader, &mut fields)?.unwrap_or(Links::Every);
        Some(Self { links, bytes_per_second: limit? })
    }
}

impl Inject for Bandwidth {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.narrow_links(&self.links, u64::from(self.bytes_per_second), act)
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes a second on {}", self.bytes_per_second, self.links)
    }
}
