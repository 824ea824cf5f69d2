//! The lines of JSON that a client program and squall speak (docs/live.md), the same for every broker.

use serde_json::{Value, json};
use std::{
    future::Future,
    io::{BufRead as _, Write as _},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio::{
    runtime::Builder,
    sync::mpsc,
    time::{Instant, sleep},
};

/// What a client is asked to publish.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Its number.
    pub(crate) id: u64,
    /// What is published: its number, and what fills it up to its size.
    pub(crate) payload: String,
}

/// How an attempt to publish ended that was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unacknowledged {
    /// It surely did not happen.
    Refused(String),
    /// Nobody knows.
    Unknown(String),
}

/// How attempts to publish are repeated. One that was refused always is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retries {
    /// None is begun later than this after the first.
    pub(crate) within: Duration,
    /// From one to the next.
    pub(crate) pause: Duration,
    /// So is one of which nobody knows whether it happened.
    pub(crate) unknown: bool,
}

/// What came of a publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It surely happened; at which place, if the broker says.
    Ok(Option<u64>),
    /// It surely did not, and never will.
    Fail(String),
    /// Nobody knows.
    Info(String),
}

/// An entry that a broker holds: the event, and what tells this copy of it from others.
pub(crate) type Entry = (u64, u64);

/// A client of a broker.
pub(crate) trait Broker: Sized + Send + Sync + 'static {
    /// Connects, and waits until the broker can take publishes.
    fn ready() -> impl Future<Output = Result<Self, String>> + Send;
    /// Publishes an event once. Where it went, if the broker says.
    fn attempt(
        &self,
        event: &Event,
    ) -> impl Future<Output = Result<Option<u64>, Unacknowledged>> + Send;
    /// How attempts are repeated.
    fn retries(&self) -> Retries;
    /// All that the broker holds, up to the end that it names itself.
    ///
    /// # Errors
    /// Why that end was not reached.
    fn read(&self) -> impl Future<Output = Result<Vec<Entry>, String>> + Send;
    /// Who leads, by the broker's own API.
    fn leader(&self) -> impl Future<Output = Option<String>> + Send;
}

/// From one question for the leader to the next.
const ASK_FOR_THE_LEADER: Duration = Duration::from_millis(100);

/// The event of a payload.
pub(crate) fn event_of(payload: &[u8]) -> Option<u64> {
    std::str::from_utf8(payload).ok()?.split(' ').next()?.parse().ok()
}

fn say(value: &Value) {
    let mut out = std::io::stdout().lock();
    // Who listens has gone: there is nobody to tell.
    let _ = writeln!(out, "{value}").and_then(|()| out.flush());
}

fn event(asked: &Value) -> Option<Event> {
    let id = asked.get("publish")?.as_u64()?;
    let size = usize::try_from(asked.get("size")?.as_u64()?).ok()?;
    Some(Event { id, payload: format!("{:<size$}", format!("{id} ")) })
}

