//! Redis behind sentinels, through redis-rs: a stream (`XADD`), or a list (`RPUSH`).
//!
//! The master is asked of the sentinels whenever there is no connection, as "Guidelines for Redis clients with support for
//! Redis Sentinel" wants it (<https://redis.io/docs/latest/develop/reference/sentinel-clients/>). What counts as which
//! outcome:
//!
//! - ok: the master has answered; with `WAIT`, so many replicas have it, too.
//! - fail: every attempt was refused: no master was found or reached, or it answered with an error (`READONLY`,
//!   `NOREPLICAS`, `LOADING`, …), which Redis does before it changes anything.
//! - info: an attempt was sent and not answered, or `WAIT` counted too few replicas for ten seconds. It is not repeated:
//!   Redis would take it for another one.
//!
//! In the end everything is read from the master that all sentinels name, up to the length that it names.

use crate::{
    address::{is_first_life, name_of, own, servers, setting},
    shared::Shared,
    speaker::{self, Broker, Entry, Event, Retries, Unacknowledged, event_of},
};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, Value,
    aio::MultiplexedConnection,
    cmd,
    sentinel::{SentinelClient, SentinelServerType},
    streams::StreamRangeReply,
};
use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout},
};

/// As the sentinels call the group of servers.
const GROUP: &str = "squall";

/// How patient the sentinels are, in milliseconds.
const SENTINEL: [(&str, u32); 2] =
    [("down-after-milliseconds", 2_000), ("failover-timeout", 10_000)];

/// The key of the stream, or of the list.
const KEY: &str = "squall";

/// An attempt is not answered after this.
const TIMEOUT: Duration = Duration::from_secs(2);

/// No attempt is begun later than this after the first.
const RETRY_FOR: Duration = Duration::from_secs(10);

/// From one attempt, or question, to the next.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection on which a `PING` is not answered after this is given up.
const HEALTHY: Duration = Duration::from_millis(500);

/// How many entries are asked for at once when everything is read.
const PAGE: usize = 1_000;

pub(crate) fn main() -> ExitCode {
    speaker::main::<Redis>()
}

struct Redis {
    sentinels: Mutex<SentinelClient>,
    master: Shared<MultiplexedConnection>,
    /// A list, not a stream.
    list: bool,
    /// How many replicas must have it.
    wait: u32,
    retries: bool,
    /// How many attempts were made: what tells the entries of a list from each other.
    attempts: AtomicU64,
}

fn how() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(TIMEOUT))
        .set_response_timeout(Some(TIMEOUT))
}

/// A connection to one process, not to whom others name.
async fn connect(address: &str, port: u16) -> Result<MultiplexedConnection, RedisError> {
    let client = Client::open(format!("redis://{address}:{port}/"))?;
    client.get_multiplexed_async_connection_with_config(&how()).await
}

async fn ask<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    command: &Cmd,
) -> Result<T, RedisError> {
    command.query_async(connection).await
}

/// Where the master is, as one sentinel has it.
async fn named(sentinel: &str) -> Result<String, RedisError> {
    let mut connection = connect(sentinel, 26379).await?;
    let question = cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(GROUP).take();
    let (address, _): (String, u16) = ask(&mut connection, &question).await?;
    Ok(address)
}

/// Whether a sentinel knows all others and all replicas, each in step with the master.
async fn knows_all(sentinel: &str, count: usize) -> Result<bool, RedisError> {
    let mut connection = connect(sentinel, 26379).await?;
    let about = |what: &str| cmd("SENTINEL").arg(what).arg(GROUP).take();
    let replicas: Vec<BTreeMap<String, String>> = ask(&mut connection, &about("REPLICAS")).await?;
    let sentinels: Vec<BTreeMap<String, String>> =
        ask(&mut connection, &about("SENTINELS")).await?;
    let follows = |replica: &BTreeMap<String, String>| {
        replica.get("master-link-status").is_some_and(|status| status == "ok")
    };
    Ok(replicas.len() + 1 == count && replicas.iter().all(follows) && sentinels.len() + 1 == count)
}

/// Whether the first server has all others as its replicas.
async fn replicates(all: &[(String, String)]) -> Result<bool, RedisError> {
    let Some((_, first)) = all.first() else { return Ok(true) };
    let mut connection = connect(first, 6379).await?;
    let role: Vec<Value> = ask(&mut connection, &cmd("ROLE")).await?;
    let Some(Value::Array(replicas)) = role.get(2) else { return Ok(false) };
    Ok(replicas.len() + 1 == all.len())
}

