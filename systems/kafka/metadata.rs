//! Who leads the partition, as a broker tells it: rskafka knows, and does not say.
//!
//! One request of the protocol, `Metadata` in version 1 (<https://kafka.apache.org/protocol#The_Messages_Metadata>).

use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// A question is not answered after this.
const TIMEOUT: Duration = Duration::from_secs(2);

/// An answer is not larger than this, in bytes.
const LARGEST: usize = 1 << 20;

/// The host of the leader of a topic's first partition, as the broker at an address tells it.
pub(super) async fn leader(address: &str, port: u16, topic: &str) -> Option<String> {
    let asked = timeout(TIMEOUT, async {
        let mut stream = TcpStream::connect((address, port)).await.ok()?;
        stream.write_all(&request(topic)).await.ok()?;
        let size = usize::try_from(stream.read_i32().await.ok()?).ok()?;
        let mut answer = vec![0; size.min(LARGEST)];
        stream.read_exact(&mut answer).await.ok()?;
        leader_of(&mut Answer(&answer))
    });
    asked.await.ok()?
}

fn request(topic: &str) -> Vec<u8> {
    let mut body = Vec::new();
    // The request, its version, a number for the answer, no name of a client, and one topic.
    body.extend_from_slice(&3_i16.to_be_bytes());
    body.extend_from_slice(&1_i16.to_be_bytes());
    body.extend_from_slice(&0_i32.to_be_bytes());
    body.extend_from_slice(&(-1_i16).to_be_bytes());
    body.extend_from_slice(&1_i32.to_be_bytes());
    body.extend_from_slice(&(topic.len() as u16).to_be_bytes());
    body.extend_from_slice(topic.as_bytes());
    let mut all = (body.len() as u32).to_be_bytes().to_vec();
    all.extend(body);
    all
}

/// What is left of an answer.
struct Answer<'a>(&'a [u8]);

impl<'a> Answer<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
    fn int16(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }
    fn int32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }
    /// Without a length it is empty.
    fn string(&mut self) -> Option<&'a str> {
        let length = self.int16()?;
        std::str::from_utf8(self.take(usize::try_from(length).unwrap_or_default())?).ok()
    }
}

fn leader_of(answer: &mut Answer<'_>) -> Option<String> {
    let _number = answer.int32()?;
    let mut brokers = Vec::new();
    for _ in 0..answer.int32()? {
        let (node, host) = (answer.int32()?, answer.string()?);
        let (_port, _rack) = (answer.int32()?, answer.string()?);
        brokers.push((node, host));
    }
    let _controller = answer.int32()?;
    // One topic was asked for, and it has one partition.
    let (_topics, _error, _topic) = (answer.int32()?, answer.int16()?, answer.string()?);
    let (_internal, _partitions) = (answer.take(1)?, answer.int32()?);
    let (_error, _partition, leader) = (answer.int16()?, answer.int32()?, answer.int32()?);
    brokers.iter().find(|(node, _)| *node == leader).map(|(_, host)| (*host).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two brokers, and a topic with a partition whose leader is the second; as it stands in the protocol's description.
    fn answer(leader: i32) -> Vec<u8> {
        let mut all = Vec::new();
        let string = |all: &mut Vec<u8>, text: &str| {
            all.extend_from_slice(&(text.len() as u16).to_be_bytes());
            all.extend_from_slice(text.as_bytes());
        };
        all.extend_from_slice(&[0; 4]);
        all.extend_from_slice(&2_i32.to_be_bytes());
        for (node, host) in [(1_i32, "10.77.0.1"), (2, "10.77.0.2")] {
            all.extend_from_slice(&node.to_be_bytes());
            string(&mut all, host);
            all.extend_from_slice(&9092_i32.to_be_bytes());
            all.extend_from_slice(&(-1_i16).to_be_bytes());
        }
        all.extend_from_slice(&1_i32.to_be_bytes());
        all.extend_from_slice(&1_i32.to_be_bytes());
        all.extend_from_slice(&0_i16.to_be_bytes());
        string(&mut all, "squall");
        all.push(0);
        all.extend_from_slice(&1_i32.to_be_bytes());
        all.extend_from_slice(&0_i16.to_be_bytes());
        all.extend_from_slice(&0_i32.to_be_bytes());
        all.extend_from_slice(&leader.to_be_bytes());
        all
    }

    #[test]
    fn the_leader_is_named_by_its_host_and_what_is_cut_off_names_nobody() {
        assert_eq!(leader_of(&mut Answer(&answer(2))).as_deref(), Some("10.77.0.2"));
        assert_eq!(leader_of(&mut Answer(&answer(-1))), None);
        let whole = answer(1);
        for length in 0..whole.len() {
            assert_eq!(leader_of(&mut Answer(&whole[..length])), None, "{length}");
        }
    }
}
