//! A client that takes a reset for a failure, although what it had sent may have arrived. The twin sends again what was
//! not answered.

use crate::{
    cheat::{Cheat, Honesty},
    pipeline::{self, Rules},
};

pub const CHEAT: Cheat = Cheat {
    id: "reset-is-failure",
    about: "its client takes a reset connection for the failure of all that it has no answer for",
    breaks: &["no_phantom"],
    serve: |node, honesty| Box::pin(pipeline::serve(node, rules(honesty))),
    client: |honesty| pipeline::client(rules(honesty)),
    inspect: |node, _| Box::pin(pipeline::inspect(node)),
};

fn rules(honesty: Honesty) -> Rules {
    match honesty {
        Honesty::Lies => Rules { reset_is_failure: true, ..Rules::default() },
        Honesty::Honest => Rules::default(),
    }
}
