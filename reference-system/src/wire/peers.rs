//! What brokers say to each other.

use super::log::Entry;
use omnipaxos::{ballot_leader_election::Ballot, messages::Message};
use serde::{Deserialize, Serialize};

/// A message from one broker to another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum PeerMessage {
    /// A message of the consensus protocol.
    Consensus {
        message: Message<Entry>,
        /// How often the sender's log had been synced by then, in all its lives. Should its disk go back in time, who
        /// has heard this knows.
        age: u64,
    },
    /// I am here.
    Beat {
        /// The length of the decided log; nobody uses it yet.
        decided: u64,
    },
}

/// What a broker knows of the replicated log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Copied {
    /// The ballot that it has promised to follow.
    pub promise: Option<Ballot>,
    /// The ballot in which it accepted the log.
    pub accepted: Option<Ballot>,
    /// The length of the part of `entries` that is decided.
    pub decided: u64,
    pub entries: Vec<Entry>,
}