/// The client program of a broker, until its standard input ends.
pub(crate) fn main<B: Broker>() -> ExitCode {
    let runtime = match Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(speak::<B>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn speak<B: Broker>() -> Result<(), String> {
    let (lines, mut asked) = mpsc::unbounded_channel::<String>();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    let broker = Arc::new(B::ready().await?);
    say(&json!({ "ready": true }));
    tokio::spawn(tell_leaders(broker.clone()));
    while let Some(line) = asked.recv().await {
        let Ok(asked) = serde_json::from_str::<Value>(&line) else { continue };
        if let Some(id) = asked.get("poison").and(asked.get("publish")) {
            let why = "a broker takes any payload: poison is for its consumers";
            say(&json!({ "fail": id, "why": why }));
        } else if let Some(event) = event(&asked) {
            tokio::spawn(publish(broker.clone(), event));
        } else if asked.get("read").is_some() {
            tokio::spawn(read(broker.clone()));
        }
    }
    Ok(())
}

/// Attempts until one is acknowledged. `unsure` is called once when nobody knows yet, and it goes on.
async fn attempts<B: Broker>(broker: &B, event: &Event, unsure: impl Fn() + Send) -> Outcome {
    let Retries { within, pause, unknown: repeats } = broker.retries();
    let began = Instant::now();
    let mut unknown = None;
    loop {
        let why = match broker.attempt(event).await {
            Ok(at) => return Outcome::Ok(at),
            Err(Unacknowledged::Refused(why)) => why,
            Err(Unacknowledged::Unknown(why)) if !repeats => return Outcome::Info(why),
            Err(Unacknowledged::Unknown(why)) => {
                if unknown.is_none() {
                    unsure();
                }
                unknown.get_or_insert(why).clone()
            }
        };
        if began.elapsed() > within {
            return unknown.map_or(Outcome::Fail(why), Outcome::Info);
        }
        sleep(pause).await;
    }
}

async fn publish<B: Broker>(broker: Arc<B>, event: Event) {
    let id = event.id;
    match attempts(broker.as_ref(), &event, || say(&json!({ "unsure": id }))).await {
        Outcome::Ok(Some(at)) => say(&json!({ "ok": id, "at": at })),
        Outcome::Ok(None) => say(&json!({ "ok": id })),
        Outcome::Fail(why) => say(&json!({ "fail": id, "why": why })),
        Outcome::Info(why) => say(&json!({ "info": id, "why": why })),
    }
}

async fn read<B: Broker>(broker: Arc<B>) {
    match broker.read().await {
        Ok(entries) => {
            for (event, at) in entries {
                say(&json!({ "entry": event, "at": at }));
            }
            say(&json!({ "end": true }));
        }
        Err(why) => say(&json!({ "end": false, "why": why })),
    }
}

async fn tell_leaders<B: Broker>(broker: Arc<B>) {
    let mut last = None;
    loop {
        if let Some(leader) = broker.leader().await
            && last.as_ref() != Some(&leader)
        {
            say(&json!({ "leader": leader }));
            last = Some(leader);
        }
        sleep(ASK_FOR_THE_LEADER).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// A broker of which each attempt ends as it was told, the last one again and again.
    struct Told(Mutex<Vec<Result<Option<u64>, Unacknowledged>>>, bool);

    impl Broker for Told {
        async fn ready() -> Result<Self, String> {
            Err("it is made by hand".to_owned())
        }
        async fn attempt(&self, _: &Event) -> Result<Option<u64>, Unacknowledged> {
            let mut left = self.0.lock().expect("nobody panics");
            if left.len() > 1 { left.remove(0) } else { left[0].clone() }
        }
        fn retries(&self) -> Retries {
            let (within, pause) = (Duration::from_millis(20), Duration::from_millis(1));
            Retries { within, pause, unknown: self.1 }
        }
        async fn read(&self) -> Result<Vec<Entry>, String> {
            Ok(Vec::new())
        }
        async fn leader(&self) -> Option<String> {
            None
        }
    }

    /// What comes of attempts that end so, and whether somebody was told that nobody knows.
    fn came(ends: &[Result<Option<u64>, Unacknowledged>], repeats: bool) -> (Outcome, bool) {
        let told = Told(Mutex::new(ends.to_vec()), repeats);
        let event = Event { id: 1, payload: "1 ".to_owned() };
        let unsure = Mutex::new(false);
        let mark = || *unsure.lock().expect("nobody panics") = true;
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        let outcome = runtime.block_on(attempts(&told, &event, mark));
        (outcome, unsure.into_inner().expect("nobody panics"))
    }

    #[test]
    fn what_nobody_knows_is_never_a_failure() {
        let refused = || Err(Unacknowledged::Refused("no".to_owned()));
        let unknown = || Err(Unacknowledged::Unknown("silence".to_owned()));
        let info = || Outcome::Info("silence".to_owned());
        assert_eq!(came(&[refused()], true), (Outcome::Fail("no".to_owned()), false));
        assert_eq!(came(&[refused(), Ok(Some(7))], false), (Outcome::Ok(Some(7)), false));
        assert_eq!(came(&[unknown(), refused()], true), (info(), true));
        assert_eq!(came(&[refused(), unknown()], false), (info(), false), "it is not repeated");
        assert_eq!(came(&[unknown(), Ok(None)], true), (Outcome::Ok(None), true));
    }

    #[test]
    fn a_payload_names_its_event_whatever_fills_it_up() {
        for size in [0, 2, 100] {
            let asked = json!({ "publish": 42, "key": 1, "size": size });
            let event = event(&asked).expect("it is a publish");
            assert_eq!(event_of(event.payload.as_bytes()), Some(42));
            assert!(event.payload.len() >= size);
        }
        assert_eq!(event_of(b"x"), None);
    }
}
