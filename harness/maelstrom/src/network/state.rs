//! What the network knows, and what becomes of a message.

use super::{
    inbox::Inbox,
    rule::{Effect, Rule, RuleId},
};
use crate::{
    draws::{Draws, stream},
    errors,
    journal::Journal,
    lines::clip,
    message::{Body, Message},
    services::Service,
};
use serde_json::{Value, json};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
    sync::{Arc, mpsc::Sender},
    time::{Duration, Instant},
};

/// Who stands behind a name.
pub(super) enum Port {
    Node { inbox: Arc<Inbox>, paused: bool, waited: u64 },
    Client(Sender<Message>),
    Service(Box<dyn Service>, Draws),
    Gone,
}

impl Port {
    pub(super) fn service(service: Box<dyn Service>, seed: u64) -> Self {
        Self::Service(service, Draws::new(seed, stream::SERVICES))
    }
}

impl std::fmt::Debug for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Node { .. } => "node",
            Self::Client(_) => "client",
            Self::Service(..) => "service",
            Self::Gone => "gone",
        })
    }
}

/// A message on its way.
#[derive(Clone, Debug)]
struct Letter {
    message: Message,
    /// Who sent it, by its pipe.
    from: String,
    /// The number of the message on its link, from 1.
    number: u64,
    /// Rules that made it late: they have hit it when it arrives, those of the second kind only if it is overtaken.
    late: Vec<(RuleId, bool)>,
    /// There are two of it.
    doubled: bool,
}

/// A letter and when it arrives: order by time, and of one time by when it was sent.
#[derive(Debug)]
struct Due {
    at: Instant,
    order: u64,
    letter: Letter,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

#[derive(Debug, Default)]
struct Link {
    sent: u64,
    /// The highest number that has arrived.
    arrived: u64,
}

#[derive(Debug)]
pub(super) struct State {
    draws: Draws,
    latency: (u32, u32),
    journal: Arc<Journal>,
    /// Everybody who ever had a name.
    ports: BTreeMap<String, Port>,
    /// How often somebody of a name has gone.
    lives: BTreeMap<String, u64>,
    rules: BTreeMap<RuleId, Rule>,
    held: BTreeMap<RuleId, Vec<Letter>>,
    hits: BTreeMap<RuleId, u64>,
    links: BTreeMap<(String, String), Link>,
    due: BinaryHeap<Reverse<Due>>,
    order: u64,
    next_rule: u64,
    /// What services answered to requests whose copies are on their way.
    answered: BTreeMap<(String, String, u64), Body>,
    pub(super) lateness: Duration,
    pub(super) ended: bool,
}

impl State {
    pub(super) fn new(draws: Draws, latency: (u32, u32), journal: Arc<Journal>) -> Self {
        Self {
            draws,
            latency,
            journal,
            ports: BTreeMap::new(),
            lives: BTreeMap::new(),
            rules: BTreeMap::new(),
            held: BTreeMap::new(),
            hits: BTreeMap::new(),
            links: BTreeMap::new(),
            due: BinaryHeap::new(),
            order: 0,
            next_rule: 0,
            answered: BTreeMap::new(),
            lateness: Duration::ZERO,
            ended: false,
        }
    }

    #[cfg(test)]
    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(super) fn open(&mut self, name: &str, port: Port) {
        if matches!(port, Port::Gone) {
            *self.lives.entry(name.to_owned()).or_default() += 1;
        }
        self.ports.insert(name.to_owned(), port);
    }

