//! What nodes say to each other: frames of postcard, requests and replies joined by an id.

use crate::{broker::Entry, domain::Effect};
use bytes::Bytes;
use omnipaxos::{ballot_leader_election::Ballot, messages::Message};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Kinds of message, for faults that act on some of them.
pub const MESSAGES: &[&str] = &[
    "publish",
    "publish_ack",
    "fetch",
    "deliver",
    "group",
    "group_ack",
    "replicate",
    "store",
    "store_ack",
    "charge",
    "charge_ack",
    "copy",
    "describe",
];

/// A record of a partition, as it is published and delivered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventData {
    /// Its identity.
    pub id: u64,
    /// The key by which order is kept.
    pub key: u32,
    /// What it says.
    pub payload: Bytes,
}

impl EventData {
    /// A hash of what it says, and of whom.
    #[must_use]
    pub fn content(&self) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.key.to_le_bytes());
        hasher.update(&self.payload);
        hasher.finalize()
    }
}

/// Events of one producer for one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The partition.
    pub partition: u32,
    /// The sequence number of the first event; the others follow.
    pub first_sequence: u64,
    /// The events.
    pub events: Vec<EventData>,
}

/// Where a new consumer group begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// With the first event.
    Earliest,
    /// With this offset of each partition.
    Offset(u64),
    /// With the first event of each partition that was appended at this time or later, in milliseconds since
    /// the Unix epoch.
    Time(u64),
}

/// Why an event is in a dead-letter queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reason {
    /// Nobody will ever understand it.
    Poison,
    /// Its attempts were spent; it can be redriven.
    Exhausted,
}

/// What a broker is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BrokerRequest {
    /// Append events.
    Publish {
        /// Who, and which life of it: sequence numbers begin anew with each.
        producer: String,
        /// At most one a partition.
        batches: Vec<Batch>,
    },
    /// Append events that a service makes of others, each once however often it is asked for.
    Emit {
        /// The events and their partitions.
        events: Vec<(u32, EventData)>,
    },
    /// Become or stay a member, and learn what is mine.
    Join {
        /// The group.
        group: String,
        /// The member.
        member: String,
        /// Where the group begins, if it is new.
        start: Start,
    },
    /// Be no member any more.
    Leave {
        /// The group.
        group: String,
        /// The member.
        member: String,
    },
    /// Give me events; and this is how far I am.
    Fetch {
        /// The group.
        group: String,
        /// The member.
        member: String,
        /// The generation in which the partitions are mine.
        generation: u64,
        /// Next offset wanted of each partition.
        positions: Vec<(u32, u64)>,
        /// Offsets to commit: everything below is done.
        commits: Vec<(u32, u64)>,
        /// At most so many.
        limit: u32,
    },
    /// Give me events, without a group. Any broker can answer.
    Read {
        /// Next offset wanted of each partition.
        positions: Vec<(u32, u64)>,
        /// At most so many.
        limit: u32,
    },
    /// Put events into the group's dead-letter queue.
    DeadLetter {
        /// The group.
        group: String,
        /// The member.
        member: String,
        /// Its generation.
        generation: u64,
        /// Where the events stand.
        places: Vec<(u32, u64)>,
        /// Why.
        reason: Reason,
    },
    /// Take events out of the group's dead-letter queue, to handle them again. Those that were taken and not
    /// told to be handled come again.
    Redrive {
        /// The group.
        group: String,
        /// The member.
        member: String,
        /// Its generation.
        generation: u64,
        /// Those that are handled now.
        handled: Vec<(u32, u64)>,
        /// At most so many.
        limit: u32,
    },
    /// Give me all of your log: mine is damaged.
    Copy,
    /// Can you serve clients?
    Health,
    /// Tell your state.
    Describe,
}

/// What a broker answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BrokerReply {
    /// The events are safe; where each stands, in the order of the request (unless it is not known yet).
    Published(Vec<(u32, u64)>),
    /// They never will be appended: too large.
    Refused(String),
    /// You are a member.
    Joined {
        /// The group's generation.
        generation: u64,
        /// Your partitions, with the committed offset of each.
        partitions: Vec<(u32, u64)>,
    },
    /// You are no member any more.
    Left,
    /// Events, in the order of each partition; and how many lie behind them.
    Events {
        /// Partition, offset, event.
        events: Vec<(u32, u64, EventData)>,
        /// Events that the reader has not seen with these.
        lag: u64,
        /// Which of them are in the group's dead-letter queue, or on their way out of it: they are seen to.
        dead: Vec<(u32, u64)>,
        /// When the last of them in each partition was appended, in milliseconds since the Unix epoch; only
        /// whoever reads without a group is told.
        times: Vec<(u32, u64)>,
    },
    /// The partitions have been dealt anew: join again.
    Rebalanced,
    /// The dead letters are safe.
    DeadLettered,
    /// These were taken out of the dead-letter queue for you.
    Redriven(Vec<(u32, u64, EventData)>),
    /// Ask the leader; this is it, if I know.
    NotLeader(Option<u64>),
    /// The sequence numbers leave a gap.
    OutOfOrder,
    /// All of my log.
    Copied(Box<Copied>),
    /// I can serve, or not.
    Healthy(bool),
    /// The state of each partition: end offset and digest; and whether I lead.
    Described {
        /// Partition, end offset, digest.
        partitions: Vec<(u32, u64, u64)>,
        /// I lead.
        leader: bool,
        /// Dead letters that wait to be redriven, over all groups.
        exhausted: u64,
        /// Events that groups with members have not committed, over all groups.
        uncommitted: u64,
    },
}