/// Tells a sentinel who the master is. It asks at once who the replicas are, and then every ten seconds: told before they are
/// there, it would not know them for so long.
async fn monitor(sentinel: &str, all: &[(String, String)]) -> Result<(), RedisError> {
    let Some((_, first)) = all.first() else { return Ok(()) };
    let mut connection = connect(sentinel, 26379).await?;
    let quorum = all.len() / 2 + 1;
    let command = cmd("SENTINEL").arg("MONITOR").arg(GROUP).arg(first).arg(6379).arg(quorum).take();
    let () = ask(&mut connection, &command).await?;
    for (name, value) in SENTINEL {
        let command = cmd("SENTINEL").arg("SET").arg(GROUP).arg(name).arg(value).take();
        let () = ask(&mut connection, &command).await?;
    }
    Ok(())
}

/// One of the clients sets up what all need.
fn first_of_clients() -> bool {
    setting("SQUALL_INDEX", "1") == "1"
}

/// Where Redis has answered with an error, it has changed nothing.
fn classified(error: &RedisError) -> Unacknowledged {
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension => Unacknowledged::Refused(error.to_string()),
        _ => Unacknowledged::Unknown(error.to_string()),
    }
}

impl Redis {
    /// The connection to the master, and its number.
    async fn master(&self) -> Result<(MultiplexedConnection, usize), String> {
        let make = async |_| {
            let mut sentinels = self.sentinels.lock().await;
            match timeout(RETRY_FOR, sentinels.get_async_connection_with_config(&how())).await {
                Ok(connection) => connection.map_err(|error| error.to_string()),
                Err(_) => Err("the sentinels name nobody".to_owned()),
            }
        };
        let (master, number) = self.master.get(|_| true, make).await?;
        Ok((MultiplexedConnection::clone(&master), number))
    }

    /// A connection on which a question is not answered soon is given up before somebody sends a publish on it.
    async fn check_master(&self) {
        let Some((master, number)) = self.master.open().await else { return };
        let mut connection = MultiplexedConnection::clone(&master);
        let answer = timeout(HEALTHY, ask::<String>(&mut connection, &cmd("PING"))).await;
        if !matches!(answer, Ok(Ok(_))) {
            self.master.give_up(number).await;
        }
    }
}

impl Broker for Redis {
    async fn ready() -> Result<Self, String> {
        let all = servers();
        let urls: Vec<String> =
            all.iter().map(|(_, address)| format!("redis://{address}:26379/")).collect();
        let sentinels =
            SentinelClient::build(urls, GROUP.to_owned(), None, SentinelServerType::Master);
        let redis = Self {
            sentinels: Mutex::new(sentinels.map_err(|error| error.to_string())?),
            master: Shared::numbered_from(0),
            list: setting("SQUALL_TYPE", "stream") == "list",
            wait: setting("SQUALL_WAIT", "0").parse().map_err(|_| "SQUALL_WAIT is no number")?,
            retries: setting("SQUALL_RETRIES", "no") == "yes",
            attempts: AtomicU64::new(0),
        };
        if is_first_life() {
            while !replicates(&all).await.unwrap_or(false) {
                sleep(PAUSE).await;
            }
            if first_of_clients() {
                for (_, sentinel) in &all {
                    monitor(sentinel, &all).await.map_err(|error| error.to_string())?;
                }
            }
            for (_, sentinel) in &all {
                while !knows_all(sentinel, all.len()).await.unwrap_or(false) {
                    sleep(PAUSE).await;
                }
            }
        }
        Ok(redis)
    }