    pub(super) fn clients(&self) -> Vec<String> {
        let clients = self.ports.iter().filter(|(_, port)| matches!(port, Port::Client(_)));
        clients.map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn sent(&self) -> u64 {
        self.links.values().map(|link| link.sent).sum()
    }

    pub(super) fn pause(&mut self, name: &str, pause: bool) {
        if let Some(Port::Node { paused, .. }) = self.ports.get_mut(name) {
            *paused = pause;
        }
    }

    pub(super) fn waited(&self, name: &str) -> u64 {
        match self.ports.get(name) {
            Some(Port::Node { waited, .. }) => *waited,
            _ => 0,
        }
    }

    pub(super) fn life(&self, name: &str) -> Option<u64> {
        let is_there = matches!(self.ports.get(name), Some(port) if !matches!(port, Port::Gone));
        is_there.then(|| self.lives.get(name).copied().unwrap_or(0))
    }

    pub(super) fn any_hit(&self) -> bool {
        self.hits.values().any(|hits| *hits > 0)
    }

    pub(super) fn hits(&self, id: RuleId) -> u64 {
        self.hits.get(&id).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, rule: Rule) -> RuleId {
        let id = RuleId(self.next_rule);
        self.next_rule += 1;
        if matches!(rule.effect, Effect::Cut | Effect::Hold) {
            let (touched, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.due)
                .into_iter()
                .partition(|Reverse(due)| due.letter.touched(&rule));
            self.due = rest.into();
            let mut touched: Vec<Due> = touched.into_iter().map(|Reverse(due)| due).collect();
            touched.sort();
            *self.hits.entry(id).or_default() += touched.len() as u64;
            if rule.effect == Effect::Hold {
                let letters = touched.into_iter().map(|due| due.letter);
                self.held.entry(id).or_default().extend(letters);
            }
        }
        self.rules.insert(id, rule);
        id
    }

    pub(super) fn remove(&mut self, id: RuleId) {
        self.rules.remove(&id);
        // What another rule cuts or holds meets it now.
        for letter in self.held.remove(&id).unwrap_or_default() {
            let touching = |wanted: Effect| {
                let mut rules = self.rules.iter();
                rules.find(|(_, r)| r.effect == wanted && letter.touched(r)).map(|(id, _)| *id)
            };
            if let Some(cut) = touching(Effect::Cut) {
                self.hit(cut);
            } else if let Some(hold) = touching(Effect::Hold) {
                self.hit(hold);
                self.held.entry(hold).or_default().push(letter);
            } else {
                self.schedule(letter, Duration::ZERO);
            }
        }
    }

    fn hit(&mut self, id: RuleId) {
        *self.hits.entry(id).or_default() += 1;
    }

    /// Takes a message from who sends it, and all that services answer to it.
    pub(super) fn send(&mut self, from: &str, message: Message) {
        let mut sent = VecDeque::from([(from.to_owned(), message)]);
        while let Some((from, message)) = sent.pop_front() {
            if let Some(answer) = self.route(from, message) {
                sent.push_back(answer);
            }
        }
    }

    /// Decides what becomes of a message. What arrives at a service at once gives its answer.
    fn route(&mut self, from: String, message: Message) -> Option<(String, Message)> {
        if self.ended {
            return None;
        }
        if !self.ports.contains_key(&message.dest) {
            return self.no_such_node(&from, &message);
        }
        if !self.ports.contains_key(&message.src) {
            let what = format!(
                "{from} says that it is `{}`, which is nobody: {}",
                clip(&message.src),
                clip(&message.line())
            );
            self.journal.trouble("malformed-message", &from, what);
            return None;
        }
        let link = self.links.entry((from.clone(), message.dest.clone())).or_default();
        link.sent += 1;
        let number = link.sent;
        let to = message.dest.clone();
        let mut letter = Letter { message, from, number, late: Vec::new(), doubled: false };
        let mut delay = self.latency(&letter);
        let mut copies = Vec::new();
        let touching: Vec<(RuleId, Effect)> = (self.rules.iter())
            .filter(|(_, rule)| letter.touched(rule))
            .map(|(id, rule)| (*id, rule.effect))
            .collect();
        let mut holds = None;
        for (id, effect) in touching {
            let draws = &mut self.draws;
            let mut drawn = |share: f64, min: u32, max: u32| {
                let happens = draws.happens(share);
                let ms = draws.between(min.into(), max.into());
                happens.then_some(millis(ms))
            };
            match effect {
                Effect::Cut => return self.lost(id, &letter, "cut"),
                Effect::Lose(share) => {
                    if drawn(share, 0, 0).is_some() {
                        return self.lost(id, &letter, "lost");
                    }
                }
                Effect::Hold => holds = Some(id),
                Effect::Delay(min, max, shape) => {
                    let place = shape.place(&mut self.draws);
                    delay += Duration::from_secs_f64(
                        (f64::from(min) + place * f64::from(max.saturating_sub(min))) / 1e3,
                    );
                    letter.late.push((id, false));
                }
                Effect::Late(share, min, max) | Effect::Reorder(share, min, max) => {
                    if let Some(more) = drawn(share, min, max) {
                        delay += more;
                        letter.late.push((id, matches!(effect, Effect::Reorder(..))));
                    }
                }
                Effect::Duplicate(share, min, max) => {
                    copies.extend(drawn(share, min, max).map(|more| (id, more)));
                }
            }
        }
        if let Some(id) = holds {
            self.journal.message(&letter.from, &letter.message, "held");
            self.hit(id);
            self.held.entry(id).or_default().push(letter);
            return None;
        }
        letter.doubled = !copies.is_empty();
        for (id, more) in copies {
            let late = vec![(id, false)];
            self.journal.message(&letter.from, &letter.message, "doubled");
            self.schedule(Letter { late, ..letter.clone() }, delay + more);
        }
        if delay.is_zero() && !self.waits_for_another(&letter.from, &to) {
            return self.arrive(letter);
        }
        self.schedule(letter, delay);
        None
    }

    /// Whether a message of this link that was due before now has not arrived yet: then the next must not come first.
    fn waits_for_another(&self, from: &str, to: &str) -> bool {
        let now = Instant::now();
        let some_are_due = self.due.peek().is_some_and(|Reverse(due)| due.at <= now);
        some_are_due
            && self.due.iter().any(|Reverse(due)| {
                due.at <= now && due.letter.from == from && due.letter.message.dest == to
            })
    }

    fn lost(&mut self, id: RuleId, letter: &Letter, how: &str) -> Option<(String, Message)> {
        self.journal.message(&letter.from, &letter.message, how);
        self.hit(id);
        None
    }

    fn latency(&mut self, letter: &Letter) -> Duration {
        let of_client = |name: &str| matches!(self.ports.get(name), Some(Port::Client(_) | Port::Gone) if name.starts_with('c'));
        if of_client(&letter.from) || of_client(&letter.message.dest) {
            return Duration::ZERO;
        }
        millis(self.draws.between(self.latency.0.into(), self.latency.1.into()))
    }

    fn schedule(&mut self, letter: Letter, delay: Duration) {
        self.order += 1;
        self.due.push(Reverse(Due { at: Instant::now() + delay, order: self.order, letter }));
    }

    /// Delivers what is due, and says when the next is.
    pub(super) fn deliver_due(&mut self) -> Option<Instant> {
        loop {
            let at = self.due.peek().map(|Reverse(due)| due.at)?;
            if at > Instant::now() {
                return Some(at);
            }
            let Reverse(due) = self.due.pop()?;
            if let Some((from, answer)) = self.arrive(due.letter) {
                self.send(&from, answer);
            }
        }
    }

    /// We should have been here at `planned`.
    pub(super) fn note_lateness(&mut self, planned: Instant) {
        self.lateness = self.lateness.max(Instant::now().saturating_duration_since(planned));
    }

    /// A message arrives, and a service answers.
    fn arrive(&mut self, letter: Letter) -> Option<(String, Message)> {
        let Letter { message, from, number, late, doubled } = letter;
        let link = self.links.entry((from.clone(), message.dest.clone())).or_default();
        let overtaken = link.arrived > number;
        link.arrived = link.arrived.max(number);
        for (id, by_order) in late {
            if overtaken || !by_order {
                self.hit(id);
            }
        }
        let dest = message.dest.clone();
        match self.ports.get_mut(&dest) {
            Some(Port::Node { inbox, paused, waited }) => {
                *waited += u64::from(*paused);
                self.journal.message(&from, &message, "arrived");
                if inbox.push(message.line(), message.kind() == "init").is_err() {
                    let what = format!(
                        "{dest} reads slower than others send: more waits for it than fits"
                    );
                    self.journal.trouble("flooded", &dest, what);
                }
                None
            }
            Some(Port::Client(client)) => {
                self.journal.message(&from, &message, "arrived");
                // A client that has just ended hears nothing.
                let _ = client.send(message);
                None
            }
            Some(Port::Service(service, draws)) => {
                self.journal.message(&from, &message, "arrived");
                // A service takes a request that comes twice for one, as a connection would: what it does is its
                // semantics, and the answer comes twice.
                let twin = (from.clone(), dest.clone(), number);
                let body = self.answered.remove(&twin).filter(|_| doubled);
                let is_first = body.is_none();
                let mut body = body.unwrap_or_else(|| service.answer(&from, &message.body, draws));
                if doubled && is_first {
                    self.answered.insert(twin, body.clone());
                }
                let id = message.body.get("msg_id")?;
                body.insert("in_reply_to".to_owned(), id.clone());
                let answer = Message::new(&dest, &message.src, body);
                Some((dest, answer))
            }
            Some(Port::Gone) | None => {
                self.journal.message(&from, &message, "nobody there");
                None
            }
        }
    }

    /// Told as what it is; whoever asked is told as well, as the protocol has it.
    fn no_such_node(&mut self, from: &str, message: &Message) -> Option<(String, Message)> {
        let what = format!(
            "{from} sent to `{}`, which does not exist: {}",
            clip(&message.dest),
            clip(&message.line())
        );
        self.journal.trouble("node-not-found", from, what);
        let id =
            message.body.get("msg_id").filter(|_| !message.body.contains_key("in_reply_to"))?;
        let mut body = Body::new();
        let text = format!("there is no node `{}`", clip(&message.dest));
        let fields: [(&str, Value); 4] = [
            ("type", json!("error")),
            ("in_reply_to", id.clone()),
            ("code", json!(errors::NODE_NOT_FOUND)),
            ("text", json!(text)),
        ];
        body.extend(fields.map(|(name, value)| (name.to_owned(), value)));
        let answer = Message::new(from, from, body);
        Some((from.to_owned(), answer))
    }
}

impl Letter {
    fn touched(&self, rule: &Rule) -> bool {
        rule.touches(&self.from, &self.message.dest, self.message.kind())
    }
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
