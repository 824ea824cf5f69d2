//! A client that hangs after its first indeterminate answer: it never says how the publish ended, and takes nothing
//! more. The twin goes on asking.

use crate::{
    base::{self, ask},
    cheat::{Cheat, Honesty},
};
use squall::system::{Client, Event, LocalFuture, Outcome};
use std::rc::Rc;
use tokio::sync::Mutex;

pub const CHEAT: Cheat = Cheat {
    id: "hangs",
    about: "its client hangs after an indeterminate answer",
    breaks: &["progress"],
    client: |honesty| match honesty {
        Honesty::Lies => Box::<Hangs>::default(),
        Honesty::Honest => base::client(),
    },
    ..Cheat::BASE
};

#[derive(Default)]
struct Hangs(Rc<Mutex<()>>);

impl Client for Hangs {
    fn publish(&self, event: Event, early: Box<dyn FnOnce(String)>) -> LocalFuture<Outcome> {
        let turn = self.0.clone();
        Box::pin(async move {
            let _turn = turn.lock().await;
            if ask(event.id.0).await.is_some() {
                return Outcome::Ok(None);
            }
            early("no answer".to_owned());
            std::future::pending().await
        })
    }
}
