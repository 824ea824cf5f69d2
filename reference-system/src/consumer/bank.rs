//! Paying: calls to the gateway, behind a circuit breaker, each repeated by one policy.

use crate::{
    breaker::Breaker,
    client::Rpc,
    defects::Defects,
    metrics::Metrics,
    retry::Backoff,
    wire::{GatewayReply, GatewayRequest, Payment},
};
use squall_probe::{EventId, Phase, What, name, record, signal};
use std::{io, time::Duration};

/// As records call the policy and the dependency.
pub const GATEWAY: &str = "gateway";

/// The wait before the second attempt.
pub const FIRST: Duration = Duration::from_millis(50);

/// The longest wait, before jitter.
pub const CAP: Duration = Duration::from_millis(800);

/// Attempts at one call; then it is given up.
pub const ATTEMPTS: u32 = 6;

/// How long the gateway may take to answer.
const TIMEOUT: Duration = Duration::from_millis(400);

/// The attempts are spent. Whether the gateway heard one of them is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

/// The way to the gateway. A consumer process has one.
#[derive(Debug)]
pub(super) struct Bank {
    rpc: Rpc,
    breaker: Breaker,
    calls: u64,
    /// A known mistake's keys.
    keys: u64,
    defects: Defects,
    metrics: Metrics,
}

impl Bank {
    pub(super) fn new(address: String, defects: &Defects, metrics: Metrics) -> Self {
        Self {
            rpc: Rpc::with(address, defects),
            breaker: Breaker::new(GATEWAY, defects.breaker_stuck_open),
            calls: 0,
            keys: 0,
            defects: defects.clone(),
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
            Ok(GatewayReply::Charged(outcomes)) if outcomes.len() == count => Ok(outcomes),
            Err(Exhausted) if self.defects.timeout_means_declined => Ok(vec![false; count]),
            _ => Err(Exhausted),
        }
    }

    /// Gives money back, each payment for an event.
    pub(super) async fn refund(&mut self, payments: Vec<(u64, Payment)>) -> Result<(), Exhausted> {
        let (events, payments): (Vec<u64>, Vec<Payment>) = payments.into_iter().unzip();
        if payments.is_empty() {
            return Ok(());
        }
        let payments = if self.defects.compensate_twice { self.rekey(payments) } else { payments };
        self.call(GatewayRequest::Refund(payments), &events).await.map(|_| ())
    }

    /// A known mistake: keys by which nobody can recognise a repetition.
    fn rekey(&mut self, payments: Vec<Payment>) -> Vec<Payment> {
        let fresh = |payment: Payment| {
            self.keys += 1;
            Payment {
                key: squall_probe::mix(self.keys ^ u64::from(self.calls as u32) << 32),
                ..payment
            }
        };
        payments.into_iter().map(fresh).collect()
    }

    async fn call(
        &mut self,
        request: GatewayRequest,
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
        let jitter = !self.defects.retry_no_jitter;
        let mut backoff =
            Backoff::with_jitter(FIRST, CAP, &format!("gateway {request_number}"), jitter);
        // The last attempt's connection broke.
        let mut broke = false;
        for number in 1..=ATTEMPTS {
            if number > 1 {
                signal("retried");
                self.metrics.retried();
                if self.defects.retry_hot_loop {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                } else {
                    backoff.wait().await;
                }
            }
            say(number, Phase::Invoke);
            if self.defects.breaker_never_opens {
                self.breaker = Breaker::new(GATEWAY, false);
            }
            if !self.breaker.admits() {
                say(number, Phase::Fail);
                continue;
            }
            record(What::Call { dependency, phase: Phase::Invoke });
            let rekeys = self.defects.new_key_each_attempt || self.defects.retry_drops_key && broke;
            let question = match &request {
                GatewayRequest::Charge(payments) if rekeys => {
                    GatewayRequest::Charge(self.rekey(payments.clone()))
                }
                other => other.clone(),
            };
            match self.rpc.ask("charge", question, TIMEOUT).await {
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
