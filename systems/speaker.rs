//! The lines of JSON that a client program and squall speak (docs/live.md), the same for every broker.

use serde_json::{Value, json};
use std::{
    future::Future,
    io::{BufRead as _, Write as _},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio::{runtime::Builder, sync::mpsc, time::sleep};

/// What a client is asked to publish.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Its number.
    pub(crate) id: u64,
    /// What is published: its number, and what fills it up to its size.
    pub(crate) payload: String,
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
    /// Publishes an event; `unsure` is called when nobody knows yet and it goes on asking.
    fn publish(
        &self,
        event: &Event,
        unsure: &(dyn Fn() + Send + Sync),
    ) -> impl Future<Output = Outcome> + Send;
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

async fn publish<B: Broker>(broker: Arc<B>, event: Event) {
    let id = event.id;
    match broker.publish(&event, &|| say(&json!({ "unsure": id }))).await {
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
