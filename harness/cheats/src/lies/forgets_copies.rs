//! A server that knows a message again for five seconds, and takes a later copy for a new one. The twin knows it for
//! ever.

use crate::{
    cheat::{Cheat, Honesty},
    pipeline::{self, Rules},
};
use std::time::Duration;

pub const CHEAT: Cheat = Cheat {
    id: "forgets-copies",
    about: "its server takes a copy that comes after five seconds for a new message",
    breaks: &["idempotency", "no_duplicate_append"],
    serve: |node, honesty| Box::pin(pipeline::serve(node, rules(honesty))),
    client: |honesty| pipeline::client(rules(honesty)),
    inspect: |node, _| Box::pin(pipeline::inspect(node)),
};

fn rules(honesty: Honesty) -> Rules {
    match honesty {
        Honesty::Lies => Rules { remembers: Some(Duration::from_secs(5)), ..Rules::default() },
        Honesty::Honest => Rules::default(),
    }
}
