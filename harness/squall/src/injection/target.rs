//! Whom a fault hits.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A choice of nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// This one.
    Node(String),
    /// All of a role.
    Role(String),
    /// Who leads at the time.
    Leader,
    /// One replica that does not lead at the time.
    AnyFollower,
    /// All replicas that do not lead at the time.
    Followers,
    /// One of a role.
    Any(String),
    /// So many of a role.
    Some(u32, String),
    /// More than half of a role.
    Majority(String),
    /// As many of a role as leave a majority of it.
    Minority(String),
    /// All nodes.
    All,
    /// All of a zone.
    Zone(String),
    /// All of one of the zones.
    AnyZone,
    /// Each of these.
    Each(Vec<Target>),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => f.write_str(name),
            Self::Role(role) => write!(f, "every {role}"),
            Self::Leader => f.write_str("leader"),
            Self::AnyFollower => f.write_str("any follower"),
            Self::Followers => f.write_str("followers"),
            Self::Any(role) => write!(f, "any {role}"),
            Self::Some(count, role) => write!(f, "{count} of every {role}"),
            Self::Majority(role) => write!(f, "majority of every {role}"),
            Self::Minority(role) => write!(f, "minority of every {role}"),
            Self::All => f.write_str("all"),
            Self::Zone(zone) => write!(f, "zone {zone}"),
            Self::AnyZone => f.write_str("any zone"),
            Self::Each(targets) => {
                f.write_str("[")?;
                for (index, target) in targets.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{target}")?;
                }
                f.write_str("]")
            }
        }
    }
}
