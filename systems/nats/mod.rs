//! NATS JetStream, through async-nats.
//!
//! A publish carries its event's number as `Nats-Msg-Id`, and is repeated with it until it is answered: the stream stores
//! it once within its window of two minutes (<https://docs.nats.io/using-nats/developer/develop_jetstream/model_deep_dive>,
//! "Message Deduplication"). What counts as which outcome:
//!
//! - ok: the stream's leader has acknowledged it (`PubAck`), or says that it is a duplicate of what it has.
//! - fail: every attempt was refused: no server took it (`no responders`), or the client itself did not send it.
//! - info: an attempt was sent and not answered in time.
//!
//! A stream of which the cluster says for two seconds that there is none is made again, as a service does that makes sure of
//! its stream when it starts: what comes after is published, what was before is lost.
//!
//! In the end everything is read by sequence number from the stream's leader, up to the last one that the leader names.

use crate::{
    address::{is_first_life, servers, setting},
    speaker::{self, Broker, Entry, Event, Retries, Unacknowledged, event_of},
};
use async_nats::{
    ConnectOptions,
    jetstream::{
        self, Context, ErrorCode,
        context::{GetStreamErrorKind, PublishErrorKind},
        message::PublishMessage,
        stream::{Config, Info, RawMessageErrorKind, StorageType, Stream},
    },
};
use std::{process::ExitCode, sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, Semaphore},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

/// The stream, and what its subjects begin with.
const STREAM: &str = "squall";

/// An attempt is not answered after this.
const ACK_TIMEOUT: Duration = Duration::from_secs(2);

/// No attempt is begun later than this after the first: longer than an election takes, and shorter than squall waits for an
/// answer (15 s).
const RETRY_FOR: Duration = Duration::from_secs(13);

/// From one attempt, or question, to the next.
const PAUSE: Duration = Duration::from_millis(100);

/// A stream of which the cluster says for as long as this that there is none is gone.
const GONE: Duration = Duration::from_secs(2);

/// How many messages are asked for at once when everything is read.
const READ_AHEAD: usize = 64;

pub(crate) fn main() -> ExitCode {
    speaker::main::<Nats>()
}

struct Nats {
    jetstream: Context,
    message_ids: bool,
    /// Since when the cluster has said that there is no stream.
    none_since: Mutex<Option<Instant>>,
}

impl Nats {
    /// What the stream's leader says of it; `None`: there is no such stream.
    async fn stream(&self) -> Result<Option<Stream>, String> {
        match timeout(ACK_TIMEOUT, self.jetstream.get_stream(STREAM)).await {
            Ok(Ok(stream)) => Ok(Some(stream)),
            Ok(Err(error)) => match error.kind() {
                GetStreamErrorKind::JetStream(error)
                    if error.error_code() == ErrorCode::STREAM_NOT_FOUND =>
                {
                    Ok(None)
                }
                _ => Err(error.to_string()),
            },
            Err(_) => Err("nobody answered a question for the stream".to_owned()),
        }
    }

    /// No server knows the stream: if that has been so for long, and the cluster says that there is none, it is made again.
    async fn look_for_it(&self) {
        let Ok(mut none_since) = self.none_since.try_lock() else { return };
        match self.stream().await {
            Ok(Some(_)) => *none_since = None,
            Ok(None) => {
                let since = *none_since.get_or_insert_with(Instant::now);
                if since.elapsed() > GONE {
                    eprintln!("there is no stream any more: it is made again");
                    self.set_up().await;
                    *none_since = None;
                }
            }
            // Nobody knows.
            Err(_) => {}
        }
    }

    async fn set_up(&self) {
        let replicas = servers().len();
        let config = Config {
            name: STREAM.to_owned(),
            subjects: vec![format!("{STREAM}.>")],
            num_replicas: replicas,
            storage: StorageType::File,
            ..Config::default()
        };
        let mut said = String::new();
        loop {
            match timeout(RETRY_FOR, self.jetstream.get_or_create_stream(config.clone())).await {
                Ok(Ok(mut stream)) => {
                    if stream.info().await.is_ok_and(|info| is_whole(info, replicas)) {
                        return;
                    }
                }
                Ok(Err(error)) if error.to_string() != said => {
                    said = error.to_string();
                    eprintln!("the stream is not there yet: {said}");
                }
                Ok(Err(_)) | Err(_) => {}
            }
            sleep(PAUSE).await;
        }
    }
}

