//! RabbitMQ, through lapin: a quorum queue, or a classic one.
//!
//! Each client has one connection, to its own server first and to the next one when that fails or does not confirm; lapin's
//! own recovery is off, as it is unless it is asked for. Messages are persistent, mandatory, and sent in confirm mode
//! (<https://www.rabbitmq.com/docs/confirms>). What counts as which outcome:
//!
//! - ok: RabbitMQ has confirmed it (`basic.ack`): "for persistent messages routed to durable queues, this means persisting to
//!   disk. For quorum queues, this means that a quorum of replicas have accepted and confirmed the message".
//! - fail: every attempt ended before anything was sent, or with `basic.return`: no queue took it.
//! - info: an attempt was sent, and answered with `basic.nack` ("the broker was unable to process it"), or not at all before
//!   the connection was closed or [`PATIENCE`] was over. It is not repeated: RabbitMQ would take it for another one.
//!
//! In the end everything is consumed without being acknowledged, and given back by closing the connection. Where the end is
//! RabbitMQ names twice: by the count that it answers to a passive declaration while there are no consumers, and by a message
//! of one's own that it has confirmed and that comes last. The count alone is none: 0 is answered
//! when the leader of a quorum queue cannot be asked. A queue has no positions: a header tells each attempt from all others.

mod management;

