//! A link becomes slow.
//!
//! At its edges: what is on the wire when it begins arrives as it would have, and what is on the wire when it ends still
//! takes its time. On one connection nothing overtakes: what is sent after the end waits behind what is slow. Who connects
//! waits for its first packet; the answer to that comes at once, which the simulator cannot do otherwise.

use super::{Inject, Kind, Links, links, parts};
use crate::{
    scenario::Reader,
    sim::{Act, Began, Effect, Storm},
    stream::Stream,
    syntax::{Node, value},
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// These links take longer than they should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Which.
    pub links: Links,
    /// At least so long, in milliseconds.
    pub min_ms: u32,
    /// At most so long, in milliseconds.
    pub max_ms: u32,
    /// How it is drawn in between.
    pub distribution: Distribution,
}

/// How a latency is drawn between its least and its most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Distribution {
    /// Near the least for most messages, each drawn by itself: what the simulator does.
    Exponential,
    /// Every value is as likely. Messages of one step share a draw.
    Uniform,
    /// Around the middle, which is three standard deviations from both ends. Messages of one step share a
    /// draw.
    Normal,
    /// Near the least, and now and then very long (a Pareto distribution of shape 1.2, cut off at the
    /// most). Messages of one step share a draw.
    HeavyTailed,
}

impl Distribution {
    const ALL: [(&'static str, Self); 4] = [
        ("exponential", Self::Exponential),
        ("uniform", Self::Uniform),
        ("normal", Self::Normal),
        ("heavy_tailed", Self::HeavyTailed),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("?", |(name, _)| name)
    }

    /// A latency in milliseconds between `min` and `max`; `None` if the simulator draws.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub(crate) fn draw(self, min: u32, max: u32, stream: &mut Stream) -> Option<u32> {
        let span = f64::from(max.saturating_sub(min));
        let share = match self {
            Self::Exponential => return None,
            Self::Uniform => stream.share(),
            // The sum of twelve uniform draws is as good as normal (Irwin-Hall).
            Self::Normal => {
                let sum: f64 = (0..12).map(|_| stream.share()).sum();
                ((sum - 6.0) / 6.0 + 0.5).clamp(0.0, 1.0)
            }
            Self::HeavyTailed => {
                let tail = (1.0 - stream.share()).powf(-1.0 / 1.2) - 1.0;
                (tail / 20.0).min(1.0)
            }
        };
        Some(min + (share * span).round() as u32)
    }
}

impl Kind for Latency {
    const KEY: &'static str = "latency";
    const ABOUT: &'static str = "Makes links slow, in both directions: each message takes `delay`, and up to `jitter` more; \
         `distribution` is exponential unless said, or uniform, normal, heavy_tailed; what is on the wire \
         already is not slowed";
    const EXAMPLE: &'static str = "{ at: 500ms, latency: { delay: 40ms..60ms }, for: 400ms }";
    const OUTAGE: &'static str = "Stands for a congested or rerouted path";
    const FELT: &'static str = "something arrived that took longer than the network ever does";
    const LASTS: bool = true;

    fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Self> {
        let keys: Vec<&str> = [&["delay", "jitter", "distribution"], links::KEYS].concat();
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
        let jitter = match fields.take("jitter") {
            Some((_, node)) => reader.positive(node, "a time"),
            None => Some(Duration::ZERO),
        };
        let distribution = match fields.take("distribution") {
            Some((_, node)) => {
                let known = Distribution::ALL.map(|(name, _)| name);
                let text = reader.text(node, "a distribution")?;
                let code = "squall::unknown_distribution";
                if !reader.known(node.span, text, "distribution", code, &known) {
                    return None;
                }
                Distribution::ALL.iter().find(|(name, _)| *name == text).map(|(_, known)| *known)
            }
            None => Some(Distribution::Exponential),
        };
        let links = Links::take(reader, &mut fields)?.unwrap_or(Links::Every);
        let (min_ms, max_ms) = delay?;
        let jitter = u32::try_from(parts::ms(jitter?)).unwrap_or(u32::MAX);
        let max_ms = max_ms.saturating_add(jitter);
        Some(Self { links, min_ms, max_ms, distribution: distribution? })
    }
}

impl Inject for Latency {
    fn begin(&self, storm: &mut Storm<'_>, act: &mut Act) -> Began {
        storm.disturb_links(
            Effect::Slow(self.min_ms, self.max_ms, self.distribution),
            &self.links,
            act,
        )
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let distribution = self.distribution.name();
        write!(f, "{}ms..{}ms {distribution} on {}", self.min_ms, self.max_ms, self.links)
    }
}
