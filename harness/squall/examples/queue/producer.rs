//! A producer: one message after the other, each until it is answered.

use crate::wire::{Answer, Connection, Request};
use squall::system::{Client, Event, LocalFuture, Outcome};
use squall_probe::{signal, time::sleep};
use std::{rc::Rc, time::Duration};
use tokio::sync::Mutex;

/// Whoever has the lock has the turn: a queue keeps the order of what is sent one after the other.
#[derive(Default)]
pub struct Producer(Rc<Mutex<Option<Connection>>>);

/// Asks over the connection that there is, or a new one.
async fn ask(connection: &mut Option<Connection>, request: &Request) -> Option<Answer> {
    if connection.is_none() {
        *connection = Connection::open().await.ok();
    }
    let answer = connection.as_mut()?.ask(request).await;
    if answer.is_err() {
        *connection = None;
    }
    answer.ok()
}

impl Client for Producer {
    fn publish(&self, event: Event, early: Box<dyn FnOnce(String)>) -> LocalFuture<Outcome> {
        let turn = self.0.clone();
        Box::pin(async move {
            let mut connection = turn.lock().await;
            let request = Request::Publish {
                event: event.id.0,
                group: event.key,
                deduplication: event.id.0,
                poison: event.poison.is_some(),
            };
            let mut early = Some(early);
            for attempt in 0.. {
                if let Some(Answer::Done) = ask(&mut connection, &request).await {
                    return Outcome::Ok(None);
                }
                signal("retried");
                if attempt == 5
                    && let Some(early) = early.take()
                {
                    early("still no answer".to_owned());
                }
                sleep(Duration::from_millis(100)).await;
            }
            Outcome::Info("gave up".to_owned())
        })
    }
}
