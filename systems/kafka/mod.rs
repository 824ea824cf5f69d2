//! The Kafka protocol, through rskafka: one topic of one partition.
//!
//! A publish waits for all replicas in sync (`acks=all`, which rskafka always asks for). rskafka's own repetitions are off
//! (its backoff has a deadline of 0): it would repeat what it cannot know, and it has no idempotent producer by which a broker
//! could tell. What counts as which outcome:
//!
//! - ok: the leader has answered with an offset.
//! - fail: every attempt was refused: no leader was found or reached, or it answered with an error after which nothing was
//!   appended (`NOT_LEADER_OR_FOLLOWER`, `NOT_ENOUGH_REPLICAS`, …; <https://kafka.apache.org/protocol#protocol_error_codes>).
//! - info: an attempt was sent and not answered in time, or with any other error (`REQUEST_TIMED_OUT`,
//!   `NOT_ENOUGH_REPLICAS_AFTER_APPEND`, …). It is not repeated: a broker would take it for another one.
//!
//! In the end everything is read by offset, from the earliest up to the latest that the leader names.

mod metadata;

use crate::{
    address::{is_first_life, name_of, servers, setting},
    shared::Shared,
    speaker::{self, Broker, Entry, Event, Retries, Unacknowledged, event_of},
};
use rskafka::{
    BackoffConfig,
    chrono::DateTime,
    client::{
        Client, ClientBuilder,
        error::{Error, ProtocolError},
        partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling},
    },
    record::Record,
};
use std::{collections::BTreeMap, process::ExitCode, sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

/// Where brokers listen.
const PORT: u16 = 9092;

/// The topic.
const TOPIC: &str = "squall";

/// An attempt is not answered after this.
const TIMEOUT: Duration = Duration::from_secs(2);

/// No attempt is begun later than this after the first.
const RETRY_FOR: Duration = Duration::from_secs(10);

/// From one attempt, or question, to the next.
const PAUSE: Duration = Duration::from_millis(100);

/// How many bytes are asked for at once when everything is read.
const PAGE: i32 = 1 << 20;

/// A broker waits as long as this, in milliseconds, until it has something to answer.
const WAIT: i32 = 500;

pub(crate) fn main() -> ExitCode {
    speaker::main::<Kafka>()
}

struct Kafka {
    leader: Shared<PartitionClient>,
    retries: bool,
}

async fn in_time<T>(asked: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(TIMEOUT, asked).await.unwrap_or(Err(Error::Timeout))
}

async fn client() -> Result<Client, Error> {
    let brokers = servers().iter().map(|(_, address)| format!("{address}:{PORT}")).collect();
    let never = BackoffConfig { deadline: Some(Duration::ZERO), ..BackoffConfig::default() };
    in_time(ClientBuilder::new(brokers).backoff_config(never).build()).await
}

async fn partition() -> Result<PartitionClient, Error> {
    let client = client().await?;
    in_time(client.partition_client(TOPIC, 0, UnknownTopicHandling::Error)).await
}

/// What an error of a publish says of the record.
fn classified(error: &Error) -> Unacknowledged {
    let why = error.to_string();
    match error {
        // Its only attempt has failed.
        Error::RetryFailed(failed) => {
            match std::error::Error::source(failed).and_then(|source| source.downcast_ref()) {
                Some(error) => classified(error),
                None => Unacknowledged::Unknown(why),
            }
        }
        // The leader was looked for, and not reached.
        Error::Connection(_) => Unacknowledged::Refused(why),
        Error::ServerError {
            protocol_error:
                ProtocolError::NotLeaderOrFollower
                | ProtocolError::LeaderNotAvailable
                | ProtocolError::UnknownTopicOrPartition
                | ProtocolError::NotEnoughReplicas
                | ProtocolError::MessageTooLarge
                | ProtocolError::RecordListTooLarge
                | ProtocolError::FencedLeaderEpoch
                | ProtocolError::UnknownLeaderEpoch,
            ..
        } => Unacknowledged::Refused(why),
        _ => Unacknowledged::Unknown(why),
    }
}

impl Kafka {
    /// The connection to the leader, and its number.
    async fn partition(&self) -> Result<(Arc<PartitionClient>, usize), String> {
        let make = async |_| partition().await.map_err(|error| error.to_string());
        self.leader.get(|_| true, make).await
    }

    async fn set_up(&self) {
        let replicas = i16::try_from(servers().len()).unwrap_or(1);
        let mut said = String::new();
        loop {
            let made = async {
                let controller = client().await?.controller_client()?;
                let limit = i32::try_from(TIMEOUT.as_millis()).unwrap_or(i32::MAX);
                in_time(controller.create_topic(TOPIC, 1, replicas, limit)).await
            };
            // Somebody else may have made it: what counts is whether it has a leader.
            let made = made.await;
            if self.partition().await.is_ok() {
                return;
            }
            if let Err(error) = made
                && error.to_string() != said
            {
                said = error.to_string();
                eprintln!("the topic is not there yet: {said}");
            }
            sleep(PAUSE).await;
        }
    }
}

impl Broker for Kafka {
    async fn ready() -> Result<Self, String> {
        let retries = setting("SQUALL_RETRIES", "no") == "yes";
        let kafka = Self { leader: Shared::numbered_from(0), retries };
        if is_first_life() {
            kafka.set_up().await;
        }
        Ok(kafka)
    }

    async fn attempt(&self, event: &Event) -> Result<Option<u64>, Unacknowledged> {
        let (partition, number) = self.partition().await.map_err(Unacknowledged::Refused)?;
        let record = Record {
            key: None,
            value: Some(event.payload.clone().into_bytes()),
            headers: BTreeMap::new(),
            // Nothing here looks at a record's time.
            timestamp: DateTime::default(),
        };
        let sent = partition.produce(vec![record], Compression::NoCompression);
        match in_time(sent).await {
            Ok(offsets) => offsets
                .first()
                .and_then(|offset| u64::try_from(*offset).ok())
                .map(Some)
                .ok_or_else(|| Unacknowledged::Unknown("the answer names no offset".to_owned())),
            Err(error) => {
                self.leader.give_up(number).await;
                Err(classified(&error))
            }
        }
    }

    fn retries(&self) -> Retries {
        Retries { within: RETRY_FOR, pause: PAUSE, unknown: self.retries }
    }

    async fn read(&self) -> Result<Vec<Entry>, String> {
        let partition = partition().await.map_err(|error| error.to_string())?;
        let offset =
            async |at| in_time(partition.get_offset(at)).await.map_err(|error| error.to_string());
        let mut next = offset(OffsetAt::Earliest).await?;
        let end = offset(OffsetAt::Latest).await?;
        let mut entries = Vec::new();
        while next < end {
            let page = in_time(partition.fetch_records(next, 1..PAGE, WAIT)).await;
            let (page, _) = page.map_err(|error| format!("offset {next}: {error}"))?;
            let Some(last) = page.last() else {
                return Err(format!(
                    "the leader names {end} as the end, and has nothing at {next}"
                ));
            };
            next = last.offset + 1;
            for read in page {
                // What was appended after the end was named is read next time.
                if let Some(event) = read.record.value.as_deref().and_then(event_of)
                    && let Ok(offset) = u64::try_from(read.offset)
                    && read.offset < end
                {
                    entries.push((event, offset));
                }
            }
        }
        Ok(entries)
    }

    async fn leader(&self) -> Option<String> {
        for (_, address) in servers() {
            if let Some(host) = metadata::leader(&address, PORT, TOPIC).await {
                return name_of(&host);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rskafka::client::error::RequestContext;

    fn answered(protocol_error: ProtocolError) -> Unacknowledged {
        classified(&Error::ServerError {
            protocol_error,
            error_message: None,
            request: RequestContext::Topic(TOPIC.to_owned()),
            response: None,
            is_virtual: false,
        })
    }

    #[test]
    fn only_what_was_surely_not_appended_is_refused() {
        for refused in [ProtocolError::NotLeaderOrFollower, ProtocolError::NotEnoughReplicas] {
            let told = answered(refused);
            assert!(matches!(told, Unacknowledged::Refused(_)), "{told:?}");
        }
        for unknown in [
            ProtocolError::RequestTimedOut,
            ProtocolError::NotEnoughReplicasAfterAppend,
            ProtocolError::UnknownServerError,
        ] {
            let told = answered(unknown);
            assert!(matches!(told, Unacknowledged::Unknown(_)), "{told:?}");
        }
        assert!(matches!(classified(&Error::Timeout), Unacknowledged::Unknown(_)));
    }
}
