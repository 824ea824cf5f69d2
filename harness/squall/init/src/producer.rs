//! A producer: publishes jobs, and tells its caller how that ended.

use crate::wire::Connection;
use squall::system::{Client, Error, Event, LocalFuture, Outcome};

pub struct Producer;

impl Client for Producer {
    fn publish(&self, event: Event, _early: Box<dyn FnOnce(String)>) -> LocalFuture<Outcome> {
        Box::pin(async move {
            match publish(event.id.0).await {
                Ok(answer) if answer == "ok" => Outcome::Ok(None),
                Ok(answer) => Outcome::Info(answer),
                // A request without an answer may have arrived: this is never `Fail`.
                Err(error) => Outcome::Info(error.to_string()),
            }
        })
    }
}

async fn publish(job: u64) -> Result<String, Error> {
    Connection::open().await?.ask(&format!("publish {job}")).await
}
