//! What a producer decides.

use super::batch::{BUFFER, Numbering, Outcome, QUEUE, Queued};
use crate::{client::policy::ClientPolicy, wire::broker::BrokerRequest};

/// What is done about a batch whose outcome is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// It is sent, again if need be.
    Send,
    /// It is given up, and the next batch is sent.
    GiveUp,
    /// Nothing, for ever.
    Rest,
}

/// What a producer decides. By default it decides well.
#[derive(Clone, Copy, Debug)]
pub struct ProducerPolicy {
    pub(crate) client: ClientPolicy,
    /// The number of events that may wait to be sent; once they do, publishers wait.
    pub(crate) queue: usize,
    /// The number of bytes of payload that may be held, waiting or under way; then publishers wait.
    pub(crate) buffer: usize,
    /// What to do for the attempt of this number, from 1, at one batch.
    pub(crate) attempt: fn(u32) -> NextStep,
    /// What is sent when a request gets no answer, or the answer of a broker that cannot tell: what a broker can
    /// recognise as the same request.
    pub(crate) retry: fn(&mut Numbering, &[Queued], BrokerRequest) -> BrokerRequest,
    /// What is sent when brokers say that sequence numbers are missing before those of a batch; `None`: the same again.
    /// Whoever sends one request at a time has left none out: brokers have forgotten what they had acknowledged.
    pub(crate) out_of_sequence: fn(&mut Numbering, &[Queued]) -> Option<BrokerRequest>,
    /// How a publish ended whose outcome is open at the delivery timeout; `None` while nobody knows.
    pub(crate) overdue: fn() -> Option<Outcome>,
}

impl Default for ProducerPolicy {
    fn default() -> Self {
        Self {
            client: ClientPolicy::default(),
            queue: QUEUE,
            buffer: BUFFER,
            attempt: |_| NextStep::Send,
            retry: |_, _, request| request,
            // As a new producer (KIP-360). A broker takes all of a request or nothing, and what it takes it remembers: nothing
            // of this one is in a log that has forgotten what came before it, nor will what of it may still be under way be
            // taken, for it counts on from what is forgotten.
            out_of_sequence: |numbering, turn| Some(numbering.renewed(turn)),
            overdue: || None,
        }
    }
}