use crate::{
    address::{is_first_life, name_of, own, servers, setting},
    shared::Shared,
    speaker::{self, Broker, Entry, Event, Retries, Unacknowledged, event_of},
};
use futures_core::Stream;
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer, ErrorKind,
    message::Delivery,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
        ConfirmSelectOptions, QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable},
};
use std::{
    collections::BTreeMap,
    future::poll_fn,
    pin::Pin,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

/// The queue.
const QUEUE: &str = "squall";

/// The header that tells an attempt from all others of the run.
const ATTEMPT: &str = "attempt";

/// What the message says that is sent only to find the end of the queue.
const END: &str = "end";

/// A connection is not made after this.
const CONNECT: Duration = Duration::from_secs(5);

/// What was asked is not answered after this.
const ANSWER: Duration = Duration::from_secs(8);

/// An attempt is not confirmed after this: after a cut of 20 s TCP tries again only 25.4 s after the cut began, and the
/// servers of a quorum queue do not hear of each other sooner. Who repeats what was not confirmed waits [`ANSWER`].
const PATIENCE: Duration = Duration::from_secs(30);

/// No attempt is begun later than this after the first.
const RETRY_FOR: Duration = Duration::from_secs(40);

/// From one attempt, or question, to the next.
const PAUSE: Duration = Duration::from_millis(200);

/// A peer from which nothing came for twice as many seconds as this is gone. Below 5 false alarms are likely
/// (<https://www.rabbitmq.com/docs/heartbeats>).
const HEARTBEAT: u32 = 5;

/// How long nobody is asked for the leader. A server that is cut off goes on naming the old one: most of them count, so
/// that all are asked, and each answer takes a processor for some milliseconds.
const ASK_FOR_THE_LEADER: Duration = Duration::from_millis(400);

/// How many messages a reader may hold unacknowledged: the protocol has no larger number, and 0 means 2,000 to a quorum queue.
const MOST: u16 = u16::MAX;

/// How often a quorum queue hands a message out at most: who reads gives everything back, as often as it likes.
const DELIVERIES: i32 = 1_000_000;

pub(crate) fn main() -> ExitCode {
    speaker::main::<RabbitMq>()
}

type Link = (Connection, Channel);

struct RabbitMq {
    link: Shared<Link>,
    classic: bool,
    persistent: bool,
    mandatory: bool,
    confirms: bool,
    retries: bool,
    /// How many attempts were made.
    attempts: AtomicU64,
}

async fn in_time<T>(
    what: &str,
    long: Duration,
    asked: impl Future<Output = lapin::Result<T>>,
) -> Result<T, String> {
    match timeout(long, asked).await {
        Ok(answer) => answer.map_err(|error| format!("{what}: {error}")),
        Err(_) => Err(format!("{what}: no answer within {long:?}")),
    }
}

/// A connection to the server at an address, and a channel on it.
async fn connect(address: &str) -> Result<Link, String> {
    let uri = format!("amqp://guest:guest@{address}:5672/%2f?heartbeat={HEARTBEAT}");
    in_time(address, CONNECT, async {
        let connection = Connection::connect(&uri, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        Ok((connection, channel))
    })
    .await
}

async fn next(consumer: &mut Consumer) -> lapin::Result<Option<Delivery>> {
    poll_fn(|context| Pin::new(&mut *consumer).poll_next(context)).await.transpose()
}

impl RabbitMq {
    /// A connection with a channel, in confirm mode if confirms are wanted, and its number, which says to which server.
    async fn link(&self) -> Result<(Arc<Link>, usize), String> {
        let works = |(connection, channel): &Link| {
            connection.status().connected() && channel.status().connected()
        };
        let make = async |number: usize| {
            let servers = servers();
            let (_, address) = &servers[number % servers.len()];
            let (connection, channel) = connect(address).await?;
            if self.confirms {
                let selected = channel.confirm_select(ConfirmSelectOptions::default());
                in_time("confirm.select", CONNECT, selected).await?;
            }
            Ok((connection, channel))
        };
        self.link.get(works, make).await
    }

    fn properties(&self) -> BasicProperties {
        let attempt = (own() << 32) | self.attempts.fetch_add(1, Ordering::Relaxed);
        let mut headers = FieldTable::default();
        headers.insert(ATTEMPT.into(), AMQPValue::LongString(attempt.to_string().into()));
        BasicProperties::default()
            .with_delivery_mode(if self.persistent { 2 } else { 1 })
            .with_headers(headers)
    }

    async fn set_up(&self) -> Result<(), String> {
        let all = servers();
        for (_, address) in &all {
            while management::running(address).await != Ok(all.len()) {
                sleep(PAUSE).await;
            }
        }
        let mut arguments = FieldTable::default();
        if !self.classic {
            let size = i32::try_from(all.len()).map_err(|error| error.to_string())?;
            arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
            arguments.insert("x-quorum-initial-group-size".into(), AMQPValue::LongInt(size));
            arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(DELIVERIES));
        }
        // Who declares it has it on its own server, so that all clients ask the same one.
        let (_, first) = &all[0];
        loop {
            let (connection, channel) = connect(first).await?;
            let declared = channel.queue_declare(
                QUEUE.into(),
                QueueDeclareOptions::durable(),
                arguments.clone(),
            );
            let declared = in_time("queue.declare", RETRY_FOR, declared).await;
            // Closing it is a courtesy.
            let _ = connection.close(200, "".into()).await;
            match declared {
                Ok(_) => break,
                Err(why) => eprintln!("the queue is not there yet: {why}"),
            }
            sleep(PAUSE).await;
        }
        let members = if self.classic { 1 } else { all.len() };
        for (_, address) in &all {
            loop {
                match management::queue(address, QUEUE).await {
                    Ok(queue) if queue.online == members && queue.leader.is_some() => break,
                    _ => sleep(PAUSE).await,
                }
            }
        }
        Ok(())
    }

    /// Everything that the queue holds, on a connection that is closed then.
    async fn read_on(&self, channel: &Channel) -> Result<Vec<Entry>, String> {
        let selected = channel.confirm_select(ConfirmSelectOptions::default());
        in_time("confirm.select", CONNECT, selected).await?;
        let properties = self.properties();
        let own = properties.clone();
        let options = BasicPublishOptions { mandatory: true, immediate: false };
        let confirm =
            channel.basic_publish("".into(), QUEUE.into(), options, END.as_bytes(), properties);
        let confirm = async { confirm.await?.await };
        if in_time("the confirm of the end", ANSWER, confirm).await? != Confirmation::Ack(None) {
            return Err("the message that marks the end was not taken".to_owned());
        }
        let options = QueueDeclareOptions::durable().passive();
        let told = channel.queue_declare(QUEUE.into(), options, FieldTable::default());
        let told = in_time("queue.declare", ANSWER, told).await?;
        if told.consumer_count() > 0 {
            return Err("somebody consumes from the queue".to_owned());
        }
        let qos = channel.basic_qos(MOST, BasicQosOptions::default());
        in_time("basic.qos", CONNECT, qos).await?;
        let consumer = channel.basic_consume(
            QUEUE.into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let mut consumer = in_time("basic.consume", ANSWER, consumer).await?;
        let mut copies = BTreeMap::new();
        let mut entries = Vec::new();
        let mut read = 0;
        loop {
            let what = format!("message {} of {}", read + 1, told.message_count());
            let delivery = in_time(&what, ANSWER, next(&mut consumer)).await?;
            let delivery =
                delivery.ok_or(format!("{what}: RabbitMQ has cancelled the consumer"))?;
            read += 1;
            let attempt = attempt_of(&delivery.properties);
            if delivery.data == END.as_bytes() {
                let acked = delivery.acker.ack(BasicAckOptions::default());
                in_time("basic.ack", CONNECT, acked).await?;
                if attempt == attempt_of(&own) {
                    break;
                }
                continue;
            }
            let (Some(event), Some(attempt)) = (event_of(&delivery.data), attempt) else {
                return Err(format!("{what} is none of ours"));
            };
            // An attempt of which RabbitMQ itself made two messages is two entries.
            let copy: &mut u64 = copies.entry(attempt).or_default();
            entries.push((event, (attempt << 8) | *copy));
            *copy += 1;
        }
        if read != told.message_count() {
            return Err(format!(
                "the queue says that it holds {} messages, and {read} were read",
                told.message_count()
            ));
        }
        Ok(entries)
    }
}

/// The attempt that a message is of.
fn attempt_of(properties: &BasicProperties) -> Option<u64> {
    match properties.headers().as_ref()?.inner().get(ATTEMPT)? {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok()?.parse().ok(),
        _ => None,
    }
}

impl Broker for RabbitMq {
    async fn ready() -> Result<Self, String> {
        let is = |name, usual, other| setting(name, usual) == other;
        let index: usize = setting("SQUALL_INDEX", "1").parse().unwrap_or(1);
        let rabbit = Self {
            link: Shared::numbered_from(index.saturating_sub(1)),
            classic: is("SQUALL_QUEUE", "quorum", "classic"),
            persistent: is("SQUALL_PERSISTENT", "yes", "yes"),
            mandatory: is("SQUALL_MANDATORY", "yes", "yes"),
            confirms: is("SQUALL_CONFIRMS", "yes", "yes"),
            retries: is("SQUALL_RETRIES", "no", "yes"),
            attempts: AtomicU64::new(0),
        };
        if is_first_life() {
            rabbit.set_up().await?;
        }
        Ok(rabbit)
    }

    async fn attempt(&self, event: &Event) -> Result<Option<u64>, Unacknowledged> {
        use Unacknowledged::{Refused, Unknown};
        let (link, number) = self.link().await.map_err(Refused)?;
        let (_, channel) = &*link;
        let options = BasicPublishOptions { mandatory: self.mandatory, immediate: false };
        let sent = channel.basic_publish(
            "".into(),
            QUEUE.into(),
            options,
            event.payload.as_bytes(),
            self.properties(),
        );
        let confirm = sent.await.map_err(|error| match error.kind() {
            // It was looked at before anything was sent.
            ErrorKind::InvalidChannelState(..) => Refused(error.to_string()),
            _ => Unknown(error.to_string()),
        })?;
        let patience = if self.retries { ANSWER } else { PATIENCE };
        match in_time("the confirm", patience, confirm).await {
            Ok(Confirmation::Ack(None) | Confirmation::NotRequested) => Ok(None),
            Ok(Confirmation::Ack(Some(returned))) => Err(Refused(returned.reply_text.to_string())),
            Ok(Confirmation::Nack(_)) => Err(Unknown("basic.nack".to_owned())),
            Err(why) => {
                self.link.give_up(number).await;
                Err(Unknown(why))
            }
        }
    }

    fn retries(&self) -> Retries {
        Retries { within: RETRY_FOR, pause: PAUSE, unknown: self.retries }
    }

    async fn read(&self) -> Result<Vec<Entry>, String> {
        let mut why = "there are no servers".to_owned();
        for (_, address) in servers() {
            match connect(&address).await {
                Ok((connection, channel)) => {
                    let read = self.read_on(&channel).await;
                    // Whatever was handed out goes back.
                    let closed = connection.close(200, "".into());
                    in_time("connection.close", ANSWER, closed).await?;
                    return read;
                }
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    async fn leader(&self) -> Option<String> {
        sleep(ASK_FOR_THE_LEADER).await;
        let servers = servers();
        let mut asked = JoinSet::new();
        for (_, address) in servers.clone() {
            asked.spawn(async move { management::queue(&address, QUEUE).await });
        }
        let mut named: BTreeMap<String, usize> = BTreeMap::new();
        while let Some(answer) = asked.join_next().await {
            if let Ok(Ok(management::Queue { leader: Some(leader), .. })) = answer {
                *named.entry(leader).or_default() += 1;
            }
        }
        let most = named.iter().find(|(_, count)| **count * 2 > servers.len());
        most.and_then(|(leader, _)| name_of(leader))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_tells_the_attempt_and_what_has_none_is_not_ours() {
        let with = |value| {
            let mut headers = FieldTable::default();
            headers.insert(ATTEMPT.into(), value);
            attempt_of(&BasicProperties::default().with_headers(headers))
        };
        let largest = (50_999_u64 << 32) | 7;
        assert_eq!(with(AMQPValue::LongString(largest.to_string().into())), Some(largest));
        assert_eq!(with(AMQPValue::LongString("many".into())), None);
        assert_eq!(with(AMQPValue::LongInt(7)), None);
        assert_eq!(attempt_of(&BasicProperties::default()), None);
    }
}
