//! What brokers are asked and answer.

use super::{
    events::{Batch, EventData, Place, PlacedEvent, Start},
    groups::{Buried, Claim, Letter, Reason},
    peers::Copied,
};
use omnipaxos::ballot_leader_election::Ballot;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a broker is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BrokerRequest {
    /// Append events.
    Publish {
        /// The producer's name and a number for this life of it: sequence numbers begin anew with each.
        producer: Arc<str>,
        /// At most one a partition.
        batches: Vec<Batch>,
    },
    /// Append events that a service makes of others, each once however often it is asked for.
    Emit {
        /// The events and their partitions.
        events: Vec<(u32, EventData)>,
    },
    /// Become or stay a member, and learn which partitions are mine.
    Join {
        group: Arc<str>,
        member: Arc<str>,
        /// Where the group begins, if it is new.
        start: Start,
    },
    /// Be no member any more.
    Leave { group: Arc<str>, member: Arc<str> },
    /// Give me events; and this is how far I am.
    Fetch {
        claim: Claim,
        /// Next offset wanted of each partition.
        positions: Vec<Place>,
        /// Offsets to commit: everything below is done.
        commits: Vec<Place>,
        /// The largest number of events to answer with.
        limit: u32,
    },
    /// Give me events, without a group. Any broker can answer.
    Read {
        /// Next offset wanted of each partition.
        positions: Vec<Place>,
        /// The largest number of events to answer with.
        limit: u32,
    },
    /// Put these events into the group's dead-letter queue.
    DeadLetter { claim: Claim, letters: Vec<Letter>, reason: Reason },
    /// Take events out of the group's dead-letter queue, to handle them again. Those that were taken and not
    /// told to be handled come again.
    Redrive {
        claim: Claim,
        /// Those that were taken before and are handled now.
        handled: Vec<Letter>,
        /// The largest number of events to take.
        limit: u32,
    },
    /// Give me all of your log: mine is damaged.
    Copy,
    /// I begin anew: what I sent before, and you have not heard yet, is void. How old has my log been, as far as you
    /// have heard?
    Heard {
        /// My number.
        by: u64,
    },
    /// Can you serve clients?
    Health,
    /// Tell your state.
    Describe,
}

/// What a broker answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BrokerReply {
    /// The events are safe; where each stands, in the order of the request (unless it is not known any more).
    Published(Vec<Place>),
    /// They never will be appended: too large.
    Refused(String),
    /// You are a member.
    Joined {
        generation: u64,
        /// Your partitions, with the committed offset of each.
        partitions: Vec<Place>,
    },
    /// You are no member any more.
    Left,
    /// Events, in the order of each partition.
    Events {
        /// Partition, offset, event.
        events: Vec<PlacedEvent>,
        /// How many events lie behind these in the log, unread.
        lag: u64,
        /// Which of them have been in the group's dead-letter queue.
        buried: Vec<Buried>,
        /// The group has committed less than these positions: a commit was lost, or is under way.
        uncommitted: bool,
        /// For each partition the time at which the last of them was appended, in milliseconds since the Unix
        /// epoch; only whoever reads without a group is told.
        times: Vec<(u32, u64)>,
    },
    /// The partitions have been dealt anew: join again.
    Rebalanced,
    /// The dead letters are safe.
    DeadLettered,
    /// These were taken out of the dead-letter queue for you, each with how often it has been in it.
    Redriven(Vec<(PlacedEvent, u32)>),
    /// Ask the leader; this is it, if I know.
    NotLeader(Option<u64>),
    /// The sequence numbers leave a gap.
    OutOfOrder,
    /// All of my log.
    Copied(Box<Copied>),
    /// All of a log that is older than it should be: I look for another.
    CopiedOld(Box<Copied>),
    /// What I know that you may have forgotten.
    Heard {
        /// How often your log had been synced when I heard of it last; 0 if I have not.
        age: u64,
        /// The ballot that I have promised to follow.
        promise: Option<Ballot>,
    },
    /// Whether I can serve.
    Healthy(bool),
    /// My state.
    Described {
        /// Partition, end offset, digest.
        partitions: Vec<(u32, u64, u64)>,
        /// Whether I lead.
        leader: bool,
        /// Dead letters that wait to be redriven, over all groups.
        exhausted: u64,
        /// Events that groups with members have not committed, over all groups.
        uncommitted: u64,
    },
}
