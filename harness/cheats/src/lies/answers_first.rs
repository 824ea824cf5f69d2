//! A server that answers for what it has read, and stores it a moment later if the connection still stands: else, it
//! thinks, it will be sent again. The twin answers for what it has stored.

use crate::{
    cheat::{Cheat, Honesty},
    pipeline::{self, Rules},
};

pub const CHEAT: Cheat = Cheat {
    id: "answers-first",
    about: "its server forgets what it answered for when the connection is reset",
    breaks: &["no_loss"],
    serve: |node, honesty| Box::pin(pipeline::serve(node, rules(honesty))),
    client: |honesty| pipeline::client(rules(honesty)),
    inspect: |node, _| Box::pin(pipeline::inspect(node)),
};

fn rules(honesty: Honesty) -> Rules {
    match honesty {
        Honesty::Lies => Rules { answers_first: true, ..Rules::default() },
        Honesty::Honest => Rules::default(),
    }
}
