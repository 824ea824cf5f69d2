//! A client that gives up for good after one outage: whatever it is asked to publish later, it says at once that
//! nobody knows. The twin goes on asking.

use crate::{
    base::{self, ask},
    cheat::{Cheat, Honesty},
};
use squall::system::{Client, Event, LocalFuture, Outcome};
use std::{cell::Cell, rc::Rc};
use tokio::sync::Mutex;

pub const CHEAT: Cheat = Cheat {
    id: "gives-up",
    about: "its client gives up for good after one outage",
    breaks: &["progress"],
    client: |honesty| match honesty {
        Honesty::Lies => Box::<GivesUp>::default(),
        Honesty::Honest => base::client(),
    },
    ..Cheat::BASE
};

#[derive(Default)]
struct GivesUp {
    turn: Rc<Mutex<()>>,
    gave_up: Rc<Cell<bool>>,
}

impl Client for GivesUp {
    fn publish(&self, event: Event, _early: Box<dyn FnOnce(String)>) -> LocalFuture<Outcome> {
        let (turn, gave_up) = (self.turn.clone(), self.gave_up.clone());
        Box::pin(async move {
            let _turn = turn.lock().await;
            if !gave_up.get() && ask(event.id.0).await.is_some() {
                return Outcome::Ok(None);
            }
            gave_up.set(true);
            Outcome::Info("gave up".to_owned())
        })
    }
}