/// Somebody leads, and all others follow.
fn is_whole(info: &Info, replicas: usize) -> bool {
    info.cluster.as_ref().is_some_and(|cluster| {
        cluster.leader.as_ref().is_some_and(|leader| !leader.is_empty())
            && cluster.replicas.iter().filter(|peer| peer.current && !peer.offline).count() + 1
                == replicas
    })
}

impl Broker for Nats {
    async fn ready() -> Result<Self, String> {
        let urls: Vec<String> =
            servers().iter().map(|(_, address)| format!("nats://{address}:4222")).collect();
        let client = ConnectOptions::new()
            .retry_on_initial_connect()
            .connection_timeout(ACK_TIMEOUT)
            .ping_interval(Duration::from_secs(2))
            .reconnect_delay_callback(|_| PAUSE)
            .connect(urls)
            .await
            .map_err(|error| error.to_string())?;
        let jetstream = jetstream::context::ContextBuilder::new()
            .timeout(ACK_TIMEOUT)
            .ack_timeout(ACK_TIMEOUT)
            .build(client);
        let message_ids = setting("SQUALL_MESSAGE_IDS", "yes") == "yes";
        let nats = Self { jetstream, message_ids, none_since: Mutex::new(None) };
        if is_first_life() {
            nats.set_up().await;
        }
        Ok(nats)
    }

    async fn attempt(&self, event: &Event) -> Result<Option<u64>, Unacknowledged> {
        let mut message = PublishMessage::build().payload(event.payload.clone().into());
        if self.message_ids {
            message = message.message_id(event.id.to_string());
        }
        let sent = self.jetstream.send_publish(format!("{STREAM}.events"), message).await;
        let answer = match sent {
            Ok(answer) => answer.await,
            Err(error) => Err(error),
        };
        let error = match answer {
            Ok(answer) => return Ok(Some(answer.sequence)),
            Err(error) => error,
        };
        Err(match error.kind() {
            PublishErrorKind::StreamNotFound => {
                self.look_for_it().await;
                Unacknowledged::Refused(error.to_string())
            }
            PublishErrorKind::MaxAckPending | PublishErrorKind::MaxPayloadExceeded => {
                Unacknowledged::Refused(error.to_string())
            }
            _ => Unacknowledged::Unknown(error.to_string()),
        })
    }

    fn retries(&self) -> Retries {
        Retries { within: RETRY_FOR, pause: PAUSE, unknown: true }
    }

    async fn read(&self) -> Result<Vec<Entry>, String> {
        let began = Instant::now();
        let stream = loop {
            match self.stream().await? {
                Some(stream) => break Arc::new(stream),
                None if began.elapsed() > GONE => {
                    eprintln!("there is no stream any more: it holds nothing");
                    return Ok(Vec::new());
                }
                None => sleep(PAUSE).await,
            }
        };
        let state = stream.cached_info().state.clone();
        let ahead = Arc::new(Semaphore::new(READ_AHEAD));
        let mut readers = JoinSet::new();
        for sequence in state.first_sequence.max(1)..=state.last_sequence {
            let permit = ahead.clone().acquire_owned().await.map_err(|error| error.to_string())?;
            let stream = stream.clone();
            readers.spawn(async move {
                let _permit = permit;
                match stream.get_raw_message(sequence).await {
                    Ok(message) => Ok(event_of(&message.payload).map(|event| (event, sequence))),
                    Err(error) => match error.kind() {
                        // A place that was given, and holds nothing.
                        RawMessageErrorKind::NoMessageFound => Ok(None),
                        _ => Err(format!("message {sequence} was not read: {error}")),
                    },
                }
            });
        }
        let mut entries = Vec::new();
        while let Some(read) = readers.join_next().await {
            entries.extend(read.map_err(|error| error.to_string())??);
        }
        entries.sort_unstable();
        if entries.len() as u64 != state.messages {
            return Err(format!(
                "the stream says that it holds {} messages, and {} were read",
                state.messages,
                entries.len()
            ));
        }
        Ok(entries)
    }

    async fn leader(&self) -> Option<String> {
        let stream = self.stream().await.ok()??;
        stream.cached_info().cluster.as_ref()?.leader.clone().filter(|leader| !leader.is_empty())
    }
}
