//! Asking: one connection, one question at a time, each with a deadline.

use crate::{
    Error,
    defects::Defects,
    wire::{
        self, BrokerReply, BrokerRequest, Frame, GatewayReply, GatewayRequest, StoreReply,
        StoreRequest,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use squall_probe::{
    Phase, What, name,
    net::{FrameReceiver, FrameSender, TcpStream},
    record, signal,
};
use std::{io, time::Duration};
use tokio::time::{Instant, timeout};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_millis(300);

/// A known mistake: waiting for ever.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// A connection to one address, made when it is needed.
#[derive(Debug)]
pub(crate) struct Rpc {
    address: String,
    connection: Option<(FrameSender, FrameReceiver)>,
    next: u64,
    patient: bool,
}

impl Rpc {
    pub(crate) fn new(address: String) -> Self {
        Self { address, connection: None, next: 0, patient: false }
    }

    /// A known mistake, if it is switched on: answers are waited for without a limit.
    pub(crate) fn with(address: String, defects: &Defects) -> Self {
        Self { patient: defects.no_request_timeout, ..Self::new(address) }
    }

    /// Asks, and waits for the answer to this very question: answers to earlier ones, which were
    /// given up or come twice, are passed over.
    ///
    /// # Errors
    /// No connection, no answer in time. Whether the question was heard is then unknown.
    pub(crate) async fn ask<Q: Serialize, A: DeserializeOwned>(
        &mut self,
        kind: &'static str,
        question: Q,
        within: Duration,
    ) -> io::Result<A> {
        let within = if self.patient { FOR_EVER } else { within };
        let answer = timeout(within, self.exchange(kind, question)).await;
        let answer = answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        if answer.is_err() {
            self.connection = None;
        }
        answer
    }

    async fn exchange<Q: Serialize, A: DeserializeOwned>(
        &mut self,
        kind: &'static str,
        question: Q,
    ) -> io::Result<A> {
        let (sender, receiver) = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let stream = timeout(CONNECT, TcpStream::connect(&self.address)).await??;
                none.insert(stream.into_frames())
            }
        };
        self.next += 1;
        let id = self.next;
        sender.send(kind, wire::encode(&Frame::Call { id, body: question })).await?;
        loop {
            let frame = receiver.recv().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            match wire::decode::<Frame<A>>(&frame) {
                Some(Frame::Call { id: answered, body }) if answered == id => return Ok(body),
                Some(_) => {}
                None => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }
}

/// So many failures in a row take a broker out of rotation.
pub const FAILURES: u32 = 2;

/// How long a broker may take to say that it is healthy.
const HEALTH: Duration = Duration::from_millis(150);

#[derive(Debug)]
struct Candidate {
    rpc: Rpc,
    failures: u32,
    /// Out of rotation, and asked for its health at that time.
    out: Option<Instant>,
}

/// The brokers, of which one leads. Those that fail are taken out of rotation until they say that they are
/// healthy.
#[derive(Debug)]
pub(crate) struct Brokers {
    /// Whose way to the brokers it is, for records.
    client: String,
    brokers: Vec<Candidate>,
    current: usize,
    /// Failures in a row that take a broker out of rotation.
    failures: u32,
    /// A known mistake: whoever led once is asked for ever.
    sticks: bool,
    stuck: bool,
}

impl Brokers {
    /// `client` is unique in its process; `first` spreads who asks whom first.
    pub(crate) fn new(client: &str, addresses: &[String], first: usize, defects: &Defects) -> Self {
        let candidate = |address: &String| Candidate {
            rpc: Rpc::with(address.clone(), defects),
            failures: 0,
            out: None,
        };
        let brokers: Vec<_> = addresses.iter().map(candidate).collect();
        let current = first % brokers.len().max(1);
        let failures = if defects.rotation_ignores_failures { u32::MAX } else { FAILURES };
        let client = client.to_owned();
        Self {
            client,
            brokers,
            current,
            failures,
            sticks: defects.sticks_to_dead_leader,
            stuck: false,
        }
    }

    /// Says that a broker has failed, or is well again.
    fn tell(&self, broker: usize, phase: Phase) {
        let Some(broker) = self.brokers.get(broker) else { return };
        let (client, server) = (name(&self.client), name(&broker.rpc.address));
        record(What::Asked { client, server, phase });
    }

    /// Asks whoever is thought to lead. If it does not, the next question goes elsewhere.
    ///
    /// # Errors
    /// No answer from a leader. Whether one heard the question is then unknown.
    pub(crate) async fn ask(
        &mut self,
        kind: &'static str,
        question: BrokerRequest,
        within: Duration,
    ) -> io::Result<BrokerReply> {
        let count = self.brokers.len();
        let mut hops = 0;
        loop {
            if !self.is_healthy(self.current).await {
                self.turn_to(self.next_after(self.current));
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let asked = self.current;
            let broker = self.brokers.get_mut(asked).ok_or(io::ErrorKind::NotConnected)?;
            match broker.rpc.ask(kind, question.clone(), within).await {
                Ok(BrokerReply::NotLeader(hint)) => {
                    if std::mem::take(&mut broker.failures) > 0 {
                        self.tell(asked, Phase::Ok);
                    }
                    let hint = hint
                        .and_then(|leader| usize::try_from(leader).ok()?.checked_sub(1))
                        .filter(|leader| *leader < count);
                    let next = hint.unwrap_or_else(|| self.next_after(asked));
                    self.turn_to(next);
                    hops += 1;
                    // A hint is followed at once; in a circle of hints, or without one, an election is
                    // under way, and asking faster does not make it faster.
                    if hint.is_none() || hops >= count {
                        return Err(io::ErrorKind::ConnectionRefused.into());
                    }
                }
                Ok(reply) => {
                    if std::mem::take(&mut broker.failures) > 0 {
                        self.tell(asked, Phase::Ok);
                    }
                    self.stuck = self.sticks;
                    return Ok(reply);
                }
                Err(error) => {
                    broker.failures += 1;
                    if broker.failures >= self.failures && broker.out.is_none() {
                        broker.out = Some(Instant::now());
                        signal("taken_out_of_rotation");
                    }
                    let timed_out = error.kind() == io::ErrorKind::TimedOut;
                    self.tell(asked, if timed_out { Phase::Info } else { Phase::Fail });
                    let next = self.next_after(asked);
                    self.turn_to(next);
                    return Err(error);
                }
            }
        }
    }

    fn turn_to(&mut self, next: usize) {
        if !self.stuck {
            self.current = next;
        }
    }

    /// The next broker that is in rotation; just the next if none is.
    fn next_after(&self, asked: usize) -> usize {
        let count = self.brokers.len().max(1);
        let mut others = (1..count).map(|step| (asked + step) % count);
        others.find(|other| self.brokers[*other].out.is_none()).unwrap_or((asked + 1) % count)
    }

    /// Whether a broker is in rotation; one that is out is asked whether it is healthy again.
    async fn is_healthy(&mut self, index: usize) -> bool {
        let Some(broker) = self.brokers.get_mut(index) else { return true };
        if broker.out.is_none() || self.stuck {
            return true;
        }
        let answer = broker.rpc.ask("describe", BrokerRequest::Health, HEALTH).await;
        let healthy = matches!(answer, Ok(BrokerReply::Healthy(true)));
        if healthy {
            broker.out = None;
            broker.failures = 0;
            signal("brought_back");
            self.tell(index, Phase::Ok);
        }
        healthy
    }
}

/// How long describing may take.
const DESCRIBE: Duration = Duration::from_secs(2);

fn unexpected(answer: impl std::fmt::Debug) -> Error {
    format!("an answer that was not asked for: {answer:?}").into()
}

/// What a broker says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerState {
    /// End offset and digest of each partition.
    pub partitions: Vec<(u32, u64, u64)>,
    /// It leads.
    pub leader: bool,
    /// Dead letters that wait to be redriven, over all groups.
    pub exhausted: u64,
    /// Events that groups with members have not committed, over all groups.
    pub uncommitted: u64,
}

/// Asks a broker for its state.
///
/// # Errors
/// No answer.
pub async fn describe_broker(address: &str) -> Result<BrokerState, Error> {
    let mut rpc = Rpc::new(address.to_owned());
    match rpc.ask("describe", BrokerRequest::Describe, DESCRIBE).await? {
        BrokerReply::Described { partitions, leader, exhausted, uncommitted } => {
            Ok(BrokerState { partitions, leader, exhausted, uncommitted })
        }
        other => Err(unexpected(other)),
    }
}

/// What the store says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreState {
    /// Group, number of effects, digest.
    pub groups: Vec<(String, u64, u64)>,
    /// Items that are reserved, and neither shipped nor put back.
    pub reserved: i64,
    /// How many orders were shipped.
    pub shipped: u64,
}

/// Asks the store for its state.
///
/// # Errors
/// No answer.
pub async fn describe_store(address: &str) -> Result<StoreState, Error> {
    let mut rpc = Rpc::new(address.to_owned());
    match rpc.ask("describe", StoreRequest::Describe, DESCRIBE).await? {
        StoreReply::Described { groups, reserved, shipped } => {
            Ok(StoreState { groups, reserved, shipped })
        }
        other => Err(unexpected(other)),
    }
}

/// Asks the gateway for how much was charged and not given back, in cents, and for how many orders.
///
/// # Errors
/// No answer.
pub async fn describe_gateway(address: &str) -> Result<(u64, u64), Error> {
    let mut rpc = Rpc::new(address.to_owned());
    match rpc.ask("describe", GatewayRequest::Describe, DESCRIBE).await? {
        GatewayReply::Described { cents, orders } => Ok((cents, orders)),
        other => Err(unexpected(other)),
    }
}

/// Asks a consumer's projection how many events it has taken in, and for its digest.
///
/// # Errors
/// No answer.
pub async fn describe_view(address: &str) -> Result<(u64, u64), Error> {
    let mut rpc = Rpc::new(address.to_owned());
    Ok(rpc.ask("describe", (), DESCRIBE).await?)
}

/// Reads the topic from `start` on into a new consumer group, and hands each event to `each` until nothing
/// new has come for a while. Returns how many there were.
///
/// # Errors
/// No broker leads, or the group was dealt anew.
pub async fn replay(
    brokers: &[String],
    group: &str,
    start: wire::Start,
    mut each: impl FnMut(u32, u64, &wire::EventData),
) -> Result<u64, Error> {
    let within = Duration::from_secs(1);
    let mut brokers = Brokers::new("replay", brokers, 0, &Defects::default());
    let (group, member) = (group.to_owned(), "replay".to_owned());
    let join = BrokerRequest::Join { group: group.clone(), member: member.clone(), start };
    let mut joined = None;
    for _ in 0..20 {
        if let Ok(BrokerReply::Joined { generation, partitions }) =
            brokers.ask("group", join.clone(), within).await
        {
            joined = Some((generation, partitions));
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let (generation, mut positions) = joined.ok_or("no broker leads")?;
    let (mut count, mut idle) = (0, 0);
    while idle < 3 {
        let fetch = BrokerRequest::Fetch {
            group: group.clone(),
            member: member.clone(),
            generation,
            positions: positions.clone(),
            commits: positions.clone(),
            limit: 256,
        };
        match brokers.ask("fetch", fetch, within).await {
            Ok(BrokerReply::Events { events, .. }) => {
                idle = if events.is_empty() { idle + 1 } else { 0 };
                for (partition, offset, event) in events {
                    each(partition, offset, &event);
                    count += 1;
                    for position in &mut positions {
                        if position.0 == partition {
                            position.1 = offset + 1;
                        }
                    }
                }
            }
            Ok(BrokerReply::Rebalanced) => return Err("another member took the group".into()),
            Ok(_) | Err(_) => idle += 1,
        }
    }
    let leave = BrokerRequest::Leave { group, member };
    let _ = brokers.ask("group", leave, within).await;
    Ok(count)
}
