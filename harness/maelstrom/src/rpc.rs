//! A client: asks a node one thing after the other.

use crate::{
    errors,
    journal::Journal,
    lines::clip,
    message::{Body, Message},
    network::Network,
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, mpsc::Receiver},
    time::{Duration, Instant},
};

/// A client of the network.
pub(crate) struct Client {
    name: String,
    network: Network,
    journal: Arc<Journal>,
    arriving: Receiver<Message>,
    next_id: u64,
}

/// Why there is no answer that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refused {
    /// None came in time.
    Timeout,
    /// The node is down: it was not even asked.
    Down,
    /// The node was killed before it answered.
    Killed,
    /// The node answered with an error.
    Error { code: i64, text: String },
    /// The answer is not what the protocol says.
    Malformed(String),
    /// The run is over before its time: nothing is known.
    Stopped,
}

impl Refused {
    /// The operation did not happen, and never will.
    pub(crate) fn definite(&self) -> bool {
        match self {
            Self::Error { code, .. } => errors::meaning(*code).definite,
            Self::Down => true,
            Self::Timeout | Self::Killed | Self::Malformed(_) | Self::Stopped => false,
        }
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Timeout => f.write_str("net-timeout"),
            Self::Down => f.write_str("the node is down"),
            Self::Killed => f.write_str("the node was killed before it answered"),
            Self::Error { code, text } => {
                write!(f, "{} ({code}): {}", errors::meaning(*code).name, clip(text))
            }
            Self::Malformed(text) => write!(f, "malformed-rpc-response: {text}"),
            Self::Stopped => f.write_str("the run was stopped"),
        }
    }
}

/// How often who waits looks whether it is worth it.
const LOOK: Duration = Duration::from_millis(50);

impl Client {
    pub(crate) fn new(name: &str, network: &Network, journal: &Arc<Journal>) -> Self {
        let arriving = network.client(name);
        let (network, journal) = (network.clone(), Arc::clone(journal));
        Self { name: name.to_owned(), network, journal, arriving, next_id: 0 }
    }

    /// Asks, and waits for the answer, whose type is that of the question and `_ok`.
    pub(crate) fn ask(
        &mut self,
        node: &str,
        mut body: Body,
        limit: Duration,
    ) -> Result<Message, Refused> {
        let Some(life) = self.network.life(node) else { return Err(Refused::Down) };
        self.next_id += 1;
        let id = self.next_id;
        body.insert("msg_id".to_owned(), json!(id));
        let asked = body.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let until = Instant::now() + limit;
        self.network.send(&self.name, Message::new(&self.name, node, body));
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Refused::Timeout);
            }
            if self.journal.hopeless() {
                return Err(Refused::Stopped);
            }
            // Looked at before the answers: what it sent before its end has arrived then.
            let killed = self.network.life(node) != Some(life);
            let Ok(answer) = self.arriving.recv_timeout(left.min(LOOK)) else {
                // As with a connection that breaks: nobody waits for who will never answer.
                if killed {
                    return Err(Refused::Killed);
                }
                continue;
            };
            // Others are answers to what it has given up, or nobody's.
            if answer.body.get("in_reply_to").and_then(Value::as_u64) == Some(id) {
                return checked(&asked, answer);
            }
        }
    }
}

fn checked(asked: &str, answer: Message) -> Result<Message, Refused> {
    if answer.kind() == "error" {
        let Some(code) = answer.body.get("code").and_then(Value::as_i64) else {
            let text = format!("an error has a `code`: {}", clip(&answer.line()));
            return Err(Refused::Malformed(text));
        };
        let text = answer.body.get("text").and_then(Value::as_str).unwrap_or_default();
        return Err(Refused::Error { code, text: text.to_owned() });
    }
    if answer.kind() != format!("{asked}_ok") {
        let text = format!("{asked}_ok was expected: {}", clip(&answer.line()));
        return Err(Refused::Malformed(text));
    }
    Ok(answer)
}

impl Drop for Client {
    fn drop(&mut self) {
        self.network.gone(&self.name);
    }
}