    async fn attempt(&self, event: &Event) -> Result<Option<u64>, Unacknowledged> {
        let (mut master, number) = self.master().await.map_err(Unacknowledged::Refused)?;
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        let mut pipe = redis::pipe();
        if self.list {
            let own = own();
            pipe.cmd("RPUSH").arg(KEY).arg(format!("{own} {attempt} {}", event.payload));
        } else {
            pipe.cmd("XADD").arg(KEY).arg("*").arg("event").arg(&event.payload);
        }
        pipe.ignore();
        if self.wait > 0 {
            pipe.cmd("WAIT").arg(self.wait).arg(1_000);
        }
        let answers = match pipe.query_async::<Vec<Value>>(&mut master).await {
            Ok(answers) => answers,
            Err(error) => {
                self.master.give_up(number).await;
                return Err(classified(&error));
            }
        };
        let mut have = match answers.first() {
            Some(Value::Int(replicas)) => u32::try_from(*replicas).unwrap_or_default(),
            _ => self.wait,
        };
        // It is written: what is asked again is only who has it.
        let began = Instant::now();
        while have < self.wait {
            if began.elapsed() > RETRY_FOR {
                let why = format!("{have} of {} replicas have it", self.wait);
                return Err(Unacknowledged::Unknown(why));
            }
            let wait = cmd("WAIT").arg(self.wait).arg(1_000).take();
            have = match ask(&mut master, &wait).await {
                Ok(replicas) => replicas,
                Err(error) => {
                    self.master.give_up(number).await;
                    return Err(Unacknowledged::Unknown(error.to_string()));
                }
            };
        }
        Ok(None)
    }

    fn retries(&self) -> Retries {
        Retries { within: RETRY_FOR, pause: PAUSE, unknown: self.retries }
    }

    async fn read(&self) -> Result<Vec<Entry>, String> {
        let mut master: Option<String> = None;
        for (name, sentinel) in servers() {
            let said = named(&sentinel).await;
            let said = said.map_err(|error| format!("the sentinel of {name}: {error}"))?;
            if master.as_ref().is_some_and(|master| *master != said) {
                return Err("the sentinels do not agree who is the master".to_owned());
            }
            master = Some(said);
        }
        let master = master.ok_or("there are no sentinels")?;
        let words = |error: RedisError| format!("the master at {master}: {error}");
        let mut connection = connect(&master, 6379).await.map_err(words)?;
        let role: Vec<Value> = ask(&mut connection, &cmd("ROLE")).await.map_err(words)?;
        if role.first() != Some(&Value::BulkString(b"master".to_vec())) {
            return Err(format!("{master}, whom the sentinels name, says that it is no master"));
        }
        let length = if self.list { "LLEN" } else { "XLEN" };
        let length = cmd(length).arg(KEY).take();
        let length: usize = ask(&mut connection, &length).await.map_err(words)?;
        let mut entries = Vec::new();
        let mut read = 0;
        if self.list {
            while read < length {
                let page = cmd("LRANGE").arg(KEY).arg(read).arg(read + PAGE - 1).take();
                let page: Vec<Vec<u8>> = ask(&mut connection, &page).await.map_err(words)?;
                if page.is_empty() {
                    break;
                }
                read += page.len();
                entries.extend(page.iter().filter_map(|element| element_of(element)));
            }
        } else {
            let mut from = "-".to_owned();
            while read < length {
                let page = cmd("XRANGE").arg(KEY).arg(&from).arg("+").arg("COUNT").arg(PAGE).take();
                let page: StreamRangeReply = ask(&mut connection, &page).await.map_err(words)?;
                let Some(last) = page.ids.last() else { break };
                from = format!("({}", last.id);
                read += page.ids.len();
                entries.extend(page.ids.iter().filter_map(|entry| {
                    let payload: Vec<u8> = entry.get("event")?;
                    Some((event_of(&payload)?, number_of(&entry.id)?))
                }));
            }
        }
        if read < length {
            return Err(format!("the master names {length} entries, and {read} were read"));
        }
        Ok(entries)
    }

    async fn leader(&self) -> Option<String> {
        self.check_master().await;
        for (_, sentinel) in servers() {
            if let Ok(Ok(address)) = timeout(TIMEOUT, named(&sentinel)).await {
                return name_of(&address);
            }
        }
        None
    }
}

/// The event of a list's element, and what tells the element from others: the process and its attempt.
fn element_of(element: &[u8]) -> Option<Entry> {
    let text = std::str::from_utf8(element).ok()?;
    let mut words = text.splitn(3, ' ');
    let own: u64 = words.next()?.parse().ok()?;
    let attempt: u64 = words.next()?.parse().ok()?;
    Some((event_of(words.next()?.as_bytes())?, (own << 32) | attempt))
}

/// The id of a stream's entry, which is a time in milliseconds and a number within it, as one number.
fn number_of(id: &str) -> Option<u64> {
    let (time, number) = id.split_once('-')?;
    Some((time.parse::<u64>().ok()? << 20) | number.parse::<u64>().ok()?)
}
