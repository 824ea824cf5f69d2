//! Paying: calls to the gateway, behind a circuit breaker, each repeated by one policy.

use crate::{
    breaker::{Breaker, BreakerPolicy},
    client::{policy::ClientPolicy, rpc::Rpc},
    metrics::Metrics,
    retry::Backoff,
    wire::gateway::{GatewayReply, GatewayRequest, Payment},
};
use squall_probe::{EventId, Phase, What, name, record, signal};
use std::{io, time::Duration};

/// The name of the retry policy and of the dependency in records.
pub const GATEWAY: &str = "gateway";

/// The wait before the second attempt.
pub const FIRST: Duration = Duration::from_millis(50);

/// The longest wait, before jitter.
pub const CAP: Duration = Duration::from_millis(800);

/// The largest number of attempts at one call; then it is given up.
pub const ATTEMPTS: u32 = 6;

/// How long the gateway may take to answer.
const TIMEOUT: Duration = Duration::from_millis(400);

/// The attempts are spent. Whether the gateway heard one of them is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

/// One attempt at a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    /// Counts the calls of this process, from 1.
    pub(crate) call: u64,
    /// Counts the attempts at this call, from 1.
    pub(crate) number: u32,
    /// The connection broke in the attempt before.
    pub(crate) broke: bool,
}

/// What whoever calls the gateway decides. By default it decides well.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BankPolicy {
    pub(crate) breaker: BreakerPolicy,
    /// The waits between attempts, from the first wait, the longest one, and what they are for.
    pub(crate) backoff: fn(Duration, Duration, &str) -> Backoff,
    /// Gives the payments of an attempt their keys. They come with the orders' numbers.
    pub(crate) keys: fn(Attempt, &mut GatewayRequest),
    /// What to make of this number of charges when all attempts are spent and none was answered.
    pub(crate) unanswered: fn(usize) -> Result<Vec<bool>, Exhausted>,
}

impl Default for BankPolicy {
    fn default() -> Self {
        Self {
            breaker: BreakerPolicy::default(),
            backoff: Backoff::new,
            keys: |_, _| {},
            unanswered: |_| Err(Exhausted),
        }
    }
}

/// The way to the gateway. A consumer process has one.
#[derive(Debug)]
pub(super) struct Bank {
    rpc: Rpc,
    breaker: Breaker,
    calls: u64,
    policy: BankPolicy,
    metrics: Metrics,
}

impl Bank {
    pub(super) fn new(
        address: String,
        client: ClientPolicy,
        policy: BankPolicy,
        metrics: Metrics,
    ) -> Self {
        Self {
            rpc: Rpc::new(address, client),
            breaker: Breaker::new(GATEWAY, policy.breaker),
            calls: 0,
            policy,
            metrics,
        }
    }

    /// Charges customers, each for an event. Which were charged, in the order of the payments; the others were
    /// declined.
    pub(super) async fn charge(
        &mut self,
        payments: Vec<(u64, Payment)>,
    ) -> Result<Vec<bool>, Exhausted> {
        let (events, payments): (Vec<u64>, Vec<Payment>) = payments.into_iter().unzip();
        let count = payments.len();
        if count == 0 {
            return Ok(Vec::new());
        }
        match self.call(GatewayRequest::Charge(payments), &events).await {
            Ok(GatewayReply::Charged(charged)) if charged.len() == count => Ok(charged),
            Ok(_) => Err(Exhausted),
            Err(Exhausted) => (self.policy.unanswered)(count),
        }
    }

    /// Gives money back, each payment for an event.
    pub(super) async fn refund(&mut self, payments: Vec<(u64, Payment)>) -> Result<(), Exhausted> {
        let (events, payments): (Vec<u64>, Vec<Payment>) = payments.into_iter().unzip();
        if payments.is_empty() {
            return Ok(());
        }
        self.call(GatewayRequest::Refund(payments), &events).await.map(|_| ())
    }

    async fn call(
        &mut self,
        mut request: GatewayRequest,
        events: &[u64],
    ) -> Result<GatewayReply, Exhausted> {
        let (policy, dependency) = (name(GATEWAY), name(GATEWAY));
        self.calls += 1;
        let request_number = self.calls;
        for event in events.iter().copied().map(EventId) {
            record(What::Request { policy, request: request_number, event });
        }
        let say = |number, phase| {
            record(What::Attempt { policy, request: request_number, number, phase });
        };
        let mut backoff = (self.policy.backoff)(FIRST, CAP, &format!("gateway {request_number}"));
        let mut broke = false;
        for number in 1..=ATTEMPTS {
            if number > 1 {
                signal("retried");
                self.metrics.retried();
                backoff.wait().await;
            }
            say(number, Phase::Invoke);
            if !self.breaker.admits() {
                say(number, Phase::Fail);
                continue;
            }
            record(What::Call { dependency, phase: Phase::Invoke });
            (self.policy.keys)(Attempt { call: request_number, number, broke }, &mut request);
            match self.rpc.ask("charge", &request, TIMEOUT).await {
                Ok(reply) => {
                    record(What::Call { dependency, phase: Phase::Ok });
                    say(number, Phase::Ok);
                    self.breaker.succeeded();
                    self.metrics.breaker(self.breaker.state());
                    return Ok(reply);
                }
                Err(error) => {
                    let timed_out = error.kind() == io::ErrorKind::TimedOut;
                    broke = !timed_out;
                    let phase = if timed_out { Phase::Info } else { Phase::Fail };
                    record(What::Call { dependency, phase });
                    say(number, phase);
                    self.breaker.failed();
                    self.metrics.breaker(self.breaker.state());
                    self.metrics.failed();
                }
            }
        }
        signal("retries_exhausted");
        Err(Exhausted)
    }

    /// Whether there is a point in calling now. (Only a call can close a breaker: to wait until it is closed
    /// would be to wait for ever, where there is no other traffic.)
    pub(super) fn may_call(&self) -> bool {
        self.breaker.may_admit()
    }
}