/// What a broker knows of the replicated log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Copied {
    /// The ballot it has promised.
    pub promise: Option<Ballot>,
    /// The ballot in which it accepted the log.
    pub accepted: Option<Ballot>,
    /// So much of it is decided.
    pub decided: u64,
    /// The log.
    pub entries: Vec<Entry>,
}

/// One effect to be applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Where the event stands.
    pub partition: u32,
    /// Where the event stands.
    pub offset: u64,
    /// The event.
    pub event: u64,
    /// What to do.
    pub effect: Effect,
    /// With it the event is done; otherwise it is a step on the way.
    pub done: bool,
}

/// What the store is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreRequest {
    /// From now on refuse older generations for these partitions.
    Fence {
        /// The group.
        group: String,
        /// The member that owns them now.
        member: String,
        /// The generation.
        generation: u64,
        /// The partitions.
        partitions: Vec<u32>,
    },
    /// Apply those that were not applied yet: effect and mark in one transaction.
    Apply {
        /// The group.
        group: String,
        /// Who asks.
        member: String,
        /// The generation under which the partitions are owned.
        generation: u64,
        /// The effects.
        items: Vec<Item>,
    },
    /// Apply whether applied before or not, and do not mark. (Only a defect asks for this.)
    ApplyUnmarked {
        /// The group.
        group: String,
        /// Who asks.
        member: String,
        /// The generation.
        generation: u64,
        /// The effects.
        items: Vec<Item>,
    },
    /// Which of these are done?
    Seen {
        /// The group.
        group: String,
        /// The events.
        events: Vec<u64>,
    },
    /// Mark these. (Only a defect asks for this.)
    Mark {
        /// The group.
        group: String,
        /// The events.
        events: Vec<u64>,
    },
    /// Tell your state.
    Describe,
}

/// What the store answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreReply {
    /// Done, and durable.
    Done,
    /// A newer generation owns a partition of these.
    Fenced,
    /// Which were marked, in the order of the request.
    Seen(Vec<bool>),
    /// The store's state.
    Described {
        /// Group, number of effects, digest.
        groups: Vec<(String, u64, u64)>,
        /// Items that are reserved, and neither shipped nor put back.
        reserved: i64,
        /// How many orders were shipped.
        shipped: u64,
    },
}

/// A payment: the order's number is its idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Tells repetitions from new payments.
    pub key: u64,
    /// The order.
    pub order: u64,
    /// How much, in cents.
    pub cents: u64,
}

/// What the payment gateway is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GatewayRequest {
    /// Charge those that were not charged yet.
    Charge(Vec<Payment>),
    /// Give back what was charged for these orders, if it was not given back yet.
    Refund(Vec<Payment>),
    /// Tell your state.
    Describe,
}

/// What the payment gateway answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GatewayReply {
    /// Which cards were charged, in the order of the request; the others were declined.
    Charged(Vec<bool>),
    /// Done.
    Refunded,
    /// How much was charged and not given back, and for how many orders.
    Described {
        /// In cents.
        cents: u64,
        /// How many.
        orders: u64,
    },
}

/// What brokers say to each other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum PeerMessage {
    /// A message of the consensus protocol.
    Consensus(Message<Entry>),
    /// I am here, and decided so far.
    Beat {
        /// Length of the decided log.
        decided: u64,
    },
}

/// A frame.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Frame<T> {
    /// A question or its answer.
    Call {
        /// Joins the two.
        id: u64,
        /// The question or the answer.
        body: T,
    },
    /// From a broker; numbered within the connection from 0.
    Peer {
        /// Who.
        from: u64,
        /// Which.
        number: u64,
        /// What.
        message: PeerMessage,
    },
}

/// To bytes, with a checksum behind them: TCP's own lets one damaged segment in some ten million pass.
pub fn encode<T: Serialize>(value: &T) -> Bytes {
    // Plain data into memory: it has no way to fail.
    let mut bytes = postcard::to_stdvec(value).unwrap_or_default();
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes.into()
}

thread_local! {
    /// A known mistake: checksums are not looked at.
    static UNCHECKED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Switches the known mistake on, for this thread.
pub fn leave_frames_unchecked() {
    UNCHECKED.with(|unchecked| unchecked.set(true));
}

/// From bytes; `None` if they are damaged or say nothing.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (body, checksum) = bytes.split_last_chunk()?;
    if !UNCHECKED.with(std::cell::Cell::get)
        && crc32fast::hash(body) != u32::from_le_bytes(*checksum)
    {
        return None;
    }
    postcard::from_bytes(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_is_refused_and_never_panics() {
        let request = Frame::Call {
            id: 7,
            body: BrokerRequest::Leave { group: "payment".into(), member: "consumer-1".into() },
        };
        let good = encode(&request);
        for cut in 0..good.len() {
            assert!(decode::<Frame<BrokerRequest>>(&good[..cut]).is_none());
        }
        for byte in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.to_vec();
                bad[byte] ^= 1 << bit;
                assert!(decode::<Frame<BrokerRequest>>(&bad).is_none());
            }
        }
    }
}
