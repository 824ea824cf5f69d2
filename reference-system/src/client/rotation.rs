//! Asking whichever broker leads, and passing over those that fail.

use super::{policy::ClientPolicy, rpc::Rpc};
use crate::wire::broker::{BrokerReply, BrokerRequest};
use squall_probe::{Phase, What, name, record, signal};
use std::{io, time::Duration};

/// How long a broker may take to say that it is healthy.
const HEALTH: Duration = Duration::from_millis(150);

#[derive(Debug)]
struct Candidate {
    rpc: Rpc,
    failures: u32,
    /// Out of rotation: it is asked for its health before anything else.
    out: bool,
}

/// The brokers, of which one leads. Those that fail are taken out of rotation until they say that they are
/// healthy.
#[derive(Debug)]
pub(crate) struct Brokers {
    /// Whose way to the brokers it is, for records.
    client: String,
    brokers: Vec<Candidate>,
    current: usize,
    /// A leader was found at least once.
    found: bool,
    policy: ClientPolicy,
}

impl Brokers {
    /// `client` is unique in its process; `first` spreads who asks whom first.
    pub(crate) fn new(
        client: &str,
        addresses: &[String],
        first: usize,
        policy: ClientPolicy,
    ) -> Self {
        let candidate = |address: &String| Candidate {
            rpc: Rpc::new(address.clone(), policy),
            failures: 0,
            out: false,
        };
        let brokers: Vec<_> = addresses.iter().map(candidate).collect();
        let current = first % brokers.len().max(1);
        Self { client: client.to_owned(), brokers, current, found: false, policy }
    }

    /// Says that a broker has failed, or is well again.
    fn tell(&self, broker: usize, phase: Phase) {
        let Some(broker) = self.brokers.get(broker) else { return };
        let (client, server) = (name(&self.client), name(broker.rpc.address()));
        record(What::Asked { client, server, phase });
    }

    /// Asks whoever is thought to lead. If it does not, the next question goes elsewhere.
    ///
    /// # Errors
    /// No answer from a leader. Whether one heard the question is then unknown.
    pub(crate) async fn ask(
        &mut self,
        kind: &'static str,
        question: &BrokerRequest,
        within: Duration,
    ) -> io::Result<BrokerReply> {
        let count = self.brokers.len();
        let mut hops = 0;
        loop {
            if self.may_turn() && !self.is_healthy(self.current).await {
                self.turn_to(self.next_after(self.current));
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let asked = self.current;
            let broker = self.brokers.get_mut(asked).ok_or(io::ErrorKind::NotConnected)?;
            match broker.rpc.ask(kind, question, within).await {
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
                    self.found = true;
                    return Ok(reply);
                }
                Err(error) => {
                    broker.failures += 1;
                    if broker.failures >= self.policy.out_after && !broker.out {
                        broker.out = true;
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

    fn may_turn(&self) -> bool {
        (self.policy.looks_up_leader)(self.found)
    }

    fn turn_to(&mut self, next: usize) {
        if self.may_turn() {
            self.current = next;
        }
    }

    /// The next broker that is in rotation; just the next if none is.
    fn next_after(&self, asked: usize) -> usize {
        let count = self.brokers.len().max(1);
        let mut others = (1..count).map(|step| (asked + step) % count);
        others.find(|other| !self.brokers[*other].out).unwrap_or((asked + 1) % count)
    }

    /// Whether a broker is in rotation; one that is out is asked whether it is healthy again.
    async fn is_healthy(&mut self, index: usize) -> bool {
        let Some(broker) = self.brokers.get_mut(index) else { return true };
        if !broker.out {
            return true;
        }
        let answer = broker.rpc.ask("describe", &BrokerRequest::Health, HEALTH).await;
        let healthy = matches!(answer, Ok(BrokerReply::Healthy(true)));
        if healthy {
            broker.out = false;
            broker.failures = 0;
            signal("brought_back");
            self.tell(index, Phase::Ok);
        }
        healthy
    }
}
