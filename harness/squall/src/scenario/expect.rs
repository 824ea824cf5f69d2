//! `expect:`: which invariants matter here, and the limits of those that need one.

use super::reader::Reader;
use crate::syntax::{Node, Span, Value, value};
use serde::{Deserialize, Serialize};
use squall_judge as judge;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// A liveness deadline where a scenario gives none.
const DEFAULT_WITHIN: Duration = Duration::from_secs(30);

/// The quantiles that can be limited.
const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)];

/// What a scenario expects. Safety invariants are judged in every run, named or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Expect {
    /// A safety invariant, by name.
    Safety(String),
    /// Copies agree so long after the healing.
    EventualConsistency {
        /// How long.
        within: Duration,
    },
    /// No group lags so long after the healing.
    Drains {
        /// How long.
        within: Duration,
    },
    /// Every publish is answered so long after the healing.
    Progress {
        /// How long.
        within: Duration,
    },
    /// Everything has answered and agrees so long after the healing.
    Converges {
        /// How long.
        within: Duration,
    },
    /// Publishing works and nothing lags so long after the healing.
    RecoversWithin(Duration),
    /// A quantile of the time from publish to effect.
    Latency {
        /// Which, 0 to 1.
        quantile: f64,
        /// At most so long.
        limit: Duration,
    },
    /// At least this share of publishes ends ok while a majority is connected, 0 to 1.
    Available {
        /// The share.
        at_least: f64,
    },
}

impl Expect {
    /// The invariant.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Safety(name) => name,
            Self::EventualConsistency { .. } => "eventual_consistency",
            Self::Drains { .. } => "drains",
            Self::Progress { .. } => "progress",
            Self::Converges { .. } => "converges",
            Self::RecoversWithin(_) => "recovers_within",
            Self::Latency { .. } => "latency",
            Self::Available { .. } => "available",
        }
    }
}

/// Reads the list; `lines` learns where each invariant is named.
pub(super) fn read(
    reader: &mut Reader<'_>,
    node: &Node,
    lines: &mut BTreeMap<String, u32>,
) -> Vec<Expect> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for item in reader.list(node, "expect").unwrap_or_default() {
        let (name, span, limit) = match &item.value {
            Value::Scalar(name) => (name, item.span, None),
            Value::Mapping(entries) if entries.len() == 1 => {
                let (key, limit) = &entries[0];
                (&key.text, key.span, Some(limit))
            }
            other => {
                let message = format!("expected the name of an invariant, found {}", other.kind());
                let label = "such as no_loss, or drains: { within: 10s }";
                reader.tell("squall::wrong_type", item.span, message, label);
                continue;
            }
        };
        let names: Vec<_> = judge::CATALOGUE.iter().map(|entry| entry.name).collect();
        if !reader.known(span, name, "invariant", "squall::unknown_invariant", &names) {
            continue;
        }
        if !seen.insert(name.clone()) {
            reader.tell("squall::twice", span, format!("{name} is named twice"), "again");
            continue;
        }
        lines.insert(name.clone(), reader.line(span));
        all.extend(one(reader, name, span, limit));
    }
    all
}

fn one(reader: &mut Reader<'_>, name: &str, span: Span, limit: Option<&Node>) -> Option<Expect> {
    match name {
        "eventual_consistency" => {
            let within = within(reader, name, limit).or_else(|| default(limit))?;
            Some(Expect::EventualConsistency { within })
        }
        "drains" => {
            let within = within(reader, name, limit).or_else(|| default(limit))?;
            Some(Expect::Drains { within })
        }
        "progress" => {
            let within = within(reader, name, limit).or_else(|| default(limit))?;
            Some(Expect::Progress { within })
        }
        "converges" => {
            let within = within(reader, name, limit).or_else(|| default(limit))?;
            Some(Expect::Converges { within })
        }
        "recovers_within" => {
            if limit.is_none() {
                let message = "recovers_within needs a limit";
                reader.tell("squall::missing", span, message, "such as recovers_within: 5s");
            }
            within(reader, name, limit).map(Expect::RecoversWithin)
        }
        "available" => {
            let Some(limit) = limit else {
                let label = "such as available: { at_least: 90% }";
                reader.tell("squall::missing", span, "available needs a limit", label);
                return None;
            };
            let mut fields = reader.fields(limit, name, &["at_least"])?;
            let Some((_, share)) = fields.take("at_least") else {
                reader.tell("squall::missing", fields.span, "a limit is missing", "at_least: 90%");
                return None;
            };
            let at_least = reader.scalar(share, "a share", value::percent)?;
            Some(Expect::Available { at_least })
        }
        "latency" => {
            let Some(limit) = limit else {
                let label = "such as latency: { p99: 2s }";
                reader.tell("squall::missing", span, "latency needs a limit", label);
                return None;
            };
            let keys = QUANTILES.map(|(name, _)| name);
            let mut fields = reader.fields(limit, name, &keys)?;
            let mut found = QUANTILES
                .into_iter()
                .filter_map(|(name, quantile)| Some((fields.take(name)?, quantile)));
            let Some(((_, node), quantile)) = found.next() else {
                reader.tell(
                    "squall::missing",
                    fields.span,
                    "a limit is missing",
                    "such as p99: 2s",
                );
                return None;
            };
            if let Some(((key, _), _)) = found.next() {
                let message = "one limit is judged, and here are two";
                reader.tell("squall::two_of_a_kind", key.span, message, "the second");
                return None;
            }
            let limit = reader.positive(node, "a time")?;
            Some(Expect::Latency { quantile, limit })
        }
        safety => {
            if let Some(limit) = limit {
                let message = format!("{safety} holds always: it takes no limit");
                reader.tell("squall::bad_value", limit.span, message, "leave this out");
                return None;
            }
            Some(Expect::Safety(safety.to_owned()))
        }
    }
}

fn default(limit: Option<&Node>) -> Option<Duration> {
    limit.is_none().then_some(DEFAULT_WITHIN)
}

/// `{ within: 5s }`, or just `5s`.
fn within(reader: &mut Reader<'_>, name: &str, limit: Option<&Node>) -> Option<Duration> {
    let limit = limit?;
    if matches!(limit.value, Value::Scalar(_)) {
        return reader.positive(limit, "a time");
    }
    let mut fields = reader.fields(limit, name, &["within"])?;
    match fields.take("within") {
        Some((_, time)) => reader.positive(time, "a time"),
        None => {
            reader.tell("squall::missing", fields.span, "a limit is missing", "within: 10s");
            None
        }
    }
}
