//! Between whom a fault acts, and on which messages.

use super::target::Target;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A choice of links.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Links {
    /// All of them.
    Every,
    /// Between these and the others, both ways.
    Isolate {
        /// Who.
        who: Target,
        /// Only from these.
        from: Option<Target>,
    },
    /// Between the two, both ways.
    Between(Target, Target),
    /// From the one to the other, and not back.
    OneWay {
        /// Who is not heard.
        from: Target,
        /// Who does not hear.
        to: Target,
    },
    /// Between two random halves of these, both ways.
    Halves(Target),
    /// Between a random majority of these and the rest of them, both ways.
    Majority(Target),
    /// Between two random halves of these, both ways; one of them sees both halves (Jepsen's bridge).
    Bridge(Target),
    /// Each of these sees a majority of them, and no two see the same (Jepsen's majorities ring).
    Ring(Target),
}

impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => f.write_str("every link"),
            Self::Isolate { who, from: None } => write!(f, "isolate {who}"),
            Self::Isolate { who, from: Some(from) } => write!(f, "isolate {who} from {from}"),
            Self::Between(a, b) => write!(f, "between {a} and {b}"),
            Self::OneWay { from, to } => write!(f, "from {from} to {to}"),
            Self::Halves(target) => write!(f, "halves of {target}"),
            Self::Majority(target) => write!(f, "majority of {target} from the rest"),
            Self::Bridge(target) => write!(f, "halves of {target} with a bridge"),
            Self::Ring(target) => write!(f, "majorities ring of {target}"),
        }
    }
}

/// Which messages, and how many of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Messages {
    /// The share of them, 0 to 1.
    pub share: f64,
    /// Their kinds; all if empty.
    pub on: Vec<String>,
    /// The links they travel.
    pub links: Links,
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = if self.on.is_empty() { "messages".to_owned() } else { self.on.join(", ") };
        write!(f, "{}% of {kinds} on {}", self.share * 100.0, self.links)
    }
}
