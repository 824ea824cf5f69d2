//! Idempotency keys that are not the payments'.

use crate::{
    consumer::bank::Attempt,
    wire::gateway::{GatewayRequest, Payment},
};
use squall_probe::mix;

/// Keys by which nobody can recognise a repetition.
fn rekey(attempt: Attempt, payments: &mut [Payment]) {
    for payment in payments {
        let attempt = attempt.call << 32 | u64::from(attempt.number);
        payment.key = mix(mix(payment.order) ^ attempt);
    }
}

/// Each attempt at a payment has keys of its own.
pub(super) fn new_key_each_attempt(attempt: Attempt, request: &mut GatewayRequest) {
    if let GatewayRequest::Charge(payments) = request {
        rekey(attempt, payments);
    }
}

/// The keys were the connection's, not the payments'.
pub(super) fn new_key_each_connection(attempt: Attempt, request: &mut GatewayRequest) {
    if attempt.broke {
        new_key_each_attempt(attempt, request);
    }
}

/// Each call that gives money back has keys of its own.
pub(super) fn new_key_each_refund(attempt: Attempt, request: &mut GatewayRequest) {
    if let GatewayRequest::Refund(payments) = request
        && attempt.number == 1
    {
        rekey(attempt, payments);
    }
}
