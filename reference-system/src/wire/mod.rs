//! What nodes say to each other: frames of postcard with a checksum, requests and replies joined by an id.

pub(crate) mod broker;
pub(crate) mod events;
pub(crate) mod gateway;
pub(crate) mod groups;
pub(crate) mod log;
pub(crate) mod peers;
pub(crate) mod store;

pub use events::{EventData, Start};

use bytes::Bytes;
use peers::PeerMessage;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Kinds of message, for faults that act on some of them, and what each says.
pub const MESSAGES: &[(&str, &str)] = &[
    ("publish", "from a producer to a broker: take these events"),
    ("publish_ack", "from a broker to a producer: how their publish ended"),
    ("fetch", "from a consumer to a broker: give me what comes next"),
    ("deliver", "from a broker to a consumer: events"),
    (
        "group",
        "from a consumer to a broker: joining, staying in and leaving a group, commits, dead letters",
    ),
    ("group_ack", "from a broker to a consumer: what came of that"),
    ("replicate", "from broker to broker: the log, and votes"),
    ("store", "from a consumer to a store: make these effects durable"),
    ("store_ack", "from a store to a consumer: they are, or are not"),
    ("charge", "from a service to the gateway: take money, or give it back"),
    ("charge_ack", "from the gateway to a service: what came of that"),
    ("copy", "from broker to broker: a copy of the log for one that lost its own"),
    ("describe", "from the harness to a node: tell your state"),
];

/// A frame.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Frame<T> {
    /// A question or its answer.
    Call {
        /// The same in a question and its answer.
        id: u64,
        body: T,
    },
    /// From one broker to another.
    Peer {
        /// The sender's number.
        from: u64,
        /// Counts the frames of one connection, from 0.
        number: u64,
        message: PeerMessage,
    },
}

/// What is done with the checksum of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Checksums {
    /// A frame that does not fit its checksum is refused.
    #[default]
    Verified,
    Ignored,
}

/// To bytes, with a checksum behind them: TCP's own lets one damaged segment in some ten million pass.
pub(crate) fn encode<T: Serialize>(value: &T) -> Bytes {
    // Most are small, and need memory once.
    let mut buffer = [0; 2048];
    let long: Vec<u8>;
    let body: &[u8] = match postcard::to_slice(value, &mut buffer) {
        Ok(body) => body,
        Err(_) => {
            long = postcard::to_stdvec(value).expect("plain data is written to memory");
            &long
        }
    };
    let mut bytes = Vec::with_capacity(body.len() + size_of::<u32>());
    bytes.extend_from_slice(body);
    bytes.extend_from_slice(&crc32fast::hash(body).to_le_bytes());
    bytes.into()
}

/// From bytes; `None` if they are damaged or say nothing.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8], checksums: Checksums) -> Option<T> {
    let (body, checksum) = bytes.split_last_chunk()?;
    let verified = checksums == Checksums::Verified;
    if verified && crc32fast::hash(body) != u32::from_le_bytes(*checksum) {
        return None;
    }
    postcard::from_bytes(body).ok()
}

#[cfg(test)]
mod tests {
    use super::{broker::BrokerRequest, *};

    #[test]
    fn garbage_is_refused_and_never_panics() {
        let request = Frame::Call {
            id: 7,
            body: BrokerRequest::Leave { group: "payment".into(), member: "consumer-1".into() },
        };
        let good = encode(&request);
        let read = |bytes: &[u8]| decode::<Frame<BrokerRequest>>(bytes, Checksums::Verified);
        assert!(read(&good).is_some());
        for cut in 0..good.len() {
            assert!(read(&good[..cut]).is_none());
        }
        for byte in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.to_vec();
                bad[byte] ^= 1 << bit;
                assert!(read(&bad).is_none());
            }
        }
    }
}
